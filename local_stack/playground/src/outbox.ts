// What was written and is not yet known to be stored. It survives a reload, goes out in the order in which it was written, and carries
// a `client_id` that stays the same over all tries, so that a message whose answer got lost is not stored twice.

import { Pause, delayAfter } from './pause';

/** A message on its way. */
export interface Draft {
    readonly client_id: string;
    readonly content: string;
    readonly reply_to: string | null;
    /** When it was written, in milliseconds. */
    readonly written_at: number;
    /** Why it was refused for good, in plain words; null while it is on its way. */
    readonly refusal: string | null;
}

/** What to do about a try that failed. */
export type Judgement = { readonly again: true; readonly afterMs?: number } | { readonly again: false; readonly words: string };

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
    readonly #options: OutboxOptions<Row>;
    readonly #pause = new Pause();
    #drafts: readonly Draft[];
    #isRunning = false;
    #stopped = false;

    constructor(options: OutboxOptions<Row>) {
        this.#options = options;
        this.#drafts = this.#load();
    }

    get drafts(): readonly Draft[] {
        return this.#drafts;
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
        this.#set([...this.#drafts, draft]);
        this.flush();
        return draft;
    }

    /** Tries a refused message once more. */
    retry(clientId: string): void {
        this.#set(this.#drafts.map((draft) => (draft.client_id === clientId ? { ...draft, refusal: null } : draft)));
        this.flush();
    }

    /** Drops a refused message. */
    discard(clientId: string): void {
        this.#set(this.#drafts.filter((draft) => draft.client_id !== clientId || draft.refusal === null));
    }

    /** The table has this message: it may have been stored by a try whose answer got lost. */
    arrived(clientId: string): void {
        if (this.#drafts.some((draft) => draft.client_id === clientId)) {
            this.#set(this.#drafts.filter((draft) => draft.client_id !== clientId));
        }
    }

    /** Sends what is there; without waiting for the next try when one is due later. */
    flush(): void {
        this.#pause.end();
        if (!this.#isRunning && !this.#stopped) {
            this.#isRunning = true;
            this.#pause.reset();
            void this.#run();
        }
    }

    /** Sends no more. What is there stays in the storage. */
    stop(): void {
        this.#stopped = true;
        this.#pause.end();
    }

    async #run(): Promise<void> {
        let failures = 0;
        for (;;) {
            const draft = this.#drafts.find(({ refusal }) => refusal === null);
            if (!draft || this.#stopped) {
                this.#isRunning = false;
                return;
            }
            try {
                const row = await this.#options.send(draft);
                // A successor may have taken over the storage. It sends this one again, under the same client_id.
                if (this.#stopped) {
                    return;
                }
                failures = 0;
                this.#set(this.#drafts.filter(({ client_id }) => client_id !== draft.client_id));
                this.#options.stored(row);
            } catch (error) {
                if (this.#stopped) {
                    return;
                }
                const judgement = this.#options.judge(error);
                if (judgement.again) {
                    failures += 1;
                    await this.#pause.wait(judgement.afterMs ?? delayAfter(failures));
                } else {
                    this.#refuse(draft, judgement.words);
                }
            }
        }
    }

    #refuse({ client_id }: Draft, words: string): void {
        this.#set(this.#drafts.map((draft) => (draft.client_id === client_id ? { ...draft, refusal: words } : draft)));
    }

    #set(drafts: readonly Draft[]): void {
        this.#drafts = drafts;
        const { storage, key } = this.#options;
        try {
            if (drafts.length > 0) {
                storage.setItem(key, JSON.stringify(drafts));
            } else {
                storage.removeItem(key);
            }
        } catch {
            // Storage that is full or forbidden costs the survival of a reload, not the message.
        }
        this.#options.changed();
    }

    #load(): readonly Draft[] {
        try {
            const found: unknown = JSON.parse(this.#options.storage.getItem(this.#options.key) ?? '[]');
            return Array.isArray(found) ? found.filter(isDraft) : [];
        } catch {
            return [];
        }
    }
}

function isDraft(value: unknown): value is Draft {
    const draft = value as Partial<Draft> | null;
    return typeof draft?.client_id === 'string' && typeof draft.content === 'string';
}
