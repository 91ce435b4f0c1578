// supabase-js itself: its units, and its integration test of REST, sign-in, Realtime and Storage together.

import { readJest } from './runner/results.mjs';

export default {
    repository: 'supabase-js',
    folder: 'packages/core/supabase-js',
    project: '.',
    npm: ['@supabase/supabase-js...'],
    build: '@supabase/supabase-js^...',
    commands: (place, report) => [
        {
            program: 'node_modules/.bin/jest',
            words: ['--runInBand', '--forceExit', '--json', `--outputFile=${report}`],
            // It is written for Node 22, where WebSocket is there without being asked for.
            env: { NODE_OPTIONS: '--experimental-websocket' },
        },
    ],
    read: (report, place) => readJest(report, place.folder),
};
