//! A stack of its own for each test, and a receiver that remembers.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::identity::Caller;
use crate::postgres::Address;
use crate::realtime::feed::{
    ChangeRequest, ChangeSink, ChangeSubscription, Feed, Receiver, StoredBroadcast, SubscribeError,
};
use crate::{Config, Kernel, Stack};

/// Long enough for a machine under load; a test that waits this long has failed.
pub(in crate::realtime::feed) const PATIENCE: Duration = Duration::from_secs(30);

struct Inbox(mpsc::UnboundedSender<StoredBroadcast>);

impl Receiver for Inbox {
    fn broadcast(&self, message: StoredBroadcast) {
        self.0.send(message).ok();
    }
}

/// A running stack with a feed of its own, and no other.
pub(in crate::realtime::feed) struct Bench {
    pub(in crate::realtime::feed) feed: Feed,
    pub(in crate::realtime::feed) inbox: mpsc::UnboundedReceiver<StoredBroadcast>,
    pub(in crate::realtime::feed) address: Address,
    pub(in crate::realtime::feed) stack: Stack,
    _folder: TempDir,
}

impl Bench {
    /// With one migration; ready when the stream runs.
    pub(in crate::realtime::feed) async fn start(migration: &str) -> Self {
        let folder = TempDir::with_prefix("feed ").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir_all(folder.path().join("supabase/migrations")).unwrap();
        std::fs::write(
            folder.path().join("supabase/config.toml"),
            "[api]\nschemas = [\"public\"]\n",
        )
        .unwrap();
        std::fs::write(
            folder.path().join("supabase/migrations/20260101000000_app.sql"),
            migration,
        )
        .unwrap();
        let mut config = Config::new(folder.path(), folder.path().join("data"));
        config.api_port = 0;
        config.db_port = 0;
        config.kernel = Kernel::Portable;
        let stack = Stack::start(config).await.unwrap();
        let port = stack.endpoints().db_url.rsplit_once(':').unwrap().1;
        let address = Address {
            port: port.split_once('/').unwrap().0.parse().unwrap(),
        };
        // The feed of the test is to be the only one.
        stack.stop_listening().await;
        let mut admin = PgConnection::connect(&address.url("supabase_admin"))
            .await
            .unwrap();
        until(&mut admin, "select count(*) = 0 from pg_replication_slots").await;
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
    pub(in crate::realtime::feed) async fn live(&self, expected: bool) {
        let mut live = self.feed.live();
        let change = live.wait_for(|is_live| *is_live == expected);
        tokio::time::timeout(PATIENCE, change).await.unwrap().unwrap();
    }

    pub(in crate::realtime::feed) async fn connect(&self, role: &str) -> PgConnection {
        PgConnection::connect(&self.address.url(role)).await.unwrap()
    }

    pub(in crate::realtime::feed) async fn run(&self, role: &str, sql: &str) {
        let mut connection = self.connect(role).await;
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    pub(in crate::realtime::feed) async fn message(&mut self) -> StoredBroadcast {
        tokio::time::timeout(PATIENCE, self.inbox.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// The events of the next messages.
    pub(in crate::realtime::feed) async fn events(&mut self, count: usize) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.message().await.event);
        }
        events
    }

    pub(in crate::realtime::feed) async fn stop(self) {
        self.feed.stop().await;
        self.stack.stop().await.unwrap();
    }
}

/// A signed-in person.
pub(in crate::realtime::feed) fn person(id: &str) -> Caller {
    let claims = json!({ "role": "authenticated", "sub": id, "aud": "authenticated" });
    Caller {
        role: "authenticated".to_owned(),
        claims,
    }
}

/// A key without a person behind it.
pub(in crate::realtime::feed) fn key(role: &str) -> Caller {
    Caller {
        role: role.to_owned(),
        claims: json!({ "role": role, "iss": "supabase" }),
    }
}

/// Asks again until the database says so.
pub(in crate::realtime::feed) async fn until(connection: &mut PgConnection, question: &str) {
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

pub(in crate::realtime::feed) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What a sink was given.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::realtime::feed) enum Told {
    Change(Vec<i64>, Value),
    Lost(String),
}

struct Sink(mpsc::UnboundedSender<Told>);

impl ChangeSink for Sink {
    fn change(&self, ids: Vec<i64>, data: Arc<str>) {
        self.0.send(Told::Change(ids, parse(&data))).ok();
    }

    fn lost(&self, reason: Arc<str>) {
        self.0.send(Told::Lost(reason.to_string())).ok();
    }
}

/// A subscription and what came of it.
pub(in crate::realtime::feed) struct Watcher {
    pub(in crate::realtime::feed) subscription: ChangeSubscription,
    pub(in crate::realtime::feed) inbox: mpsc::UnboundedReceiver<Told>,
}

impl Watcher {
    /// Subscribes to what a client would put under `postgres_changes`.
    pub(in crate::realtime::feed) async fn new(bench: &Bench, caller: &Caller, requests: Value) -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        let requests: Vec<ChangeRequest> = serde_json::from_value(requests).unwrap();
        let sink = Arc::new(Sink(sender));
        let subscription = bench.feed.subscribe(caller, requests, sink).await.unwrap();
        Self { subscription, inbox }
    }

    /// The text that a client would see.
    pub(in crate::realtime::feed) async fn refused(bench: &Bench, caller: &Caller, request: Value) -> String {
        let (sender, _) = mpsc::unbounded_channel();
        let request: ChangeRequest = serde_json::from_value(request).unwrap();
        let refusal = bench
            .feed
            .subscribe(caller, vec![request], Arc::new(Sink(sender)))
            .await;
        let refusal: SubscribeError = refusal.err().unwrap();
        refusal.to_string()
    }

    pub(in crate::realtime::feed) async fn told(&mut self) -> Told {
        tokio::time::timeout(PATIENCE, self.inbox.recv())
            .await
            .unwrap()
            .unwrap()
    }

    pub(in crate::realtime::feed) async fn next(&mut self) -> (Vec<i64>, Value) {
        match self.told().await {
            Told::Change(ids, data) => (ids, data),
            Told::Lost(reason) => panic!("lost: {reason}"),
        }
    }

    pub(in crate::realtime::feed) async fn data(&mut self) -> Value {
        self.next().await.1
    }
}
