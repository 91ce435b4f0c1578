#!/usr/bin/env bash
# @supabase/realtime-js 2.119.1 (2.109.0 is the same) with @types/ws 8.18.2: the WebSocket class of `ws` is no `transport` for TypeScript.
#
# Where a runtime has no WebSocket of its own, one passes that of `ws` as `transport`. It works, but in strict mode it does not compile: for assignability
# TypeScript looks at the last overload of ws' constructor alone, whose address is null, and Realtime's type asks for one that takes a string or URL.
# `Object.assign(globalThis, { WebSocket })` before the client is made compiles, and works as well.
#
# Exits with 0 when it is still so. Needs Node, npm and the registry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @supabase/realtime-js@2.119.1 ws@8.23.0 @types/ws@8.18.2 @types/node@22.15.3 typescript@5.9.3
check() { node_modules/.bin/tsc --noEmit --strict --module nodenext --target es2023 --skipLibCheck "$1" 2>&1; }

cat >transport.mts <<'TS'
import { RealtimeClient } from '@supabase/realtime-js';
import WebSocket from 'ws';
new RealtimeClient('ws://localhost', { transport: WebSocket, params: { apikey: 'key' } });
TS
cat >global.mts <<'TS'
import { RealtimeClient } from '@supabase/realtime-js';
import WebSocket from 'ws';
Object.assign(globalThis, { WebSocket });
new RealtimeClient('ws://localhost', { params: { apikey: 'key' } });
TS
said=$(check transport.mts || true)
printf 'transport: WebSocket\n%s\n' "$said"
[[ $said == *"Type 'typeof WebSocket' is not assignable to type 'WebSocketLikeConstructor'"* ]]
check global.mts
echo 'Object.assign(globalThis, { WebSocket }): compiles'
