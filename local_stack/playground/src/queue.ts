// What a person did and the server is not yet known to have done. It survives a reload, is done in the order in which it was asked for, and
// again after an answer that got lost: whatever goes in here may be done twice.

import { Pause, delayAfter } from './pause';

/** Why something was refused for good, in plain words; null while it is on its way. */
export interface Refusable {
    readonly refusal: string | null;
}

/** What to do about a try that failed. */
export type Judgement = { readonly again: true; readonly afterMs?: number } | { readonly again: false; readonly words: string };

export interface QueueOptions<Item, Result> {
    readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
    readonly key: string;
    idOf(item: Item): string;
    /** Whether what the storage held is one: it may be of an earlier version of the page. */
    isItem(value: unknown): value is Item;
    send(item: Item): Promise<Result>;
    /** Takes what came of it; it is out of the queue by then. */
    done(item: Item, result: Result): void;
    judge(error: unknown): Judgement;
    /** Is told what was refused for good, and why. It stays in the queue. */
    refused?(item: Item, words: string): void;
    changed(): void;
}

export class Queue<Item extends Refusable, Result> {
    readonly #options: QueueOptions<Item, Result>;
    readonly #pause = new Pause();
    #items: readonly Item[];
    /** What is being sent: it may be done already, so nothing takes its place. */
    #current: string | undefined;
    #isRunning = false;
    #stopped = false;

    constructor(options: QueueOptions<Item, Result>) {
        this.#options = options;
        this.#items = this.#load();
    }

    get items(): readonly Item[] {
        return this.#items;
    }

    /** Writes it down and sends it as soon as it can be. What it makes needless, and is not being sent, goes. */
    add(item: Item, isNeedless: (held: Item) => boolean = () => false): void {
        const { idOf } = this.#options;
        this.#set([...this.#items.filter((held) => idOf(held) === this.#current || !isNeedless(held)), item]);
        this.flush();
    }

    /** Tries what was refused once more. */
    retry(id: string): void {
        this.#set(this.#items.map((item) => (this.#options.idOf(item) === id ? { ...item, refusal: null } : item)));
        this.flush();
    }

    /** Drops what was refused. */
    discard(id: string): void {
        this.#set(this.#items.filter((item) => this.#options.idOf(item) !== id || item.refusal === null));
    }

    /** The server has it: a try whose answer got lost may have done it. */
    arrived(id: string): void {
        if (this.#items.some((item) => this.#options.idOf(item) === id)) {
            this.#set(this.#items.filter((item) => this.#options.idOf(item) !== id));
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
        const { idOf, send, done, judge } = this.#options;
        let failures = 0;
        for (;;) {
            const item = this.#items.find(({ refusal }) => refusal === null);
            if (!item || this.#stopped) {
                this.#isRunning = false;
                return;
            }
            this.#current = idOf(item);
            try {
                const result = await send(item);
                // A successor may have taken over the storage. It sends this one again, under the same id.
                if (this.#stopped) {
                    return;
                }
                failures = 0;
                this.#current = undefined;
                this.#set(this.#items.filter((held) => idOf(held) !== idOf(item)));
                done(item, result);
            } catch (error) {
                if (this.#stopped) {
                    return;
                }
                this.#current = undefined;
                const judgement = judge(error);
                if (judgement.again) {
                    failures += 1;
                    await this.#pause.wait(judgement.afterMs ?? delayAfter(failures));
                } else {
                    this.#refuse(idOf(item), judgement.words);
                    this.#options.refused?.(item, judgement.words);
                }
            }
        }
    }

    #refuse(id: string, words: string): void {
        this.#set(this.#items.map((item) => (this.#options.idOf(item) === id ? { ...item, refusal: words } : item)));
    }

    #set(items: readonly Item[]): void {
        this.#items = items;
        const { storage, key } = this.#options;
        try {
            if (items.length > 0) {
                storage.setItem(key, JSON.stringify(items));
            } else {
                storage.removeItem(key);
            }
        } catch {
            // Storage that is full or forbidden costs the survival of a reload, not what is in here.
        }
        this.#options.changed();
    }

    #load(): readonly Item[] {
        const { storage, key, isItem } = this.#options;
        try {
            const found: unknown = JSON.parse(storage.getItem(key) ?? '[]');
            return Array.isArray(found) ? found.filter(isItem) : [];
        } catch {
            return [];
        }
    }
}
