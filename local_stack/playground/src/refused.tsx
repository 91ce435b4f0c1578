// Something that a person did and the server refused for good: why, what they wrote, and what to do about it.

import type { ComponentChildren } from 'preact';
import { Icon } from './icons';

interface RefusedProps {
    readonly words: string;
    /** What they wrote, where it is not to be seen elsewhere. */
    readonly text?: string;
    /** Whether it is read out at once; not where a notice says the same. */
    readonly isAlert?: boolean;
    retry(): void;
    discard(): void;
    readonly children?: ComponentChildren;
}

export function Refused({ words, text, isAlert = false, retry, discard, children }: RefusedProps) {
    return (
        <div class="refusal" {...(isAlert ? { role: 'alert' } : { role: 'group', 'aria-label': 'Not done' })}>
            <p>
                <Icon name="warning" size={16} /> <span>{words}</span>
            </p>
            {text !== undefined && <p class="refused-text">{text}</p>}
            <div class="row">
                <button type="button" class="plain small" onClick={retry}>
                    <Icon name="retry" size={16} /> Try again
                </button>
                {children}
                <button type="button" class="quiet small" onClick={discard}>
                    Discard
                </button>
            </div>
        </div>
    );
}
