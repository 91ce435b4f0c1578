// Who is writing right now. Nothing of it is kept anywhere: it is said while it is true, and believed for a few seconds.

/** A start is said again while the writing goes on. */
const REPEAT_MS = 3_000;
/** Writing that pauses for so long has stopped. */
const IDLE_MS = 4_000;
/** What was not said again for so long is not believed any more. */
const BELIEVED_MS = 7_000;

type Timer = ReturnType<typeof setTimeout>;

export interface TypingOptions {
    tell(event: 'typing-start' | 'typing-stop', payload: Record<string, unknown>): void;
    changed(): void;
}

export class Typing {
    readonly #options: TypingOptions;
    readonly #others = new Map<string, Timer>();
    #toldAt = 0;
    #idle: Timer | undefined;

    constructor(options: TypingOptions) {
        this.#options = options;
    }

    /** The user ids of the others who write. */
    get others(): readonly string[] {
        return [...this.#others.keys()];
    }

    /** I pressed a key. */
    mine(username: string): void {
        clearTimeout(this.#idle);
        this.#idle = setTimeout(() => this.done(), IDLE_MS);
        if (Date.now() - this.#toldAt > REPEAT_MS) {
            this.#toldAt = Date.now();
            this.#options.tell('typing-start', { username });
        }
    }

    /** I sent it, or gave up. */
    done(): void {
        clearTimeout(this.#idle);
        if (this.#toldAt > 0) {
            this.#toldAt = 0;
            this.#options.tell('typing-stop', {});
        }
    }

    started(userId: string): void {
        clearTimeout(this.#others.get(userId));
        this.#others.set(
            userId,
            setTimeout(() => this.stopped(userId), BELIEVED_MS),
        );
        this.#options.changed();
    }

    stopped(userId: string): void {
        clearTimeout(this.#others.get(userId));
        if (this.#others.delete(userId)) {
            this.#options.changed();
        }
    }

    stop(): void {
        clearTimeout(this.#idle);
        for (const timer of this.#others.values()) {
            clearTimeout(timer);
        }
        this.#others.clear();
    }
}
