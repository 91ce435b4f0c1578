//! The replication connection: a temporary slot, decoded messages, and what the server is told of our progress.

use std::time::{Duration, Instant};

use bytes::Bytes;
use pg_walstream::{
    CancellationToken, LogicalReplicationMessage, LogicalReplicationParser, PgReplicationConnection,
    ReplicationError, ReplicationSlotOptions, SlotType, parse_keepalive_message,
};

use super::error::SessionError;

/// Whole transactions, sent when they have committed.
const PROTOCOL: u32 = 1;
/// The tag, two positions in the WAL, and a time.
const HEADER_BYTES: usize = 25;
/// A commit is acknowledged when the last acknowledgement is this old; a keepalive always is.
const QUIET: Duration = Duration::from_millis(100);

/// What the server decodes with, whatever the database is set to: the renderer of values relies on these forms.
const SETTINGS: &str = "set datestyle to 'iso, mdy'; set intervalstyle to postgres; set timezone to 'UTC'; \
    set bytea_output to hex; set extra_float_digits to 1;";

/// Where to connect, and what to follow.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// A connection string without options.
    pub(super) url: String,
    pub(super) slot: String,
    /// The value of pgoutput's `publication_names`.
    pub(super) publications: String,
}

/// A running stream.
pub(super) struct Wal {
    connection: PgReplicationConnection,
    parser: LogicalReplicationParser,
    acknowledged: Instant,
}

impl Wal {
    /// Connects, makes the slot and starts the stream. Everything that commits after it returned will be told.
    ///
    /// The crate's calls block, and making a slot waits for every transaction that has written and is still open, however long
    /// that takes; so they run on a thread of their own.
    pub(super) async fn open(target: Target) -> Result<Self, SessionError> {
        let connection = tokio::task::spawn_blocking(move || connect(&target)).await??;
        Ok(Self {
            connection,
            parser: LogicalReplicationParser::with_protocol_version(PROTOCOL),
            acknowledged: Instant::now(),
        })
    }

    /// The next message; keepalives are answered on the way.
    pub(super) async fn next(
        &mut self,
        stopping: &CancellationToken,
    ) -> Result<LogicalReplicationMessage, SessionError> {
        loop {
            let frame = self.connection.get_copy_data_async(stopping).await?;
            match frame.first() {
                Some(b'w') => return self.decode(&frame),
                // Everything before the keepalive has been read. Saying so matters even when nothing of it was for us: the server
                // keeps WAL until it is acknowledged, and does not shut down before that.
                Some(b'k') => {
                    let end = parse_keepalive_message(&frame)?.wal_end;
                    self.acknowledge(end).await?;
                }
                _ => tracing::debug!(tag = ?frame.first(), "unknown frame in the replication stream"),
            }
        }
    }

    fn decode(&mut self, frame: &Bytes) -> Result<LogicalReplicationMessage, SessionError> {
        if frame.len() <= HEADER_BYTES {
            return Err(SessionError::Frame("a row message without a body"));
        }
        let body = frame.slice(HEADER_BYTES..);
        Ok(self.parser.parse_wal_message_bytes(body)?.message)
    }

    /// Says that a transaction was handed on. `end` is the position after its commit.
    pub(super) async fn committed(&mut self, end: u64) -> Result<(), ReplicationError> {
        if self.acknowledged.elapsed() < QUIET {
            return Ok(());
        }
        self.acknowledge(end).await
    }

    async fn acknowledge(&mut self, end: u64) -> Result<(), ReplicationError> {
        self.acknowledged = Instant::now();
        self.connection
            .send_standby_status_update(end, end, end, false)
            .await
    }
}

fn connect(target: &Target) -> Result<PgReplicationConnection, ReplicationError> {
    let url = format!(
        "{}?replication=database&sslmode=disable&connect_timeout=10&application_name=local_stack_feed",
        target.url
    );
    let mut connection = PgReplicationConnection::connect(&url)?;
    for setting in SETTINGS.split_inclusive(';') {
        connection.exec(setting)?;
    }
    let options = ReplicationSlotOptions {
        temporary: true,
        snapshot: Some("nothing".to_owned()),
        ..ReplicationSlotOptions::default()
    };
    connection.create_replication_slot_with_options(
        &target.slot,
        SlotType::Logical,
        Some("pgoutput"),
        &options,
    )?;
    let protocol = PROTOCOL.to_string();
    let options = [
        ("proto_version", protocol.as_str()),
        ("publication_names", target.publications.as_str()),
    ];
    connection.start_replication(&target.slot, pg_walstream::INVALID_XLOG_REC_PTR, &options)?;
    Ok(connection)
}
