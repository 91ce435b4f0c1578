// The suite of realtime, the Realtime client of supabase-py.

import { join } from 'node:path';

import { readJunit } from './runner/results.mjs';

export default {
    repository: 'supabase-py',
    folder: 'src/realtime',
    project: 'infra',
    python: { package: 'realtime', groups: ['tests'] },
    commands: (place, report, stack) => [
        {
            program: join(place.environment, 'bin/pytest'),
            words: ['-q', '-p', 'no:cacheprovider', `--junitxml=${report}`],
            env: { SUPABASE_PUBLISHABLE_KEY: stack.SUPABASE_ANON_KEY },
        },
    ],
    read: (report) => readJunit(report),
};
