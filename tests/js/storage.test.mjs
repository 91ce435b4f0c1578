// The storage API, seen by an unmodified supabase-js: the policies on storage.objects decide, files and rows never disagree, and what a
// bucket allows is kept.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { row, rows } from './database.mjs';
import { claimsOf, newClient, ok, person, service, signedToken, tokenOf, visitor } from './people.mjs';
import { stack } from './stack.mjs';

// A bucket in which everybody has a folder of their own, and policies that are told apart by its name.
const bucket = `tests-${randomUUID()}`;
const open = `open-${randomUUID()}`;
const policies = ['select', 'insert', 'update', 'delete'].map((verb) => [`${bucket} ${verb}`, verb]);

let owner;
let stranger;
let server;

before(async () => {
    [owner, stranger, server] = [await person(), await person(), service()];
    await ok(server.client.storage.createBucket(bucket, { public: false, fileSizeLimit: 1000, allowedMimeTypes: ['text/plain', 'video/*'] }));
    await ok(server.client.storage.createBucket(open, { public: true }));
    for (const [name, verb] of policies) {
        const own = `bucket_id = '${bucket}' and (storage.foldername(name))[1] = (select auth.uid())::text`;
        const clause = { select: `using (${own})`, delete: `using (${own})`, insert: `with check (${own})`, update: `using (${own}) with check (${own})` }[verb];
        await rows(`create policy "${name}" on storage.objects for ${verb} to authenticated ${clause}`);
    }
});

after(async () => {
    for (const id of [bucket, open]) {
        await server.client.storage.emptyBucket(id);
        await server.client.storage.deleteBucket(id);
    }
    for (const [name] of policies) {
        await rows(`drop policy "${name}" on storage.objects`);
    }
});

const files = ({ client }, id = bucket) => client.storage.from(id);
const text = { contentType: 'text/plain' };

/** A path in somebody's folder. */
const pathOf = (somebody, name = `${randomUUID()}.txt`) => `${somebody.id}/${name}`;

/** A file of the owner's. */
async function fileOf(somebody, content = 'hello', options = text) {
    const path = pathOf(somebody);
    await ok(files(somebody).upload(path, content, options));
    return path;
}

/** What a download brings, as text. */
async function contentOf(somebody, path, id = bucket) {
    return (await ok(files(somebody, id).download(path))).text();
}

/** Asserts a refusal by the status that is meant. */
async function refused(pending, statusCode, message = /./) {
    const { data, error } = await pending;
    assert.ok(!data, `it should have been refused with ${statusCode}`);
    assert.equal(error.statusCode, statusCode, error.message);
    assert.match(error.message, message);
    assert.ok(error.status === 400 || error.status === Number(statusCode), `HTTP ${error.status}`);
}

async function rowOf(path, id = bucket) {
    return row('select * from storage.objects where bucket_id = $1 and name = $2', [id, path]);
}

describe('an owner', () => {
    test('uploads and downloads what they uploaded, byte for byte', async () => {
        const bytes = randomBytes(900);
        const path = pathOf(owner);
        const { id, fullPath } = await ok(files(owner).upload(path, bytes, { contentType: 'video/mp4', cacheControl: '60', metadata: { take: 2 } }));
        assert.equal(fullPath, `${bucket}/${path}`);
        const found = await ok(files(owner).download(path));
        assert.deepEqual(Buffer.from(await found.arrayBuffer()), bytes);
        assert.equal(found.type, 'video/mp4');
        const kept = await rowOf(path);
        assert.equal(kept.id, id);
        assert.equal(kept.owner_id, owner.id);
        assert.equal(kept.owner, owner.id);
        assert.equal(kept.metadata.size, 900);
        assert.equal(kept.metadata.mimetype, 'video/mp4');
        assert.equal(kept.metadata.cacheControl, 'max-age=60');
        assert.deepEqual(kept.user_metadata, { take: 2 });
    });

    test('uploads a form, as browsers do', async () => {
        const path = pathOf(owner);
        await ok(files(owner).upload(path, new Blob(['of a form'], { type: 'text/plain' }), { cacheControl: '7', metadata: { a: 'b' } }));
        assert.equal(await contentOf(owner, path), 'of a form');
        const { metadata, user_metadata } = await rowOf(path);
        assert.deepEqual([metadata.mimetype, metadata.cacheControl, user_metadata], ['text/plain', 'max-age=7', { a: 'b' }]);
    });

    test('does not overwrite by accident, and overwrites on purpose', async () => {
        const path = await fileOf(owner, 'first');
        const before = await rowOf(path);
        await refused(files(owner).upload(path, 'second', text), '409', /already exists/);
        assert.equal(await contentOf(owner, path), 'first');
        await ok(files(owner).upload(path, 'second', { ...text, upsert: true }));
        assert.equal(await contentOf(owner, path), 'second');
        await ok(files(owner).update(path, 'third', text));
        assert.equal(await contentOf(owner, path), 'third');
        const now = await rowOf(path);
        assert.equal(now.id, before.id);
        assert.notEqual(now.version, before.version);
    });

    test('lists a folder level by level, in pages and in order', async () => {
        const folder = `${owner.id}/${randomUUID()}`;
        for (const name of ['b.txt', 'a.txt', 'sub/x.txt', 'sub/y.txt', 'C.txt']) {
            await ok(files(owner).upload(`${folder}/${name}`, name, text));
        }
        const names = async (path, options) => (await ok(files(owner).list(path, options))).map(({ name }) => name);
        assert.deepEqual(await names(folder), ['a.txt', 'b.txt', 'C.txt', 'sub']);
        assert.deepEqual(await names(`${folder}/sub`), ['x.txt', 'y.txt']);
        assert.deepEqual(await names(folder, { limit: 2, offset: 1 }), ['b.txt', 'C.txt']);
        assert.deepEqual(await names(folder, { sortBy: { column: 'name', order: 'desc' } }), ['sub', 'C.txt', 'b.txt', 'a.txt']);
        assert.deepEqual(await names(folder, { search: 'B' }), ['b.txt']);
        assert.deepEqual(await names(folder, { sortBy: { column: 'created_at', order: 'asc' } }), ['sub', 'b.txt', 'a.txt', 'C.txt']);
        const [file, , , sub] = await ok(files(owner).list(folder));
        assert.equal(file.metadata.size, 5);
        assert.match(file.created_at, /^\d{4}-.*Z$/);
        assert.equal(sub.id, null);
    });

    test('lists all of a prefix or one level of it, page by page, and a stranger sees none of it', async () => {
        const folder = `${owner.id}/${randomUUID()}`;
        for (const name of ['b.txt', 'a.txt', 'sub/x.txt', 'sub/y.txt']) {
            await ok(files(owner).upload(`${folder}/${name}`, name, text));
        }
        const prefix = `${folder}/`;
        const all = await ok(files(owner).listV2({ prefix }));
        assert.deepEqual(all.objects.map(({ name }) => name.slice(prefix.length)), ['a.txt', 'b.txt', 'sub/x.txt', 'sub/y.txt']);
        assert.deepEqual([all.folders, all.hasNext], [[], false]);
        const first = await ok(files(owner).listV2({ prefix, with_delimiter: true, limit: 2 }));
        assert.deepEqual(first.objects.map(({ key }) => key), ['a.txt', 'b.txt']);
        assert.equal(first.hasNext, true);
        const second = await ok(files(owner).listV2({ prefix, with_delimiter: true, limit: 2, cursor: first.nextCursor }));
        assert.deepEqual([second.folders.map(({ key, name }) => [key, name]), second.objects, second.hasNext], [[['sub', `${prefix}sub/`]], [], false]);
        const nothing = await ok(files(stranger).listV2({ prefix }));
        assert.deepEqual([nothing.objects, nothing.folders], [[], []]);
    });

    test('moves and copies', async () => {
        const [from, to, copy] = [await fileOf(owner, 'content'), pathOf(owner), pathOf(owner)];
        await ok(files(owner).move(from, to));
        await refused(files(owner).download(from), '404', /not found/i);
        assert.equal((await ok(files(owner).copy(to, copy))).path, `${bucket}/${copy}`);
        await ok(files(owner).remove([to]));
        assert.equal(await contentOf(owner, copy), 'content');
        await refused(files(owner).move(to, pathOf(owner)), '404');
        await refused(files(owner).copy(to, pathOf(owner)), '404');
        await refused(files(owner).move(copy, pathOf(stranger)), '403', /row-level security/);
        await refused(files(owner).copy(copy, pathOf(stranger)), '403', /row-level security/);
        const other = await fileOf(owner);
        await refused(files(owner).move(other, copy), '409');
        assert.equal(await contentOf(owner, copy), 'content');
        assert.equal(await contentOf(owner, other), 'hello');
    });

    test('asks what is known of a file, and whether it exists', async () => {
        const path = await fileOf(owner, '12345', { ...text, metadata: { k: 'v' } });
        const info = await ok(files(owner).info(path));
        assert.deepEqual([info.name, info.size, info.contentType, info.bucketId, info.metadata], [path, 5, 'text/plain', bucket, { k: 'v' }]);
        assert.equal((await files(owner).exists(path)).data, true);
        assert.equal((await files(owner).exists(pathOf(owner))).data, false);
        await refused(files(owner).info(pathOf(owner)), '404');
    });

    test('removes files, and those of others are not among them', async () => {
        const [path, foreign] = [await fileOf(owner), await fileOf(stranger)];
        const removed = await ok(files(owner).remove([path, foreign, pathOf(owner)]));
        assert.deepEqual(removed.map(({ name }) => name), [path]);
        await refused(files(owner).download(path), '404');
        assert.equal(await contentOf(stranger, foreign), 'hello');
    });
});

describe('somebody else', () => {
    const somebodies = [
        ['a stranger', () => stranger],
        ['a visitor without a session', () => visitor()],
    ];
    for (const [name, somebody] of somebodies) {
        test(`${name} reads, writes, lists, signs and removes nothing of the owner's`, async () => {
            const path = await fileOf(owner, 'private');
            const before = await rowOf(path);
            const mine = files(somebody());
            await refused(mine.download(path), '404');
            await refused(mine.info(path), '404');
            await refused(mine.createSignedUrl(path, 60), '404');
            const [signed] = await ok(mine.createSignedUrls([path], 60));
            assert.equal(signed.signedUrl, null);
            assert.match(signed.error, /not exist or you do not have access/);
            await refused(mine.createSignedUploadUrl(pathOf(owner)), '403', /row-level security/);
            await refused(mine.createSignedUploadUrl(path, { upsert: true }), '403', /row-level security/);
            await refused(mine.upload(pathOf(owner), 'x', text), '403', /row-level security/);
            await refused(mine.upload(path, 'x', { ...text, upsert: true }), '403', /row-level security/);
            await refused(mine.update(path, 'x', text), '403', /row-level security/);
            await refused(mine.move(path, `${somebody().id}/stolen.txt`), '404');
            await refused(mine.copy(path, `${somebody().id}/stolen.txt`), '404');
            assert.deepEqual(await ok(mine.list(owner.id)), []);
            assert.deepEqual(await ok(mine.remove([path])), []);
            assert.deepEqual(await rowOf(path), before);
            assert.equal(await contentOf(owner, path), 'private');
        });
    }

    test('nobody but the secret key sees or changes buckets', async () => {
        const { storage } = stranger.client;
        assert.deepEqual(await ok(storage.listBuckets()), []);
        await refused(storage.getBucket(bucket), '404');
        await refused(storage.createBucket(`x-${randomUUID()}`), '403', /row-level security/);
        await refused(storage.updateBucket(bucket, { public: true }), '404');
        await refused(storage.emptyBucket(bucket), '404');
        await refused(storage.deleteBucket(bucket), '404');
        assert.equal((await ok(server.client.storage.getBucket(bucket))).public, false);
    });
});

describe('the secret key', () => {
    // A project may have keys of the old form, of the new one, or both.
    for (const key of [stack.serviceRoleKey, stack.secretKey].filter(Boolean)) {
        test(`of the form ${key.slice(0, 3)}... does everything`, async () => {
            const mine = newClient(key).storage.from(bucket);
            const path = await fileOf(owner, 'seen by the server');
            assert.equal(await (await ok(mine.download(path))).text(), 'seen by the server');
            await ok(mine.upload(`anywhere/${randomUUID()}.txt`, 'x', text));
            assert.ok((await ok(mine.list(owner.id))).length > 0);
            assert.equal((await ok(mine.remove([path]))).length, 1);
        });
    }

    test('keeps buckets', async () => {
        const { storage } = server.client;
        const id = `kept-${randomUUID()}`;
        await ok(storage.createBucket(id, { public: false, fileSizeLimit: '1KB', allowedMimeTypes: ['image/*'] }));
        const { file_size_limit, allowed_mime_types, public: isPublic } = await ok(storage.getBucket(id));
        assert.deepEqual([file_size_limit, allowed_mime_types, isPublic], [1000, ['image/*'], false]);
        await refused(storage.createBucket(id), '409', /already exists/);
        await ok(storage.updateBucket(id, { public: true, fileSizeLimit: null }));
        const changed = await ok(storage.getBucket(id));
        assert.deepEqual([changed.file_size_limit, changed.allowed_mime_types, changed.public], [null, ['image/*'], true]);
        assert.ok((await ok(storage.listBuckets())).some((found) => found.id === id));
        await ok(storage.from(id).upload('a.png', 'x', { contentType: 'image/png' }));
        await refused(storage.deleteBucket(id), '409', /not empty/);
        await ok(storage.emptyBucket(id));
        await ok(storage.deleteBucket(id));
        await refused(storage.getBucket(id), '404', /Bucket not found/);
        await refused(storage.createBucket('a/b'), '400', /Bucket name invalid/);
        await refused(storage.createBucket(`x-${randomUUID()}`, { public: false, fileSizeLimit: 'much' }), '400', /size format/);
    });
});

describe('what a bucket allows', () => {
    test('a file that is too large leaves nothing, whatever form it comes in', async () => {
        const path = pathOf(owner);
        const large = 'x'.repeat(1001);
        async function* chunks() {
            yield Buffer.from(large.slice(0, 600));
            yield Buffer.from(large.slice(600));
        }
        const forms = [large, new Blob([large], { type: 'text/plain' }), ReadableStream.from(chunks())];
        for (const form of forms) {
            await refused(files(owner).upload(path, form, { ...text, duplex: 'half' }), '413', /exceeded the maximum allowed size/);
        }
        assert.equal(await rowOf(path), undefined);
        await ok(files(owner).upload(path, 'x'.repeat(1000), text));
    });

    test('a refusal of a large upload is an answer and not a broken connection', async () => {
        await refused(files(owner).upload(pathOf(owner), Buffer.alloc(8_000_000), text), '413');
        await refused(files(visitor()).upload(pathOf(owner), Buffer.alloc(8_000_000), text), '413');
    });

    test('a type that is not allowed is refused, one that fits a pattern is taken', async () => {
        for (const contentType of ['image/png', 'text/html', 'audio/mpeg', 'nonsense']) {
            await refused(files(owner).upload(pathOf(owner), 'x', { contentType }), '415', /is not supported/);
            await refused(files(owner).upload(pathOf(owner), new Blob(['x'], { type: contentType }), {}), '415', /is not supported/);
        }
        await ok(files(owner).upload(pathOf(owner), 'x', { contentType: 'video/webm' }));
    });

    test('strange names are refused, and none leads anywhere', async () => {
        for (const name of ['ä.txt', 'a\\b.txt', 'a#b.txt', 'x'.repeat(1025)]) {
            await refused(files(owner).upload(`${owner.id}/${encodeURIComponent(name)}`, 'x', text), '400', /Invalid key/);
        }
        for (const path of ['..%2f..%2fstack.env', `${owner.id}%2f..%2f..%2fworker.keys`, `${owner.id}/%2e%2e%2f%2e%2e%2fx`]) {
            const headers = { apikey: stack.anonKey, authorization: `Bearer ${await tokenOf(owner)}` };
            for (const options of [{ headers }, { headers: { ...headers, 'content-type': 'text/plain' }, method: 'POST', body: 'x' }]) {
                const response = await fetch(`${stack.url}/storage/v1/object/${bucket}/${path}`, options);
                const body = await response.json();
                assert.equal(response.status, 400);
                assert.equal(body.code, 'InvalidKey', JSON.stringify(body));
            }
        }
    });

    test('an unknown bucket is not there', async () => {
        await refused(files(owner, 'nowhere').upload('a.txt', 'x', text), '404', /Bucket not found/);
        await refused(files(owner, 'nowhere').download('a.txt'), '404', /Bucket not found/);
    });
});

describe('signed URLs', () => {
    test('one opens its file for whoever has it, until it expires', async () => {
        const path = await fileOf(owner, 'by url');
        const { signedUrl } = await ok(files(owner).createSignedUrl(path, 60, { download: 'a name.txt' }));
        const response = await fetch(signedUrl);
        assert.equal(response.status, 200);
        assert.equal(await response.text(), 'by url');
        assert.match(response.headers.get('content-disposition'), /^attachment; filename=a%20name\.txt; filename\*=UTF-8''a%20name\.txt$/);
        const token = new URL(signedUrl).searchParams.get('token');
        const claims = claimsOf(token);
        assert.equal(claims.url, `${bucket}/${path}`);
        assert.equal(claims.exp - claims.iat, 60);
        const expired = signedToken({ ...claims, iat: claims.iat - 100, exp: claims.iat - 40 });
        const other = await fileOf(owner, 'another');
        const base = `${stack.url}/storage/v1/object/sign/${bucket}`;
        for (const [url, code] of [
            [`${base}/${path}?token=${expired}`, 'InvalidJWT'],
            [`${base}/${other}?token=${token}`, 'InvalidSignature'],
            [`${base}/${path}?token=${signedToken(claims, 'x'.repeat(40))}`, 'InvalidJWT'],
            [`${base}/${path}?token=${await tokenOf(owner)}`, 'InvalidJWT'],
            [`${base}/${path}`, 'InvalidRequest'],
        ]) {
            const refusal = await fetch(url);
            assert.equal(refusal.status, 400);
            assert.equal((await refusal.json()).code, code, url);
        }
        // And it is no session.
        const asSession = await fetch(`${stack.url}/storage/v1/object/${bucket}/${path}`, { headers: { apikey: stack.anonKey, authorization: `Bearer ${token}` } });
        assert.equal(asSession.status, 400);
        await refused(files(owner).createSignedUrl(path, 0), '400', /expiresIn/);
    });

    test('several are made at once, each with its own answer', async () => {
        const path = await fileOf(owner, 'many');
        const [found, missing] = await ok(files(owner).createSignedUrls([path, 'nothing.txt'], 60));
        assert.equal(await (await fetch(found.signedUrl)).text(), 'many');
        assert.equal(missing.signedUrl, null);
    });

    test('an upload can be signed, once and for its path alone', async () => {
        const path = pathOf(owner);
        const { token } = await ok(files(owner).createSignedUploadUrl(path));
        const anybody = files(visitor());
        await refused(anybody.uploadToSignedUrl(pathOf(owner), token, 'x', text), '400', /signature/i);
        await ok(anybody.uploadToSignedUrl(path, token, 'brought', text));
        assert.equal(await contentOf(owner, path), 'brought');
        assert.equal((await rowOf(path)).owner_id, owner.id);
        await refused(anybody.uploadToSignedUrl(path, token, 'again', text), '409');
        await refused(files(owner).createSignedUploadUrl(path), '409');
        const again = await ok(files(owner).createSignedUploadUrl(path, { upsert: true }));
        await ok(anybody.uploadToSignedUrl(path, again.token, 'again', text));
        assert.equal(await contentOf(owner, path), 'again');
        await refused(anybody.uploadToSignedUrl(path, again.token, 'x'.repeat(1001), text), '413');
        assert.equal(await contentOf(owner, path), 'again');
    });
});

describe('a public bucket', () => {
    test('is read by everybody without a key, and written by nobody without a policy', async () => {
        const path = `${randomUUID()}/page.html`;
        await ok(files(server, open).upload(path, '<script>alert(1)</script>', { contentType: 'text/html' }));
        const { publicUrl } = files(visitor(), open).getPublicUrl(path).data;
        const response = await fetch(publicUrl);
        assert.equal(response.status, 200);
        assert.equal(response.headers.get('content-type'), 'text/plain');
        assert.match(await response.text(), /script/);
        assert.match(await contentOf(visitor(), path, open), /script/);
        await refused(files(stranger, open).upload(path, 'x', { upsert: true }), '403');
        await refused(files(stranger, open).upload(`${randomUUID()}.txt`, 'x'), '403');
        assert.deepEqual(await ok(files(stranger, open).remove([path])), []);
        assert.deepEqual(await ok(files(stranger, open).list()), []);
    });

    test('a private bucket has no public address', async () => {
        const path = await fileOf(owner);
        const response = await fetch(files(owner).getPublicUrl(path).data.publicUrl);
        assert.equal(response.status, 400);
        assert.equal((await response.json()).error, 'Bucket not found');
    });
});

describe('a download', () => {
    const url = (path) => `${stack.url}/storage/v1/object/authenticated/${bucket}/${path}`;
    const headersOf = async (somebody) => ({ apikey: stack.anonKey, authorization: `Bearer ${await tokenOf(somebody)}` });

    test('brings the part that was asked for', async () => {
        const path = await fileOf(owner, '0123456789');
        const headers = await headersOf(owner);
        for (const [range, status, content, of] of [
            ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
            ['bytes=7-', 206, '789', 'bytes 7-9/10'],
            ['bytes=-3', 206, '789', 'bytes 7-9/10'],
            ['bytes=5-50', 206, '56789', 'bytes 5-9/10'],
            ['lines=1-2', 200, '0123456789', null],
        ]) {
            const response = await fetch(url(path), { headers: { ...headers, range } });
            assert.equal(response.status, status, range);
            assert.equal(await response.text(), content, range);
            assert.equal(response.headers.get('content-range'), of, range);
            assert.equal(response.headers.get('content-length'), String(content.length), range);
        }
        const beyond = await fetch(url(path), { headers: { ...headers, range: 'bytes=10-' } });
        assert.equal((await beyond.json()).statusCode, '416');
        const whole = await fetch(url(path), { headers });
        assert.equal(whole.headers.get('accept-ranges'), 'bytes');
        const known = await fetch(url(path), { headers: { ...headers, 'if-none-match': whole.headers.get('etag') } });
        assert.equal(known.status, 304);
        await whole.text();
    });

    test('a token that is wrong, expired or missing is refused with what is wrong', async () => {
        const path = await fileOf(owner);
        const claims = claimsOf(await tokenOf(owner));
        const tokens = [
            [signedToken({ ...claims, exp: 1 }), '403', /exp/],
            [signedToken(claims, 'x'.repeat(40)), '403', /signature/],
            ['nonsense', '403', /Compact JWS/],
        ];
        for (const [token, statusCode, message] of tokens) {
            const response = await fetch(url(path), { headers: { apikey: stack.anonKey, authorization: `Bearer ${token}` } });
            const body = await response.json();
            assert.deepEqual([response.status, body.statusCode, body.error], [400, statusCode, 'Unauthorized']);
            assert.match(body.message, message);
        }
        const none = await fetch(url(path));
        assert.equal(none.status, 400);
        const wrongKey = await fetch(url(path), { headers: { apikey: 'nonsense' } });
        assert.equal(wrongKey.status, 401);
        await wrongKey.text();
        await none.text();
    });

    test('sees an old file or the new one while it is overwritten, and never half of one', async () => {
        const path = await fileOf(owner, 'a'.repeat(1000));
        let done = false;
        const writing = (async () => {
            for (let i = 0; i < 30; i += 1) {
                await ok(files(owner).upload(path, 'ab'[i % 2].repeat(1000), { ...text, upsert: true }));
            }
            done = true;
        })();
        let reads = 0;
        while (!done) {
            const content = await contentOf(owner, path);
            assert.match(content, /^(a{1000}|b{1000})$/);
            reads += 1;
        }
        await writing;
        assert.ok(reads > 0);
    });

    test('of two that create the same file at once, one wins', async () => {
        const path = pathOf(owner);
        const tries = await Promise.all(Array.from({ length: 8 }, (_, i) => files(owner).upload(path, `try ${i}`, text)));
        const winners = tries.flatMap(({ error }, i) => (error === null ? [i] : []));
        assert.equal(winners.length, 1, JSON.stringify(tries.map(({ error }) => error?.message)));
        assert.equal(await contentOf(owner, path), `try ${winners[0]}`);
    });
});
