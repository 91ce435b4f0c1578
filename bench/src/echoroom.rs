//! What the suites that measure EchoRoom share: the app in the database, its kernels, the schema of its specification, and the sweeping up.

use sqlx::PgConnection;

use crate::database::Database;
use crate::error::Error;
use crate::line::Variant;
use crate::tables::run;

/// The specification's schema and counter, as written there, in a schema of their own: `bench_seed`.
const SEED: [&str; 2] = [
    include_str!("../peers/echoroom_seed.sql"),
    include_str!("../peers/participant_count.sql"),
];

/// What a person says.
pub(crate) const SENTENCE: &str = "A sentence of the length that people write in a chat.";

/// Fails where EchoRoom is not installed.
pub(crate) async fn check_is_there(keeper: &mut PgConnection) -> Result<(), Error> {
    let is_there: bool = sqlx::query_scalar("select to_regclass('echoroom.sessions') is not null")
        .fetch_one(keeper)
        .await
        .map_err(Error::database("looking for EchoRoom"))?;
    if is_there {
        Ok(())
    } else {
        Err(Error::Unprepared(
            "the suites rooms and fanout need EchoRoom's migrations in the database",
        ))
    }
}

/// The kernel that the database uses: native or portable.
pub(crate) async fn kernel(keeper: &mut PgConnection) -> Result<Variant, Error> {
    let name: String = sqlx::query_scalar("select parley.implementation()")
        .fetch_one(keeper)
        .await
        .map_err(Error::database("reading which kernel runs"))?;
    Ok(if name == "native" {
        Variant::Native
    } else {
        Variant::Portable
    })
}

/// All variants, without the native kernel where it is not there.
pub(crate) async fn variants(database: &Database) -> Result<Vec<Variant>, Error> {
    let mut variants = Variant::ALL.to_vec();
    if !database.has_native().await? {
        eprintln!("the native kernel is not there: only the portable one is measured");
        variants.retain(|variant| *variant != Variant::Native);
    }
    Ok(variants)
}

/// Makes the database use the kernel of a variant; the others leave it as it is.
pub(crate) async fn use_kernel(keeper: &mut PgConnection, variant: Variant) -> Result<(), Error> {
    match variant {
        Variant::Native | Variant::Portable => {
            run(
                keeper,
                &format!("select parley.use_native({})", variant == Variant::Native),
            )
            .await
        }
        Variant::Peer | Variant::Floor => Ok(()),
    }
}

/// Makes the schema of the specification, with the rooms that a suite has made in the app, and their members and messages.
pub(crate) async fn mirror(keeper: &mut PgConnection) -> Result<(), Error> {
    let [tables, counter] = SEED;
    run(
        keeper,
        &format!(
            "create schema bench_seed; grant usage on schema bench_seed to service_role; set search_path = bench_seed; {tables}; {counter};
             alter table participants disable trigger user;
             insert into sessions (id, category, max_participants)
             select id, category, max_participants from echoroom.sessions where category like 'bench %';
             insert into participants (user_id, session_id, user_name)
             select p.user_id, p.session_id, p.user_name from echoroom.participants as p join sessions as s on s.id = p.session_id;
             insert into chat_messages (session_id, user_id, sender_name, content, created_at)
             select m.session_id, m.user_id, m.sender_name, m.content, m.created_at
             from echoroom.chat_messages as m join sessions as s on s.id = m.session_id;
             update sessions set current_participants = (select count(*) from participants where session_id = sessions.id);
             alter table participants enable trigger user;
             grant all on all tables in schema bench_seed to service_role; reset search_path"
        ),
    )
    .await?;
    run(
        keeper,
        "vacuum analyze echoroom.sessions, echoroom.participants, echoroom.chat_messages, echoroom.message_reactions,
             bench_seed.sessions, bench_seed.participants, bench_seed.chat_messages, bench_seed.message_reactions",
    )
    .await
}

/// Takes away what a suite put into the app's tables, and the peer.
pub(crate) async fn clear(keeper: &mut PgConnection) -> Result<(), Error> {
    run(
        keeper,
        "delete from echoroom.sessions where category like 'bench %';
         delete from auth.users where email like 'bench %';
         delete from realtime.messages where topic like 'echoroom:%'
             and not exists (select from echoroom.sessions as s where s.id::text = split_part(topic, ':', 2));
         drop schema if exists bench_seed cascade",
    )
    .await
}
