//! The tables of both receivers: calls that are known to them, what they hold afterwards, and the sweeping up.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::tables::run;
use crate::webhooks::events::Kind;
use crate::webhooks::post::Call;
use crate::webhooks::token::token;

/// The peer's tables.
const SCHEMA: &str = include_str!("../../peers/webhooks/schema.sql");

/// Whose tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// EchoRoom's.
    Ours,
    /// The peer's.
    Peer,
}

/// What is missing and what is too much after a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Verdict {
    /// Acknowledged events that are not there, whose effect is not there, or that the room was not told of.
    pub(crate) lost: i64,
    /// Events that are there, or that the room was told of, more than once.
    pub(crate) doubled: i64,
}

/// The peer's tables, empty.
pub(crate) async fn build(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        &format!(
            "create schema bench_webhooks; set search_path = bench_webhooks; {SCHEMA}; reset search_path"
        ),
    )
    .await
}

/// So many calls that have just been made, each in a room of its own.
pub(crate) async fn open(
    keeper: &mut PgConnection,
    receiver: Receiver,
    count: usize,
) -> Result<Vec<Call>, Error> {
    let sql = match receiver {
        Receiver::Ours => {
            "with rooms as (
                 insert into echoroom.sessions (category) select 'bench webhooks' from generate_series(1, $1) returning id
             )
             insert into echoroom.conversations (session_id, persona_id, mood, status, conversation_id, conversation_url)
             select id, 'default_calm_persona', 'Calm', 'active', 'b-' || id, 'https://tavus.daily.co/b-' || id from rooms
             returning id, conversation_id"
        }
        Receiver::Peer => {
            "insert into bench_webhooks.conversations (id, session_id, persona_id, mood, status, conversation_id, conversation_url)
             select gen_random_uuid(), room, 'default_calm_persona', 'Calm', 'active', 'b-' || room, 'https://tavus.daily.co/b-' || room
             from (select gen_random_uuid() as room from generate_series(1, $1)) as rooms
             returning id, conversation_id"
        }
    };
    let rows: Vec<(Uuid, String)> = sqlx::query_as(sql)
        .bind(i32::try_from(count).unwrap_or(i32::MAX))
        .fetch_all(keeper)
        .await
        .map_err(Error::database("opening conversations"))?;
    rows.into_iter()
        .map(|(id, conversation_id)| known(id, conversation_id))
        .collect()
}

/// So many calls that no table knows, for the floor.
pub(crate) fn invent(count: usize) -> Result<Vec<Call>, Error> {
    (0..count)
        .map(|_| known(Uuid::new_v4(), format!("b-{}", Uuid::new_v4())))
        .collect()
}

fn known(id: Uuid, conversation_id: String) -> Result<Call, Error> {
    let token = token(id)
        .map_err(|_| Error::Unprepared("the secret of the tokens has a length that HMAC refuses"))?;
    Ok(Call {
        id,
        conversation_id,
        token,
    })
}

/// Compares what was acknowledged with what is there: the events, what they did to their conversations, and what the rooms were told.
pub(crate) async fn judge(
    keeper: &mut PgConnection,
    receiver: Receiver,
    acknowledged: &[(Uuid, Kind)],
) -> Result<Verdict, Error> {
    let (events, conversations, topic) = match receiver {
        Receiver::Ours => (
            "echoroom_private.conversation_events",
            "echoroom.conversations",
            "echoroom",
        ),
        Receiver::Peer => (
            "bench_webhooks.webhook_events",
            "bench_webhooks.conversations",
            "bench_webhooks",
        ),
    };
    let (ids, types): (Vec<Uuid>, Vec<&str>) = acknowledged
        .iter()
        .map(|(id, kind)| (*id, kind.event_type()))
        .unzip();
    let sql = format!(
        "with acknowledged as materialized (
             select a.event_type, c.*,
                 (select count(*) from {events} as e where e.conversation = a.id and e.event_type = a.event_type) as kept,
                 case a.event_type
                     when 'system.replica_joined' then c.replica_joined_at is not null
                     when 'application.recording_ready' then c.recording ? 'storage_uri'
                     when 'system.shutdown' then c.status = 'ended' and c.shutdown_reason like 'participant_left_timeout%'
                     when 'application.transcription_ready' then c.transcript -> 0 ->> 'role' = 'assistant'
                     when 'application.perception_analysis' then c.perception_analysis like '## What was seen%'
                 end as is_applied,
                 case a.event_type
                     when 'system.replica_joined' then 'avatar-started'
                     when 'system.shutdown' then 'avatar-ended'
                     when 'application.transcription_ready' then 'avatar-transcript'
                 end as news
             from unnest($1::uuid[], $2::text[]) as a (id, event_type)
             left join {conversations} as c on c.id = a.id
         ),
         told as materialized (
             select split_part(m.topic, ':', 2) as room, m.event, count(*) as times
             from realtime.messages as m
             where m.topic like '{topic}:%' and m.event like 'avatar-%'
             group by 1, 2
         )
         select
             count(*) filter (where kept = 0 or is_applied is not true or news is not null and t.times is null) as lost,
             count(*) filter (where kept > 1 or t.times > 1) as doubled
         from acknowledged as a
         left join told as t on t.room = a.session_id::text and t.event = a.news"
    );
    sqlx::query_as(&sql)
        .bind(ids)
        .bind(types)
        .fetch_one(keeper)
        .await
        .map_err(Error::database("counting what was kept"))
}

/// Takes away what a turn has left.
pub(crate) async fn sweep(keeper: &mut PgConnection) -> Result<(), Error> {
    clear(keeper).await?;
    run(
        keeper,
        "vacuum echoroom.sessions, echoroom.conversations, echoroom_private.conversation_events, parley.processed_events",
    )
    .await
}

/// Takes away what is in the app's tables, and empties the peer's, where they are.
async fn clear(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        "delete from echoroom.conversations where conversation_id like 'b-%';
         delete from echoroom.sessions where category = 'bench webhooks';
         delete from parley.processed_events where source = 'tavus' and event_key like 'b-%';
         delete from realtime.messages where topic like 'bench_webhooks:%' or topic like 'echoroom:%'
             and not exists (select from echoroom.sessions as s where s.id::text = split_part(topic, ':', 2));
         do $$ begin
             if to_regclass('bench_webhooks.conversations') is not null then
                 truncate bench_webhooks.conversations, bench_webhooks.webhook_events, bench_webhooks.floor_events;
             end if;
         end $$",
    )
    .await
}

/// Leaves nothing behind.
pub(crate) async fn drop_all(keeper: &mut PgConnection) -> Result<(), Error> {
    clear(keeper).await?;
    run(keeper, "drop schema if exists bench_webhooks cascade").await
}
