// Uploads in parts, through an unmodified tus-js-client and, for what it never sends, over plain HTTP: they go on where they broke off, and
// policies and limits count at every part.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import * as tus from 'tus-js-client';
import { row, rows } from './database.mjs';
import { ok, person, service, tokenOf } from './people.mjs';
import { stack } from './stack.mjs';

const bucket = `resumable-${randomUUID()}`;
const endpoint = `${stack.url}/storage/v1/upload/resumable`;
const part = 100_000;
const content = randomBytes(2 * part + 5);
const policies = ['select', 'insert', 'update', 'delete'].map((verb) => [`${bucket} ${verb}`, verb]);

let owner;
let stranger;
let server;

before(async () => {
    [owner, stranger, server] = [await person(), await person(), service()];
    await ok(server.client.storage.createBucket(bucket, { public: false, fileSizeLimit: 3 * part, allowedMimeTypes: ['video/*'] }));
    for (const [name, verb] of policies) {
        const own = `bucket_id = '${bucket}' and (storage.foldername(name))[1] = (select auth.uid())::text`;
        const clause = { select: `using (${own})`, delete: `using (${own})`, insert: `with check (${own})`, update: `using (${own}) with check (${own})` }[verb];
        await rows(`create policy "${name}" on storage.objects for ${verb} to authenticated ${clause}`);
    }
});

after(async () => {
    await server.client.storage.emptyBucket(bucket);
    await server.client.storage.deleteBucket(bucket);
    for (const [name] of policies) {
        await rows(`drop policy "${name}" on storage.objects`);
    }
});

const pathOf = (somebody) => `${somebody.id}/${randomUUID()}.mp4`;
const metadataOf = (path) => ({ bucketName: bucket, objectName: path, contentType: 'video/mp4', cacheControl: '60', metadata: JSON.stringify({ take: 2 }) });

/** Uploads with the client library; resolves when it is done, and says how its options were changed by `more`. */
async function upload(somebody, path, more = {}) {
    const headers = somebody && { authorization: `Bearer ${await tokenOf(somebody)}` };
    let made;
    await new Promise((onSuccess, onError) => {
        made = new tus.Upload(content, {
            endpoint,
            chunkSize: part,
            uploadDataDuringCreation: true,
            retryDelays: null,
            metadata: metadataOf(path),
            onSuccess,
            onError,
            ...more,
            headers: { apikey: stack.anonKey, ...headers, ...more.headers },
        });
        // A test that aborts is done then.
        made.aborted = () => onSuccess();
        more.onMade?.(made);
        made.start();
    });
    return made;
}

async function refused(pending, status) {
    const error = await pending.then(() => assert.fail(`it should have been refused with ${status}`), (error) => error);
    assert.equal(error.originalResponse?.getStatus(), status, error.message);
}

/** A request of the protocol. */
async function send(method, url, somebody, headers = {}, body = undefined) {
    const response = await fetch(url, {
        method,
        headers: { apikey: stack.anonKey, 'tus-resumable': '1.0.0', authorization: `Bearer ${await tokenOf(somebody)}`, ...headers },
        body,
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
}

const encoded = (values) => Object.entries(values).map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`).join(',');
const begin = (somebody, path, length, headers = {}) =>
    send('POST', endpoint, somebody, { 'upload-length': String(length), 'upload-metadata': encoded(metadataOf(path)), ...headers });
const proceed = (url, somebody, offset, bytes) =>
    send('PATCH', url, somebody, { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' }, bytes);
const look = (url, somebody) => send('HEAD', url, somebody);

const rowOf = (path) => row('select * from storage.objects where bucket_id = $1 and name = $2', [bucket, path]);

async function bytesOf(somebody, path) {
    return Buffer.from(await (await ok(somebody.client.storage.from(bucket).download(path))).arrayBuffer());
}

describe('an upload in parts', () => {
    test('becomes an object as any other, byte for byte', async () => {
        const path = pathOf(owner);
        const sent = [];
        await upload(owner, path, { onChunkComplete: (size) => sent.push(size) });
        assert.deepEqual(sent, [part, part, 5]);
        assert.deepEqual(await bytesOf(owner, path), content);
        const { owner_id, metadata, user_metadata } = await rowOf(path);
        assert.equal(owner_id, owner.id);
        assert.deepEqual([metadata.size, metadata.mimetype, metadata.cacheControl], [content.length, 'video/mp4', 'max-age=60']);
        assert.deepEqual(user_metadata, { take: 2 });
    });

    test('goes on where it broke off', async () => {
        const path = pathOf(owner);
        let begun;
        await upload(owner, path, {
            onMade: (made) => (begun = made),
            onChunkComplete: () => begun.abort().then(begun.aborted),
        });
        assert.equal(await rowOf(path), undefined);
        const state = await look(begun.url, owner);
        assert.deepEqual([state.status, state.headers.get('upload-length')], [200, String(content.length)]);
        // What was on its way when it was aborted may have come as well.
        const offset = Number(state.headers.get('upload-offset'));
        assert.ok(offset >= part && offset < content.length, `${offset}`);
        const sent = [];
        await upload(owner, path, { uploadUrl: begun.url, onChunkComplete: (size) => sent.push(size) });
        assert.equal(sent.reduce((sum, size) => sum + size), content.length - offset);
        assert.deepEqual(await bytesOf(owner, path), content);
        // A client whose last answer was lost learns that all of it is there.
        assert.equal((await look(begun.url, owner)).headers.get('upload-offset'), String(content.length));
    });

    test('replaces only when it is to', async () => {
        const path = pathOf(owner);
        await upload(owner, path);
        await refused(upload(owner, path), 409);
        const before = await rowOf(path);
        await upload(owner, path, { headers: { 'x-upsert': 'true' } });
        const now = await rowOf(path);
        assert.deepEqual([now.id === before.id, now.version === before.version], [true, false]);
    });

    test('needs the rights, the size and the type that any upload needs', async () => {
        await refused(upload(stranger, pathOf(owner)), 403);
        await refused(upload(undefined, pathOf(owner)), 403);
        await refused(upload(owner, pathOf(owner), { metadata: { ...metadataOf(pathOf(owner)), contentType: 'text/plain' } }), 415);
        await refused(upload(owner, pathOf(owner), { metadata: { ...metadataOf(pathOf(owner)), bucketName: 'none' } }), 404);
        await refused(upload(owner, pathOf(owner), { metadata: { ...metadataOf('x'), objectName: `${owner.id}/../x` } }), 400);
        assert.equal((await begin(owner, pathOf(owner), 3 * part + 1)).status, 413);
        assert.equal((await begin(owner, pathOf(owner), 'much')).status, 400);
        assert.equal((await begin(owner, pathOf(owner), 1, { 'tus-resumable': '0.2.2' })).status, 412);
        assert.equal((await begin(owner, pathOf(owner), 1, { 'upload-metadata': 'bucketName ?' })).status, 400);
    });

    test('is continued by whoever began it alone, at its end alone, and no further than it said', async () => {
        const path = pathOf(owner);
        const { status, headers } = await begin(owner, path, 6);
        assert.equal(status, 201);
        const url = headers.get('location');
        assert.equal((await proceed(url, owner, 0, 'abc')).headers.get('upload-offset'), '3');
        assert.equal((await proceed(url, stranger, 3, 'def')).status, 403);
        assert.equal((await proceed(url, owner, 0, 'abc')).status, 409);
        assert.equal((await proceed(url, owner, 3, 'defg')).status, 413);
        assert.equal((await send('PATCH', url, owner, { 'upload-offset': '3' }, 'def')).status, 403);
        assert.equal((await send('DELETE', url, stranger)).status, 403);
        assert.equal((await proceed(`${endpoint}/${randomUUID()}`, owner, 0, 'x')).status, 404);
        assert.equal(await rowOf(path), undefined);
        assert.equal((await proceed(url, owner, 3, 'def')).status, 204);
        assert.equal(String(await bytesOf(owner, path)), 'abcdef');
        assert.equal((await send('DELETE', url, owner)).status, 400);
    });

    test('is refused when the right to it is gone meanwhile', async () => {
        const path = pathOf(owner);
        const url = (await begin(owner, path, 6)).headers.get('location');
        assert.equal((await proceed(url, owner, 0, 'abc')).status, 204);
        await rows(`create policy "${bucket} never" on storage.objects as restrictive for insert to authenticated with check (name <> '${path}')`);
        try {
            assert.equal((await proceed(url, owner, 3, 'def')).status, 403);
        } finally {
            await rows(`drop policy "${bucket} never" on storage.objects`);
        }
        assert.equal(await rowOf(path), undefined);
        assert.equal((await proceed(url, owner, 3, 'def')).status, 204);
    });

    test('is taken back', async () => {
        const url = (await begin(owner, pathOf(owner), 6)).headers.get('location');
        assert.equal((await proceed(url, owner, 0, 'abc')).status, 204);
        assert.equal((await send('DELETE', url, owner)).status, 204);
        assert.equal((await look(url, owner)).status, 404);
        assert.equal((await proceed(url, owner, 3, 'def')).status, 404);
    });

    test('of nothing is a file of nothing', async () => {
        const path = pathOf(owner);
        assert.equal((await begin(owner, path, 0)).status, 201);
        assert.equal((await rowOf(path)).metadata.size, 0);
    });

    test('is made with a signed URL by whoever has it, for its path alone', async () => {
        const path = pathOf(owner);
        const { token } = await ok(owner.client.storage.from(bucket).createSignedUploadUrl(path));
        const signed = { endpoint: `${endpoint}/sign`, headers: { 'x-signature': token } };
        await refused(upload(undefined, pathOf(owner), signed), 400);
        await refused(upload(undefined, path, { endpoint: `${endpoint}/sign` }), 400);
        await upload(undefined, path, signed);
        assert.deepEqual(await bytesOf(owner, path), content);
        assert.equal((await rowOf(path)).owner_id, owner.id);
    });
});
