// The suite of auth-js that runs against a local Supabase, on the project that it comes with.

import { execFileSync } from 'node:child_process';

import { readJest } from './runner/results.mjs';

export default {
    repository: 'supabase-js',
    folder: 'packages/core/auth-js',
    project: 'test',
    npm: ['@supabase/auth-js'],
    // It signs its own API keys with a key that it makes.
    before: (place) => execFileSync('node', ['test/generate-signing-keys.js'], { cwd: place.folder, stdio: 'ignore' }),
    commands: (place, report) => [
        {
            program: 'node_modules/.bin/jest',
            words: ['--config', 'jest.config.cli.js', '--runInBand', '--forceExit', '--coverage=false', '--json', `--outputFile=${report}`],
        },
    ],
    read: (report, place) => readJest(report, place.folder),
};
