#!/usr/bin/env bash
# @supabase/realtime-js 2.119.1 (2.109.0 is the same): a process stays alive for ten seconds after its client has disconnected.
#
# disconnect() answers `ok` within milliseconds. The timer that would have answered `timeout` after 10,000 ms is not cleared, and a timer keeps Node's event
# loop alive. So does removeAllChannels(), which disconnects. A short script that is done and has closed everything ends ten seconds later.
#
# Exits with 0 when it is still so. Needs Node, npm and the registry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @supabase/realtime-js@2.119.1 ws@8.23.0
cat >lingers.mjs <<'JS'
import { RealtimeClient } from '@supabase/realtime-js';
import WebSocket, { WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
await new Promise((resolve) => server.once('listening', resolve));
const client = new RealtimeClient(`ws://127.0.0.1:${server.address().port}`, { transport: WebSocket, params: { apikey: 'key' } });
const connected = new Promise((resolve) => server.once('connection', resolve));
client.connect();
await connected;

const began = performance.now();
const answer = await client.disconnect();
const answered = performance.now() - began;
await new Promise((resolve) => server.close(resolve));
process.once('beforeExit', () => {
    const lived = performance.now() - began;
    console.log(`disconnect() answered ${answer} after ${(answered / 1000).toFixed(1)} s; nothing was left to do after ${(lived / 1000).toFixed(1)} s`);
    process.exitCode = answer === 'ok' && answered < 5_000 && lived >= 10_000 ? 0 : 1;
});
JS
node lingers.mjs
