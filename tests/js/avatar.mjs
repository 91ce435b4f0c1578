// Avatars of rooms: as the table has them, and as the simulator of Tavus has them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { eventually } from './channels.mjs';
import { row, rows } from './database.mjs';
import { ok } from './people.mjs';
import { stack } from './stack.mjs';

assert.ok(stack.workerUrl, 'WORKER_URL is not set: these tests need a stack with the worker, as bin/dev starts it');
assert.ok(stack.tavusUrl, 'TAVUS_BASE_URL is not set: these tests need the simulator of Tavus');

/** The mood of a persona that Tavus does not know, last in the alphabet so that no list begins with it. */
export async function hopelessMood() {
    const mood = `Zero avatars ${randomUUID()}`;
    made.push(mood);
    await rows('insert into echoroom.persona (persona_id, mood) values ($1, $2)', [`p${randomUUID()}`, mood]);
    return mood;
}

const made = [];
after(() => rows('delete from echoroom.persona where mood = any ($1)', [made]));

/** The conversations of a room as a member reads them, oldest first. */
export function conversationsOf(member, session_id) {
    return ok(member.echoroom.from('conversations').select('*').eq('session_id', session_id).order('created_at'));
}

/** Waits until the one conversation of a room is as `test` wants it, and gives it. */
export function conversation(member, session_id, test) {
    let found;
    return eventually(
        async () => {
            found = await conversationsOf(member, session_id);
            return found.length === 1 && test(found[0]) && found[0];
        },
        () => `the conversation of the room; there is ${JSON.stringify(found)}`,
    );
}

// The replica may join before the request that made the call is answered.
export const isThere = ({ status, replica_joined_at, conversation_url }) =>
    status === 'active' && replica_joined_at !== null && conversation_url !== null;
export const isOver = ({ status, transcript }) => status === 'ended' && transcript !== null;

/** A call as the simulator has it. Others use the simulator too, so it is looked for by its id. */
export async function callAtTavus(conversation_id) {
    const { conversations } = await (await fetch(`${stack.tavusUrl}/_control`)).json();
    return conversations.find((call) => call.conversation_id === conversation_id);
}

/** How many calls the simulator has had for a conversation: its events name the address that it is called back at. */
export async function callsAtTavus(id) {
    const answer = await fetch(`${stack.tavusUrl}/v2/conversations?limit=1000`, { headers: { 'x-api-key': 'tavus-simulator-key' } });
    const { data } = await answer.json();
    return data.filter(({ callback_url }) => callback_url?.includes(id.replaceAll('-', '')));
}

/** Somebody in the call says something, and the avatar answers. */
export async function sayInCall(conversation_url, text) {
    const answer = await fetch(`${conversation_url}/say`, { method: 'POST', body: new URLSearchParams({ text }) });
    assert.ok(answer.ok, `the simulated room answered ${answer.status}`);
}

/** Ends a call as a timeout of Tavus does. */
export async function endAtTavus(conversation_id, reason) {
    const answer = await fetch(`${stack.tavusUrl}/_control/conversations/${conversation_id}/end`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ reason }),
    });
    assert.equal(answer.status, 204);
}

/** Lets a scheduled job run at once. */
export async function isDue(schedule) {
    const found = await row('update parley.job_schedules set next_run_at = now() where name = $1 returning name', [schedule]);
    assert.ok(found, `there is no schedule ${schedule}`);
}
