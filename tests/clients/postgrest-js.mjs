// The whole suite of postgrest-js, on the schema that it comes with.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readJest } from './runner/results.mjs';

const withStack = join(dirname(fileURLToPath(import.meta.url)), 'postgrest/with_stack.mjs');

export default {
    repository: 'supabase-js',
    folder: 'packages/core/postgrest-js',
    npm: ['@supabase/postgrest-js'],
    // It starts its own: the schema needs PostGIS taken out, and the tests show no key.
    stack: false,
    commands: (place, report) => [
        {
            program: process.execPath,
            words: [
                withStack, 'js', place.folder, '--', join(place.folder, 'node_modules/.bin/jest'),
                '--runInBand', '--ci', '--testPathIgnorePatterns=test/v12/', '--json', `--outputFile=${report}`,
            ],
        },
    ],
    read: (report, place) => readJest(report, place.folder),
};
