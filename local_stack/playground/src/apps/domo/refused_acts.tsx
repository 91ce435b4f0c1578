// What was to be done and was refused, each with its reason and what was written.

import { Refused } from '../../refused';
import { undoneWords, type Act } from './acts';

interface RefusedActsProps {
    readonly acts: readonly Act[];
    readonly kinds: readonly Act['kind'][];
    retry(id: string): void;
    discard(id: string): void;
}

export function RefusedActs({ acts, kinds, retry, discard }: RefusedActsProps) {
    return (
        <>
            {acts
                .filter(({ kind, refusal }) => refusal !== null && kinds.includes(kind))
                .map((act) => {
                    const text = textOf(act);
                    return (
                        <Refused
                            key={act.id}
                            words={undoneWords(act)}
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
