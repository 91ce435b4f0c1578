//! A stack of its own for each test, and a receiver that remembers.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::postgres::Address;
use crate::realtime::caller::Caller;
use crate::realtime::feed::{Feed, Receiver, StoredBroadcast};
use crate::{Config, Kernel, Stack};

/// Long enough for a machine under load; a test that waits this long has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

struct Inbox(mpsc::UnboundedSender<StoredBroadcast>);

impl Receiver for Inbox {
    fn broadcast(&self, message: StoredBroadcast) {
        self.0.send(message).ok();
    }
}

/// A running stack with a feed of its own.
pub(super) struct Bench {
    pub(super) feed: Feed,
    pub(super) inbox: mpsc::UnboundedReceiver<StoredBroadcast>,
    pub(super) address: Address,
    pub(super) stack: Stack,
    _folder: TempDir,
}

impl Bench {
    /// With one migration; ready when the stream runs.
    pub(super) async fn start(migration: &str) -> Self {
        let folder = TempDir::with_prefix("feed ").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["migrations", "supabase"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(
            folder.path().join("supabase/config.toml"),
            "[api]\nschemas = [\"public\"]\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("migrations/20260101000000_app.sql"), migration).unwrap();
        let mut config = Config::new(folder.path(), folder.path().join("data"));
        config.api_port = 0;
        config.db_port = 0;
        config.kernel = Kernel::Portable;
        let stack = Stack::start(config).await.unwrap();
        let port = stack.endpoints().db_url.rsplit_once(':').unwrap().1;
        let address = Address {
            port: port.split_once('/').unwrap().0.parse().unwrap(),
        };
        let (sender, inbox) = mpsc::unbounded_channel();
        let feed = Feed::start(address, Arc::new(Inbox(sender))).await.unwrap();
        let bench = Self {
            feed,
            inbox,
            address,
            stack,
            _folder: folder,
        };
        bench.live(true).await;
        bench
    }

    /// Waits until the stream runs, or does not.
    pub(super) async fn live(&self, expected: bool) {
        let mut live = self.feed.live();
        let change = live.wait_for(|is_live| *is_live == expected);
        tokio::time::timeout(PATIENCE, change).await.unwrap().unwrap();
    }

    pub(super) async fn connect(&self, role: &str) -> PgConnection {
        PgConnection::connect(&self.address.url(role)).await.unwrap()
    }

    pub(super) async fn run(&self, role: &str, sql: &str) {
        let mut connection = self.connect(role).await;
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    pub(super) async fn message(&mut self) -> StoredBroadcast {
        tokio::time::timeout(PATIENCE, self.inbox.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// The events of the next messages.
    pub(super) async fn events(&mut self, count: usize) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.message().await.event);
        }
        events
    }

    pub(super) async fn stop(self) {
        self.feed.stop().await;
        self.stack.stop().await.unwrap();
    }
}

/// A signed-in person.
pub(super) fn person(id: &str) -> Caller {
    let claims = json!({ "role": "authenticated", "sub": id, "aud": "authenticated" });
    Caller {
        role: "authenticated".to_owned(),
        claims,
    }
}

/// A key without a person behind it.
pub(super) fn key(role: &str) -> Caller {
    Caller {
        role: role.to_owned(),
        claims: json!({ "role": role, "iss": "supabase" }),
    }
}

/// Asks again until the database says so.
pub(super) async fn until(connection: &mut PgConnection, question: &str) {
    let asking = async {
        while !sqlx::query_scalar::<_, bool>(question)
            .fetch_one(&mut *connection)
            .await
            .unwrap()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap();
}

pub(super) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
