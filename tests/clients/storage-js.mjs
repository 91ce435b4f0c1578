// The whole suite of storage-js, on the project that it comes with.

import { readJest } from './runner/results.mjs';

export default {
    repository: 'supabase-js',
    folder: 'packages/core/storage-js',
    project: 'test',
    npm: ['@supabase/storage-js'],
    commands: (place, report) => [
        { program: 'node_modules/.bin/jest', words: ['--runInBand', '--coverage=false', '--json', `--outputFile=${report}`] },
    ],
    read: (report, place) => readJest(report, place.folder),
};
