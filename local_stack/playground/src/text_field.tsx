// A field with a limit: it takes whatever is pasted, says by how much that is too long, and is not sent before it fits.

import { useId } from 'preact/hooks';
import { lengthOf, lengthWords } from './length';

interface TextFieldProps {
    readonly label: string;
    /** A few words after the label. */
    readonly hint?: string;
    readonly value: string;
    readonly max: number;
    set(value: string): void;
    readonly type?: 'text' | 'email' | 'url' | 'password';
    readonly autoComplete?: string;
    readonly placeholder?: string;
    readonly required?: boolean;
    /** A field of so many lines instead of one. */
    readonly rows?: number;
    readonly class?: string;
}

export function TextField({ label, hint, value, max, set, type = 'text', autoComplete = 'off', placeholder, required, rows, ...props }: TextFieldProps) {
    const note = useId();
    const words = lengthWords(value, max);
    const isTooLong = lengthOf(value) > max;
    const shared = {
        value,
        autoComplete,
        ...(placeholder === undefined ? {} : { placeholder }),
        ...(required ? { required } : {}),
        ...(words ? { 'aria-describedby': note } : {}),
        ...(isTooLong ? { 'aria-invalid': true } : {}),
        onInput: (event: { currentTarget: { value: string } }) => set(event.currentTarget.value),
    };
    return (
        <div class={`field ${props.class ?? ''}`}>
            <label>
                <span>
                    {label} {hint !== undefined && <small>({hint})</small>}
                </span>
                {rows !== undefined ? <textarea rows={rows} {...shared} /> : <input {...({ type, ...shared } as { type: 'text' })} />}
            </label>
            <LengthNote id={note} words={words} isTooLong={isTooLong} />
        </div>
    );
}

/** Read out when it changes; the place is there before the words are. */
export function LengthNote({ id, words, isTooLong }: { id: string; words: string; isTooLong: boolean }) {
    return (
        <p id={id} class={isTooLong ? 'length-note too-long' : 'length-note'} role="status">
            {words}
        </p>
    );
}
