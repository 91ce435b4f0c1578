// What is said of a demo, to be changed: its name, its agent, its call to action.

import { useRef, useState } from 'preact/hooks';
import { Icon } from '../../icons';
import { lengthOf } from '../../length';
import { TextField } from '../../text_field';
import { MAX, changeOf, fieldsOf, isComplete, type FieldName, type Fields } from './demo_fields';
import type { Demo, DemoChange } from './rows';

const LABELS: readonly (readonly [FieldName, string, number?])[] = [
    ['name', 'Name of the demo'],
    ['description', 'Description', 2],
    ['agent_name', 'Name of its agent'],
    ['agent_greeting', 'How it greets', 2],
    ['agent_personality', 'What it is like', 2],
    ['tavus_persona_id', 'Persona for calls'],
    ['cta_text', 'Call to action'],
    ['cta_link', 'Link of the call to action'],
];

export function EditDemo({ demo, save }: { demo: Demo; save: (change: DemoChange) => void }) {
    const dialog = useRef<HTMLDialogElement>(null);
    const [before, setBefore] = useState<Fields>(() => fieldsOf(demo));
    const [fields, setFields] = useState(before);
    const open = () => {
        const now = fieldsOf(demo);
        setBefore(now);
        setFields(now);
        dialog.current?.showModal();
    };
    const change = changeOf(before, fields);
    const isChanged = Object.keys(change).length > 0;
    const isUsable = isComplete(fields) && LABELS.every(([name]) => lengthOf(fields[name]) <= MAX[name]);
    const submit = (event: Event) => {
        event.preventDefault();
        if (isUsable) {
            dialog.current?.close();
            if (isChanged) {
                save(change);
            }
        }
    };
    return (
        <>
            <button type="button" class="plain" onClick={open}>
                <Icon name="edit" size={18} />
                Edit
            </button>
            <dialog
                ref={dialog}
                class="wide-dialog"
                aria-labelledby="edit-demo-title"
                onCancel={(event) => {
                    // Escape throws nothing away that was written.
                    if (isChanged) {
                        event.preventDefault();
                    }
                }}
            >
                <h2 id="edit-demo-title">Edit the demo</h2>
                <form onSubmit={submit}>
                    <div class="new-demo-fields">
                        {LABELS.map(([name, label, rows]) => (
                            <TextField
                                key={name}
                                label={label}
                                value={fields[name]}
                                max={MAX[name]}
                                set={(value) => setFields((held) => ({ ...held, [name]: value }))}
                                {...(rows === undefined ? {} : { rows })}
                            />
                        ))}
                    </div>
                    <div class="row">
                        <button type="button" class="plain" onClick={() => dialog.current?.close()}>
                            {isChanged ? 'Do not change it' : 'Close'}
                        </button>
                        <button type="submit" class="primary" disabled={!isUsable}>
                            Save
                        </button>
                    </div>
                </form>
            </dialog>
        </>
    );
}
