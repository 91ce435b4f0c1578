// Sign-in as supabase-js sees it: sessions, refreshing, accounts, errors, and what a token is good for.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { row, rows } from './database.mjs';
import { claimsOf, newClient, ok, person, personWithEmail, roomWith, signedToken, someEmail } from './people.mjs';
import { stack } from './stack.mjs';

const password = 'correct horse battery';

/** The data of a successful answer of the auth client. */
async function done(pending) {
    const { data, error } = await pending;
    assert.equal(error, null, `${error?.code}: ${error?.message}`);
    return data;
}

/** Asserts the error of the auth client: its code and HTTP status. */
async function failed(pending, code, status) {
    const { error } = await pending;
    assert.ok(error, `it should have failed with ${code}`);
    assert.deepEqual([error.code, error.status], [code, status], error.message);
    return error;
}

const refresh = (refresh_token) => newClient().auth.refreshSession({ refresh_token });

/** What the API answers to a bearer token. */
async function restWith(token) {
    const response = await fetch(`${stack.url}/rest/v1/participants?limit=1`, {
        headers: { apikey: stack.anonKey, authorization: `Bearer ${token}`, 'accept-profile': 'echoroom' },
    });
    return { status: response.status, body: await response.json() };
}

test('an anonymous sign-in gives an authenticated user whom the token calls anonymous', async () => {
    const { client, id } = await person();
    const { session } = await done(client.auth.getSession());
    const claims = claimsOf(session.access_token);
    assert.equal(claims.sub, id);
    assert.equal(claims.role, 'authenticated');
    assert.equal(claims.aud, 'authenticated');
    assert.equal(claims.is_anonymous, true);
    assert.equal(claims.aal, 'aal1');
    assert.equal(claims.amr[0].method, 'anonymous');
    assert.match(claims.iss, /\/auth\/v1$/);
    assert.match(claims.session_id, /^[0-9a-f-]{36}$/);
    assert.equal(claims.exp - claims.iat, session.expires_in);
    assert.equal(session.token_type, 'bearer');
    assert.equal(session.user.is_anonymous, true);
    const stored = await row('select role, is_anonymous, email from auth.users where id = $1', [id]);
    assert.deepEqual(stored, { role: 'authenticated', is_anonymous: true, email: null });
});

test('two anonymous sign-ins are two people, and each may bring data along', async () => {
    const [a, b] = [newClient(), newClient()];
    const first = await done(a.auth.signInAnonymously({ options: { data: { nickname: 'Ada' } } }));
    const second = await done(b.auth.signInAnonymously());
    assert.notEqual(first.user.id, second.user.id);
    assert.equal(first.user.user_metadata.nickname, 'Ada');
    assert.equal(claimsOf(first.session.access_token).user_metadata.nickname, 'Ada');
    await rows('delete from auth.users where id = any ($1)', [[first.user.id, second.user.id]]);
});

test('a sign-up with an email address gives a permanent user and a session', async () => {
    const { client, id } = await personWithEmail();
    const { session } = await done(client.auth.getSession());
    const claims = claimsOf(session.access_token);
    assert.deepEqual([claims.sub, claims.role, claims.is_anonymous], [id, 'authenticated', false]);
    assert.equal(claims.email, session.user.email);
    assert.equal(claims.amr[0].method, 'password');
    assert.equal(claims.app_metadata.provider, 'email');
    assert.deepEqual(session.user.identities.map(({ provider }) => provider), ['email']);
});

test('a password is stored as a hash', async () => {
    const { id } = await personWithEmail();
    const { encrypted_password } = await row('select encrypted_password from auth.users where id = $1', [id]);
    assert.match(encrypted_password, /^\$(2[aby]|argon2)/);
    assert.ok(!encrypted_password.includes(password));
});

test('the same address cannot sign up twice, in any case of letters', async () => {
    const { client } = await personWithEmail();
    const { user } = await done(client.auth.getUser());
    await failed(newClient().auth.signUp({ email: user.email, password }), 'user_already_exists', 422);
    await failed(newClient().auth.signUp({ email: user.email.toUpperCase(), password }), 'user_already_exists', 422);
});

test('a weak password and an address that is none are refused by name', async () => {
    const email = someEmail();
    const { name } = await failed(newClient().auth.signUp({ email, password: '123' }), 'weak_password', 422);
    assert.equal(name, 'AuthWeakPasswordError');
    await failed(newClient().auth.signUp({ email: 'nonsense', password }), 'validation_failed', 400);
    assert.equal(await row('select from auth.users where email = $1', [email]), undefined);
});

test('the right password opens a new session, a wrong one or an unknown address the same error', async () => {
    const { client, id } = await personWithEmail();
    const { user } = await done(client.auth.getUser());
    const again = await done(newClient().auth.signInWithPassword({ email: user.email, password }));
    assert.equal(again.user.id, id);
    const { session } = await done(client.auth.getSession());
    assert.notEqual(claimsOf(again.session.access_token).session_id, claimsOf(session.access_token).session_id);

    const wrong = await failed(newClient().auth.signInWithPassword({ email: user.email, password: 'wrong' }), 'invalid_credentials', 400);
    const unknown = await failed(newClient().auth.signInWithPassword({ email: someEmail(), password }), 'invalid_credentials', 400);
    assert.equal(wrong.message, unknown.message);
});

test('refreshing gives new tokens for the same session, and the database knows the person', async () => {
    const { client, id } = await person();
    const before = (await done(client.auth.getSession())).session;
    const { session } = await done(client.auth.refreshSession());
    assert.notEqual(session.refresh_token, before.refresh_token);
    assert.equal(session.user.id, id);
    assert.equal(claimsOf(session.access_token).session_id, claimsOf(before.access_token).session_id);
    const room = await ok(client.schema('echoroom').rpc('find_room', { mood: 'Calm' }));
    assert.ok(room.id);
});

test('a client that never got the answer to its refresh gets the same one again', async () => {
    const { client } = await person();
    const { refresh_token } = (await done(client.auth.getSession())).session;
    const first = (await done(refresh(refresh_token))).session;
    const second = (await done(refresh(refresh_token))).session;
    assert.equal(second.refresh_token, first.refresh_token);
});

test('a stolen refresh token that is used late ends the whole session', async () => {
    const { client, id } = await person();
    const stolen = (await done(client.auth.getSession())).session.refresh_token;
    const second = (await done(refresh(stolen))).session.refresh_token;
    const third = (await done(refresh(second))).session.refresh_token;
    // Later than any reuse interval, which forgives two tabs that refresh at the same time.
    const later = () => rows(`update auth.refresh_tokens set updated_at = updated_at - interval '1 hour' where user_id = $1`, [id]);
    await later();
    await failed(refresh(stolen), 'refresh_token_already_used', 400);
    await later();
    await failed(refresh(third), 'refresh_token_already_used', 400);
});

test('a refresh token that never was is not found', async () => {
    await failed(refresh('abcdefghijkl'), 'refresh_token_not_found', 400);
});

test('getUser asks the server, and a token that is none is refused', async () => {
    const { client, id } = await person();
    const { user } = await done(client.auth.getUser());
    assert.equal(user.id, id);
    await failed(newClient().auth.getUser('not.a.token'), 'bad_jwt', 403);
});

test('updateUser changes data, and null takes a key away', async () => {
    const { client } = await person();
    await done(client.auth.updateUser({ data: { nickname: 'Ada', colour: 'green' } }));
    const { user } = await done(client.auth.updateUser({ data: { colour: null } }));
    assert.equal(user.user_metadata.nickname, 'Ada');
    assert.ok(!('colour' in user.user_metadata));
});

test('an anonymous user who gives an address becomes permanent and keeps id, seat and messages', async () => {
    const someone = await person();
    const session = await roomWith([someone]);
    const message = await ok(someone.rpc('send_message', { session_id: session.id, content: 'before' }));
    const email = someEmail();
    const { user } = await done(someone.client.auth.updateUser({ email, password }));
    assert.deepEqual([user.id, user.email, user.is_anonymous], [someone.id, email, false]);
    const refreshed = await done(someone.client.auth.refreshSession());
    assert.equal(claimsOf(refreshed.session.access_token).is_anonymous, false);

    const elsewhere = newClient();
    await done(elsewhere.auth.signInWithPassword({ email, password }));
    const [own] = await ok(elsewhere.schema('echoroom').rpc('get_messages', { session_id: session.id }));
    assert.equal(own.id, message.id);
    await ok(elsewhere.schema('echoroom').rpc('edit_message', { message_id: message.id, content: 'after' }));
});

test('a new password replaces the old one', async () => {
    const { client } = await personWithEmail();
    const { user } = await done(client.auth.getUser());
    await failed(client.auth.updateUser({ password }), 'same_password', 422);
    await done(client.auth.updateUser({ password: 'staple battery horse' }));
    await failed(newClient().auth.signInWithPassword({ email: user.email, password }), 'invalid_credentials', 400);
    await done(newClient().auth.signInWithPassword({ email: user.email, password: 'staple battery horse' }));
});

test('signing out kills the refresh token and the session', async () => {
    const { client } = await person();
    const { session } = await done(client.auth.getSession());
    const { error } = await client.auth.signOut();
    assert.equal(error, null);
    assert.equal((await done(client.auth.getSession())).session, null);
    await failed(refresh(session.refresh_token), 'refresh_token_not_found', 400);
    const asked = await newClient().auth.getUser(session.access_token);
    assert.equal(asked.error.name, 'AuthSessionMissingError');
});

test('signing out here leaves the other devices in, signing out the others leaves this one in', async () => {
    const { client } = await personWithEmail();
    const { user } = await done(client.auth.getUser());
    const device = async () => {
        const other = newClient();
        const { session } = await done(other.auth.signInWithPassword({ email: user.email, password }));
        return { other, refresh_token: session.refresh_token };
    };
    const [first, second, third] = [await device(), await device(), await device()];
    assert.equal((await first.other.auth.signOut({ scope: 'local' })).error, null);
    await failed(refresh(first.refresh_token), 'refresh_token_not_found', 400);
    await done(second.other.auth.getUser());
    assert.equal((await second.other.auth.signOut({ scope: 'others' })).error, null);
    await failed(refresh(third.refresh_token), 'refresh_token_not_found', 400);
    await done(refresh(second.refresh_token));
});

test('getClaims verifies the token with the published key, without asking the server', async () => {
    const asked = [];
    const listening = (address, options) => {
        asked.push(new URL(address).pathname);
        return fetch(address, options);
    };
    const client = newClient(stack.anonKey, { fetch: listening });
    const { user } = await done(client.auth.signInAnonymously());
    asked.length = 0;
    for (let count = 0; count < 2; count += 1) {
        const { claims, header } = await done(client.auth.getClaims());
        assert.deepEqual([claims.sub, claims.role, claims.is_anonymous], [user.id, 'authenticated', true]);
        assert.equal(header.alg, 'ES256');
    }
    assert.ok(asked.every((path) => path === '/auth/v1/.well-known/jwks.json'), asked.join(' '));
    await rows('delete from auth.users where id = $1', [user.id]);
});

test('a token that the secret of the project signed is as good as one of its keys, in every service', async () => {
    const { client, id } = await person();
    const { access_token } = (await done(client.auth.getSession())).session;
    const { session_id } = claimsOf(access_token);
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: id, session_id, role: 'authenticated', aud: 'authenticated', iat: now, exp: now + 3600 };
    for (const token of [access_token, signedToken(claims)]) {
        assert.equal((await restWith(token)).status, 200);
        assert.equal((await done(newClient().auth.getUser(token))).user.id, id);
        const headers = { apikey: stack.anonKey, authorization: `Bearer ${token}` };
        const buckets = await fetch(`${stack.url}/storage/v1/bucket`, { headers });
        assert.equal(buckets.status, 200, await buckets.text());
        const realtime = newClient();
        await realtime.realtime.setAuth(token);
        const channel = realtime.channel(`public-${id}`);
        await new Promise((joined, refused) => {
            channel.subscribe((state, error) => (state === 'SUBSCRIBED' ? joined() : error && refused(error)));
        });
    }
});

test('the well-known keys of the CLI open a stack with the well-known secret', async (t) => {
    if (stack.jwtSecret !== 'super-secret-jwt-token-with-at-least-32-characters-long') {
        t.skip('this stack has a secret of its own');
        return;
    }
    const token =
        'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzdXBhYmFzZS1kZW1vIiwicm9sZSI6InNlcnZpY2Vfcm9sZSIsImV4cCI6MTk4MzgxMjk5Nn0.EGIM96RAZx35lJzdJsyH-qQwv8Hdp7fsn3W0YpN81IU';
    for (const key of [token, 'sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz']) {
        await done(newClient(key).auth.admin.listUsers());
        await done(newClient(key).storage.listBuckets());
    }
});

test('the public key set holds no secret', async () => {
    const response = await fetch(`${stack.url}/auth/v1/.well-known/jwks.json`);
    assert.equal(response.status, 200);
    const { keys } = await response.json();
    assert.equal(keys.length, 1);
    for (const key of keys) {
        assert.notEqual(key.kty, 'oct');
        assert.ok(!('d' in key), 'a private key');
    }
});

test('a token opens the API; a forged, altered, unsigned or expired one does not', async () => {
    const { client, id } = await person();
    const { access_token } = (await done(client.auth.getSession())).session;
    assert.equal((await restWith(access_token)).status, 200);

    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: id, role: 'authenticated', aud: 'authenticated', iat: now, exp: now + 3600 };
    const [head, , signature] = access_token.split('.');
    const altered = Buffer.from(JSON.stringify({ ...claimsOf(access_token), role: 'service_role' })).toString('base64url');
    const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${signedToken(claims).split('.')[1]}.`;
    for (const token of [
        signedToken({ ...claims, role: 'service_role' }, 'another secret of at least 32 characters'),
        `${head}.${altered}.${signature}`,
        unsigned,
        signedToken({ ...claims, iat: now - 7200, exp: now - 3600 }),
        'not.a.token',
    ]) {
        const { status, body } = await restWith(token);
        assert.equal(status, 401, JSON.stringify(body));
        assert.match(body.code, /^PGRST30[123]$/);
        const { error } = await newClient().auth.getUser(token);
        assert.deepEqual([error.code, error.status], ['bad_jwt', 403]);
    }
});

test('a token that names a role the API does not know gets nowhere', async () => {
    const now = Math.floor(Date.now() / 1000);
    for (const role of ['postgres', 'supabase_admin', 'no_such_role']) {
        const { status } = await restWith(signedToken({ role, iat: now, exp: now + 3600 }));
        assert.ok(status === 401 || status === 403, `${role}: HTTP ${status}`);
    }
});

test('an administrator lists users page by page, whatever the client leaves empty', async () => {
    const some = await Promise.all([personWithEmail(), personWithEmail()]);
    const { auth } = newClient(stack.serviceRoleKey);
    const first = await done(auth.admin.listUsers());
    assert.ok(first.users.length >= 2 && first.total >= 2);
    const page = await done(auth.admin.listUsers({ page: 1, perPage: 1 }));
    assert.deepEqual([page.users.length, page.nextPage], [1, 2]);
    assert.ok(some.some(({ id }) => first.users.some((user) => user.id === id)));

    const key = { apikey: stack.serviceRoleKey, authorization: `Bearer ${stack.serviceRoleKey}` };
    for (const query of ['page=x', 'page=-1', 'per_page=1.5', 'sort=email']) {
        const response = await fetch(`${stack.url}/auth/v1/admin/users?${query}`, { headers: key });
        const body = await response.json();
        assert.deepEqual([response.status, body.code, body.error_code], [400, 400, 'validation_failed'], query);
        assert.ok(body.msg);
    }
    const odd = await fetch(`${stack.url}/auth/v1/admin/users/%FF`, { headers: key });
    assert.deepEqual([odd.status, (await odd.json()).error_code], [404, 'validation_failed']);
});

test('a user who is deleted softly stays as a row that says nothing of them', async () => {
    const { client, id } = await personWithEmail();
    const { user } = await done(client.auth.getUser());
    const { auth } = newClient(stack.serviceRoleKey);
    await done(auth.admin.deleteUser(id, true));
    const kept = await row('select email, encrypted_password, raw_user_meta_data, deleted_at from auth.users where id = $1', [id]);
    assert.ok(kept.deleted_at);
    assert.notEqual(kept.email, user.email);
    assert.deepEqual([kept.encrypted_password, kept.raw_user_meta_data], ['', {}]);
    await failed(newClient().auth.signInWithPassword({ email: user.email, password }), 'invalid_credentials', 400);
    assert.equal((await client.auth.getUser()).error.name, 'AuthSessionMissingError');
    assert.ok((await done(auth.admin.getUserById(id))).user.deleted_at);
    await done(auth.admin.deleteUser(id, true));
    await done(auth.admin.deleteUser(id));
    await failed(auth.admin.deleteUser(id), 'user_not_found', 404);
});

test('an administrator creates and changes all that a user has', async () => {
    const { auth } = newClient(stack.serviceRoleKey);
    const id = randomUUID();
    const [email, moved] = [someEmail(), someEmail()];
    const phone = `1${String(Date.now()).slice(-10)}`;
    const { user } = await done(
        auth.admin.createUser({ id, email, phone: `+${phone}`, password, email_confirm: true, app_metadata: { plan: 'a' }, user_metadata: { b: 1 } }),
    );
    assert.deepEqual([user.id, user.phone, user.app_metadata.plan], [id, phone, 'a']);
    assert.ok(user.email_confirmed_at && !user.phone_confirmed_at);
    assert.deepEqual(user.identities.map(({ provider }) => provider).sort(), ['email', 'phone']);
    await failed(auth.admin.createUser({ email }), 'email_exists', 422);
    await failed(auth.admin.createUser({ phone }), 'phone_exists', 422);
    await failed(auth.admin.createUser({ email: moved, id: 'nonsense' }), 'validation_failed', 400);
    await failed(auth.admin.updateUserById(id, { ban_duration: 'forever' }), 'validation_failed', 400);

    const client = newClient();
    await done(client.auth.signInWithPassword({ email, password }));
    const changed = await done(auth.admin.updateUserById(id, { email: moved, ban_duration: '1h30m', user_metadata: { b: null, c: 2 } }));
    assert.deepEqual([changed.user.email, changed.user.user_metadata.c, changed.user.user_metadata.b], [moved, 2, undefined]);
    await failed(client.auth.getUser(), 'user_banned', 403);
    await failed(newClient().auth.signInWithPassword({ email: moved, password }), 'user_banned', 400);
    await done(auth.admin.updateUserById(id, { ban_duration: 'none' }));
    await done(newClient().auth.signInWithPassword({ email: moved, password }));
    await done(auth.admin.deleteUser(id));
});

test('pages of other origins may read the APIs, and neither the worker nor the mailbox', async () => {
    const asked = async (path) => {
        const response = await fetch(`${stack.url}${path}`, { headers: { origin: 'https://page.example', apikey: stack.anonKey } });
        await response.arrayBuffer();
        return [response.status, response.headers.get('access-control-allow-origin')];
    };
    assert.deepEqual(await asked('/auth/v1/settings'), [200, '*']);
    for (const path of ['/api/sessions', '/functions/v1/api/sessions', '/webhooks/nobody', '/_mail', '/_mail/messages']) {
        assert.equal((await asked(path))[1], null, path);
    }
    for (const path of ['/metrics', '/functions/v1/metrics', '/functions/v1/readyz', '/functions/v1']) {
        assert.equal((await asked(path))[0], 404, path);
    }
});
