//! The settings of queued jobs.

use std::time::Duration;

use super::read::Reader;
use crate::jobs::Settings;

pub(super) fn read(reader: &mut Reader<'_>) -> Settings {
    let defaults = Settings::default();
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let lease = reader.number("WORKER_JOBS_LEASE_SECONDS", seconds(defaults.lease), 10, 3600);
    let poll = reader.number("WORKER_JOBS_POLL_SECONDS", seconds(defaults.poll), 1, 300);
    Settings {
        tavus: reader.number("WORKER_JOBS_TAVUS", defaults.tavus, 0, 1000),
        maintenance: reader.number("WORKER_JOBS_MAINTENANCE", defaults.maintenance, 0, 1000),
        knowledge: reader.number("WORKER_JOBS_KNOWLEDGE", defaults.knowledge, 0, 1000),
        max_attempts: reader.number("WORKER_JOBS_ATTEMPTS", defaults.max_attempts, 1, 1000),
        lease: Duration::from_secs(lease.into()),
        poll: Duration::from_secs(poll.into()),
        ..defaults
    }
}
