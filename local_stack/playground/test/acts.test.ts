import { expect, test } from 'vitest';
import { demoAfter, isOvertaken, undoneWords, type Act, type Wish } from '../src/apps/domo/acts';
import { MAX, changeOf, fieldsOf, isComplete } from '../src/apps/domo/demo_fields';
import type { Demo } from '../src/apps/domo/rows';

const demo: Demo = {
    id: 'd1',
    name: 'Our can',
    status: 'draft',
    agent_name: 'Ada',
    agent_greeting: 'Hello!',
    tavus_persona_id: null,
    description: null,
    agent_personality: 'Friendly',
    cta_text: null,
    cta_link: null,
};
const act = (wish: Wish, refusal: string | null = null): Act => ({ ...wish, id: 'a', refusal });

test('a demo shows what is to be changed of it, in order, and not what was refused', () => {
    const change = (name: string, refusal: string | null = null) => act({ demo_id: 'd1', kind: 'change', change: { name } }, refusal);
    expect(demoAfter(demo, [change('one'), change('two')]).name).toBe('two');
    expect(demoAfter(demo, [change('one'), change('two', 'No.')]).name).toBe('one');
});

test('an act takes the place of one that it undoes or repeats, of the same demo alone', () => {
    const of = (more: object, demo_id = 'd1') => ({ demo_id, ...more }) as Wish;
    expect(isOvertaken(of({ kind: 'delete', name: '' }), of({ kind: 'restore', name: '' }))).toBe(true);
    expect(isOvertaken(of({ kind: 'delete', name: '' }, 'd2'), of({ kind: 'restore', name: '' }))).toBe(false);
    expect(isOvertaken(of({ kind: 'status', status: 'archived' }), of({ kind: 'status', status: 'draft' }))).toBe(true);
    expect(isOvertaken(of({ kind: 'retry-file', file_id: 'f1' }), of({ kind: 'remove-file', file_id: 'f1' }))).toBe(true);
    expect(isOvertaken(of({ kind: 'retry-file', file_id: 'f1' }), of({ kind: 'remove-file', file_id: 'f2' }))).toBe(false);
    // What was written is kept, each piece for itself.
    expect(isOvertaken(of({ kind: 'teach' }), of({ kind: 'teach' }))).toBe(false);
    expect(isOvertaken(of({ kind: 'change' }), of({ kind: 'change' }))).toBe(false);
    expect(isOvertaken(of({ kind: 'teach' }), of({ kind: 'erase', name: '' }))).toBe(true);
});

test('what was not done is said before the reason', () => {
    expect(undoneWords(act({ demo_id: 'd1', kind: 'status', status: 'published' }, 'There is nothing to show yet.'))).toBe(
        'Its status was not changed. There is nothing to show yet.',
    );
});

test('only what somebody changed is sent; what is left empty is null where it may be', () => {
    const fields = fieldsOf(demo);
    expect(changeOf(fields, fields)).toEqual({});
    expect(changeOf(fields, { ...fields, name: ' New ', cta_text: 'Buy', agent_greeting: '' })).toEqual({ name: 'New', cta_text: 'Buy', agent_greeting: '' });
    expect(changeOf({ ...fields, cta_text: 'Buy' }, { ...fields, cta_text: ' ' })).toEqual({ cta_text: null });
    expect(isComplete({ ...fields, name: ' ' })).toBe(false);
    expect(Object.keys(MAX).sort()).toEqual(Object.keys(fields).sort());
});
