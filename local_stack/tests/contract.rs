//! The Supabase contract, in the places where a plain Postgres would be different.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use sqlx::{Connection as _, PgConnection};
use support::Project;

async fn refused(database: &mut PgConnection, sql: &str) -> String {
    let error = sqlx::raw_sql(sql).execute(database).await.unwrap_err();
    error.as_database_error().unwrap().code().unwrap().into_owned()
}

async fn scalar<T>(database: &mut PgConnection, sql: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(database).await.unwrap()
}

async fn run(database: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(sql).execute(database).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn role_postgres_meets_what_it_meets_on_supabase() {
    let project = Project::new("");
    let stack = project.start().await;
    let mut postgres = PgConnection::connect(&stack.endpoints().db_url).await.unwrap();
    own_schemas_of_services_are_closed(&mut postgres).await;
    listed_extensions_can_be_created_and_others_cannot(&mut postgres).await;
    settings_that_supabase_lets_it_change_can_be_changed(&mut postgres).await;
    what_else_is_for_superusers_can_be_created(&mut postgres).await;
    event_triggers_come_with_their_function(&mut postgres).await;
    statements_are_counted(&mut postgres).await;
    claims_are_read_in_their_order(&mut postgres).await;
    sending_never_fails_and_obeys_the_policies(&mut postgres).await;
    new_objects_are_granted_to_nobody(&mut postgres).await;
    stored_objects_are_not_deleted_by_sql(&mut postgres).await;
    partitions_are_kept(&stack, &mut postgres).await;
    drop(postgres);
    stack.stop().await.unwrap();
}

async fn own_schemas_of_services_are_closed(postgres: &mut PgConnection) {
    for schema in ["auth", "storage", "realtime"] {
        assert_eq!(
            refused(postgres, &format!("create table {schema}.mine (id int)")).await,
            "42501"
        );
    }
    run(
        postgres,
        "create policy p on realtime.messages for select to authenticated using (true)",
    )
    .await;
    run(postgres, "drop policy p on realtime.messages").await;
    run(
        postgres,
        "create table public.profile (id uuid primary key references auth.users on delete cascade)",
    )
    .await;
    run(
        postgres,
        "insert into auth.users (id) values ('11111111-1111-1111-1111-111111111111')",
    )
    .await;
    run(postgres, "insert into public.profile select id from auth.users").await;
    run(postgres, "delete from auth.users where true").await;
    assert_eq!(
        scalar::<i64>(postgres, "select count(*) from public.profile").await,
        0
    );
}

async fn listed_extensions_can_be_created_and_others_cannot(postgres: &mut PgConnection) {
    run(postgres, "create extension postgres_fdw with schema extensions").await;
    assert_eq!(refused(postgres, "create extension file_fdw").await, "42501");
    // Naming a listed one beside it does not help.
    assert_eq!(
        refused(postgres, "create extension /* dblink */ file_fdw").await,
        "42501"
    );
    let is_superuser = "select rolsuper from pg_roles where rolname = 'postgres'";
    assert!(!scalar::<bool>(postgres, is_superuser).await);
}

async fn settings_that_supabase_lets_it_change_can_be_changed(postgres: &mut PgConnection) {
    run(
        postgres,
        "alter role authenticator set pgrst.db_schemas = 'public, app';
         alter role authenticator set statement_timeout = '8s';
         alter role anon set statement_timeout = '3s';
         alter role service_role set statement_timeout = '60s';
         alter role service_role reset statement_timeout;
         alter database postgres set statement_timeout = '100s';
         alter database postgres reset statement_timeout;
         set session_replication_role = replica;
         reset session_replication_role",
    )
    .await;
    let kept = "select rolconfig @> '{\"pgrst.db_schemas=public, app\"}' from pg_roles where rolname = 'authenticator'";
    assert!(scalar::<bool>(postgres, kept).await);
    run(postgres, "alter role authenticator reset pgrst.db_schemas").await;
    for forbidden in [
        "alter role supabase_admin set statement_timeout = '1s'",
        "alter database postgres set app.secret = 'x'",
        "alter role postgres superuser",
    ] {
        assert_eq!(refused(postgres, forbidden).await, "42501", "{forbidden}");
    }
}

async fn what_else_is_for_superusers_can_be_created(postgres: &mut PgConnection) {
    run(
        postgres,
        "create publication everything for all tables;
         drop publication everything;
         create foreign data wrapper nothing;
         drop foreign data wrapper nothing",
    )
    .await;
    assert!(!scalar::<bool>(postgres, IS_SUPERUSER).await);
}

const IS_SUPERUSER: &str = "select rolsuper from pg_roles where rolname = 'postgres'";

async fn event_triggers_come_with_their_function(postgres: &mut PgConnection) {
    // One query is one transaction, as a file of migrations is.
    run(
        postgres,
        "create schema watch;
         create table watch.seen (tag text);
         create function watch.see() returns event_trigger language plpgsql as
            $$ begin insert into watch.seen values (tg_tag); end $$;
         create table watch.other (id int);
         create event trigger see on ddl_command_end execute function watch.see()",
    )
    .await;
    assert!(!scalar::<bool>(postgres, IS_SUPERUSER).await);
    run(
        postgres,
        "create table watch.another (id int); alter event trigger see disable; drop event trigger see",
    )
    .await;
    let seen = "select array_agg(tag) = '{CREATE TABLE}' from watch.seen";
    assert!(scalar::<bool>(postgres, seen).await);
    // Other DDL of such a transaction is refused as ever, and an error takes the right back with all else.
    let function =
        "create or replace function watch.see() returns event_trigger language plpgsql as 'begin end';";
    for forbidden in [
        "create table auth.mine (id int)",
        "create function watch.c() returns int language c as 'a', 'b'",
        "do $$ begin create table auth.mine (id int); end $$",
        "create extension file_fdw",
    ] {
        assert_eq!(
            refused(postgres, &format!("{function} {forbidden}")).await,
            "42501",
            "{forbidden}"
        );
        assert!(!scalar::<bool>(postgres, IS_SUPERUSER).await);
    }
    let alone = "create event trigger see on ddl_command_end execute function watch.see()";
    assert_eq!(refused(postgres, alone).await, "42501");
    run(postgres, "drop schema watch cascade").await;
}

async fn statements_are_counted(postgres: &mut PgConnection) {
    let own = "select count(*) > 0 from extensions.pg_stat_statements where query like 'drop schema watch%'";
    assert!(scalar::<bool>(postgres, own).await);
}

async fn claims_are_read_in_their_order(postgres: &mut PgConnection) {
    assert!(scalar::<bool>(postgres, "select auth.uid() is null and auth.jwt() is null").await);
    let mut transaction = postgres.begin().await.unwrap();
    run(
        &mut transaction,
        "set local request.jwt.claims = '{\"sub\": \"11111111-1111-1111-1111-111111111111\", \"role\": \"authenticated\"}'",
    )
    .await;
    assert!(
        scalar::<bool>(
            &mut transaction,
            "select auth.uid()::text like '1111%' and auth.role() = 'authenticated'"
        )
        .await
    );
    run(
        &mut transaction,
        "set local request.jwt.claim.sub = '22222222-2222-2222-2222-222222222222'",
    )
    .await;
    assert!(scalar::<bool>(&mut transaction, "select auth.uid()::text like '2222%'").await);
    let missing = "select (auth.jwt() ->> 'is_anonymous')::boolean is null";
    assert!(scalar::<bool>(&mut transaction, missing).await);
    transaction.rollback().await.unwrap();
    // A setting that was used and reset reads as an empty text.
    assert!(scalar::<bool>(postgres, "select auth.uid() is null and auth.jwt() is null").await);
}

async fn sending_never_fails_and_obeys_the_policies(postgres: &mut PgConnection) {
    run(postgres, "select realtime.send('{\"a\": 1}', 'e', 'kept')").await;
    run(
        postgres,
        "select realtime.send('[1]', 'e', 'lost'), realtime.send('3', 'e', 'lost')",
    )
    .await;
    run(
        postgres,
        "begin; set local role authenticated; select realtime.send('{}', 'e', 'lost'); commit",
    )
    .await;
    run(
        postgres,
        "begin read only; select realtime.send('{}', 'e', 'lost'); commit",
    )
    .await;
    let count = "select count(*) from realtime.messages where topic = ";
    assert_eq!(
        scalar::<i64>(
            postgres,
            &format!("{count} 'kept' and payload ->> 'id' = id::text and private")
        )
        .await,
        1
    );
    assert_eq!(scalar::<i64>(postgres, &format!("{count} 'lost'")).await, 0);
    let bad = "select realtime.broadcast_changes('t', 'e', 'NOTHING', 'a', 'b', null, null)";
    assert_eq!(refused(postgres, bad).await, "P0001");
}

async fn new_objects_are_granted_to_nobody(postgres: &mut PgConnection) {
    run(postgres, "create table public.plain (id int)").await;
    for role in ["anon", "authenticated", "service_role"] {
        run(postgres, &format!("set role {role}")).await;
        assert_eq!(refused(postgres, "select * from public.plain").await, "42501");
        assert_eq!(
            refused(postgres, "create table public.mine (id int)").await,
            "42501"
        );
        run(postgres, "reset role").await;
    }
}

async fn stored_objects_are_not_deleted_by_sql(postgres: &mut PgConnection) {
    run(
        postgres,
        "insert into storage.buckets (id, name) values ('b', 'b')",
    )
    .await;
    assert_eq!(
        refused(postgres, "delete from storage.buckets where id = 'b'").await,
        "42501"
    );
    run(
        postgres,
        "begin; set local storage.allow_delete_query = 'true'; delete from storage.buckets where id = 'b'; commit",
    )
    .await;
    let parts = "select storage.foldername('a/b/c.txt') = '{a,b}' and storage.filename('a/b/c.txt') = 'c.txt' and storage.extension('c.txt') = 'txt'";
    assert!(scalar::<bool>(postgres, parts).await);
}

async fn partitions_are_kept(stack: &local_stack::Stack, postgres: &mut PgConnection) {
    let days = "select count(*) from pg_inherits where inhparent = 'realtime.messages'::regclass";
    assert_eq!(scalar::<i64>(postgres, days).await, 5);
    let mut admin = PgConnection::connect(&stack.endpoints().admin_db_url)
        .await
        .unwrap();
    // Ten days later there are five new ones and the old ones are gone; again changes nothing.
    let later = "select _realtime.keep_partitions(now() + interval '10 days')";
    assert_eq!(scalar::<i32>(&mut admin, later).await, 10);
    assert_eq!(scalar::<i32>(&mut admin, later).await, 0);
    assert_eq!(scalar::<i64>(postgres, days).await, 5);
}
