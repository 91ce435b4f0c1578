//! One big room to listen in, and many small ones to write in.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::echoroom;
use crate::error::Error;
use crate::tables::run;

/// Members of the big room: so many that none is too fast for the rate limit when they take turns.
const MEMBERS: usize = 3000;
/// Small rooms, and the members of each.
const ROOMS: usize = 500;
const RESIDENTS: usize = 5;

/// Who is where.
#[derive(Debug)]
pub(crate) struct Hall {
    /// The big room.
    pub(crate) room: Uuid,
    /// Its topic on Realtime.
    pub(crate) topic: String,
    /// Its members.
    pub(crate) members: Vec<Uuid>,
    /// Members of the small rooms, and their rooms.
    residents: Vec<(Uuid, Uuid)>,
}

impl Hall {
    /// Fills the app and the peer with the same rooms and members.
    pub(crate) async fn fill(keeper: &mut PgConnection) -> Result<Self, Error> {
        run(
            keeper,
            &format!(
                "insert into auth.users (id, email, is_anonymous)
                 select gen_random_uuid(), 'bench ' || n, true from generate_series(1, {MEMBERS} + {ROOMS} * {RESIDENTS}) as n;
                 insert into echoroom.sessions (category, max_participants)
                 select case when n = 0 then 'bench hall' else 'bench ' || n end, {MEMBERS} from generate_series(0, {ROOMS}) as n;
                 insert into echoroom.participants (user_id, session_id, user_name, last_seen_at)
                 select people.id, rooms.id, 'Resident', now() + interval '1 day'
                 from (select id, row_number() over (order by category <> 'bench hall', id) - 1 as n
                       from echoroom.sessions where category like 'bench %') as rooms
                 join (select id, row_number() over (order by id) - {MEMBERS} as n from auth.users where email like 'bench %') as people
                     on rooms.n = case when people.n <= 0 then 0 else people.n % {ROOMS} + 1 end"
            ),
        )
        .await?;
        echoroom::mirror(keeper).await?;
        Self::read(keeper).await
    }

    async fn read(keeper: &mut PgConnection) -> Result<Self, Error> {
        let doing = "reading who is in the hall";
        let (room, topic) = sqlx::query_as(
            "select id, echoroom_private.topic(id, epoch) from echoroom.sessions where category = 'bench hall'",
        )
        .fetch_one(&mut *keeper)
        .await
        .map_err(Error::database(doing))?;
        let members = sqlx::query_scalar("select user_id from echoroom.participants where session_id = $1")
            .bind(room)
            .fetch_all(&mut *keeper)
            .await
            .map_err(Error::database(doing))?;
        let residents = sqlx::query_as(
            "select p.user_id, p.session_id from echoroom.participants as p join echoroom.sessions as s on s.id = p.session_id
             where s.category like 'bench %' and s.id <> $1",
        )
        .bind(room)
        .fetch_all(&mut *keeper)
        .await
        .map_err(Error::database(doing))?;
        Ok(Self {
            room,
            topic,
            members,
            residents,
        })
    }

    /// A member of the big room.
    pub(crate) fn member(&self, turn: usize) -> Uuid {
        let place = turn.checked_rem(self.members.len()).unwrap_or_default();
        self.members.get(place).copied().unwrap_or_default()
    }

    /// A member of a small room, and the room.
    pub(crate) fn resident(&self, turn: usize) -> (Uuid, Uuid) {
        let place = turn.checked_rem(self.residents.len()).unwrap_or_default();
        self.residents.get(place).copied().unwrap_or_default()
    }
}
