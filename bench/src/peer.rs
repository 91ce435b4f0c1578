//! The server of a peer, as a child process.

use std::process::Stdio;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::database::project;
use crate::error::Error;

/// A running server; it ends when its standard input is closed, so also when this process dies.
#[derive(Debug)]
pub(crate) struct Peer {
    /// On the loopback interface.
    pub(crate) port: u16,
    /// Of what it is made.
    pub(crate) versions: String,
    child: Child,
    input: Option<ChildStdin>,
}

#[derive(Deserialize)]
struct Ready {
    port: u16,
    versions: String,
}

impl Peer {
    /// Starts the server in a folder of `bench/peers` on the database and waits until it listens.
    pub(crate) async fn start(name: &str, database: &str, settings: &[(&str, &str)]) -> Result<Self, Error> {
        let folder = project().join("bench/peers").join(name);
        let program = folder.join("server.mjs");
        let failed = |source| Error::file(&program)(source);
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(&folder)
            .env("BENCH_DATABASE_URL", database)
            .envs(settings.iter().copied())
            .env("NODE_ENV", "production")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let input = child.stdin.take();
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .await
                .map_err(failed)?;
        }
        let Ready { port, versions } = serde_json::from_str(&line).map_err(|error| {
            let what = "the peer did not start (bin/bench installs what it needs)";
            Error::Server(format!("{what}: {error}"))
        })?;
        Ok(Self {
            port,
            versions,
            child,
            input,
        })
    }

    /// Stops it and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        drop(self.input.take());
        self.child
            .wait()
            .await
            .map(drop)
            .map_err(Error::file("server.mjs"))
    }
}
