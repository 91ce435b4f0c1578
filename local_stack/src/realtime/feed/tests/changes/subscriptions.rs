//! Subscriptions outlive what happens to the database.

use serde_json::json;
use sqlx::Connection as _;

use crate::realtime::feed::tests::support::{Bench, PATIENCE, Told, Watcher, key};

const MIGRATION: &str = "
create table public.things (id integer primary key, said text);
grant select on all tables in schema public to service_role;
alter publication supabase_realtime add table public.things;";

#[tokio::test(flavor = "multi_thread")]
async fn changes_come_in_the_order_of_their_commits_and_not_at_all_when_rolled_back() {
    let bench = Bench::start(MIGRATION).await;
    let mut watcher = Watcher::new(&bench, &key("service_role"), json!([{"schema": "public"}])).await;
    let mut first = bench.connect("postgres").await;
    let mut second = bench.connect("postgres").await;
    let mut one = first.begin().await.unwrap();
    let mut two = second.begin().await.unwrap();
    for id in 0..200 {
        let connection: &mut sqlx::PgConnection = if id % 2 == 0 { &mut one } else { &mut two };
        sqlx::query("insert into public.things values ($1, 'x')")
            .bind(id)
            .execute(connection)
            .await
            .unwrap();
    }
    two.commit().await.unwrap();
    one.commit().await.unwrap();
    bench
        .run("postgres", "begin; insert into public.things values (777, 'x'); rollback; insert into public.things values (999, 'x')")
        .await;
    let expected = (1..200).step_by(2).chain((0..200).step_by(2)).chain([999]);
    for id in expected {
        assert_eq!(watcher.data().await["record"]["id"], id);
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_and_remade_tables_and_publications_go_on_being_followed() {
    let bench = Bench::start(MIGRATION).await;
    let request = json!([{"event": "*", "schema": "public", "table": "things"}]);
    let mut watcher = Watcher::new(&bench, &key("service_role"), request.clone()).await;
    let remake = "drop table public.things; create table public.things (id integer primary key, heard text);
        grant all on public.things to postgres, service_role;";
    for steps in [
        vec![
            "begin; drop publication supabase_realtime; create publication supabase_realtime for table public.things; commit;",
        ],
        vec![
            remake,
            "alter publication supabase_realtime add table public.things",
        ],
        vec![
            "drop publication supabase_realtime",
            "insert into public.things values (0)",
            "create publication supabase_realtime for table public.things",
        ],
        vec![
            "drop publication supabase_realtime",
            remake,
            "create publication supabase_realtime for all tables",
        ],
    ] {
        for step in &steps {
            bench.run("supabase_admin", step).await;
        }
        // Waits until the stream follows the publication again.
        let other = Watcher::new(&bench, &key("service_role"), request.clone()).await;
        drop(other);
        let told = async {
            let mut id = 1;
            loop {
                bench
                    .run("postgres", &format!("insert into public.things values ({id})"))
                    .await;
                let wait = std::time::Duration::from_millis(300);
                if let Ok(Some(Told::Change(_, data))) =
                    tokio::time::timeout(wait, watcher.inbox.recv()).await
                {
                    assert_eq!(data["type"], "INSERT");
                    break;
                }
                id += 1;
            }
        };
        tokio::time::timeout(PATIENCE, told)
            .await
            .unwrap_or_else(|_| panic!("{steps:?}"));
        bench.run("postgres", "truncate public.things").await;
        while watcher.inbox.try_recv().is_ok() {}
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_come_back() {
    let bench = Bench::start(MIGRATION).await;
    let mut watcher = Watcher::new(&bench, &key("service_role"), json!([{"schema": "public"}])).await;
    bench
        .run("postgres", "insert into public.things values (1)")
        .await;
    assert_eq!(watcher.data().await["record"]["id"], 1);
    // The one that asks the policies; the stream stays.
    bench
        .run(
            "supabase_admin",
            "select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'local_stack' and usename = 'supabase_admin' and pid <> pg_backend_pid()",
        )
        .await;
    bench
        .run("postgres", "insert into public.things values (2)")
        .await;
    assert_eq!(watcher.data().await["record"]["id"], 2);
    bench.stop().await;
}
