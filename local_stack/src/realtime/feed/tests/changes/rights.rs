//! Policies and column privileges decide.

use std::time::Duration;

use serde_json::json;

use crate::realtime::feed::tests::support::{Bench, Watcher, key, person, until};

const ANN: &str = "00000000-0000-4000-8000-00000000000a";
const BEN: &str = "00000000-0000-4000-8000-00000000000b";

const MIGRATION: &str = "
create table public.notes (id integer primary key, owner uuid, body text, secret text);
alter table public.notes enable row level security;
grant select on public.notes to authenticated, service_role;
create policy \"people read their own\" on public.notes for select to authenticated using (owner = (select auth.uid()));

create table public.marks (n integer primary key);
grant select on public.marks to anon, authenticated, service_role;

create table public.columns (id integer primary key, shown text, hidden text);
grant select (id, shown) on public.columns to authenticated;

create table public.keyless (n integer);
grant select on public.keyless to authenticated;
alter table public.keyless replica identity full;

alter publication supabase_realtime add table public.notes, public.marks, public.columns, public.keyless;";

#[tokio::test(flavor = "multi_thread")]
async fn strangers_learn_nothing_of_a_row_and_only_the_key_of_a_deleted_one() {
    let bench = Bench::start(MIGRATION).await;
    let all = json!([{"event": "*", "schema": "public"}]);
    let mut ann = Watcher::new(&bench, &person(ANN), all.clone()).await;
    let mut also_ann = Watcher::new(&bench, &person(ANN), all.clone()).await;
    let mut ben = Watcher::new(&bench, &person(BEN), all.clone()).await;
    let mut service = Watcher::new(&bench, &key("service_role"), all.clone()).await;
    let mut anon = Watcher::new(&bench, &key("anon"), all).await;
    bench
        .run(
            "postgres",
            &format!("insert into public.notes values (1, '{ANN}', 'hello', 'psst'); insert into public.marks values (1);"),
        )
        .await;
    for watcher in [&mut ann, &mut also_ann, &mut service] {
        let data = watcher.data().await;
        assert_eq!(
            (&data["table"], &data["type"]),
            (&json!("notes"), &json!("INSERT"))
        );
        assert_eq!(
            data["record"],
            json!({"id": 1, "owner": ANN, "body": "hello", "secret": "psst"})
        );
        assert_eq!(watcher.data().await["table"], "marks");
    }
    assert_eq!(
        ben.data().await["table"],
        "marks",
        "a stranger gets nothing before it"
    );
    // Without any right on the table there is only the refusal.
    let data = anon.data().await;
    assert_eq!(data["errors"], json!(["Error 401: Unauthorized"]));
    assert_eq!((&data["record"], &data["columns"]), (&json!({}), &json!([])));
    assert_eq!(anon.data().await["table"], "marks");

    // The row moves to another owner: it is the row as it is now that decides.
    bench
        .run(
            "postgres",
            &format!("update public.notes set owner = '{BEN}'; insert into public.marks values (2);"),
        )
        .await;
    assert_eq!(ann.data().await["record"], json!({"n": 2}));
    assert_eq!(ben.data().await["record"]["owner"], BEN);
    assert_eq!(ben.data().await["record"], json!({"n": 2}));

    bench
        .run(
            "postgres",
            "alter table public.notes replica identity full; delete from public.notes;",
        )
        .await;
    for watcher in [&mut ann, &mut ben] {
        let data = watcher.data().await;
        assert_eq!(
            (&data["type"], &data["old_record"]),
            (&json!("DELETE"), &json!({"id": 1}))
        );
        assert!(data.get("record").is_none());
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_token_changes_what_is_seen_and_a_dropped_subscription_sees_nothing() {
    let bench = Bench::start(MIGRATION).await;
    let all = json!([{"event": "*", "schema": "public"}]);
    let mut watcher = Watcher::new(&bench, &person(BEN), all.clone()).await;
    let Watcher {
        subscription,
        mut inbox,
    } = Watcher::new(&bench, &person(ANN), all).await;
    watcher.subscription.update_caller(&person(ANN));
    drop(subscription);
    bench
        .run(
            "postgres",
            &format!("insert into public.notes values (1, '{ANN}', 'hello', null);"),
        )
        .await;
    assert_eq!(watcher.data().await["record"]["body"], "hello");
    assert_eq!(inbox.recv().await, None);

    watcher.subscription.update_caller(&person("nobody"));
    bench
        .run(
            "postgres",
            &format!("insert into public.notes values (2, '{ANN}', 'hello', null); insert into public.marks values (1);"),
        )
        .await;
    assert_eq!(
        watcher.data().await["table"],
        "marks",
        "a policy that raises shows nothing"
    );
    watcher.subscription.update_caller(&key("no such role"));
    bench
        .run(
            "postgres",
            &format!("insert into public.notes values (3, '{ANN}', 'hello', null);"),
        )
        .await;
    assert_eq!(watcher.data().await["errors"], json!(["Error 401: Unauthorized"]));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_without_the_right_to_select_are_left_out_and_later_grants_count() {
    let bench = Bench::start(MIGRATION).await;
    let request = json!([{"event": "*", "schema": "public", "table": "columns"}]);
    let mut watcher = Watcher::new(&bench, &person(ANN), request).await;
    let shown = json!([{"name": "id", "type": "int4"}, {"name": "shown", "type": "text"}]);
    bench
        .run("postgres", "insert into public.columns values (1, 'a', 'b')")
        .await;
    let data = watcher.data().await;
    assert_eq!(data["record"], json!({"id": 1, "shown": "a"}));
    assert_eq!(data["columns"], shown);

    bench
        .run(
            "postgres",
            "alter table public.columns replica identity full; update public.columns set hidden = 'c'",
        )
        .await;
    let data = watcher.data().await;
    assert_eq!(data["old_record"], json!({"id": 1, "shown": "a"}));

    bench
        .run("postgres", "grant select (hidden) on public.columns to authenticated; update public.columns set hidden = 'd'")
        .await;
    assert_eq!(watcher.data().await["record"]["hidden"], "d");

    bench
        .run(
            "postgres",
            "revoke select (id) on public.columns from authenticated; update public.columns set hidden = 'e'",
        )
        .await;
    assert_eq!(watcher.data().await["errors"], json!(["Error 401: Unauthorized"]));

    bench
        .run(
            "postgres",
            "revoke select on public.columns from authenticated; delete from public.columns",
        )
        .await;
    let data = watcher.data().await;
    assert_eq!((&data["old_record"], &data["errors"]), (&json!({}), &json!(null)));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_row_security_is_noticed_at_the_next_change() {
    let bench = Bench::start(MIGRATION).await;
    let request = json!([{"event": "*", "schema": "public", "table": "marks"}]);
    let mut watcher = Watcher::new(&bench, &person(ANN), request).await;
    for statement in [
        "insert into public.marks values (1)",
        "alter table public.marks enable row level security; insert into public.marks values (2)",
        "alter table public.marks disable row level security; insert into public.marks values (3)",
    ] {
        bench.run("postgres", statement).await;
        if !statement.contains("enable") {
            let number = if statement.contains("disable") { 3 } else { 1 };
            assert_eq!(watcher.data().await["record"], json!({ "n": number }));
            continue;
        }
        // Nobody may see it, so it is only sure to have had its turn when a deletion has come, which needs no policy.
        bench
            .run("postgres", "delete from public.marks where n = 2")
            .await;
        assert_eq!(watcher.data().await["old_record"], json!({"n": 2}));
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_without_a_primary_key_tells_only_its_deletions() {
    let bench = Bench::start(MIGRATION).await;
    let request = json!([{"event": "*", "schema": "public", "table": "keyless"}]);
    let mut watcher = Watcher::new(&bench, &person(ANN), request).await;
    bench
        .run("postgres", "insert into public.keyless values (1); update public.keyless set n = 2; delete from public.keyless")
        .await;
    let data = watcher.data().await;
    assert_eq!(
        data,
        json!({
            "schema": "public", "table": "keyless", "type": "INSERT", "commit_timestamp": null, "columns": [],
            "record": {}, "errors": ["Error 400: Bad Request, no primary key"]
        })
    );
    let data = watcher.data().await;
    assert_eq!(
        (&data["type"], &data["old_record"]),
        (&json!("UPDATE"), &json!({}))
    );
    let data = watcher.data().await;
    assert_eq!(
        (&data["type"], &data["old_record"]),
        (&json!("DELETE"), &json!({"n": 2}))
    );
    bench.stop().await;
}

/// Holds commits still between the moment when they are in the WAL and the one when others see them: they wait for a standby that
/// there is not. Sessions with `synchronous_commit` at `local` do not.
async fn hold_commits(bench: &Bench, is_held: bool) {
    let mut admin = bench.connect("supabase_admin").await;
    let names = if is_held {
        "set synchronous_standby_names to 'nobody'"
    } else {
        "reset synchronous_standby_names"
    };
    for statement in [
        format!("alter system {names}"),
        "select pg_reload_conf()".to_owned(),
    ] {
        sqlx::query(&statement).execute(&mut admin).await.unwrap();
    }
    let expected = if is_held { "nobody" } else { "" };
    let is_set = format!("select current_setting('synchronous_standby_names') = '{expected}'");
    until(&mut admin, &is_set).await;
}

async fn commit(bench: &Bench, statement: String) -> tokio::task::JoinHandle<()> {
    let mut writer = bench.connect("postgres").await;
    tokio::spawn(async move {
        sqlx::query(&statement).execute(&mut writer).await.unwrap();
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn row_is_not_missed_because_its_commit_is_told_before_it_can_be_seen() {
    let mut bench = Bench::start(MIGRATION).await;
    let request = json!([{"event": "INSERT", "schema": "public"}]);
    let mut watcher = Watcher::new(&bench, &person(ANN), request).await;
    hold_commits(&bench, true).await;
    let statement = format!(
        "with written as (insert into public.notes values (1, '{ANN}'))
        select realtime.send('{{}}', 'committed', 'room', true)"
    );
    let committing = commit(&bench, statement).await;
    assert_eq!(bench.message().await.event, "committed");
    bench
        .run(
            "postgres",
            "set synchronous_commit to local; insert into public.marks values (1)",
        )
        .await;
    let early = tokio::time::timeout(Duration::from_millis(300), watcher.inbox.recv()).await;
    assert!(early.is_err(), "later changes wait for their turn: {early:?}");
    hold_commits(&bench, false).await;
    assert_eq!(watcher.data().await["table"], "notes");
    assert_eq!(watcher.data().await["table"], "marks");
    committing.await.unwrap();
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn right_is_not_kept_because_its_end_is_told_before_it_can_be_seen() {
    let bench = Bench::start(MIGRATION).await;
    let request = json!([{"event": "INSERT", "schema": "public", "table": "columns"}]);
    let mut watcher = Watcher::new(&bench, &person(ANN), request).await;
    let mut admin = bench.connect("supabase_admin").await;
    hold_commits(&bench, true).await;
    let committing = commit(
        &bench,
        "revoke select (id) on public.columns from authenticated".to_owned(),
    )
    .await;
    until(
        &mut admin,
        "select exists (select from pg_stat_activity where wait_event = 'SyncRep')",
    )
    .await;
    bench
        .run(
            "postgres",
            "set synchronous_commit to local; insert into public.columns values (1, 'a')",
        )
        .await;
    assert_eq!(
        watcher.data().await["record"]["id"],
        1,
        "as long as nobody sees that the right has ended"
    );
    hold_commits(&bench, false).await;
    committing.await.unwrap();
    bench
        .run("postgres", "insert into public.columns values (2, 'b')")
        .await;
    assert_eq!(watcher.data().await["errors"], json!(["Error 401: Unauthorized"]));
    bench.stop().await;
}
