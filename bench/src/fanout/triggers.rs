//! What the broadcast costs the sender: `send_message`, and a plain insert of the row, with the table's broadcast trigger and without it.

use uuid::Uuid;

use crate::database::Database;
use crate::drive::{Client, Pace, connect, rate, turns};
use crate::echoroom::{self, SENTENCE};
use crate::error::Error;
use crate::fanout::hall::Hall;
use crate::line::{Crowd, Line, Unit, Variant};
use crate::request::{Caller, nothing, request};
use crate::tables::run;

const CLIENTS: [usize; 2] = [1, 8];

const OFF: &str = "alter table echoroom.chat_messages disable trigger chat_messages_tell_room";
const ON: &str = "alter table echoroom.chat_messages enable trigger chat_messages_tell_room";

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// The RPC, as a member.
    Rpc,
    /// The row alone, as service_role: its numbering and checks stay, the RPC's go.
    Insert,
}

/// What has a turn in each round.
#[derive(Clone, Copy, Debug)]
struct Case {
    variant: Variant,
    call: Call,
    broadcasts: bool,
}

/// The lines for one number of clients: with the trigger, without it, and the difference.
struct Lines {
    with: Line,
    without: Line,
    added: Line,
}

impl Lines {
    fn new(call: Call, clients: usize) -> Self {
        let names = match call {
            Call::Rpc => [
                "send_message",
                "send_message, no broadcast",
                "send_message: broadcast adds",
            ],
            Call::Insert => [
                "plain insert",
                "plain insert, no broadcast",
                "plain insert: broadcast adds",
            ],
        };
        let [with, without, added] =
            names.map(|name| Line::new(name, Crowd::Clients(clients), Unit::Milliseconds));
        Self { with, without, added }
    }

    fn push(&mut self, case: Case, milliseconds: f64) {
        let line = if case.broadcasts {
            &mut self.with
        } else {
            &mut self.without
        };
        line.push(case.variant, milliseconds);
    }

    /// The two turns that a difference is of were in the same round.
    fn finish(mut self) -> [Line; 3] {
        for variant in [Variant::Native, Variant::Portable] {
            let (with, without) = (self.with.rounds(variant), self.without.rounds(variant));
            for (with, without) in with.into_iter().zip(without) {
                self.added.push(variant, with - without);
            }
        }
        [self.with, self.without, self.added]
    }
}

/// Measures everything, on both kernels. Whoever calls this makes sure of [`put_back`] when it fails.
pub(crate) async fn measure(database: &Database, hall: &Hall, pace: Pace) -> Result<Vec<Line>, Error> {
    let mut keeper = database.connect().await?;
    let cases = cases(&echoroom::variants(database).await?);
    let mut clients = connect(database, CLIENTS.into_iter().max().unwrap_or(1)).await?;
    let mut lines = Vec::new();
    for count in CLIENTS {
        let working = clients.get_mut(..count).unwrap_or_default();
        let [mut rpc, mut insert] = [Call::Rpc, Call::Insert].map(|call| Lines::new(call, count));
        for round in 0..pace.rounds {
            for case in turns(&cases, round) {
                echoroom::use_kernel(&mut keeper, case.variant).await?;
                run(&mut keeper, if case.broadcasts { ON } else { OFF }).await?;
                let calls = rate(working, pace, async |client| case.call(client, hall).await).await?;
                let milliseconds = milliseconds(count, calls);
                eprintln!(
                    "fanout: {case:?}, {count} clients, round {}: {milliseconds:.3} ms",
                    round + 1
                );
                match case.call {
                    Call::Rpc => rpc.push(case, milliseconds),
                    Call::Insert => insert.push(case, milliseconds),
                }
                // To these it is the same whether they stand beside the RPC or beside the insert.
                if matches!(case.variant, Variant::Peer | Variant::Floor) {
                    insert.push(case, milliseconds);
                }
            }
        }
        run(&mut keeper, ON).await?;
        lines.extend(rpc.finish());
        lines.extend(insert.finish());
    }
    Ok(lines)
}

/// Each kernel calls both ways, with the broadcast and without; the peer's insert and the call that does nothing have none.
fn cases(variants: &[Variant]) -> Vec<Case> {
    let mut cases = Vec::new();
    for variant in variants.iter().copied() {
        let both = [
            (Call::Rpc, true),
            (Call::Rpc, false),
            (Call::Insert, true),
            (Call::Insert, false),
        ];
        let some = if matches!(variant, Variant::Peer | Variant::Floor) {
            1
        } else {
            both.len()
        };
        cases.extend(both.into_iter().take(some).map(|(call, broadcasts)| Case {
            variant,
            call,
            broadcasts,
        }));
    }
    cases
}

/// How long one call takes when so many clients make so many a second together.
#[expect(clippy::cast_precision_loss, reason = "a handful of clients")]
fn milliseconds(clients: usize, calls: f64) -> f64 {
    clients as f64 * 1000.0 / calls
}

impl Case {
    async fn call(self, client: &mut Client, hall: &Hall) -> Result<u32, Error> {
        use rand::Rng as _;
        let (person, room) = hall.resident(client.random.random_range(0..usize::MAX));
        let connection = &mut client.connection;
        let done = match (self.variant, self.call) {
            (Variant::Floor, _) => {
                request(connection, Caller::Person(person), async |c| nothing(c).await).await
            }
            (Variant::Peer, _) => {
                let sql = "insert into bench_seed.chat_messages (session_id, user_id, sender_name, content) values ($1, $2, 'Resident', $3)
                           returning id";
                let backend = Caller::Backend(person);
                request(connection, backend, async |c| insert(c, sql, room, person).await).await
            }
            (_, Call::Insert) => {
                let sql = "insert into echoroom.chat_messages (session_id, user_id, sender_name, content) values ($1, $2, 'Resident', $3)
                           returning id";
                let backend = Caller::Backend(person);
                request(connection, backend, async |c| insert(c, sql, room, person).await).await
            }
            (_, Call::Rpc) => {
                let sql = "select echoroom.send_message($1, $3), $2::uuid";
                let member = Caller::Person(person);
                request(connection, member, async |c| insert(c, sql, room, person).await).await
            }
        };
        done.map(|()| 1).map_err(Error::database("sending a message"))
    }
}

async fn insert(
    connection: &mut sqlx::PgConnection,
    sql: &str,
    room: Uuid,
    person: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query(sql)
        .bind(room)
        .bind(person)
        .bind(SENTENCE)
        .fetch_one(connection)
        .await
        .map(drop)
}

/// Puts the trigger back, in case a run ended while it was off.
pub(crate) async fn put_back(database: &Database) -> Result<(), Error> {
    let mut keeper = database.connect().await?;
    let has_trigger: bool = sqlx::query_scalar(
        "select exists (select from pg_trigger where tgrelid = to_regclass('echoroom.chat_messages') and tgname = 'chat_messages_tell_room')",
    )
    .fetch_one(&mut keeper)
    .await
    .map_err(Error::database("looking for the trigger"))?;
    if has_trigger {
        run(&mut keeper, ON).await
    } else {
        Ok(())
    }
}
