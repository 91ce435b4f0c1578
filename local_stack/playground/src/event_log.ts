// What arrives, for developers: the latest entries and how many events came each second.

import { Store } from './store';
import type { Verdict } from './stream';

/** One line of the log. */
export interface Entry {
    readonly id: number;
    /** Milliseconds since 1970. */
    readonly at: number;
    /** An event of the channel, a call, or something about the connection. */
    readonly kind: 'event' | 'call' | 'link';
    readonly name: string;
    readonly seq?: number;
    readonly verdict?: Verdict;
    readonly detail?: unknown;
}

const KEPT = 300;
const SECONDS = 60;

export class EventLog extends Store {
    #entries: readonly Entry[] = [];
    #arrivals: readonly number[] = [];
    #nextId = 1;

    /** The latest entries, newest first. */
    get entries(): readonly Entry[] {
        return this.#entries;
    }

    add(entry: Omit<Entry, 'id' | 'at'>): void {
        const now = Date.now();
        this.#entries = [{ ...entry, id: this.#nextId, at: now }, ...this.#entries.slice(0, KEPT - 1)];
        this.#nextId += 1;
        if (entry.kind === 'event') {
            this.#arrivals = [...this.#arrivals.filter((at) => now - at < SECONDS * 1000), now];
        }
        this.changed();
    }

    clear(): void {
        this.#entries = [];
        this.changed();
    }

    /** How many events came in each of the last 60 seconds, oldest first. */
    perSecond(now = Date.now()): readonly number[] {
        const counts = new Array<number>(SECONDS).fill(0);
        for (const at of this.#arrivals) {
            const index = SECONDS - 1 - Math.floor((now - at) / 1000);
            counts[index] = (counts[index] ?? 0) + 1;
        }
        return counts.slice(0, SECONDS);
    }
}
