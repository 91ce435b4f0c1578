//! The worker's binary, which can be killed.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Signs the callbacks' tokens.
pub const SECRET: &str = "a secret that only this test and its workers know";

/// Opens the simulator of Tavus.
pub const TAVUS_KEY: &str = "sk-tavus-0123456789";

/// A worker that listens.
pub struct Worker {
    /// With the scheme.
    pub url: String,
    child: Child,
}

impl Worker {
    /// Starts one on a database, with Tavus at this address, and waits until it listens.
    pub async fn start(database_url: &str, tavus_url: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_edge_worker"))
            .arg("serve")
            .env_clear()
            .env("SUPABASE_URL", "http://127.0.0.1:9")
            .env("SUPABASE_PUBLISHABLE_KEY", "none")
            .env("SUPABASE_SECRET_KEY", "none")
            .env("WORKER_DB_URL", database_url)
            .env("WORKER_LISTEN", "127.0.0.1:0")
            .env("WORKER_SECRET", SECRET)
            // Nobody is there: callbacks come from this test, or not at all.
            .env("WORKER_URL", "http://127.0.0.1:9")
            .env("TAVUS_BASE_URL", tavus_url)
            .env("TAVUS_API_KEY", TAVUS_KEY)
            .env("RUST_LOG", "error,edge_worker::serve=info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        while let Some(line) = log.next_line().await.unwrap() {
            let entry: Value = serde_json::from_str(&line).unwrap();
            if entry["message"] == "the worker listens" {
                let url = format!("http://{}", entry["address"].as_str().unwrap());
                tokio::spawn(drain(log));
                return Self { url, child };
            }
            told.push(line);
        }
        panic!("the worker ended before it listened: {told:#?}");
    }

    /// Kills it, with whatever it holds.
    pub async fn kill(mut self) {
        let id = self.child.id().unwrap().try_into().unwrap();
        kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
        self.child.wait().await.unwrap();
    }
}

/// A pipe that nobody reads would stop the worker.
async fn drain(mut log: Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(_)) = log.next_line().await {}
}
