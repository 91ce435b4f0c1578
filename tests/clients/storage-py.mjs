// The suite of storage3, the Storage client of supabase-py.

import { join } from 'node:path';

import { readJunit } from './runner/results.mjs';

export default {
    repository: 'supabase-py',
    folder: 'src/storage',
    project: 'infra',
    python: { package: 'storage3', groups: ['tests'] },
    stack: { ports: { api: 55321, db: 55322 } },
    commands: (place, report) => [
        {
            program: join(place.environment, 'bin/pytest'),
            words: ['-q', '-p', 'no:cacheprovider', `--junitxml=${report}`],
        },
    ],
    read: (report) => readJunit(report),
};
