// The suite of supabase_auth, the Auth client of supabase-py: blocking and asynchronous.

import { join } from 'node:path';

import { startServers } from './runner/auth_servers.mjs';
import { readJunit } from './runner/results.mjs';

export default {
    repository: 'supabase-py',
    folder: 'src/auth',
    python: { package: 'supabase_auth', groups: ['tests'] },
    start: (options) => startServers({ ...options, anonymous: [9996, 9997, 9998, 9999] }),
    commands: (place, report) => [
        {
            program: join(place.environment, 'bin/pytest'),
            words: ['-q', '-p', 'no:cacheprovider', `--junitxml=${report}`],
        },
    ],
    read: (report) => readJunit(report),
};
