// The suite of postgrest, the PostgREST client of supabase-py.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readJunit } from './runner/results.mjs';

const withStack = join(dirname(fileURLToPath(import.meta.url)), 'postgrest/with_stack.mjs');

export default {
    repository: 'supabase-py',
    folder: 'src/postgrest',
    python: { package: 'postgrest', groups: ['test'] },
    stack: false,
    commands: (place, report) => [
        {
            program: process.execPath,
            words: [
                withStack, 'py', place.folder, '--', join(place.environment, 'bin/pytest'),
                '-q', '-p', 'no:cacheprovider', `--junitxml=${report}`,
            ],
        },
    ],
    read: (report) => readJunit(report),
};
