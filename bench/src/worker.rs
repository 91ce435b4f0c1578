//! The worker under test: the release binary as operators run it, as a child process.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hyper::StatusCode;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::database::Database;
use crate::error::Error;
use crate::webhooks::token::SECRET;
use crate::wire::Wire;

/// A running worker; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Worker {
    /// On the loopback interface.
    pub(crate) port: u16,
    child: Child,
}

impl Worker {
    /// Starts it on the database, with so many connections at most and these settings, and waits until it is ready.
    pub(crate) async fn start(
        database: &Database,
        connections: usize,
        settings: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let here = std::env::current_exe().map_err(Error::file("parley_bench"))?;
        let program = here.with_file_name("edge_worker");
        let failed = |source| Error::file(&program)(source);
        let port = free_port().map_err(failed)?;
        let child = Command::new(&program)
            .arg("serve")
            .env("SUPABASE_URL", &database.api()?.url)
            .env("SUPABASE_PUBLISHABLE_KEY", "none")
            .env("SUPABASE_SECRET_KEY", &database.api()?.key)
            .env("WORKER_DB_URL", database.worker_url().await?)
            .env("WORKER_DB_CONNECTIONS", connections.to_string())
            .env("WORKER_LISTEN", format!("127.0.0.1:{port}"))
            .env("WORKER_SECRET", SECRET)
            // Nobody is there: the events come from the benchmark.
            .env("TAVUS_BASE_URL", "http://127.0.0.1:9")
            .env("TAVUS_API_KEY", "none")
            // The peer has no log and no jobs either.
            .env("RUST_LOG", "warn")
            .env("WORKER_JOBS_TAVUS", "0")
            .env("WORKER_JOBS_MAINTENANCE", "0")
            // What the shell knows of providers is not for benchmarks.
            .env_remove("ELEVENLABS_API_KEY")
            .env_remove("EMBEDDINGS_API_KEY")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut worker = Self { port, child };
        loop {
            if let Ok(mut wire) = Wire::open(port).await
                // The database is there once it listens; the rest of a project is not, and is not used.
                && wire.get("/healthz").await? == StatusCode::OK
            {
                return Ok(worker);
            }
            if !matches!(worker.child.try_wait(), Ok(None)) {
                return Err(Error::Server("the worker did not start".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        self.interrupt();
        self.child.wait().map(drop).map_err(Error::file("edge_worker"))
    }

    fn interrupt(&self) {
        if let Ok(pid) = i32::try_from(self.child.id())
            && let Err(errno) = kill(Pid::from_raw(pid), Signal::SIGTERM)
        {
            eprintln!("could not stop the worker: {errno}");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.interrupt();
        }
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
