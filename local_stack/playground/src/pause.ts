// Waiting between tries, in a way that can be cut short.

/** A wait that ends when its time is over, or earlier when somebody says so. */
export class Pause {
    #end: (() => void) | undefined;
    #isOver = false;

    wait(milliseconds: number): Promise<void> {
        if (this.#isOver) {
            this.#isOver = false;
            return Promise.resolve();
        }
        return new Promise((resolve) => {
            const finish = () => {
                clearTimeout(timer);
                this.#end = undefined;
                resolve();
            };
            const timer = setTimeout(finish, milliseconds);
            this.#end = finish;
        });
    }

    /** Ends the wait that is under way; when there is none, the next one: the try that runs now may have begun too early. */
    end(): void {
        if (this.#end) {
            this.#end();
        } else {
            this.#isOver = true;
        }
    }

    /** Forgets that a wait was ended before it began. */
    reset(): void {
        this.#isOver = false;
    }
}

/**
 * How long to wait before looking again for what an event spoke of, in milliseconds. Realtime reads an event when its transaction is on
 * disk, which is an instant before others can see what the transaction wrote.
 */
export const LATE_MS = 250;

const DELAYS = [500, 1_000, 2_000, 5_000];

/** How long to wait after so many failures in a row, in milliseconds. */
export function delayAfter(failures: number): number {
    return DELAYS[failures - 1] ?? 10_000;
}
