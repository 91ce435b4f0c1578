// Whether what happens elsewhere reaches this page at once.

import { Store } from './store';

/** At once; with a delay, by asking every few seconds, or when the server is back; or not at all. */
export type LinkState = 'connected' | 'reconnecting' | 'offline';

export class Link extends Store {
    #state: LinkState = 'reconnecting';
    #isReachable = true;

    get state(): LinkState {
        return this.#state;
    }

    /** Whether calls are answered, with or without a live connection. */
    get isReachable(): boolean {
        return this.#isReachable;
    }

    /** Works out the state from what is known. */
    set({ isLive, isReachable }: { isLive: boolean; isReachable: boolean }): void {
        const state = isLive && isReachable ? 'connected' : isReachable || navigator.onLine ? 'reconnecting' : 'offline';
        if (state !== this.#state || isReachable !== this.#isReachable) {
            this.#state = state;
            this.#isReachable = isReachable;
            this.changed();
        }
    }
}
