//! The commands for operators, as an operator runs them; and `serve` with its jobs.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use edge_worker::conversations::AppName;
use edge_worker::db::requirements;
use local_stack::simulators::tavus::{Behaviour, Script};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sqlx::PgPool;
use support::app::WORKER_SECRET;
use support::database::Database;
use support::tavus::{KEY, Simulated};

/// The command, as the worker's own role.
fn command(database: &Database, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge_worker"));
    let url = format!("{}?options=-c%20role%3Dparley_worker", database.url());
    command.args(arguments).env_clear().env("WORKER_DB_URL", url);
    command
}

async fn run(command: Command) -> Output {
    let mut command = command;
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// Whether it went well, and what it printed.
async fn says(database: &Database, arguments: &[&str]) -> (bool, String) {
    let output = run(command(database, arguments)).await;
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}

async fn execute(pool: &PgPool, statement: &str) {
    sqlx::raw_sql(statement).execute(pool).await.unwrap();
}

async fn until(pool: &PgPool, condition: &str) {
    let condition = format!("select coalesce(({condition}), false)");
    while !sqlx::query_scalar::<_, bool>(&condition)
        .fetch_one(pool)
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_look_at_replay_and_drop_dead_letters() {
    let database = Database::start().await;
    let owner = PgPool::connect(database.url()).await.unwrap();
    assert_eq!(
        says(&database, &["dead-letters", "list"]).await,
        (
            true,
            "ID  QUEUE  KIND  DEATHS  ATTEMPTS  DIED  REASON\n".to_owned()
        )
    );
    execute(
        &owner,
        "insert into parley.dead_letters (queue, kind, payload, job_key, attempts, last_error, enqueued_at, died_at)
        values
            ('tavus', 'end_conversation', '{\"app\": \"echoroom\"}', 'k', 10, E'Tavus failed\\n\\x1b[31mred', now(), '2026-11-21 10:00:00Z'),
            ('tavus', 'greet', '{}', null, 1, 'this worker knows no such kind of job', now(), '2026-11-21 10:00:01Z'),
            ('maintenance', 'remove_files', '[]', null, 1, 'the payload is not usable', now(), '2026-11-21 10:00:02Z')",
    )
    .await;
    let (is_good, table) = says(&database, &["dead-letters", "list"]).await;
    assert!(is_good);
    let expected = "\
ID  QUEUE        KIND              DEATHS  ATTEMPTS  DIED                  REASON
3   maintenance  remove_files      1       1         2026-11-21 10:00:02Z  the payload is not usable
2   tavus        greet             1       1         2026-11-21 10:00:01Z  this worker knows no such kind of job
1   tavus        end_conversation  1       10        2026-11-21 10:00:00Z  Tavus failed  [31mred
";
    assert_eq!(table, expected);

    let (is_good, lines) = says(
        &database,
        &[
            "dead-letters",
            "list",
            "--json",
            "--queue",
            "tavus",
            "--limit",
            "1",
        ],
    )
    .await;
    let letter: Value = serde_json::from_str(&lines).unwrap();
    assert!(is_good);
    assert_eq!(
        (letter.get("id"), letter.get("kind")),
        (Some(&2.into()), Some(&"greet".into()))
    );
    assert_eq!(letter.get("payload"), Some(&serde_json::json!({})));

    // Everything at once has to be said.
    for forgetful in [
        &["dead-letters", "drop"][..],
        &["dead-letters", "replay"][..],
        &["dead-letters", "drop", "--all", "--id", "1"][..],
    ] {
        assert!(!says(&database, forgetful).await.0);
    }
    assert_eq!(
        says(&database, &["dead-letters", "replay", "--id", "1"]).await,
        (true, "dead letter 1 is job 1 now\n1 replayed\n".to_owned())
    );
    let is_back = "(select message -> 'payload' ->> 'app' = 'echoroom' from pgmq.q_parley_tavus) and (select job_key = 'k' from parley.jobs)";
    until(&owner, is_back).await;
    // What is no job stays among the dead.
    assert_eq!(
        says(&database, &["dead-letters", "replay", "--queue", "maintenance"]).await,
        (true, "0 replayed\n".to_owned())
    );
    assert_eq!(
        says(&database, &["dead-letters", "drop", "--kind", "greet"]).await,
        (true, "1 dropped\n".to_owned())
    );
    assert_eq!(
        says(&database, &["dead-letters", "drop", "--all"]).await,
        (true, "1 dropped\n".to_owned())
    );
    let output = run({
        let mut command = command(&database, &["dead-letters", "list"]);
        command.env("WORKER_DB_URL", "postgresql://worker:s3cret@127.0.0.1:9/none");
        command
    })
    .await;
    assert!(!output.status.success() && output.stdout.is_empty());
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(
        log.contains("WORKER_DB_URL: nobody listens at the address of the database")
            && !log.contains("s3cret"),
        "{log}"
    );
    owner.close().await;
    database.stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_check_names_what_is_missing() {
    let database = Database::start().await;
    let owner = PgPool::connect(database.url()).await.unwrap();
    let check = || says(&database, &["migrate-check"]);
    assert_eq!(
        check().await,
        (true, "the database has what this worker needs\n".to_owned())
    );
    // The list of what it needs is what it was granted: nothing more, and nothing forgotten.
    let granted: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes))
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
        where n.nspname in ('parley', 'parley_portable', 'echoroom', 'echoroom_private', 'domo', 'domo_private')
            and has_function_privilege('parley_worker', p.oid, 'execute')
        order by 1",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    let mut needed: Vec<String> = requirements::KERNEL.map(str::to_owned).into();
    needed.extend(AppName::ALL.into_iter().flat_map(requirements::of_app));
    // The worker may look at these by itself, and has no need to: maintenance does.
    for app in AppName::ALL {
        needed.extend(
            ["tavus_to_end(integer)", "tavus_to_start(integer)"].map(|name| format!("{app}_private.{name}")),
        );
    }
    needed.sort();
    assert_eq!(needed, granted);

    execute(
        &owner,
        "revoke execute on function parley.finish_job(text, bigint, integer) from parley_worker;
        drop function echoroom_private.tavus_looked(uuid);
        delete from supabase_migrations.schema_migrations where version = '20261121140100';
        insert into supabase_migrations.schema_migrations (version, name) values ('20991231000000', 'of_a_newer_release')",
    )
    .await;
    let (is_good, text) = check().await;
    assert!(!is_good);
    for line in [
        "missing migration: 20261121140100_echoroom_jobs",
        "missing function, or no right to call it: echoroom_private.tavus_looked(uuid)",
        "missing function, or no right to call it: parley.finish_job(text, bigint, integer)",
        "1 migrations are applied that this worker does not know",
        "apply the migrations of this release first",
    ] {
        assert!(text.lines().any(|said| said == line), "{line} not in {text}");
    }

    // A database that has only the kernel is one without apps, and one whose migrations somebody else applied is judged by its functions.
    execute(
        &owner,
        "grant execute on function parley.finish_job(text, bigint, integer) to parley_worker;
        drop schema if exists domo, domo_private, echoroom, echoroom_private cascade;
        delete from supabase_migrations.schema_migrations where name !~ '^parley_'",
    )
    .await;
    let (is_good, text) = check().await;
    assert!(
        is_good && text.contains("not installed, and not needed: echoroom"),
        "{text}"
    );
    execute(&owner, "drop schema supabase_migrations cascade").await;
    let (is_good, text) = check().await;
    assert!(
        is_good && text.contains("not noted in supabase_migrations"),
        "{text}"
    );
    execute(&owner, "drop schema parley cascade").await;
    let (is_good, text) = check().await;
    assert!(!is_good && text.contains("parley.take_jobs"), "{text}");
    owner.close().await;
    database.stack.stop().await.unwrap();
}

fn with_tavus(mut command: Command, tavus: &Simulated) -> Command {
    command
        .env("SUPABASE_URL", "http://127.0.0.1:9")
        .env("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x")
        .env("SUPABASE_SECRET_KEY", "sb_secret_x")
        .env("TAVUS_API_KEY", KEY)
        .env("TAVUS_BASE_URL", tavus.simulator.base_url())
        .env("WORKER_SECRET", WORKER_SECRET)
        .env("WORKER_LISTEN", "127.0.0.1:0");
    command
}

/// Serves until it says that it listens, and then until `done`; what it said, and whether it ended well.
async fn serving(mut command: Command, done: impl Future<Output = ()>) -> (bool, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut log = String::new();
    while !log.contains("the worker listens") {
        log.push_str(&lines.next().unwrap().unwrap());
    }
    let reading =
        tokio::task::spawn_blocking(move || lines.map(Result::unwrap).collect::<Vec<_>>().join("\n"));
    done.await;
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    log.push_str(&reading.await.unwrap());
    (child.wait().unwrap().success(), log)
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_serves_jobs_unless_it_is_told_not_to_and_reconciles_on_demand() {
    let database = Database::start().await;
    let owner = PgPool::connect(database.url()).await.unwrap();
    let tavus = Simulated::start().await;
    tavus.simulator.behave(Behaviour {
        script: Script::Lost,
        ..Behaviour::default()
    });
    execute(
        &owner,
        "update parley.job_schedules set is_enabled = false;
        insert into auth.users (id, aud, role, is_anonymous)
        values ('00000000-0000-4000-a000-000000000001', 'authenticated', 'authenticated', true);
        insert into echoroom.sessions (id, category) values ('00000000-0000-4000-b000-000000000001', 'Calm');
        insert into echoroom.participants (user_id, session_id, user_name)
        values ('00000000-0000-4000-a000-000000000001', '00000000-0000-4000-b000-000000000001', 'Somebody');
        insert into echoroom.conversations (session_id, persona_id, mood)
        values ('00000000-0000-4000-b000-000000000001', 'default_calm_persona', 'Calm')",
    )
    .await;
    let (is_good, log) = serving(
        with_tavus(command(&database, &["serve", "--no-jobs"]), &tavus),
        std::future::ready(()),
    )
    .await;
    assert!(is_good, "{log}");
    assert!(log.contains("\"jobs\":false"), "{log}");
    assert_eq!(tavus.simulator.conversations(), (0, 0));

    let is_made =
        "(select status = 'active' from echoroom.conversations) and not exists (select from parley.jobs)";
    let (is_good, log) = serving(
        with_tavus(command(&database, &["serve"]), &tavus),
        until(&owner, is_made),
    )
    .await;
    assert!(is_good, "{log}");
    assert!(
        log.contains("a job is done") && log.contains("\"kind\":\"start_conversation\""),
        "{log}"
    );
    assert!(!log.contains(KEY) && !log.contains(WORKER_SECRET));
    assert_eq!(tavus.simulator.conversations(), (1, 1));

    // Its end, and what was said before, get lost.
    let id: String = sqlx::query_scalar("select conversation_id from echoroom.conversations")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert!(tavus.simulator.end(&id, "max_call_duration reached"));
    tavus.simulator.settled().await;
    let reconcile = || {
        run(with_tavus(
            command(&database, &["reconcile", "--app", "echoroom"]),
            &tavus,
        ))
    };
    let healed = reconcile().await;
    assert!(healed.status.success());
    let said = String::from_utf8(healed.stdout).unwrap();
    assert!(
        said.starts_with("echoroom: 1 conversations looked at, ") && !said.contains(" 0 events healed"),
        "{said}"
    );
    until(&owner, "(select status = 'ended' and shutdown_reason = 'max_call_duration reached' from echoroom.conversations)").await;
    let again = String::from_utf8(reconcile().await.stdout).unwrap();
    assert!(again.contains(" 0 events healed, 0 ended, 0 failed"), "{again}");

    execute(&owner, "update echoroom.conversations set transcript = null").await;
    let mut unanswered = with_tavus(command(&database, &["reconcile"]), &tavus);
    unanswered.env("RUST_LOG", "error");
    tavus.simulator.stop().await;
    let failed = run(unanswered).await;
    assert!(!failed.status.success());
    let log = String::from_utf8(failed.stderr).unwrap();
    assert!(
        log.contains("the command failed") && log.contains("could not be reached"),
        "{log}"
    );
    owner.close().await;
    database.stack.stop().await.unwrap();
}
