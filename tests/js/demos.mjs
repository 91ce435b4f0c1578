// Demos for the tests of Domo.

import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { rows } from './database.mjs';
import { ok } from './people.mjs';

/** An embedding with a direction of its own for each number. */
export function embedding(number, dimensions = 1536) {
    return Array.from({ length: dimensions }, (_, i) => (i === number ? 1 : 0.001));
}

/** A demo of somebody, with what the row should say besides its name. */
export async function demoOf({ domo }, values = {}) {
    return ok(domo.from('demos').insert({ name: `demo ${randomUUID()}`, ...values }).select().single());
}

/** A call of a demo that is running, as if the worker had started it; it is given as the row. */
export async function callOf(demo_id, values = {}) {
    const row = { demo_id, persona_id: 'p', status: 'active', conversation_id: `c-${randomUUID()}`, ...values };
    const names = Object.keys(row);
    const inserted = await rows(
        `insert into domo.conversations (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')}) returning *`,
        Object.values(row),
    );
    return inserted[0];
}

/** An event of a call as Tavus sends it. */
export function eventOf({ conversation_id }, event_type, properties = {}, timestamp = new Date().toISOString()) {
    return { event_type, message_type: event_type.split('.')[0], conversation_id, timestamp, webhook_url: 'https://example.com/secret', properties };
}

/**
 * For a test file that watches what its own changes do: the worker, if one runs, leaves files and chunks alone meanwhile. Their jobs are put off
 * as they are enqueued. The function is no schema's of ours, whose functions other files count meanwhile. To be awaited at the top of the file: hooks
 * of a file that are registered with `before` run at the same time, and the first jobs of the file's own would not be put off.
 */
export async function restKnowledge() {
    const name = `rests_${process.pid}`;
    await rows(`create or replace function pgmq.${name}() returns trigger language plpgsql
        as $$ begin new.vt := clock_timestamp() + interval '1 hour'; return new; end $$`);
    await rows(`create or replace trigger ${name} before insert on pgmq.q_parley_knowledge for each row execute function pgmq.${name}()`);
    after(async () => {
        await rows(`drop trigger ${name} on pgmq.q_parley_knowledge`);
        await rows(`drop function pgmq.${name}()`);
    });
}

/** What the worker does with an event: its answer is new, duplicate, conflicting or unknown. */
export async function receive(call, event) {
    const [{ answer }] = await rows('select domo_private.tavus_receive($1, $2) as answer', [call.id, event]);
    return answer;
}
