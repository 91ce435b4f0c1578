//! A million events, here and at the peer's.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::Error;
use crate::line::Variant;
use crate::tables::run;

/// The specification's tables, and its statistics.
const SEED: &str = include_str!("../../peers/domo_stats.sql");

/// Each with an owner of its own. Every second one is new.
const DEMOS: usize = 100;
const VIDEOS: usize = 5;
const CHUNKS: usize = 50;
/// Of each demo that is in use, in the last 90 days. Whether the latest one of a demo is found at once or after a million others is what
/// the peer's time depends on.
const CALLS: usize = 200;
const EVENTS: usize = 100;

/// What an event says.
const EVENT: &str = "jsonb_build_object(
    'event_type', 'conversation.utterance', 'message_type', 'conversation', 'conversation_id', 'bench-' || d.id || '-1', 'demo_id', d.id,
    'timestamp', '2026-11-21T10:00:00Z', 'properties', jsonb_build_object('role', 'user', 'speech', 'What people ask a demo, as number ' || n))";

/// A demo and whose it is.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(super) struct Demo {
    pub(super) id: Uuid,
    pub(super) owner: Uuid,
    /// It has had no call yet.
    pub(super) is_new: bool,
}

/// Fails where Domo is not installed.
pub(super) async fn check_is_there(keeper: &mut PgConnection) -> Result<(), Error> {
    let is_there: bool = sqlx::query_scalar("select to_regclass('domo.demos') is not null")
        .fetch_one(keeper)
        .await
        .map_err(Error::database("looking for Domo"))?;
    if is_there {
        Ok(())
    } else {
        Err(Error::Unprepared(
            "the suite stats needs Domo's migrations in the database",
        ))
    }
}

/// The same demos here and there.
pub(super) async fn load(keeper: &mut PgConnection) -> Result<Vec<Demo>, Error> {
    eprintln!(
        "stats: writing {DEMOS} demos with {VIDEOS} videos, {CHUNKS} chunks each, and 1,000,000 events, here and at the peer's"
    );
    run(
        keeper,
        &format!(
            "set domo.importing = on;
             insert into auth.users (id, email, is_anonymous)
             select gen_random_uuid(), 'bench ' || n, true from generate_series(1, {DEMOS}) as n;
             insert into domo.demos (name, user_id, description)
             select 'bench', u.id, case when split_part(u.email, ' ', 2)::integer % 2 = 0 then 'new' end
             from auth.users u where u.email like 'bench %';
             insert into domo.demo_videos (demo_id, title, storage_url, order_index, duration_seconds)
             select d.id, 'Video ' || n, d.id || '/' || n || '.mp4', n, 60 + n
             from domo.demos d cross join generate_series(1, {VIDEOS}) as n where d.name = 'bench';
             insert into domo.knowledge_chunks (demo_id, content)
             select d.id, 'What a demo knows, as number ' || n
             from domo.demos d cross join generate_series(1, {CHUNKS}) as n where d.name = 'bench';
             insert into domo.conversations (demo_id, persona_id, status, conversation_id)
             select d.id, 'p', 'ended', 'bench-' || d.id || '-' || call
             from domo.demos d cross join generate_series(1, {CALLS}) as call where d.name = 'bench' and d.description is null;
             select setseed(0.5);
             insert into domo.processed_webhook_events (
                 demo_id, conversation, conversation_id, event_type, event_data, event_hash, processed_at
             )
             select d.id, c.id, c.conversation_id, 'conversation.utterance', {EVENT},
                 encode(sha256(convert_to(c.id || '/' || n, 'UTF8')), 'hex'), now() - c.ago + n * interval '1 second'
             from domo.demos d
             join (select *, random() * interval '90 days' as ago from domo.conversations) c on c.demo_id = d.id
             cross join generate_series(1, {EVENTS}) as n
             where d.name = 'bench'
             order by c.ago desc, n;
             reset domo.importing"
        ),
    )
    .await?;
    run(
        keeper,
        &format!(
            "create schema bench_seed; grant usage on schema bench_seed to service_role; set search_path = bench_seed; {SEED};
             insert into demos (id, name, user_id) select d.id, d.name, d.user_id from domo.demos d where d.name = 'bench';
             insert into demo_videos (demo_id, title, storage_url, order_index, duration_seconds)
             select v.demo_id, v.title, v.storage_url, v.order_index, v.duration_seconds
             from domo.demo_videos v join demos d on d.id = v.demo_id;
             insert into knowledge_chunks (demo_id, content) select k.demo_id, k.content
             from domo.knowledge_chunks k join demos d on d.id = k.demo_id;
             insert into processed_webhook_events (conversation_id, event_type, event_data, processed_at, event_hash)
             select e.conversation_id, e.event_type, e.event_data, e.processed_at, e.event_hash
             from domo.processed_webhook_events e join demos d on d.id = e.demo_id;
             grant all on all tables in schema bench_seed to service_role; reset search_path"
        ),
    )
    .await?;
    run(
        keeper,
        "vacuum analyze domo.demos, domo.demo_videos, domo.knowledge_chunks, domo.demo_stats, domo.processed_webhook_events,
             bench_seed.demos, bench_seed.demo_videos, bench_seed.knowledge_chunks, bench_seed.processed_webhook_events",
    )
    .await?;
    sqlx::query_as("select id, user_id as owner, description is not null as is_new from domo.demos where name = 'bench' order by id")
        .fetch_all(keeper)
        .await
        .map_err(Error::database("reading the demos"))
}

/// A thousand events more, of the fifty demos in `$1`.
pub(super) fn more_events(variant: Variant, round: usize) -> String {
    let hash = format!("encode(sha256(convert_to('{variant}/{round}/' || d.id || '/' || n, 'UTF8')), 'hex')");
    let rows = format!("unnest($1::uuid[]) as d (id) cross join generate_series(1, 2000 / {DEMOS}) as n");
    match variant {
        Variant::Native | Variant::Portable => format!(
            "insert into domo.processed_webhook_events (demo_id, conversation, conversation_id, event_type, event_data, event_hash)
             select d.id, c.id, c.conversation_id, 'conversation.utterance', {EVENT}, {hash}
             from {rows} join domo.conversations c on c.conversation_id = 'bench-' || d.id || '-1'"
        ),
        Variant::Peer | Variant::Floor => format!(
            "insert into bench_seed.processed_webhook_events (conversation_id, event_type, event_data, event_hash)
             select 'bench-' || d.id || '-1', 'conversation.utterance', {EVENT}, {hash} from {rows}"
        ),
    }
}

/// Takes everything away again.
pub(super) async fn clear(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        "set domo.importing = on;
         delete from domo.demos where name = 'bench';
         delete from domo.conversations where conversation_id like 'bench-%';
         delete from auth.users where email like 'bench %';
         reset domo.importing;
         drop schema if exists bench_seed cascade",
    )
    .await
}
