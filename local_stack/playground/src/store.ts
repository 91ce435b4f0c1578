// State that a view follows.

import { useEffect, useReducer } from 'preact/hooks';

/** Something that changes; whoever listens is told once for all changes of a moment. */
export class Store {
    readonly #listeners = new Set<() => void>();
    #isTelling = false;

    subscribe(listener: () => void): () => void {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    }

    changed(): void {
        if (this.#isTelling) {
            return;
        }
        this.#isTelling = true;
        queueMicrotask(() => {
            this.#isTelling = false;
            for (const listener of this.#listeners) {
                listener();
            }
        });
    }
}

/** Draws the component again whenever the store changes. */
export function useStore<Kind extends Store>(store: Kind): Kind {
    const [, draw] = useReducer((count: number) => count + 1, 0);
    useEffect(() => {
        // What changed between drawing and listening is drawn now.
        draw(undefined);
        return store.subscribe(() => draw(undefined));
    }, [store]);
    return store;
}
