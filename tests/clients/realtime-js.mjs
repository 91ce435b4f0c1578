// The suite of realtime-js. It brings a server of its own; against a stack realtime-js runs in supabase-js.mjs.

import { readJest } from './runner/results.mjs';

export default {
    repository: 'supabase-js',
    folder: 'packages/core/realtime-js',
    stack: false,
    npm: ['@supabase/realtime-js'],
    commands: (place, report) => [
        { program: 'node_modules/.bin/vitest', words: ['run', '--reporter=json', `--outputFile=${report}`] },
    ],
    read: (report, place) => readJest(report, place.folder),
};
