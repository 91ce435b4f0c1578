//! How much a client may ask for.

use std::time::Duration;

/// The limits of `/realtime/v1`. The defaults let a large test run on one machine and still stop a storm; Supabase's own are
/// lower (200 connections, 100 joins and 100 events a second when self-hosted).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealtimeLimits {
    /// Sockets with at least one channel. `PARLEY_REALTIME_MAX_CONNECTIONS`
    pub max_connections: u32,
    /// Joins of all clients, on average over a minute. `PARLEY_REALTIME_MAX_JOINS_PER_SECOND`
    pub max_joins_per_second: u32,
    /// Messages of all clients and of the database, each counted once, on average over a minute.
    /// `PARLEY_REALTIME_MAX_EVENTS_PER_SECOND`
    pub max_events_per_second: u32,
    /// Presence messages of all clients, on average over a minute.
    pub max_presence_events_per_second: u32,
    /// Channels of one socket.
    pub max_channels_per_socket: usize,
    /// The size of one broadcast or of one tracked presence: 3,000 KB and 500 bytes for what surrounds it.
    pub max_payload_bytes: usize,
    /// How many presence calls one channel may make in one window.
    pub presence_calls: u32,
    /// The length of that window.
    pub presence_window: Duration,
    /// How many frames may wait for a slow socket before it is closed.
    pub queue_frames: usize,
    /// How many bytes may wait for a slow socket before it is closed.
    pub queue_bytes: usize,
    /// A socket that says nothing for so long is closed; clients send a heartbeat every 25 seconds.
    pub idle_timeout: Duration,
    /// A socket without a channel is closed after this time.
    pub no_channel_timeout: Duration,
    /// How long a refusal is held back, so that a client that asks again at once does not ask often. Supabase waits 2 seconds
    /// at the handshake and 5 at a join; here nobody is slowed down for so long on purpose.
    pub refusal_delay: Duration,
}

impl Default for RealtimeLimits {
    fn default() -> Self {
        Self {
            max_connections: 2_000,
            max_joins_per_second: 200,
            max_events_per_second: 10_000,
            max_presence_events_per_second: 1_000,
            max_channels_per_socket: 100,
            max_payload_bytes: 3_000_500,
            presence_calls: 5,
            presence_window: Duration::from_secs(30),
            queue_frames: 8_192,
            queue_bytes: 16 * 1024 * 1024,
            idle_timeout: Duration::from_secs(60),
            no_channel_timeout: Duration::from_secs(600),
            refusal_delay: Duration::from_millis(100),
        }
    }
}
