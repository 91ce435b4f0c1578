// Domo's files in the bucket demo-videos: each demo has a folder, which belongs to the owner of the demo and to nobody else, until the files of a
// demo that is gone are removed.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eventually } from './channels.mjs';
import { row, rows } from './database.mjs';
import { demoOf } from './demos.mjs';
import { newClient, ok, person, service, visitor } from './people.mjs';

const bucket = 'demo-videos';
const video = { contentType: 'video/mp4' };
const made = [];

const files = ({ client }) => client.storage.from(bucket);

/** A video in the folder of a demo. */
async function videoOf(owner, demo, content = 'a film', name = `${randomUUID()}.mp4`) {
    const path = `${demo.id}/${name}`;
    await ok(files(owner).upload(path, content, video));
    made.push(path);
    return path;
}

async function refused(pending, statusCode) {
    const { data, error } = await pending;
    assert.ok(!data, `it should have been refused with ${statusCode}`);
    assert.equal(error.statusCode, statusCode, error.message);
}

const rowOf = (path) => row('select * from storage.objects where bucket_id = $1 and name = $2', [bucket, path]);

let owner;
let stranger;

before(async () => {
    [owner, stranger] = [await person(), await person()];
});

after(() => files(service()).remove(made));

test('an owner uploads, reads, lists, signs, overwrites, moves and removes in the folder of their demo', async () => {
    const demo = await demoOf(owner);
    const path = await videoOf(owner, demo);
    assert.equal(await (await ok(files(owner).download(path))).text(), 'a film');
    const { signedUrl } = await ok(files(owner).createSignedUrl(path, 60));
    assert.equal(await (await fetch(signedUrl)).text(), 'a film');
    await ok(files(owner).upload(path, 'a new film', { ...video, upsert: true }));
    const moved = `${demo.id}/parts/1.mp4`;
    await ok(files(owner).move(path, moved));
    assert.deepEqual((await ok(files(owner).list(demo.id))).map(({ name }) => name), ['parts']);
    await ok(owner.domo.from('demo_videos').insert({ demo_id: demo.id, title: 'Tour', storage_url: moved, order_index: 0 }));
    assert.equal((await ok(files(owner).remove([moved]))).length, 1);
    assert.equal(await rowOf(moved), undefined);
});

test('the bucket takes videos and sound up to 100 MB, and nothing else', async () => {
    const demo = await demoOf(owner);
    for (const contentType of ['text/html', 'image/png', 'application/pdf']) {
        await refused(files(owner).upload(`${demo.id}/x`, 'x', { contentType }), '415');
    }
    await ok(files(owner).upload(`${demo.id}/x.mp3`, 'x', { contentType: 'audio/mpeg' }));
    made.push(`${demo.id}/x.mp3`);
    const { file_size_limit } = await row('select file_size_limit from storage.buckets where id = $1', [bucket]);
    assert.equal(Number(file_size_limit), 100 * 1024 * 1024);
    assert.deepEqual((await ok(files(owner).list(demo.id))).map(({ name }) => name), ['x.mp3']);
});

test('nobody writes outside of the folder of a demo', async () => {
    const demo = await demoOf(owner);
    for (const path of ['x.mp4', `${owner.id}/x.mp4`, `${randomUUID()}/x.mp4`, `x/${demo.id}/x.mp4`, `${demo.id}x/x.mp4`, `${demo.id.toUpperCase()}/x.mp4`, demo.id]) {
        await refused(files(owner).upload(path, 'x', video), '403');
    }
    const path = await videoOf(owner, demo);
    await refused(files(owner).move(path, `${randomUUID()}/x.mp4`), '403');
    await refused(files(owner).copy(path, `${randomUUID()}/x.mp4`), '403');
    assert.ok(await rowOf(path));
});

/** Holds the jobs that remove files, as if the worker were busy; call what it returns to let them go. */
async function holdRemoval() {
    const key = Math.floor(Math.random() * 1e9);
    const name = `holds_removal_${key}`;
    await rows(`create function pgmq.${name}() returns trigger language plpgsql as $$ begin new.vt := clock_timestamp() + interval '1 hour'; return new; end $$`);
    await rows(`create trigger ${name} before insert on pgmq.q_parley_maintenance for each row
        when (new.message ->> 'kind' = 'remove_files') execute function pgmq.${name}()`);
    return async () => {
        await rows(`drop trigger ${name} on pgmq.q_parley_maintenance`);
        await rows(`drop function pgmq.${name}()`);
        await rows(`update pgmq.q_parley_maintenance set vt = now() where message ->> 'kind' = 'remove_files'`);
        await rows(`select pg_notify('parley_jobs', 'maintenance')`);
    };
}

/** Everything that somebody may try with a file that is not theirs. */
async function triesInVain(somebody, demo, path) {
    const before = await rowOf(path);
    const theirs = files(somebody);
    const fresh = `${demo.id}/${randomUUID()}.mp4`;
    await refused(theirs.upload(fresh, 'x', video), '403');
    await refused(theirs.upload(path, 'x', { ...video, upsert: true }), '403');
    await refused(theirs.update(path, 'x', video), '403');
    await refused(theirs.createSignedUploadUrl(fresh), '403');
    await refused(theirs.createSignedUploadUrl(path, { upsert: true }), '403');
    await refused(theirs.download(path), '404');
    await refused(theirs.info(path), '404');
    await refused(theirs.createSignedUrl(path, 60), '404');
    assert.equal((await ok(theirs.createSignedUrls([path], 60)))[0].signedUrl, null);
    await refused(theirs.move(path, fresh), '404');
    await refused(theirs.copy(path, fresh), '404');
    assert.deepEqual(await ok(theirs.list(demo.id)), []);
    assert.ok((await ok(theirs.list())).every(({ name }) => name !== demo.id));
    assert.deepEqual(await ok(theirs.remove([path, fresh])), []);
    assert.deepEqual(await rowOf(path), before);
    assert.equal(await rowOf(fresh), undefined);
    assert.equal(await (await ok(files(service()).download(path))).text(), 'a film');
}

describe('somebody else', () => {
    const somebodies = [
        ['a stranger', () => stranger],
        ['a visitor without a session', () => visitor()],
    ];
    for (const [name, somebody] of somebodies) {
        test(`${name} can do nothing in the folder of a demo`, async () => {
            const demo = await demoOf(owner);
            await triesInVain(somebody(), demo, await videoOf(owner, demo));
        });

        test(`${name} can do nothing there when the demo is published`, async () => {
            const demo = await demoOf(owner);
            const path = await videoOf(owner, demo);
            await ok(owner.domo.rpc('add_knowledge', { demo_id: demo.id, content: 'It waters itself.' }));
            await ok(owner.domo.rpc('publish_demo', { demo_id: demo.id }));
            await triesInVain(somebody(), demo, path);
        });

        test(`${name} can do nothing there after the demo is put away`, async () => {
            const demo = await demoOf(owner);
            const path = await videoOf(owner, demo);
            await ok(owner.domo.from('demos').update({ deleted_at: new Date().toISOString() }).eq('id', demo.id));
            await triesInVain(somebody(), demo, path);
        });

        test(`${name} can do nothing there after the demo is deleted, and neither can who owned it`, async () => {
            const demo = await demoOf(owner);
            const path = await videoOf(owner, demo);
            const letGo = await holdRemoval();
            const removed = await ok(owner.domo.from('demos').delete().eq('id', demo.id).select('id'));
            assert.equal(removed.length, 1);
            await triesInVain(somebody(), demo, path);
            await triesInVain(owner, demo, path);
            await letGo();
        });
    }

    test('nobody comes to the files of a deleted demo by making one under its id', async () => {
        const demo = await demoOf(owner);
        const path = await videoOf(owner, demo);
        const letGo = await holdRemoval();
        await ok(owner.domo.from('demos').delete().eq('id', demo.id));
        for (const somebody of [stranger, owner]) {
            const { error } = await somebody.domo.from('demos').insert({ id: demo.id, name: 'Mine now' });
            assert.equal(error?.details, 'demo_id_taken');
            await triesInVain(somebody, demo, path);
        }
        await letGo();
        await eventually(async () => !(await rowOf(path)), () => `the removal of ${path}`);
        await ok(stranger.domo.from('demos').insert({ id: demo.id, name: 'Of a free id' }));
    });

    test('a session that has ended by its clock opens nothing', async () => {
        const demo = await demoOf(owner);
        const path = await videoOf(owner, demo);
        const late = newClient(undefined, { headers: { authorization: 'Bearer nonsense' } });
        await refused(late.storage.from(bucket).download(path), '404');
        await refused(late.storage.from(bucket).upload(`${demo.id}/x.mp4`, 'x', video), '403');
    });
});

test('the files of an erased demo go, in both buckets and in any number, and so do those of a deleted account', async () => {
    const [demo, other] = [await demoOf(owner), await demoOf(stranger)];
    const leaver = await person();
    const theirs = await demoOf(leaver);
    const kept = await videoOf(stranger, other);
    const paths = await Promise.all([videoOf(owner, demo), videoOf(leaver, theirs)]);
    const manual = `${demo.id}/manual.txt`;
    await ok(owner.client.storage.from('demo-documents').upload(manual, 'It waters itself.', { contentType: 'text/plain' }));
    // More than one request removes.
    await rows(
        `insert into storage.objects (bucket_id, name) select $1, $2 || '/part ' || n || '.mp4' from generate_series(1, 250) n`,
        [bucket, demo.id],
    );
    await ok(owner.domo.from('demos').delete().eq('id', demo.id));
    await rows('delete from auth.users where id = $1', [leaver.id]);
    const left = () => rows(`select name from storage.objects where name like any ($1)`, [[demo, theirs].map(({ id }) => `${id}/%`)]);
    await eventually(async () => (await left()).length === 0, () => `the removal of ${paths} and more`);
    assert.equal(await (await ok(files(stranger).download(kept))).text(), 'a film');
});

test('an owner upserts their own demo, also one that has files', async () => {
    const demo = await demoOf(owner);
    await videoOf(owner, demo);
    const upserted = await ok(owner.domo.from('demos').upsert({ id: demo.id, name: 'Another name' }).select('id, name').single());
    assert.deepEqual(upserted, { id: demo.id, name: 'Another name' });
    const { error } = await stranger.domo.from('demos').upsert({ id: demo.id, name: 'Mine now' });
    assert.equal(error?.code, '42501', 'nobody takes it over by it');
});

test('the secret key reads the files of every demo, as the worker has to', async () => {
    const demo = await demoOf(owner);
    const path = await videoOf(owner, demo);
    const { signedUrl } = await ok(files(service()).createSignedUrl(path, 60));
    assert.equal(await (await fetch(signedUrl)).text(), 'a film');
});
