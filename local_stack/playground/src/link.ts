// Whether what happens elsewhere reaches this page at once.

import { Store } from './store';

/** At once; with a delay, by asking every few seconds; or not at all. */
export type LinkState = 'connected' | 'reconnecting' | 'offline';

export class Link extends Store {
    #state: LinkState = 'reconnecting';

    get state(): LinkState {
        return this.#state;
    }

    set state(state: LinkState) {
        if (state !== this.#state) {
            this.#state = state;
            this.changed();
        }
    }
}
