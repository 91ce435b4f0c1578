// Sign-in as supabase-js sees it: sessions, refreshing, accounts, errors, and what a token is good for.

import assert from 'node:assert/strict';
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

test('getClaims verifies the token and returns its claims', async () => {
    const { client, id } = await person();
    const { claims } = await done(client.auth.getClaims());
    assert.deepEqual([claims.sub, claims.role, claims.is_anonymous], [id, 'authenticated', true]);
});

test('the public key set holds no secret', async () => {
    const response = await fetch(`${stack.url}/auth/v1/.well-known/jwks.json`);
    assert.equal(response.status, 200);
    const { keys } = await response.json();
    assert.ok(Array.isArray(keys));
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
