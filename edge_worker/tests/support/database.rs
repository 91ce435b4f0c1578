//! A database of its own, and a line to it that can be cut.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use local_stack::{Config, Kernel, Stack};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

/// A stack with the project's own migrations.
pub struct Database {
    pub stack: Stack,
    _folder: TempDir,
}

impl Database {
    pub async fn start() -> Self {
        let folder = TempDir::with_prefix("edge_worker").unwrap();
        // PostgreSQL may run as another user, who has to get in.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut config = Config::new(project.canonicalize().unwrap(), folder.path().join("data"));
        (config.api_port, config.db_port) = (0, 0);
        config.kernel = Kernel::Portable;
        Self {
            stack: Stack::start(config).await.unwrap(),
            _folder: folder,
        }
    }

    pub fn url(&self) -> &str {
        &self.stack.endpoints().db_url
    }
}

/// A stack that the tests of a binary share as long as one of them runs. It lives in a thread of its own, because the runtime
/// of a test ends with it.
pub struct Shared {
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shared {
    /// The one that runs, or a new one.
    pub fn get() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let shared = Arc::new(Self::start());
            *running = Arc::downgrade(&shared);
            shared
        })
    }

    fn start() -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let database = Database::start().await;
                tell.send(database.url().to_owned()).unwrap();
                // It also stops when nobody can say so any more.
                let _ = stopped.await;
                database.stack.stop().await.unwrap();
            });
        });
        Self {
            url: told.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What went wrong in there was told there.
            let _ = thread.join();
        }
    }
}

/// What a line does with what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// It passes.
    Open,
    /// It waits, and so does who waits for it.
    Held,
    /// Connections are closed, the running ones and new ones.
    Cut,
}

/// A line to the database.
pub struct Proxy {
    pub line: watch::Sender<Line>,
    pub url: String,
}

impl Proxy {
    pub async fn start(url: &str) -> Self {
        let mut url: url::Url = url.parse().unwrap();
        let target = ("127.0.0.1", url.port().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let line = watch::Sender::new(Line::Open);
        let state = line.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(target).await.unwrap();
                tokio::spawn(carry(client, server, state.clone()));
            }
        });
        Self {
            line,
            url: url.to_string(),
        }
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, mut line: watch::Receiver<Line>) {
    loop {
        let state = *line.borrow_and_update();
        // A line whose other end is gone is one of a test that is over.
        let is_over = match state {
            Line::Cut => true,
            Line::Held => line.changed().await.is_err(),
            Line::Open => tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => true,
                changed = line.changed() => changed.is_err(),
            },
        };
        if is_over {
            return;
        }
    }
}
