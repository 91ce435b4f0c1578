//! A PgBouncer before a database.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// How a pooler hands out its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One a connection.
    Session,
    /// One a transaction; statements that were prepared in another one are lost.
    Transaction,
    /// The same, and it prepares them again: 1.21 or newer.
    TransactionWithStatements,
}

/// A pooler that runs. Dropping it ends it.
pub struct Pooler {
    child: Child,
    /// The database through it.
    pub url: String,
    _folder: TempDir,
}

impl Pooler {
    pub async fn start(database_url: &str, mode: Mode) -> Self {
        let mut url: url::Url = database_url.parse().unwrap();
        let folder = TempDir::with_prefix("pgbouncer").unwrap();
        // It may run as another user, who has to get in.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
            free.local_addr().unwrap().port()
        };
        let pool_mode = match mode {
            Mode::Session => "session",
            Mode::Transaction | Mode::TransactionWithStatements => "transaction",
        };
        let statements = match mode {
            Mode::TransactionWithStatements => "max_prepared_statements = 100",
            // Before it had them it refuses to hear of them.
            _ if prepares_statements() => "max_prepared_statements = 0",
            _ => "",
        };
        let settings = format!(
            "[databases]
            * = host=127.0.0.1 port={} user={} password={}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = {pool_mode}
            ignore_startup_parameters = extra_float_digits,options
            {statements}\n",
            url.port().unwrap(),
            url.username(),
            url.password().unwrap_or_default(),
        );
        let lines: Vec<&str> = settings.lines().map(str::trim).collect();
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, lines.join("\n")).unwrap();
        let mut command = Command::new(program());
        // It refuses to be root.
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.args(["-u", "postgres"]);
        }
        let child = command
            .arg("--quiet")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        url.set_port(Some(port)).unwrap();
        let mut pooler = Self {
            child,
            url: url.to_string(),
            _folder: folder,
        };
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(pooler.child.try_wait().unwrap().is_none(), "it did not start");
            tokio::task::yield_now().await;
        }
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It has ended already where the test went wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether this one carries prepared statements over, as of 1.21.
pub fn prepares_statements() -> bool {
    let told = Command::new(program()).arg("--version").output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    let version = told.lines().next().unwrap().rsplit(' ').next().unwrap();
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    numbers >= vec![1, 21]
}

/// Debian keeps it where only root looks. `PARLEY_PGBOUNCER` names another one.
fn program() -> String {
    std::env::var("PARLEY_PGBOUNCER").unwrap_or_else(|_| {
        let debian = "/usr/sbin/pgbouncer";
        let found = if Path::new(debian).exists() {
            debian
        } else {
            "pgbouncer"
        };
        found.to_owned()
    })
}
