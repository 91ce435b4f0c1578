// What was to be done and was refused, each with its reason and what was written.

import { Refused } from '../../refused';
import { undoneWords, type Act } from './acts';

interface RefusedActsProps {
    readonly acts: readonly Act[];
    /** All of them, without. */
    readonly kinds?: readonly Act['kind'][];
    /** Where several demos are shown: which one it is about. */
    nameOf?(demoId: string): string | undefined;
    retry(id: string): void;
    discard(id: string): void;
}

export function RefusedActs({ acts, kinds, nameOf, retry, discard }: RefusedActsProps) {
    return (
        <>
            {acts
                .filter(({ kind, refusal }) => refusal !== null && (kinds?.includes(kind) ?? true))
                .map((act) => {
                    const text = textOf(act);
                    const name = nameOf?.(act.demo_id);
                    return (
                        <Refused
                            key={act.id}
                            words={`${name === undefined ? '' : `${name}: `}${undoneWords(act)}`}
                            {...(text === '' ? {} : { text })}
                            retry={() => retry(act.id)}
                            discard={() => discard(act.id)}
                        />
                    );
                })}
        </>
    );
}

/** What they wrote, or what it is about. */
function textOf(act: Act): string {
    switch (act.kind) {
        case 'change':
            return Object.values(act.change)
                .filter((value) => value !== null)
                .join('\n');
        case 'create':
            return [act.demo.name, act.demo.agent_name, act.demo.agent_greeting].filter(Boolean).join('\n');
        case 'teach':
            return [act.knowledge.question, act.knowledge.content, act.knowledge.answer, act.knowledge.source].filter(Boolean).join('\n');
        case 'forget':
            return act.text;
        case 'delete':
        case 'restore':
        case 'erase':
            return act.name;
        case 'remove-file':
        case 'retry-file':
            return act.title;
        case 'status':
            return '';
    }
}
