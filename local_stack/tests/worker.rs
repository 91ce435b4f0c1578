//! The real worker beside a stack. It has to be built before, as bin/setup does it.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use local_stack::{Config, Kernel, Progress, Stack, WorkerProgram};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sha2::Sha256;
use sqlx::Connection as _;
use tempfile::TempDir;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Built beside the command.
fn worker() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_local_stack")).with_file_name("edge_worker");
    assert!(
        path.is_file(),
        "{} is not there: cargo build --package edge_worker",
        path.display()
    );
    path
}

/// The repository, whose migrations bring the worker's role.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// A data directory that whoever runs Postgres can reach.
fn data_dir() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::with_prefix("worker").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn config(folder: &TempDir, program: WorkerProgram) -> (Config, Arc<Mutex<Vec<String>>>) {
    let mut config = Config::new(repository(), folder.path());
    (config.api_port, config.db_port) = (0, 0);
    config.kernel = Kernel::Portable;
    config.worker.program = program;
    config.worker.port = 0;
    let told = Arc::<Mutex<Vec<String>>>::default();
    let lines = told.clone();
    config.progress = Progress::new(move |line| lines.lock().unwrap().push(line.to_owned()));
    (config, told)
}

/// The children of a process that run the worker.
fn workers_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let numbers = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter(|pid| {
            // One that has just ended has no files left to read.
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let (name, rest) = stat.rsplit_once(')').unwrap_or_default();
            name.ends_with("(edge_worker") && rest.split_whitespace().nth(1) == Some(&parent.to_string())
        })
        .collect()
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// Asks again until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether the gateway at `url` gets an answer of the worker: a callback that the worker does not know.
async fn is_ready(url: &str) -> bool {
    let answer = reqwest::get(format!("{url}/functions/v1/webhooks/nobody")).await;
    answer.unwrap().status() == reqwest::StatusCode::NOT_FOUND
}

/// The messages in the worker's log.
fn messages(folder: &TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path().join("worker.log")).unwrap();
    let entries = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries
        .map(|entry| entry.get("message").unwrap().as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_is_ready_with_the_stack_comes_back_after_a_kill_and_stops_before_its_database() {
    let folder = data_dir();
    let (config, told) = config(&folder, WorkerProgram::At(worker()));
    let stack = Stack::start(config.clone()).await.unwrap();
    let endpoints = stack.endpoints().clone();
    let (api_url, url) = (endpoints.api_url.clone(), endpoints.worker_url.clone().unwrap());
    assert!(is_ready(&api_url).await);
    assert!(
        reqwest::get(format!("{url}/readyz"))
            .await
            .unwrap()
            .status()
            .is_success()
    );
    let file = std::fs::read_to_string(folder.path().join("stack.env")).unwrap();
    assert!(file.contains(&format!("WORKER_URL={url}\n")), "{file}");

    // It is the role of the migrations, with the password of this stack.
    let worker_db_url = endpoints.worker_db_url.clone().unwrap();
    let mut database = sqlx::PgConnection::connect(&worker_db_url).await.unwrap();
    let role: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(role, "parley_worker");
    drop(database);

    let me = std::process::id();
    let news = || {
        let told = told.lock().unwrap();
        told.iter()
            .filter(|line| *line == "the worker runs again")
            .count()
    };
    for kills in 1..=3 {
        let [pid] = workers_of(me)[..] else {
            panic!("not one worker")
        };
        signal(pid, Signal::SIGKILL);
        until("the news that it runs again", async || news() == kills).await;
        assert!(is_ready(&api_url).await);
        assert!(!workers_of(me).contains(&pid));
    }

    stack.stop().await.unwrap();
    assert_eq!(workers_of(me), [] as [u32; 0]);
    let last = messages(&folder).split_off(messages(&folder).len() - 2);
    assert_eq!(last, ["stopping", "stopped; every request was answered"]);

    // The next start knows the tokens and the password of this one.
    let stack = Stack::start(config).await.unwrap();
    assert_eq!(stack.endpoints().worker_secret, endpoints.worker_secret);
    let password = |url: &str| url.split(['@', ':']).nth(2).unwrap().to_owned();
    assert_eq!(
        password(stack.endpoints().worker_db_url.as_deref().unwrap()),
        password(&worker_db_url)
    );
    assert!(is_ready(&stack.endpoints().api_url).await);
    stack.stop().await.unwrap();
}

/// The address where the worker takes events of a conversation.
fn callback_url(worker_url: &str, secret: &str, conversation: uuid::Uuid) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("parley tavus callback\0echoroom\0{conversation}").as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!(
        "{worker_url}/webhooks/tavus/echoroom.{}.{mac}",
        conversation.simple()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_stack_waits_for_an_event_that_the_worker_holds() {
    let folder = data_dir();
    let (config, _) = config(&folder, WorkerProgram::At(worker()));
    let stack = Stack::start(config).await.unwrap();
    let endpoints = stack.endpoints().clone();
    let mut database = sqlx::PgConnection::connect(&endpoints.admin_db_url)
        .await
        .unwrap();
    // Keeping an event takes until it is allowed. A lock would do no better: the worker gives up on one after five seconds.
    let holding = "
        create table public.allowed ();
        create function public.wait_until_allowed() returns trigger language plpgsql security definer as $$
        begin
            while not exists (select from public.allowed) loop
                perform pg_sleep(0.01);
            end loop;
            return null;
        end
        $$;
        create trigger hold before insert on echoroom_private.conversation_events
            for each statement execute function public.wait_until_allowed()";
    sqlx::raw_sql(holding).execute(&mut database).await.unwrap();
    let conversation: uuid::Uuid = sqlx::query_scalar(
        "insert into echoroom.conversations (persona_id, mood, status, conversation_id)
         values ('p', 'Calm', 'active', 'c1') returning id",
    )
    .fetch_one(&mut database)
    .await
    .unwrap();
    let url = callback_url(
        endpoints.worker_url.as_deref().unwrap(),
        endpoints.worker_secret.as_deref().unwrap(),
        conversation,
    );
    let event = serde_json::json!({
        "event_type": "system.shutdown",
        "conversation_id": "c1",
        "timestamp": "2026-11-21T12:00:00.000000Z",
        "properties": { "shutdown_reason": "end_conversation_endpoint_hit" },
    });
    let sent = tokio::spawn(reqwest::Client::new().post(url).json(&event).send());
    until("the event to be held", async || {
        let is_held: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where usename = 'parley_worker' and wait_event = 'PgSleep')",
        )
        .fetch_one(&mut database)
        .await
        .unwrap();
        is_held
    })
    .await;
    let stopped = tokio::spawn(stack.stop());
    until("the worker to stop", async || {
        messages(&folder).iter().any(|said| said == "stopping")
    })
    .await;
    sqlx::query("insert into public.allowed default values")
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(sent.await.unwrap().unwrap().status(), 200);
    drop(database);
    stopped.await.unwrap().unwrap();
}

/// The command.
struct Up {
    child: Child,
    api_url: String,
}

impl Up {
    /// Reads its lines until it is ready.
    fn start(data_dir: &Path, port: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local_stack"))
            .arg("--project-dir")
            .arg(repository())
            .arg("up")
            .env("PARLEY_API_PORT", "0")
            .env("PARLEY_DB_PORT", "0")
            .env("PARLEY_WORKER_PORT", port.to_string())
            .env("PARLEY_DATA_DIR", data_dir)
            .env("PARLEY_KERNEL", "portable")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut api_url = None;
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix("SUPABASE_URL=") {
                api_url = Some(url.to_owned());
            }
            if line.starts_with("parley is ready: ") {
                break;
            }
        }
        // Somebody has to read on, or the command could not say that it stops.
        std::thread::spawn(move || lines.count());
        Self {
            child,
            api_url: api_url.unwrap(),
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_stack_leaves_no_worker_behind_and_the_next_one_has_its_port() {
    worker();
    let folder = data_dir();
    // Of nobody by now; the two starts below have to get it one after the other.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for _ in 0..2 {
        let up = Up::start(folder.path(), port);
        assert!(is_ready(&up.api_url).await);
        let [pid] = workers_of(up.child.id())[..] else {
            panic!("not one worker")
        };
        drop(up);
        until("the end of the worker", async || {
            !Path::new(&format!("/proc/{pid}")).exists()
        })
        .await;
    }
    // At once, while Postgres may still be stopping.
    let mut up = Up::start(folder.path(), port);
    let file = std::fs::read_to_string(folder.path().join("stack.env")).unwrap();
    assert!(
        file.contains(&format!("WORKER_URL=http://127.0.0.1:{port}\n")),
        "{file}"
    );
    signal(up.child.id(), Signal::SIGTERM);
    assert!(up.child.wait().unwrap().success());
    assert_eq!(
        messages(&folder).last().unwrap(),
        "stopped; every request was answered"
    );
    drop(Up::start(folder.path(), port));
    local_stack::reset(folder.path()).unwrap();
    assert!(!folder.path().join("worker.keys").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn stack_without_a_worker_says_so_and_goes_on() {
    // Beside this test lies no worker: it is in a folder of its own.
    let folder = data_dir();
    let (missing, told) = config(&folder, WorkerProgram::Beside);
    let stack = Stack::start(missing).await.unwrap();
    let lines = told.lock().unwrap().join("\n");
    assert!(
        lines.contains("no worker runs: there is no") && lines.contains("bin/setup"),
        "{lines}"
    );
    let endpoints = stack.endpoints();
    assert_eq!(endpoints.worker_url, None);
    // One that somebody starts by hand needs these.
    assert!(endpoints.worker_db_url.is_some() && endpoints.worker_secret.is_some());
    let answer = reqwest::get(format!("{}/webhooks/tavus/t", endpoints.api_url))
        .await
        .unwrap();
    assert_eq!(answer.status(), 503);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["details"], "no_worker");
    stack.stop().await.unwrap();
    local_stack::reset(folder.path()).unwrap();

    let (wrong, _) = config(&folder, WorkerProgram::At("/nonexistent/worker".into()));
    let text = Stack::start(wrong).await.unwrap_err().to_string();
    assert!(text.contains("PARLEY_WORKER"), "{text}");
}
