//! Suite `rooms`: EchoRoom's calls through SQL as PostgREST makes them.
//!
//! The peer is the schema of EchoRoom's specification, as written, with the statements that its backend would send for the same call, in
//! the same kind of transaction. It does less: nobody is checked, nothing is numbered, limited, logged or broadcast. The floor is the
//! transaction around a call that does nothing.

use rand::Rng as _;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::database::Database;
use crate::drive::{Client, Pace, connect, rate, turns};
use crate::echoroom::{self, SENTENCE};
use crate::error::Error;
use crate::line::{Crowd, Line, Unit, Variant};
use crate::request::{self, Caller, nothing};
use crate::tables::run;

const CLIENTS: [usize; 3] = [1, 8, 32];
const ROOMS: usize = 1000;
const MOODS: usize = 100;
/// Members of a room who stay; the room has as many seats again.
const RESIDENTS: usize = 5;
const MESSAGES: usize = 100;
/// People who come and go: so many that none is ever too fast for the rate limit.
const VISITORS: usize = 20_000;

/// One kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Find a room of a mood, take a seat, give it back: three calls.
    Visit,
    /// A message to one's own room.
    Send,
    /// The ten latest messages by number.
    Since,
    /// A page of fifty with their reactions.
    Page,
}

impl Call {
    const ALL: [Self; 4] = [Self::Visit, Self::Send, Self::Since, Self::Page];

    fn name(self) -> &'static str {
        match self {
            Self::Visit => "find_room, join_room, leave_room",
            Self::Send => "send_message",
            Self::Since => "messages_since, 10 new",
            Self::Page => "get_messages, 50",
        }
    }
}

/// Measures everything.
pub(crate) async fn measure(database: &Database, pace: Pace) -> Result<Vec<Line>, Error> {
    let mut keeper = database.connect().await?;
    echoroom::check_is_there(&mut keeper).await?;
    let kernel = echoroom::kernel(&mut keeper).await?;
    let variants = echoroom::variants(database).await?;
    eprintln!(
        "rooms: filling {ROOMS} rooms with {RESIDENTS} members and {MESSAGES} messages each, here and at the peer's"
    );
    echoroom::clear(&mut keeper).await?;
    let house = load(&mut keeper).await?;
    let lines = calls(database, &mut keeper, &house, &variants, pace).await;
    echoroom::clear(&mut keeper).await?;
    echoroom::use_kernel(&mut keeper, kernel).await?;
    lines
}

async fn calls(
    database: &Database,
    keeper: &mut PgConnection,
    house: &House,
    variants: &[Variant],
    pace: Pace,
) -> Result<Vec<Line>, Error> {
    let mut clients = connect(database, CLIENTS.into_iter().max().unwrap_or(1)).await?;
    let mut lines = Vec::new();
    for call in Call::ALL {
        for count in CLIENTS {
            let mut line = Line::new(call.name(), Crowd::Clients(count), Unit::PerSecond("calls"));
            for round in 0..pace.rounds {
                for variant in turns(variants, round) {
                    echoroom::use_kernel(keeper, variant).await?;
                    let working = clients.get_mut(..count).unwrap_or_default();
                    let figure = rate(working, pace, async |client| {
                        house.call(client, variant, call).await
                    })
                    .await?;
                    eprintln!(
                        "rooms: {}, {count} clients, round {}: {variant} {figure:.0}/s",
                        call.name(),
                        round + 1
                    );
                    line.push(variant, figure);
                }
            }
            lines.push(line);
        }
    }
    Ok(lines)
}

/// Fills the app and the peer with the same rooms, members and messages.
async fn load(keeper: &mut PgConnection) -> Result<House, Error> {
    let seats = 2 * RESIDENTS;
    run(
        keeper,
        &format!(
            "insert into auth.users (id, email, is_anonymous)
             select gen_random_uuid(), 'bench ' || n, true from generate_series(1, {VISITORS} + {ROOMS} * {RESIDENTS}) as n;
             insert into echoroom.sessions (category, max_participants)
             select 'bench ' || n % {MOODS}, {seats} from generate_series(1, {ROOMS}) as n;
             insert into echoroom.participants (user_id, session_id, user_name, last_seen_at)
             select people.id, rooms.id, 'Resident', now() + interval '1 day'
             from (select id, row_number() over (order by id) as n from echoroom.sessions where category like 'bench %') as rooms
             join (select id, row_number() over (order by id) as n from auth.users where email like 'bench %') as people
                 on rooms.n = people.n % {ROOMS} + 1 and people.n > {VISITORS};
             insert into echoroom.chat_messages (session_id, user_id, sender_name, content)
             select p.session_id, p.user_id, 'Resident', 'What was said as number ' || n
             from generate_series(1, {MESSAGES} / {RESIDENTS}) as n cross join echoroom.participants as p
             join echoroom.sessions as s on s.id = p.session_id where s.category like 'bench %'"
        ),
    )
    .await?;
    echoroom::mirror(keeper).await?;
    House::read(keeper).await
}

/// Who lives where.
struct House {
    visitors: Vec<Uuid>,
    /// A member, their room, and when the room's tenth message from the end was written.
    residents: Vec<(Uuid, Uuid, chrono::DateTime<chrono::Utc>)>,
}

impl House {
    async fn read(keeper: &mut PgConnection) -> Result<Self, Error> {
        let doing = "reading who lives where";
        let visitors = sqlx::query_scalar(
            "select u.id from auth.users as u where u.email like 'bench %'
                 and not exists (select from echoroom.participants as p where p.user_id = u.id)",
        )
        .fetch_all(&mut *keeper)
        .await
        .map_err(Error::database(doing))?;
        let residents = sqlx::query_as(
            "select p.user_id, p.session_id, (
                 select m.created_at from echoroom.chat_messages as m where m.session_id = p.session_id and m.seq = s.last_seq - 10)
             from echoroom.participants as p join echoroom.sessions as s on s.id = p.session_id
             where s.category like 'bench %' order by p.session_id",
        )
        .fetch_all(&mut *keeper)
        .await
        .map_err(Error::database(doing))?;
        Ok(Self { visitors, residents })
    }

    /// A member of the first half of the rooms, where people talk, or of the second half, where they only read.
    fn resident(&self, client: &mut Client, is_talking: bool) -> (Uuid, Uuid, chrono::DateTime<chrono::Utc>) {
        let half = self.residents.len() / 2;
        let place = client.random.random_range(0..half.max(1)) + if is_talking { 0 } else { half };
        self.residents.get(place).copied().unwrap_or_default()
    }

    /// One call; how many requests it was.
    async fn call(&self, client: &mut Client, variant: Variant, call: Call) -> Result<u32, Error> {
        match (variant, call) {
            (Variant::Floor, Call::Visit) => {
                for _ in 0..3 {
                    request(client, variant, Uuid::nil(), async |c| nothing(c).await).await?;
                }
                Ok(3)
            }
            (Variant::Floor, _) => request(client, variant, Uuid::nil(), async |c| nothing(c).await)
                .await
                .map(|()| 1),
            (_, Call::Visit) => self.visit(client, variant).await,
            (_, Call::Send) => self.send(client, variant).await,
            (_, Call::Since) => self.since(client, variant).await,
            (_, Call::Page) => self.page(client, variant).await,
        }
    }

    async fn visit(&self, client: &mut Client, variant: Variant) -> Result<u32, Error> {
        let person = self
            .visitors
            .get(client.random.random_range(0..self.visitors.len()))
            .copied()
            .unwrap_or_default();
        let mood = format!("bench {}", client.random.random_range(0..MOODS));
        let [find, join, seats, leave] = match variant {
            Variant::Peer => [
                "select id from bench_seed.sessions where category = $1 and is_active and current_participants < max_participants
                 order by current_participants desc, created_at limit 1",
                "insert into bench_seed.participants (user_id, session_id, user_name, mood) values ($1, $2, 'Visitor', 'calm')
                 on conflict (user_id, session_id) do update set user_name = excluded.user_name",
                "select to_jsonb(p) from bench_seed.participants as p where session_id = $1 order by joined_at",
                "delete from bench_seed.participants where user_id = $1 and session_id = $2",
            ],
            _ => [
                "select (echoroom.find_room($1) ->> 'id')::uuid",
                "select echoroom.join_room($1, 'Visitor')",
                "",
                "select echoroom.leave_room($1)",
            ],
        };
        let room: Uuid = request(client, variant, person, async |c| {
            sqlx::query_scalar(find).bind(&mood).fetch_one(c).await
        })
        .await?;
        if variant == Variant::Peer {
            request(client, variant, person, async |c| {
                sqlx::query(join).bind(person).bind(room).execute(&mut *c).await?;
                sqlx::query(seats).bind(room).fetch_all(c).await
            })
            .await?;
            request(client, variant, person, async |c| {
                sqlx::query(leave).bind(person).bind(room).execute(c).await
            })
            .await?;
            return Ok(3);
        }
        // Between finding and joining, others may have taken the last seat; then this visit ends here, as it would for a client.
        let joined = request(client, variant, person, async |c| {
            sqlx::query(join).bind(room).fetch_one(c).await
        })
        .await;
        match joined {
            Err(error) if is_full(&error) => return Ok(2),
            joined => joined?,
        };
        request(client, variant, person, async |c| {
            sqlx::query(leave).bind(room).fetch_one(c).await
        })
        .await?;
        Ok(3)
    }

    async fn send(&self, client: &mut Client, variant: Variant) -> Result<u32, Error> {
        let (person, room, _) = self.resident(client, true);
        let sql = match variant {
            Variant::Peer => {
                "insert into bench_seed.chat_messages (session_id, user_id, sender_name, content) values ($1, $3, 'Resident', $2) returning *"
            }
            _ => "select echoroom.send_message($1, $2), $3::uuid",
        };
        request(client, variant, person, async |c| {
            sqlx::query(sql)
                .bind(room)
                .bind(SENTENCE)
                .bind(person)
                .fetch_one(c)
                .await
        })
        .await?;
        Ok(1)
    }

    async fn since(&self, client: &mut Client, variant: Variant) -> Result<u32, Error> {
        let (person, room, moment) = self.resident(client, false);
        if variant == Variant::Peer {
            let sql = "select to_jsonb(m) || jsonb_build_object('reactions', coalesce((
                    select jsonb_agg(r) from bench_seed.message_reactions as r where r.message_id = m.id), '[]'))
                from bench_seed.chat_messages as m where m.session_id = $1 and m.created_at > $2 order by m.created_at limit 500";
            request(client, variant, person, async |c| {
                sqlx::query(sql).bind(room).bind(moment).fetch_all(c).await
            })
            .await?;
            return Ok(1);
        }
        let after = i64::try_from(MESSAGES).unwrap_or_default() - 10;
        let sql = "select echoroom.messages_since($1, $2)";
        request(client, variant, person, async |c| {
            sqlx::query(sql).bind(room).bind(after).fetch_one(c).await
        })
        .await?;
        Ok(1)
    }

    async fn page(&self, client: &mut Client, variant: Variant) -> Result<u32, Error> {
        let (person, room, _) = self.resident(client, false);
        let sql = match variant {
            Variant::Peer => {
                "select to_jsonb(m) || jsonb_build_object('reactions', coalesce((
                     select jsonb_agg(r) from bench_seed.message_reactions as r where r.message_id = m.id), '[]'))
                 from bench_seed.chat_messages as m where m.session_id = $1 order by m.created_at desc limit 50"
            }
            _ => "select echoroom.get_messages($1, 50)",
        };
        request(client, variant, person, async |c| {
            sqlx::query(sql).bind(room).fetch_all(c).await
        })
        .await?;
        Ok(1)
    }
}

/// One request. The peer's backend has the service key; a client of ours is a signed-in user.
async fn request<T>(
    client: &mut Client,
    variant: Variant,
    person: Uuid,
    call: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
) -> Result<T, Error> {
    let caller = match variant {
        Variant::Peer => Caller::Backend(person),
        _ => Caller::Person(person),
    };
    request::request(&mut client.connection, caller, call)
        .await
        .map_err(Error::database("calling EchoRoom"))
}

fn is_full(error: &Error) -> bool {
    let Error::Database {
        source: sqlx::Error::Database(answer),
        ..
    } = error
    else {
        return false;
    };
    answer.code().is_some_and(|code| code == "PT409")
}
