// The table of a room and its RPCs as far as the stream and the outbox see them: a naive model of what the database does.

import type { Page } from '../src/stream';

export interface Row {
    readonly id: string;
    readonly seq: number;
    readonly changed_seq: number;
    readonly content: string;
    readonly client_id: string | null;
}

export class Table {
    readonly rows: Row[] = [];
    lastSeq = 0;

    insert(content: string, clientId: string | null = null): Row {
        const before = clientId === null ? undefined : this.rows.find((row) => row.client_id === clientId);
        if (before) {
            return before;
        }
        this.lastSeq += 1;
        const row = { id: `m${this.rows.length}`, seq: this.lastSeq, changed_seq: this.lastSeq, content, client_id: clientId };
        this.rows.push(row);
        return row;
    }

    change(index: number, content: string): Row {
        const row = this.rows[index];
        if (!row) {
            throw new Error('no such row');
        }
        this.lastSeq += 1;
        const changed = { ...row, content, changed_seq: this.lastSeq };
        this.rows[index] = changed;
        return changed;
    }

    /** `messages_since`, with small pages. */
    since(after: number, pageSize = 3): Page<Row> {
        const changed = this.rows.filter((row) => row.changed_seq > after).sort((a, b) => a.changed_seq - b.changed_seq);
        const page = changed.slice(0, pageSize);
        const has_more = changed.length > pageSize;
        return { messages: page, last_seq: has_more ? (page.at(-1)?.changed_seq ?? after) : this.lastSeq, has_more };
    }

    /** `get_messages`: the newest rows, newest first, from before a row. */
    newest(count: number, before = Infinity): Row[] {
        return this.rows.filter((row) => row.seq < before).slice(-count).reverse();
    }
}
