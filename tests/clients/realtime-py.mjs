// The suite of realtime, the Realtime client of supabase-py.

import { join } from 'node:path';

import { readJunit } from './runner/results.mjs';

export default {
    repository: 'supabase-py',
    folder: 'src/realtime',
    project: 'infra',
    python: { package: 'realtime', groups: ['tests'] },
    commands: (place, report) => [
        {
            program: join(place.environment, 'bin/pytest'),
            words: ['-q', '-p', 'no:cacheprovider', `--junitxml=${report}`],
        },
    ],
    read: (report) => readJunit(report),
};
