//! One turn: senders that send for a fixed time, and what the receiver holds afterwards.

use futures_util::future::try_join_all;
use hyper::StatusCode;
use sqlx::PgConnection;

use crate::clock::now;
use crate::database::Database;
use crate::drive::Pace;
use crate::error::Error;
use crate::webhooks::events::Script;
use crate::webhooks::post::{Call, Delivery, Post, Samples};
use crate::wire::Wire;

/// Who sends where.
#[derive(Debug)]
pub(crate) enum Senders {
    /// To a receiver.
    Http(Vec<Wire>),
    /// Straight into a table.
    Floor(Vec<PgConnection>),
}

impl Senders {
    /// So many connections to the receiver on this port. They are for one turn: Node closes what is idle for five seconds.
    pub(crate) async fn to_receiver(port: u16, count: usize) -> Result<Self, Error> {
        let mut wires = Vec::new();
        for _ in 0..count {
            wires.push(Wire::open(port).await?);
        }
        Ok(Self::Http(wires))
    }

    /// So many connections to the database.
    pub(crate) async fn to_floor(database: &Database, count: usize) -> Result<Self, Error> {
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(database.connect().await?);
        }
        Ok(Self::Floor(connections))
    }

    /// Lets all of them send until the time is up. Every answer but 200 ends the run.
    pub(crate) async fn send(&mut self, post: &Post<'_>) -> Result<(), Error> {
        match self {
            Self::Http(wires) => {
                try_join_all(wires.iter_mut().map(|wire| deliver(wire, post))).await?;
            }
            Self::Floor(connections) => {
                try_join_all(connections.iter_mut().map(|connection| insert(connection, post))).await?;
            }
        }
        Ok(())
    }
}

async fn deliver(wire: &mut Wire, post: &Post<'_>) -> Result<(), Error> {
    loop {
        let (delivery, call, body) = take(post)?;
        let path = format!("/webhooks/tavus/{}", call.token);
        let began = now();
        let status = wire.post(&path, body).await?;
        if status != StatusCode::OK {
            let what = delivery.kind.event_type();
            return Err(Error::Webhooks(format!(
                "{what} of {} was answered {status}",
                call.id
            )));
        }
        if post.acknowledge(began, now()) {
            return Ok(());
        }
    }
}

async fn insert(connection: &mut PgConnection, post: &Post<'_>) -> Result<(), Error> {
    loop {
        let (delivery, call, body) = take(post)?;
        let began = now();
        sqlx::query(
            "insert into bench_webhooks.floor_events (conversation, event_type, body) values ($1, $2, $3::text::jsonb - 'webhook_url')",
        )
        .bind(call.id)
        .bind(delivery.kind.event_type())
        .bind(body)
        .execute(&mut *connection)
        .await
        .map_err(Error::database("inserting an event"))?;
        if post.acknowledge(began, now()) {
            return Ok(());
        }
    }
}

fn take<'p>(post: &'p Post<'_>) -> Result<(Delivery, &'p Call, String), Error> {
    let delivery = post.next()?;
    let (call, body) = post
        .write(delivery)
        .ok_or(Error::Unprepared("a delivery is of no call"))?;
    Ok((delivery, call, body))
}

/// A turn that begins now.
pub(crate) fn begin<'a>(script: &'a Script, calls: Vec<Call>, pace: Pace, seed: u64) -> Post<'a> {
    let nanoseconds = |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let begin = now() + nanoseconds(pace.warm_up);
    Post::new(script, calls, begin..begin + nanoseconds(pace.measured), seed)
}

/// How many deliveries were answered a second.
pub(crate) fn rate(samples: &Samples, pace: Pace) -> f64 {
    let count = u32::try_from(samples.answers.len()).unwrap_or(u32::MAX);
    f64::from(count) / pace.measured.as_secs_f64()
}
