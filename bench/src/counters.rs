//! Suite `counters`: joins and leaves on the tables of EchoRoom's specification, by what keeps the count of participants.
//!
//! Native and portable are the two kernels; the peer is the specification's own trigger, which recounts the room on every row; the floor
//! is the same tables without any count. All four stand in one database, and take turns in every round.

use std::time::Instant;

use sqlx::PgConnection;
use uuid::Uuid;

use rand::Rng as _;

use crate::database::Database;
use crate::drive::{Client, Pace, connect, rate, turns};
use crate::echoroom::variants;
use crate::error::Error;
use crate::line::{Crowd, Line, Unit, Variant};
use crate::tables::{build, drop_all, run, schema, vacuum};

const CLIENTS: [usize; 3] = [1, 8, 32];
const ROOMS: usize = 1000;
const BULK_ROWS: i32 = 10_000;

/// A thousand rooms of five.
const SPREAD: &str = "
    insert into sessions (category) select 'Calm' from generate_series(1, 1000);
    insert into participants (user_id, session_id) select gen_random_uuid(), id from sessions cross join generate_series(1, 5)";

/// One channel of a hundred thousand, who stay there.
const BIG: &str = "
    insert into sessions (category) values ('Calm');
    insert into participants (user_id, session_id) select gen_random_uuid(), id from sessions cross join generate_series(1, 100000)";

/// Measures everything.
pub(crate) async fn measure(database: &Database, pace: Pace) -> Result<Vec<Line>, Error> {
    let variants = variants(database).await?;
    let mut keeper = database.connect().await?;
    let mut clients = connect(database, CLIENTS.into_iter().max().unwrap_or(1)).await?;
    let mut lines = Vec::new();
    for (what, load) in [
        ("join, leave: 1,000 rooms", SPREAD),
        ("join, leave: one of 100,000", BIG),
    ] {
        lines.extend(joins(&mut keeper, &mut clients, &variants, what, load, pace).await?);
    }
    lines.push(bulk(&mut keeper, &variants, pace).await?);
    drop_all(&mut keeper).await?;
    Ok(lines)
}

/// Every client joins a room and leaves it again, over and over.
async fn joins(
    keeper: &mut PgConnection,
    clients: &mut [Client],
    variants: &[Variant],
    what: &'static str,
    load: &str,
    pace: Pace,
) -> Result<Vec<Line>, Error> {
    for variant in variants {
        build(keeper, *variant, load).await?;
    }
    let mut lines = Vec::new();
    for count in CLIENTS {
        let mut line = Line::new(what, Crowd::Clients(count), Unit::PerSecond("joins and leaves"));
        let working = clients.get_mut(..count).unwrap_or_default();
        for round in 0..pace.rounds {
            for variant in turns(variants, round) {
                vacuum(keeper, variant, "").await?;
                let rooms = room_ids(keeper, variant).await?;
                let sql = Statements::new(working, variant).await?;
                let figure = rate(working, pace, async |client| {
                    sql.join_and_leave(client, &rooms).await
                })
                .await?;
                eprintln!(
                    "counters: {what}, {count} clients, round {}: {variant} {figure:.0}/s",
                    round + 1
                );
                line.push(variant, figure);
            }
        }
        lines.push(line);
    }
    Ok(lines)
}

async fn room_ids(keeper: &mut PgConnection, variant: Variant) -> Result<Vec<Uuid>, Error> {
    sqlx::query_scalar(&format!("select id from {}.sessions", schema(variant)))
        .fetch_all(keeper)
        .await
        .map_err(Error::database("reading the rooms"))
}

/// What a client sends.
struct Statements {
    insert: String,
    delete: String,
}

impl Statements {
    /// Makes the clients' search path the variant's, for the peer's unqualified trigger.
    async fn new(clients: &mut [Client], variant: Variant) -> Result<Self, Error> {
        let schema = schema(variant);
        for client in clients {
            run(&mut client.connection, &format!("set search_path = {schema}")).await?;
        }
        Ok(Self {
            insert: format!("insert into {schema}.participants (user_id, session_id) values ($1, $2)"),
            delete: format!("delete from {schema}.participants where user_id = $1 and session_id = $2"),
        })
    }

    /// Two transactions.
    async fn join_and_leave(&self, client: &mut Client, rooms: &[Uuid]) -> Result<u32, Error> {
        let person = Uuid::from_u128(client.random.random());
        let room = rooms
            .get(client.random.random_range(0..rooms.len()))
            .copied()
            .unwrap_or_default();
        for sql in [&self.insert, &self.delete] {
            sqlx::query(sql)
                .bind(person)
                .bind(room)
                .execute(&mut client.connection)
                .await
                .map_err(Error::database("joining and leaving"))?;
        }
        Ok(2)
    }
}

/// One statement that inserts many rows over all rooms.
async fn bulk(keeper: &mut PgConnection, variants: &[Variant], pace: Pace) -> Result<Line, Error> {
    for variant in variants {
        build(keeper, *variant, SPREAD).await?;
    }
    let mut line = Line::new(
        "bulk insert: 10,000 rows",
        Crowd::Clients(1),
        Unit::PerSecond("rows"),
    );
    for round in 0..pace.rounds {
        for variant in turns(variants, round) {
            let schema = schema(variant);
            run(
                keeper,
                &format!("set search_path = {schema}; truncate participants"),
            )
            .await?;
            vacuum(keeper, variant, "").await?;
            let begin = Instant::now();
            let sql = format!(
                "insert into {schema}.participants (user_id, session_id)
                 select gen_random_uuid(), rooms.ids[1 + n % {ROOMS}]
                 from generate_series(1, {BULK_ROWS}) as n, (select array_agg(id) as ids from {schema}.sessions) as rooms"
            );
            run(keeper, &sql).await?;
            let figure = f64::from(BULK_ROWS) / begin.elapsed().as_secs_f64();
            eprintln!(
                "counters: bulk, round {}: {variant} {figure:.0} rows/s",
                round + 1
            );
            line.push(variant, figure);
        }
    }
    Ok(line)
}
