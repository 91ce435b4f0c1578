// The messages that were written and are not yet known to be stored. Each carries a `client_id` that stays the same over all tries, so that
// a message whose answer got lost is not stored twice.

import { Queue, type Judgement, type Refusable } from './queue';

export type { Judgement } from './queue';

/** A message on its way. */
export interface Draft extends Refusable {
    readonly client_id: string;
    readonly content: string;
    readonly reply_to: string | null;
    /** When it was written, in milliseconds. */
    readonly written_at: number;
}

export interface OutboxOptions<Row> {
    readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
    readonly key: string;
    send(draft: Draft): Promise<Row>;
    /** Takes the stored message; it is out of the outbox by then. */
    stored(row: Row): void;
    judge(error: unknown): Judgement;
    changed(): void;
}

export class Outbox<Row> {
    readonly #queue: Queue<Draft, Row>;

    constructor({ storage, key, send, stored, judge, changed }: OutboxOptions<Row>) {
        this.#queue = new Queue({
            storage,
            key,
            idOf: ({ client_id }) => client_id,
            isItem: isDraft,
            send,
            done: (_, row) => stored(row),
            judge,
            changed,
        });
    }

    get drafts(): readonly Draft[] {
        return this.#queue.items;
    }

    /** Writes a message down and sends it as soon as it can be. */
    add(content: string, replyTo: string | null = null): Draft {
        const draft: Draft = {
            client_id: crypto.randomUUID(),
            content,
            reply_to: replyTo,
            written_at: Date.now(),
            refusal: null,
        };
        this.#queue.add(draft);
        return draft;
    }

    /** Tries a refused message once more. */
    retry(clientId: string): void {
        this.#queue.retry(clientId);
    }

    /** Drops a refused message. */
    discard(clientId: string): void {
        this.#queue.discard(clientId);
    }

    /** The table has this message: it may have been stored by a try whose answer got lost. */
    arrived(clientId: string): void {
        this.#queue.arrived(clientId);
    }

    /** Sends what is there; without waiting for the next try when one is due later. */
    flush(): void {
        this.#queue.flush();
    }

    /** Sends no more. What is there stays in the storage. */
    stop(): void {
        this.#queue.stop();
    }
}

function isDraft(value: unknown): value is Draft {
    const draft = value as Partial<Draft> | null;
    return typeof draft?.client_id === 'string' && typeof draft.content === 'string';
}
