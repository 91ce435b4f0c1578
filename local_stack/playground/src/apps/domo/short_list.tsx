// A long list begins with its first items: the page has one scroller, and what comes below the list stays near.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

const FIRST = 6;

/** As many of the items as are to be seen, and the button for the rest. */
export function useShort<Item>(items: readonly Item[], what: string): readonly [readonly Item[], ComponentChildren] {
    const [isWhole, setWhole] = useState(false);
    const button = items.length > FIRST && (
        <button type="button" class="plain small show-all" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
            {isWhole ? 'Show fewer' : `Show all ${items.length} ${what}`}
        </button>
    );
    return [isWhole ? items : items.slice(0, FIRST), button];
}
