// People who use the apps through an unmodified supabase-js.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { createClient } from '@supabase/supabase-js';
import WebSocket from 'ws';
import { rows } from './database.mjs';
import { stack } from './stack.mjs';

const options = {
    auth: { autoRefreshToken: false, persistSession: false, detectSessionInUrl: false },
    // Node 20 has no WebSocket of its own.
    realtime: { transport: WebSocket },
};

const met = [];
const clients = [];

/** A supabase-js client that has not signed in. */
export function newClient(key = stack.anonKey, global = {}, realtime = {}) {
    const client = createClient(stack.url, key, { ...options, global, realtime: { ...options.realtime, ...realtime } });
    clients.push(client);
    return client;
}

// An open socket would keep the process alive.
after(() => Promise.all(clients.map((client) => client.realtime.disconnect())));

// A database that is used again must not fill up with the rooms and demos of yesterday's tests.
after(async () => {
    await rows('delete from echoroom.sessions where created_by = any ($1)', [met]);
    // A call outlives its demo, so it goes first.
    await rows('delete from domo.conversations c using domo.demos d where d.id = c.demo_id and d.user_id = any ($1)', [met]);
    await rows('delete from auth.users where id = any ($1)', [met]);
});

function inTheApps(client, id) {
    if (id) {
        met.push(id);
    }
    const echoroom = client.schema('echoroom');
    return { client, id, echoroom, rpc: (name, args) => echoroom.rpc(name, args), domo: client.schema('domo') };
}

/** Somebody who has just signed in anonymously; `realtime` are options of their Realtime client. */
export async function person(realtime = {}) {
    const client = newClient(stack.anonKey, {}, realtime);
    const { data, error } = await client.auth.signInAnonymously();
    assert.equal(error, null, `anonymous sign-in: ${error?.message}`);
    return inTheApps(client, data.user.id);
}

/** As many people as asked for; they sign in a few at a time. */
export async function people(count) {
    const found = [];
    while (found.length < count) {
        found.push(...(await Promise.all(Array.from({ length: Math.min(10, count - found.length) }, () => person()))));
    }
    return found;
}

/** Somebody with an email address, confirmed or not as the project has it. */
export async function personWithEmail() {
    const client = newClient();
    const { data, error } = await client.auth.signUp({ email: someEmail(), password: 'correct horse battery' });
    assert.equal(error, null, `sign-up: ${error?.message}`);
    return inTheApps(client, data.user.id);
}

/** Somebody with nothing but the publishable key. */
export function visitor() {
    return inTheApps(newClient(), null);
}

/** A server with the secret key. */
export function service() {
    return inTheApps(newClient(stack.serviceRoleKey), null);
}

export function someEmail() {
    return `${randomUUID()}@example.com`;
}

/** A mood that no other test uses. */
export function someMood() {
    return `mood ${randomUUID()}`;
}

/** The data of a successful response; anything else fails with what the server said. */
export async function ok(pending) {
    const { data, error, status } = await pending;
    assert.equal(error, null, `HTTP ${status}: ${error?.code} ${error?.message} ${error?.details}`);
    return data;
}

/** Asserts the whole error of a refused call: HTTP status, SQLSTATE, stable code, sentence and hint. */
export async function refused(pending, code, machineCode, message = /^[A-Z].*\.$/) {
    const { data, error, status } = await pending;
    assert.equal(data, null, `it should have been refused with ${machineCode}`);
    assert.equal(error.code, code, error.message);
    assert.equal(error.details, machineCode);
    assert.match(error.message, message);
    assert.match(error.hint, /\S.*\.$/);
    assert.equal(status, Number(code.slice(2)));
}

/** A room of the given kind, opened by its first member, who sits in it. */
export async function roomWith(members, { max_participants = 6, category = someMood() } = {}) {
    const session = await ok(members[0].rpc('create_session', { category, max_participants }));
    for (const member of members) {
        await ok(member.rpc('join_room', { session_id: session.id }));
    }
    return session;
}

/** The Realtime topic of a room in its present epoch, as a member of it learns it. */
export async function topicOf(member, session_id) {
    return (await ok(member.rpc('room_state', { session_id }))).topic;
}

/** The access token of somebody who has signed in. */
export async function tokenOf({ client }) {
    return (await client.auth.getSession()).data.session.access_token;
}

/** The payload of a JWT. */
export function claimsOf(token) {
    return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}

/** A token of any content, signed with the secret of the project unless another one is given. */
export function signedToken(claims, secret = stack.jwtSecret) {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}
