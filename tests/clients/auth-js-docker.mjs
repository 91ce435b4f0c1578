// The part of auth-js' suite that wants several servers of Supabase Auth, each with other settings.

import { execFileSync } from 'node:child_process';

import { startServers } from './runner/auth_servers.mjs';
import { readJest } from './runner/results.mjs';

export default {
    repository: 'supabase-js',
    folder: 'packages/core/auth-js',
    npm: ['@supabase/auth-js'],
    before: (place) => execFileSync('node', ['test/generate-signing-keys.js'], { cwd: place.folder, stdio: 'ignore' }),
    start: (options) => startServers({ ...options, anonymous: [9998] }),
    commands: (place, report) => [
        {
            program: 'node_modules/.bin/jest',
            words: ['--config', 'jest.config.docker.js', '--runInBand', '--forceExit', '--json', `--outputFile=${report}`],
        },
    ],
    read: (report, place) => readJest(report, place.folder),
};
