// The avatars of a room as the table has them. Events only say that it is time to look.

import { LATE_MS } from '../../pause';
import { isOpen, isUnsettled, type Conversation } from './conversation';

export interface ConversationsOptions {
    /** Reads the latest ones, newest first. */
    read(): Promise<readonly Conversation[]>;
    /** Asks for one. Tells the person when it is refused. */
    start(mood: string): Promise<unknown>;
    /** Asks for its end. The same. */
    end(id: string): Promise<unknown>;
    changed(): void;
    /** Is told why a reading failed. */
    failed(error: unknown): void;
}

export class Conversations {
    readonly #options: ConversationsOptions;
    #rows: readonly Conversation[] | undefined;
    #running: Promise<void> | undefined;
    #isWanted = false;
    #isStopped = false;
    #isAsking = false;
    #secondLook: ReturnType<typeof setTimeout> | undefined;

    constructor(options: ConversationsOptions) {
        this.#options = options;
    }

    /** Newest first; nothing while they were never read. */
    get rows(): readonly Conversation[] | undefined {
        return this.#rows;
    }

    /** The one that is here or on its way, or else the last one. */
    get latest(): Conversation | undefined {
        return this.#rows?.find(isOpen) ?? this.#rows?.[0];
    }

    /** Whether the latest one is about to change. */
    get isUnsettled(): boolean {
        return this.latest !== undefined && isUnsettled(this.latest);
    }

    /** Whether a start or an end has been asked for, and what came of it is not here yet. */
    get isAsking(): boolean {
        return this.#isAsking;
    }

    start(mood: string): Promise<void> {
        return this.#ask(() => this.#options.start(mood));
    }

    end(id: string): Promise<void> {
        return this.#ask(() => this.#options.end(id));
    }

    /** An event spoke of one: what it said can be read now, or an instant later. */
    heard(): void {
        void this.refresh();
        clearTimeout(this.#secondLook);
        this.#secondLook = setTimeout(() => void this.refresh(), LATE_MS);
    }

    /** Looks. One request at a time: whoever asks meanwhile is served by one more, because the first may have read too early. */
    refresh(): Promise<void> {
        if (this.#isStopped) {
            return Promise.resolve();
        }
        this.#isWanted = true;
        return (this.#running ??= this.#run());
    }

    stop(): void {
        this.#isStopped = true;
        clearTimeout(this.#secondLook);
    }

    /** The answer itself is not shown: it may come after a reading that is newer than it. */
    async #ask(pending: () => Promise<unknown>): Promise<void> {
        if (this.#isAsking) {
            return;
        }
        this.#isAsking = true;
        this.#options.changed();
        await pending();
        await this.refresh();
        this.#isAsking = false;
        this.#options.changed();
    }

    async #run(): Promise<void> {
        // Begins later, so that #running is set when it ends.
        await Promise.resolve();
        while (this.#isWanted && !this.#isStopped) {
            this.#isWanted = false;
            try {
                const rows = await this.#options.read();
                if (!this.#isStopped) {
                    this.#rows = rows;
                    this.#options.changed();
                }
            } catch (error) {
                this.#options.failed(error);
            }
        }
        this.#running = undefined;
    }
}
