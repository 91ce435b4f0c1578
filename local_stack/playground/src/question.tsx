// A question before something is destroyed. It opens with the focus on the answer that destroys nothing, and gives the focus back to where
// it was before anything vanishes, so that whoever keeps the focus of a list knows where it was.

import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';

export interface Question {
    readonly title: string;
    readonly text: ComponentChildren;
    /** The word on the button that destroys. */
    readonly yes: string;
    readonly no?: string;
    act(): void;
}

/** The dialog to draw, and the way to ask. */
export function useQuestion(): readonly [ComponentChildren, (question: Question) => void] {
    const dialog = useRef<HTMLDialogElement>(null);
    // Kept when the dialog closes: it says so a frame later, when it may be open again.
    const [question, setQuestion] = useState<Question>();
    const title = useId();
    const ask = (asked: Question) => {
        setQuestion(asked);
        dialog.current?.showModal();
    };
    const answer = (event: Event) => {
        event.preventDefault();
        dialog.current?.close();
        question?.act();
    };
    const drawn = (
        <dialog ref={dialog} aria-labelledby={title}>
            <h2 id={title}>{question?.title}</h2>
            <div class="question">{question?.text}</div>
            <form method="dialog" class="row">
                <button class="plain">{question?.no ?? 'Keep'}</button>
                <button class="danger" onClick={answer}>
                    {question?.yes}
                </button>
            </form>
        </dialog>
    );
    return [drawn, ask];
}
