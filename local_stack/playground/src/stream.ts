// The messages of a room as the table has them, kept up to date over a connection that loses, doubles and reorders what it carries.
//
// Every change of a row takes the next number of its stream, without gaps. An event is a hint that the stream moved on, never the
// content: what is shown comes from `since`, so an event that is lost, late, doubled or made up can cost a request, and can neither
// lose nor double a row. A connection that was away says nothing at all; whoever notices calls `catchUp`.

import { LATE_MS, Pause, delayAfter } from './pause';

/** A row of a stream: `seq` numbers the change that made it, `changed_seq` its latest one. */
export interface Numbered {
    readonly id: string;
    readonly seq: number;
    readonly changed_seq: number;
}

/** Rows that changed after a number, in their present state; `last_seq` is the number to ask with next. */
export interface Page<Row> {
    readonly messages: readonly Row[];
    readonly last_seq: number;
    readonly has_more: boolean;
}

/** What an event's number says: nothing new, the next change, one after a gap, or that it has no number. */
export type Verdict = 'known' | 'next' | 'gap' | 'unnumbered';

export interface StreamOptions<Row> {
    /** Asks the table what changed after a number. */
    since(after: number): Promise<Page<Row>>;
    /** Is called when there is something new to show. */
    changed(): void;
    /** Is told why a catch-up failed, and says whether to go on trying. */
    failed(error: unknown): boolean;
}

export class Stream<Row extends Numbered> {
    readonly #options: StreamOptions<Row>;
    readonly #rows = new Map<string, Row>();
    readonly #pause = new Pause();
    #sorted: readonly Row[] | undefined;
    #lastSeq = 0;
    /** Rows that were made before this number are history that nobody asked for yet. */
    #floor = 0;
    #wanted = false;
    /** The highest number that was heard and not found yet. */
    #promised = 0;
    #stopped = false;
    #running: Promise<void> | undefined;

    constructor(options: StreamOptions<Row>) {
        this.#options = options;
    }

    /** The rows that are loaded, in the order in which they were made. */
    get rows(): readonly Row[] {
        return (this.#sorted ??= [...this.#rows.values()].sort((a, b) => a.seq - b.seq));
    }

    /** Every change up to this number is in the rows. */
    get lastSeq(): number {
        return this.#lastSeq;
    }

    /** Whether the table has rows from before the first one here. */
    get hasEarlier(): boolean {
        return this.#floor > 0;
    }

    get(id: string): Row | undefined {
        return this.#rows.get(id);
    }

    /** Begins with the newest rows, read when the stream stood at `lastSeq` or later. */
    start(newest: readonly Row[], lastSeq: number, hasEarlier: boolean): void {
        this.#lastSeq = Math.max(this.#lastSeq, lastSeq);
        this.earlier(newest, hasEarlier);
    }

    /** Takes a page of history in. */
    earlier(rows: readonly Row[], hasEarlier: boolean): void {
        this.#floor = hasEarlier && rows.length > 0 ? Math.min(...rows.map(({ seq }) => seq)) : 0;
        this.#take(rows);
        this.#changed();
    }

    /** Hears the number that an event carries, and catches up when it is news. */
    heard(seq: unknown): Verdict {
        if (typeof seq !== 'number' || !Number.isSafeInteger(seq)) {
            return 'unnumbered';
        }
        if (seq <= this.#lastSeq) {
            return 'known';
        }
        const verdict = seq === this.#lastSeq + 1 ? 'next' : 'gap';
        this.#promised = Math.max(this.#promised, seq);
        void this.#catchUp();
        return verdict;
    }

    /** Takes in a row that the server returned for a call of our own. */
    put(row: Row): void {
        this.#take([row]);
        // One number is one change of one row: when it is the next one, nothing is missing in between.
        if (row.changed_seq === this.#lastSeq + 1) {
            this.#lastSeq = row.changed_seq;
        }
        this.#changed();
    }

    /**
     * Asks the table for everything after the last known number. Resolves when that is here, or when it was given up. One request at a
     * time: whoever asks meanwhile is served by one more when it is done, because the first may have read before what they heard of.
     */
    catchUp(): Promise<void> {
        // An event may not hurry a server that is failing; a person or a connection that is back may.
        this.#pause.end();
        return this.#catchUp();
    }

    /** Asks no more. */
    stop(): void {
        this.#stopped = true;
        this.#pause.end();
    }

    #catchUp(): Promise<void> {
        if (this.#stopped) {
            return Promise.resolve();
        }
        this.#wanted = true;
        return (this.#running ??= this.#run());
    }

    async #run(): Promise<void> {
        let failures = 0;
        this.#pause.reset();
        // Begins later, so that #running is set when it ends.
        await Promise.resolve();
        while (this.#wanted && !this.#stopped) {
            this.#wanted = false;
            try {
                await this.#readAll();
                failures = 0;
                if (!this.#wanted && this.#lastSeq < this.#promised) {
                    // The event overtook its row, or is made up: one more look tells.
                    this.#promised = 0;
                    this.#wanted = true;
                    await this.#pause.wait(LATE_MS);
                }
            } catch (error) {
                if (this.#stopped || !this.#options.failed(error)) {
                    break;
                }
                this.#wanted = true;
                failures += 1;
                await this.#pause.wait(delayAfter(failures));
            }
        }
        // In the same step as the last look at #wanted: who comes later starts a new run.
        this.#running = undefined;
    }

    async #readAll(): Promise<void> {
        for (;;) {
            const page = await this.#options.since(this.#lastSeq);
            if (this.#stopped) {
                return;
            }
            const hasProgress = page.last_seq > this.#lastSeq;
            this.#take(page.messages);
            this.#lastSeq = Math.max(this.#lastSeq, page.last_seq);
            this.#changed();
            if (!page.has_more) {
                return;
            }
            if (!hasProgress) {
                throw new Error('the stream does not move on');
            }
        }
    }

    #take(rows: readonly Row[]): void {
        for (const row of rows) {
            const held = this.#rows.get(row.id);
            // An answer that was read earlier may come later.
            const isNews = held ? row.changed_seq > held.changed_seq : row.seq >= this.#floor;
            if (isNews) {
                this.#rows.set(row.id, row);
            }
        }
    }

    #changed(): void {
        this.#sorted = undefined;
        this.#options.changed();
    }
}
