// The fields of a demo as somebody writes them, and what they change.

import type { Demo, DemoChange } from './rows';

export interface Fields {
    readonly name: string;
    readonly agent_name: string;
    readonly agent_greeting: string;
    readonly tavus_persona_id: string;
    readonly description: string;
    readonly agent_personality: string;
    readonly cta_text: string;
    readonly cta_link: string;
}

export type FieldName = keyof Fields;

/** What each takes, in characters: the checks of the table. */
export const MAX: Record<FieldName, number> = {
    name: 255,
    agent_name: 100,
    agent_greeting: 1_000,
    tavus_persona_id: 200,
    description: 5_000,
    agent_personality: 4_000,
    cta_text: 200,
    cta_link: 2_000,
};

/** A demo has these in any case; what else is left empty is null. */
const NEEDED: readonly FieldName[] = ['name', 'agent_name'];
const NEVER_NULL: readonly FieldName[] = ['name', 'agent_name', 'agent_greeting', 'agent_personality'];

export function fieldsOf(demo: Demo): Fields {
    return {
        name: demo.name,
        agent_name: demo.agent_name,
        agent_greeting: demo.agent_greeting,
        tavus_persona_id: demo.tavus_persona_id ?? '',
        description: demo.description ?? '',
        agent_personality: demo.agent_personality,
        cta_text: demo.cta_text ?? '',
        cta_link: demo.cta_link ?? '',
    };
}

/** What somebody changed, and nothing else: what another tab changed meanwhile stays. */
export function changeOf(before: Fields, after: Fields): DemoChange {
    const names = (Object.keys(MAX) as FieldName[]).filter((name) => after[name].trim() !== before[name].trim());
    return Object.fromEntries(
        names.map((name) => {
            const text = after[name].trim();
            return [name, text === '' && !NEVER_NULL.includes(name) ? null : text];
        }),
    );
}

export function isComplete(fields: Fields): boolean {
    return NEEDED.every((name) => fields[name].trim() !== '');
}
