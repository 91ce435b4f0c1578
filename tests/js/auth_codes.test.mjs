// Codes and links by mail, as supabase-js asks for them and shows them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '@supabase/supabase-js';
import { row, rows } from './database.mjs';
import { follow, lastMessageTo } from './mailbox.mjs';
import { claimsOf, newClient, personWithEmail, someEmail } from './people.mjs';
import { stack } from './stack.mjs';

const password = 'correct horse battery';

async function done(pending) {
    const { data, error } = await pending;
    assert.equal(error, null, `${error?.code}: ${error?.message}`);
    return data;
}

async function failed(pending, code, status) {
    const { error } = await pending;
    assert.ok(error, `it should have failed with ${code}`);
    assert.deepEqual([error.code, error.status], [code, status], error.message);
}

const admin = () => newClient(stack.serviceRoleKey).auth.admin;

/** A client that signs in by links which end where they began. */
function pkceClient() {
    const kept = new Map();
    const storage = {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, value) => void kept.set(key, value),
        removeItem: (key) => void kept.delete(key),
    };
    return createClient(stack.url, stack.anonKey, {
        auth: { flowType: 'pkce', storage, autoRefreshToken: false, detectSessionInUrl: false },
        realtime: { transport: class {} },
    });
}

/** The addresses that a test used, whose users go when it ends. */
async function withAddresses(count, work) {
    const addresses = Array.from({ length: count }, someEmail);
    try {
        await work(...addresses);
    } finally {
        await rows('delete from auth.users where email = any ($1)', [addresses]);
    }
}

test('a code by mail signs somebody new in, once, and at their own address alone', () =>
    withAddresses(2, async (email, other) => {
        const client = newClient();
        await done(client.auth.signInWithOtp({ email, options: { data: { name: 'Ada' } } }));
        await done(client.auth.signInWithOtp({ email: other }));
        const { code } = await lastMessageTo(email);
        assert.match(code, /^\d{6}$/);
        await failed(client.auth.verifyOtp({ email: other, token: code, type: 'email' }), 'otp_expired', 403);
        const { session, user } = await done(client.auth.verifyOtp({ email, token: code, type: 'email' }));
        assert.deepEqual([user.email, user.user_metadata.name], [email, 'Ada']);
        assert.equal(claimsOf(session.access_token).amr[0].method, 'otp');
        await failed(newClient().auth.verifyOtp({ email, token: code, type: 'email' }), 'otp_expired', 403);
    }));

test('nobody is made who should not be, and the next mail waits', () =>
    withAddresses(1, async (email) => {
        const client = newClient();
        await failed(client.auth.signInWithOtp({ email, options: { shouldCreateUser: false } }), 'otp_disabled', 422);
        assert.equal(await row('select from auth.users where email = $1', [email]), undefined);
        await done(client.auth.signInWithOtp({ email }));
        await rows(`update auth.users set recovery_sent_at = now() + interval '1 hour' where email = $1`, [email]);
        await failed(client.auth.signInWithOtp({ email }), 'over_email_send_rate_limit', 429);
    }));

test('a link leads to the page that was asked for, if that is allowed, with a session in its fragment', () =>
    withAddresses(1, async (email) => {
        const client = newClient();
        await done(client.auth.signInWithOtp({ email, options: { emailRedirectTo: 'http://127.0.0.1:5173/welcome' } }));
        const page = await follow((await lastMessageTo(email)).link);
        assert.equal(page.origin + page.pathname, 'http://127.0.0.1:5173/welcome');
        const told = new URLSearchParams(page.hash.slice(1));
        assert.equal(told.get('type'), 'magiclink');
        const { user } = await done(newClient().auth.getUser(told.get('access_token')));
        assert.equal(user.email, email);
        await done(newClient().auth.refreshSession({ refresh_token: told.get('refresh_token') }));

        const again = await follow((await lastMessageTo(email)).link);
        assert.equal(new URLSearchParams(again.hash.slice(1)).get('error_code'), 'otp_expired');
        await rows(`update auth.users set recovery_sent_at = null where email = $1`, [email]);
        await done(client.auth.signInWithOtp({ email, options: { emailRedirectTo: 'https://evil.example/' } }));
        assert.notEqual((await follow((await lastMessageTo(email)).link)).hostname, 'evil.example');
    }));

test('a link of a client with PKCE gives a code that only this client can use, once', () =>
    withAddresses(1, async (email) => {
        const client = pkceClient();
        await done(client.auth.signInWithOtp({ email }));
        const page = await follow((await lastMessageTo(email)).link);
        const code = page.searchParams.get('code');
        assert.ok(code && page.hash === '', page.href);
        const stranger = await fetch(`${stack.url}/auth/v1/token?grant_type=pkce`, {
            method: 'POST',
            headers: { apikey: stack.anonKey },
            body: JSON.stringify({ auth_code: code, code_verifier: 'a'.repeat(43) }),
        });
        assert.deepEqual([stranger.status, (await stranger.json()).error_code], [400, 'bad_code_verifier']);
        const { session } = await done(client.auth.exchangeCodeForSession(code));
        assert.equal(session.user.email, email);
        const used = await fetch(`${stack.url}/auth/v1/token?grant_type=pkce`, {
            method: 'POST',
            headers: { apikey: stack.anonKey },
            body: JSON.stringify({ auth_code: code, code_verifier: 'a'.repeat(43) }),
        });
        assert.equal(used.status, 404);
    }));

test('a forgotten password is set anew with the mail, and nobody learns who is registered', () =>
    withAddresses(1, async (unknown) => {
        const { client } = await personWithEmail();
        const { user } = await done(client.auth.getUser());
        await done(newClient().auth.resetPasswordForEmail(user.email));
        await done(newClient().auth.resetPasswordForEmail(unknown));
        const { token_hash } = await lastMessageTo(user.email);
        const forgetful = newClient();
        await done(forgetful.auth.verifyOtp({ token_hash, type: 'recovery' }));
        await done(forgetful.auth.updateUser({ password: 'staple battery horse' }));
        await done(newClient().auth.signInWithPassword({ email: user.email, password: 'staple battery horse' }));
        assert.equal((await fetch(`${stack.url}/_mail/messages?to=${unknown}`).then((r) => r.json())).messages.length, 0);
    }));

test('somebody who is invited gets in by the link, and sets a password', () =>
    withAddresses(1, async (email) => {
        const { user } = await done(admin().inviteUserByEmail(email, { data: { team: 'blue' } }));
        assert.ok(user.invited_at && !user.email_confirmed_at);
        const { token_hash } = await lastMessageTo(email);
        const client = newClient();
        const { session } = await done(client.auth.verifyOtp({ token_hash, type: 'invite' }));
        assert.equal(session.user.user_metadata.team, 'blue');
        await done(client.auth.updateUser({ password }));
        await failed(admin().inviteUserByEmail(email), 'email_exists', 422);
        await failed(newClient().auth.admin.inviteUserByEmail(email), 'not_admin', 403);
    }));

test('generateLink makes every kind of link without sending anything', () =>
    withAddresses(3, async (email, wanted, other) => {
        const made = await done(admin().generateLink({ type: 'signup', email, password }));
        assert.equal(made.user.email, email);
        assert.equal(made.properties.verification_type, 'signup');
        assert.equal((await fetch(`${stack.url}/_mail/messages?to=${email}`).then((r) => r.json())).messages.length, 0);
        await failed(newClient().auth.signInWithPassword({ email, password }), 'email_not_confirmed', 400);
        await done(newClient().auth.verifyOtp({ email, token: made.properties.email_otp, type: 'signup' }));
        await done(newClient().auth.signInWithPassword({ email, password }));

        const magic = await done(admin().generateLink({ type: 'magiclink', email: other }));
        assert.equal(magic.properties.verification_type, 'signup');
        await done(newClient().auth.verifyOtp({ token_hash: magic.properties.hashed_token, type: 'signup' }));
        const recovery = await done(admin().generateLink({ type: 'recovery', email }));
        assert.match((await follow(recovery.properties.action_link)).hash, /type=recovery/);
        const change = await done(admin().generateLink({ type: 'email_change_new', email, newEmail: wanted }));
        await done(newClient().auth.verifyOtp({ token_hash: change.properties.hashed_token, type: 'email_change' }));
        assert.ok(await row('select from auth.users where email = $1', [wanted]));
        await failed(admin().generateLink({ type: 'recovery', email }), 'user_not_found', 404);
        await failed(admin().generateLink({ type: 'email_change_new', email: wanted, newEmail: other }), 'email_exists', 422);
    }));

test('reauthenticating sends a code to the address of the session', async () => {
    const { client } = await personWithEmail();
    const { user } = await done(client.auth.getUser());
    await done(client.auth.reauthenticate());
    assert.equal((await lastMessageTo(user.email)).type, 'reauthentication');
});
