//! Starting, stopping, being killed, and starting again.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use local_stack::{Error, Progress, Stack, WorkerProgram};
use sqlx::Connection as _;
use support::Project;

const MIGRATION: &str = "create table public.things (id integer primary key);";

struct Up(Child);

impl Up {
    /// Runs the command and reads its lines until it is ready.
    fn start(project: &Project) -> Self {
        let mut child = command(project).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_ready = lines.any(|line| line.unwrap().starts_with("parley is ready: http://127.0.0.1:"));
        assert!(is_ready, "ended before it was ready");
        // Somebody has to read on, or the command could not say that it stops.
        std::thread::spawn(move || lines.count());
        Self(child)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn command(project: &Project) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local_stack"));
    command
        .arg("--project-dir")
        .arg(project.path(""))
        .arg("up")
        .env("PARLEY_API_PORT", "0")
        .env("PARLEY_DB_PORT", "0")
        .env("PARLEY_DATA_DIR", project.path("data"))
        .env("PARLEY_KERNEL", "portable");
    command
}

fn db_url(project: &Project) -> String {
    let text = std::fs::read_to_string(project.path("data/stack.env")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("SUPABASE_DB_URL="))
        .unwrap();
    line.to_owned()
}

/// The process that has this cluster as its working directory.
fn postmaster(cluster: &Path) -> Option<u32> {
    let pid = std::fs::read_to_string(cluster.join("postmaster.pid"))
        .ok()?
        .lines()
        .next()?
        .parse()
        .ok()?;
    Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_stack_leaves_no_postgres_and_starts_again_with_its_data() {
    let project = Project::new(MIGRATION);
    let cluster = project.path("data/postgres");
    let up = Up::start(&project);
    let mut database = sqlx::PgConnection::connect(&db_url(&project)).await.unwrap();
    sqlx::query("insert into public.things values (7)")
        .execute(&mut database)
        .await
        .unwrap();
    assert!(postmaster(&cluster).is_some());
    drop(up);

    let deadline = Instant::now() + Duration::from_secs(30);
    while postmaster(&cluster).is_some() {
        assert!(Instant::now() < deadline, "PostgreSQL outlived the stack");
        std::thread::yield_now();
    }

    let up = Up::start(&project);
    let mut database = sqlx::PgConnection::connect(&db_url(&project)).await.unwrap();
    let kept: i32 = sqlx::query_scalar("select id from public.things")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(kept, 7);
    drop(database);
    drop(up);

    // At once, while PostgreSQL may still be stopping, and with a lock file that names a process of somebody else.
    let up = Up::start(&project);
    drop(up);
    let deadline = Instant::now() + Duration::from_secs(30);
    while postmaster(&cluster).is_some() {
        assert!(Instant::now() < deadline, "PostgreSQL outlived the stack");
        std::thread::yield_now();
    }
    std::fs::write(
        cluster.join("postmaster.pid"),
        format!("{}\n", std::process::id()),
    )
    .unwrap();
    drop(Up::start(&project));
    local_stack::reset(&project.path("data")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn second_start_on_the_same_directory_is_told_who_is_there() {
    let project = Project::new(MIGRATION);
    let mut up = Up::start(&project);
    let output = command(&project).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("pid {}", up.0.id())), "{text}");
    assert!(matches!(
        local_stack::reset(&project.path("data")),
        Err(Error::AlreadyRunning { .. })
    ));

    let pid = nix::unistd::Pid::from_raw(up.0.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(up.0.wait().unwrap().success());
    assert!(!project.path("data/stack.env").exists());
    assert_eq!(postmaster(&project.path("data/postgres")), None);
    local_stack::reset(&project.path("data")).unwrap();
    assert!(!project.path("data/postgres").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn port_in_use_is_named_with_its_variable_before_a_database_is_made() {
    let project = Project::new(MIGRATION);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for variable in ["PARLEY_API_PORT", "PARLEY_DB_PORT", "PARLEY_WORKER_PORT"] {
        let mut config = project.config();
        config.worker.program = WorkerProgram::At(env!("CARGO_BIN_EXE_local_stack").into());
        config.worker.port = 0;
        match variable {
            "PARLEY_API_PORT" => config.api_port = port,
            "PARLEY_DB_PORT" => config.db_port = port,
            _ => config.worker.port = port,
        }
        let text = Stack::start(config).await.unwrap_err().to_string();
        assert!(
            text.contains(variable) && text.contains(&port.to_string()),
            "{text}"
        );
        assert!(!project.path("data/postgres").exists(), "{variable}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_applied_once_in_order_or_not_at_all() {
    let project = Project::new(MIGRATION);
    std::fs::write(
        project.path("supabase/seed.sql"),
        "insert into public.things values (1);",
    )
    .unwrap();
    project.start().await.stop().await.unwrap();

    project.write_migration(
        "20260103000000_bad.sql",
        "create table public.half (id int);\n\nselect nonsense;",
    );
    let text = Stack::start(project.config()).await.unwrap_err().to_string();
    assert!(
        text.contains("20260103000000_bad.sql:3") && text.contains("nonsense"),
        "{text}"
    );

    project.write_migration(
        "20260103000000_bad.sql",
        "create table public.whole (id int); select ';';",
    );
    let stack = project.start().await;
    let mut database = sqlx::PgConnection::connect(&stack.endpoints().db_url)
        .await
        .unwrap();
    let half: Option<String> = sqlx::query_scalar("select to_regclass('public.half')::text")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(half, None, "nothing of a failed migration stays");
    let things: i64 = sqlx::query_scalar("select count(*) from public.things")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(things, 1, "the seed runs once");
    let row: (Vec<String>, String) = sqlx::query_as(
        "select statements, name from supabase_migrations.schema_migrations where version = '20260103000000'",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    assert_eq!(row.0, ["create table public.whole (id int)", "select ';'"]);
    assert_eq!(row.1, "bad");
    drop(database);
    stack.stop().await.unwrap();

    project.write_migration("20260102000000_late.sql", "select 1;");
    let text = Stack::start(project.config()).await.unwrap_err().to_string();
    assert!(text.contains("20260102000000_late.sql"), "{text}");
    std::fs::remove_file(project.path("supabase/migrations/20260102000000_late.sql")).unwrap();
    std::fs::remove_file(project.path("supabase/migrations/20260103000000_bad.sql")).unwrap();
    let text = Stack::start(project.config()).await.unwrap_err().to_string();
    assert!(text.contains("20260103000000"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_directory_that_postgres_cannot_reach_is_no_obstacle() {
    let project = Project::new(MIGRATION);
    std::fs::set_permissions(project.path(""), std::fs::Permissions::from_mode(0o700)).unwrap();
    let stack = project.start().await;
    sqlx::PgConnection::connect(&stack.endpoints().db_url)
        .await
        .unwrap();
    stack.stop().await.unwrap();
    local_stack::reset(&project.path("data")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn project_without_the_worker_s_role_runs_no_worker() {
    let project = Project::new(MIGRATION);
    let told = Arc::<Mutex<Vec<String>>>::default();
    let lines = told.clone();
    let mut config = project.config();
    config.progress = Progress::new(move |line| lines.lock().unwrap().push(line.to_owned()));
    config.worker.program = WorkerProgram::At(env!("CARGO_BIN_EXE_local_stack").into());
    let stack = Stack::start(config).await.unwrap();
    let line = "no worker runs: the migrations bring no role for it".to_owned();
    assert!(told.lock().unwrap().contains(&line));
    assert_eq!(stack.endpoints().worker_db_url, None);
    assert_eq!(stack.endpoints().worker_url, None);
    stack.stop().await.unwrap();
}
