// TypeScript as a user of clients/js has it: the package as npm packs it, supabase-js, strict mode.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './stack.mjs';

const run = promisify(execFile);
const installed = join(import.meta.dirname, 'node_modules');

/** A new folder in which packages are found as in a user's project. */
async function project() {
    const folder = mkdtempSync(join(tmpdir(), 'parley-typescript-'));
    const modules = join(folder, 'node_modules');
    mkdirSync(join(modules, '@parley'), { recursive: true });
    for (const name of ['@supabase', '@types', 'ws']) {
        symlinkSync(join(installed, name), join(modules, name));
    }
    await run('npm', ['pack', '--silent', '--pack-destination', folder, join(root, 'clients/js')]);
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    await run('tar', ['--extract', '--gzip', '--file', join(folder, file), '--directory', join(modules, '@parley')]);
    await run('mv', [join(modules, '@parley/package'), join(modules, '@parley/client')]);
    return folder;
}

/** What the compiler complains of in some files, by name; nothing where they are right. */
export async function compile(files, options = {}) {
    const folder = await project();
    try {
        const compilerOptions = { strict: true, noEmit: true, target: 'es2023', module: 'nodenext', types: ['node'], skipLibCheck: true, ...options };
        writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
        writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
        for (const [name, text] of Object.entries(files)) {
            writeFileSync(join(folder, name), text);
        }
        const { stdout } = await run(join(installed, '.bin/tsc'), ['--project', folder, '--pretty', 'false']).catch((failed) => failed);
        return stdout;
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}
