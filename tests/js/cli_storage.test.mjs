// The real Supabase CLI and the files of a local stack: it shows keys that it knows by itself.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, test } from 'node:test';
import { service } from './people.mjs';
import { root, stack } from './stack.mjs';

const run = promisify(execFile);
const folder = join(root, '.parley', `cli-storage-test-${process.pid}`);
const bucket = `seeded-${process.pid}`;
const isWellKnown = stack.jwtSecret === 'super-secret-jwt-token-with-at-least-32-characters-long';
const options = { skip: isWellKnown ? false : 'this stack has a secret of its own' };

before(() => {
    mkdirSync(join(folder, 'supabase/files'), { recursive: true });
    writeFileSync(join(folder, 'supabase/files/a.txt'), 'one');
    const { port } = new URL(stack.url);
    writeFileSync(
        join(folder, 'supabase/config.toml'),
        `project_id = "x"\n[api]\nport = ${port}\n[storage.buckets.${bucket}]\npublic = false\nobjects_path = "./files"\n`,
    );
});

after(async () => {
    const { storage } = service().client;
    await storage.emptyBucket(bucket);
    await storage.deleteBucket(bucket);
    rmSync(folder, { recursive: true, force: true });
});

async function supabase(...words) {
    const kept = Object.entries(process.env).filter(([name]) => !/^(SUPABASE_|PG)/.test(name));
    const command = join(root, 'tests/js/node_modules/.bin/supabase');
    const { stdout } = await run(command, [...words, '--workdir', folder], {
        cwd: folder,
        env: { ...Object.fromEntries(kept), HOME: folder, SUPABASE_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
    });
    return stdout;
}

test('seed buckets makes the buckets of the configuration, with their files', options, async () => {
    await supabase('seed', 'buckets');
    const { data, error } = await service().client.storage.from(bucket).download('a.txt');
    assert.equal(error, null);
    assert.equal(await data.text(), 'one');
});

test('storage ls, cp and rm see and change what is there', options, async () => {
    assert.match(await supabase('storage', 'ls', '--experimental'), new RegExp(`^${bucket}/$`, 'm'));
    await supabase('storage', 'cp', join(folder, 'supabase/files/a.txt'), `ss:///${bucket}/b.txt`, '--experimental');
    assert.match(await supabase('storage', 'ls', `ss:///${bucket}/`, '--experimental'), /^b\.txt$/m);
    const back = join(folder, 'back.txt');
    await supabase('storage', 'cp', `ss:///${bucket}/b.txt`, back, '--experimental');
    assert.equal(readFileSync(back, 'utf8'), 'one');
    await supabase('storage', 'rm', `ss:///${bucket}/b.txt`, '--experimental', '--yes');
    assert.doesNotMatch(await supabase('storage', 'ls', `ss:///${bucket}/`, '--experimental'), /b\.txt/);
});
