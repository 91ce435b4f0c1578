//! The command itself: what it prints, how it stops, and what it never says.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::database::{Database, Line, Proxy};
use support::upstream::Upstream;

/// In the order of the settings that hold them.
const SECRETS: [(&str, &str); 6] = [
    ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_s3cret1"),
    ("SUPABASE_SECRET_KEY", "sb_secret_s3cret2"),
    ("SUPABASE_JWT_SECRET", "s3cret3-s3cret3-s3cret3-s3cret3-s3cret3"),
    ("TAVUS_API_KEY", "sk-s3cret4"),
    (
        "TAVUS_WEBHOOK_SECRET",
        "whsec_czNjcmV0NXMzY3JldDVzM2NyZXQ1czNjcmV0NQ==",
    ),
    ("WORKER_SECRET", "s3cret6-s3cret6-s3cret6-s3cret6-s3cret6"),
];

fn command(database_url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge_worker"));
    command
        .arg("serve")
        .env_clear()
        .envs(SECRETS)
        .env("SUPABASE_URL", "http://127.0.0.1:9")
        .env("SUPABASE_DB_URL", database_url)
        .env("WORKER_LISTEN", "127.0.0.1:0")
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A worker that listens.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: String,
    address: String,
}

impl Running {
    fn start(database_url: &str, project_url: &str) -> Self {
        let mut child = command(database_url)
            .env("SUPABASE_URL", project_url)
            .spawn()
            .unwrap();
        let mut worker = Self {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            log: String::new(),
            address: String::new(),
        };
        while worker.address.is_empty() {
            let mut line = String::new();
            let length = worker.stdout.read_line(&mut line).unwrap();
            worker.log.push_str(&line);
            assert_ne!(length, 0, "ended before it listened: {}", worker.log);
            let entry: Value = serde_json::from_str(&line).unwrap();
            if text(&entry, "message") == "the worker listens" {
                worker.address = text(&entry, "address").to_owned();
            }
        }
        worker
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end; whether it was a good one, and all that was printed.
    fn ended(mut self) -> (bool, String) {
        self.stdout.read_to_string(&mut self.log).unwrap();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut self.log)
            .unwrap();
        (
            self.child.wait().unwrap().success(),
            std::mem::take(&mut self.log),
        )
    }
}

/// A failing test leaves no worker behind.
impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn assert_no_secret(text: &str, more: &[&str]) {
    for secret in SECRETS
        .iter()
        .map(|(_, secret)| *secret)
        .chain(more.iter().copied())
    {
        assert!(!text.contains(secret), "{secret} was told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_finishes_what_it_holds_and_tells_no_secret_even_at_the_finest_level() {
    let database = Database::start().await;
    let proxy = Proxy::start(database.url()).await;
    let project = Upstream::start().await;
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let worker = Running::start(&proxy.url, &project.url);
        let url = format!("http://{}", worker.address);
        let stranger = reqwest::Client::new()
            .post(format!("{url}/webhooks/tavus/t0ken-of-a-conversation?key=quer1"))
            .header("authorization", "Bearer b3arer")
            .header("x-request-id", "seen-1")
            .body("{\"said\": \"b0dy\"}")
            .send()
            .await
            .unwrap();
        assert_eq!(stranger.status(), 401);
        let refusal = stranger.text().await.unwrap();

        // Its answer may be here before it is counted as answered.
        while in_flight(&url).await > 1 {
            tokio::task::yield_now().await;
        }
        // A request waits for the database while the worker is told to stop.
        proxy.line.send(Line::Held).unwrap();
        let held = tokio::spawn(reqwest::get(format!("{url}/readyz")));
        while in_flight(&url).await < 2 {
            tokio::task::yield_now().await;
        }
        worker.signal(signal);
        while tokio::net::TcpStream::connect(&worker.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        proxy.line.send(Line::Open).unwrap();
        assert_eq!(held.await.unwrap().unwrap().status(), 200);
        let (is_good, log) = tokio::task::spawn_blocking(|| worker.ended()).await.unwrap();
        assert!(is_good, "{log}");
        assert!(log.contains("stopped; every request was answered"), "{log}");
        assert!(log.contains("seen-1"));
        let told = format!("{log}{refusal}");
        assert_no_secret(&told, &["t0ken-of-a-conversation", "quer1", "b3arer", "b0dy"]);
        for line in log.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "not JSON: {line}");
        }
    }
    database.stack.stop().await.unwrap();
}

/// How many requests are being answered, this one among them.
async fn in_flight(url: &str) -> u32 {
    let text = reqwest::get(format!("{url}/metrics"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("parley_worker_http_requests_in_flight "));
    line.unwrap().parse().unwrap()
}

#[test]
fn missing_settings_end_the_start_and_are_all_named_without_any_value() {
    let output = command("postgresql://worker:s3cret7@127.0.0.1:9/none")
        .env_remove("SUPABASE_URL")
        .env("SUPABASE_SECRET_KEY", "")
        .env("TAVUS_BASE_URL", "https://user:s3cret8@tavus.example")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let log = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    for name in ["SUPABASE_URL", "SUPABASE_SECRET_KEY", "TAVUS_BASE_URL"] {
        assert!(log.contains(name), "{name} not in {log}");
    }
    assert_no_secret(&log, &["s3cret7", "s3cret8"]);
}

#[test]
fn database_that_does_not_answer_ends_the_start_by_the_name_of_its_setting() {
    let output = command("postgresql://worker:s3cret7@127.0.0.1:9/none")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(
        log.contains("SUPABASE_DB_URL: nobody listens at the address of the database"),
        "{log}"
    );
    assert_no_secret(&log, &["s3cret7"]);
}
