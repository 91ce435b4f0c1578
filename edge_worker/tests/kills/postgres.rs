//! A Postgres that can be killed and started again.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::Stdio;

use local_stack::{Config, Kernel, Stack};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// A commit is written to the operating system before it is acknowledged, and what is written there outlives every process. Only a power cut
/// would need it on the disk, too; with `fsync` a recovery first syncs every file of the cluster, which takes ten times as long as the rest.
const SETTINGS: [&str; 5] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "timezone=UTC",
    "synchronous_commit=on",
    "fsync=off",
];

/// The cluster of a local stack with the project's migrations, without the stack: nothing but the worker uses it.
pub struct Postgres {
    /// As role postgres.
    pub url: String,
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
    _home: TempDir,
}

impl Postgres {
    /// Makes the cluster and starts it.
    pub async fn start() -> Self {
        let home = TempDir::with_prefix("edge_worker_kills").unwrap();
        // PostgreSQL may run as another user, who has to get in.
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut config = Config::new(project.canonicalize().unwrap(), home.path().join("data"));
        (config.api_port, config.db_port) = (0, 0);
        config.kernel = Kernel::Portable;
        let stack = Stack::start(config).await.unwrap();
        let endpoints = stack.endpoints().clone();
        let mut admin = PgConnection::connect(&endpoints.admin_db_url).await.unwrap();
        let ask = "select (select setting from pg_config where name = 'BINDIR'), current_setting('data_directory'), current_setting('port')::int";
        let (programs, folder, port): (String, String, i32) =
            sqlx::query_as(ask).fetch_one(&mut admin).await.unwrap();
        drop(admin);
        stack.stop().await.unwrap();
        let mut postgres = Self {
            url: endpoints.db_url,
            program: PathBuf::from(programs).join("postgres"),
            folder: PathBuf::from(folder),
            port: port.try_into().unwrap(),
            child: None,
            _home: home,
        };
        postgres.revive().await;
        postgres
    }

    /// Starts it, after a kill too: then it recovers first.
    pub async fn revive(&mut self) {
        loop {
            let mut child = self.command().spawn().unwrap();
            let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
            let mut told = Vec::new();
            while let Some(line) = log.next_line().await.unwrap() {
                if line.contains("ready to accept connections") {
                    tokio::spawn(drain(log));
                    self.child = Some(child);
                    return;
                }
                told.push(line);
            }
            child.wait().await.unwrap();
            // What was killed may not have let go of its memory and its port yet.
            let is_passing = |line: &String| {
                line.contains("shared memory block") || line.contains("Address already in use")
            };
            assert!(told.iter().any(is_passing), "PostgreSQL ended: {told:#?}");
        }
    }

    /// As a machine dies: the server and every process of it at once.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        let server = child.id().unwrap().try_into().unwrap();
        let sessions = children(server);
        kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
        for session in sessions {
            // It may have ended by itself meanwhile.
            let _ = kill(Pid::from_raw(session), Signal::SIGKILL);
        }
        child.wait().await.unwrap();
    }

    /// A session as role postgres.
    pub async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("-D")
            .arg(&self.folder)
            .args(["-c", &format!("port={}", self.port)])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let owner = std::fs::metadata(&self.folder).unwrap();
        if owner.uid() != nix::unistd::geteuid().as_raw() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command
    }
}

async fn drain(mut log: Lines<BufReader<ChildStderr>>) {
    while let Ok(Some(_)) = log.next_line().await {}
}

/// The processes that a process has started.
fn children(parent: i32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| {
            let id: i32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // After the name, which may hold anything: state, parent.
            let (_, rest) = stat.rsplit_once(") ")?;
            (rest.split(' ').nth(1)?.parse() == Ok(parent)).then_some(id)
        })
        .collect()
}
