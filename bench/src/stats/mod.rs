//! Suite `stats`: what a demo's owner asks for, over a million events of Tavus.
//!
//! The peer is Domo's specification: its `get_demo_stats` and the query of its dashboard, on its tables with its indexes, with the rights of
//! its backend, so no policy costs it anything. The floor is a statement that does nothing. What is written is told to nobody in both, so that
//! the difference is what counting, foreign keys and two indexes more cost.

mod load;

use std::time::{Duration, Instant};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::database::Database;
use crate::drive::{Pace, turns};
use crate::echoroom;
use crate::error::Error;
use crate::line::{Crowd, Line, Unit, Variant};
use crate::request::{self, Caller, nothing};
use crate::tables::run;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// The counts of a demo that has calls every day.
    Stats,
    /// The counts of a demo that has had no call yet.
    StatsOfNew,
    /// An owner's demos with their counts.
    Dashboard,
}

impl Question {
    const ALL: [Self; 3] = [Self::Stats, Self::StatsOfNew, Self::Dashboard];

    fn name(self) -> &'static str {
        match self {
            Self::Stats => "get_demo_stats, a demo in use",
            Self::StatsOfNew => "get_demo_stats, a new demo",
            Self::Dashboard => "demo_dashboard, a demo in use",
        }
    }

    fn sql(self, variant: Variant) -> &'static str {
        match (self, variant) {
            (Self::Stats | Self::StatsOfNew, Variant::Peer) => "select to_jsonb(s) from bench_seed.get_demo_stats($1) as s",
            (Self::Stats | Self::StatsOfNew, _) => "select to_jsonb(s) from domo.get_demo_stats($1) as s",
            (Self::Dashboard, Variant::Peer) => {
                "select to_jsonb(s) from (
                     select d.*, count(dv.id) as video_count, count(kc.id) as knowledge_count, max(pwe.processed_at) as last_activity
                     from bench_seed.demos d
                     left join bench_seed.demo_videos dv on d.id = dv.demo_id
                     left join bench_seed.knowledge_chunks kc on d.id = kc.demo_id
                     left join bench_seed.processed_webhook_events pwe on pwe.event_data ->> 'demo_id' = d.id::text
                     where d.user_id = $1
                     group by d.id
                     order by d.updated_at desc
                 ) s"
            }
            (Self::Dashboard, _) => "select to_jsonb(s) from domo.demo_dashboard() as s where s.user_id = $1",
        }
    }
}

/// Calls that are timed in a turn: the peer takes a second for one.
fn calls(variant: Variant) -> usize {
    if variant == Variant::Peer { 5 } else { 200 }
}

/// Measures everything.
pub(crate) async fn measure(database: &Database, pace: Pace) -> Result<Vec<Line>, Error> {
    let mut keeper = database.connect().await?;
    load::check_is_there(&mut keeper).await?;
    let kernel = echoroom::kernel(&mut keeper).await?;
    let variants = echoroom::variants(database).await?;
    load::clear(&mut keeper).await?;
    let lines = lines(&mut keeper, &variants, pace).await;
    load::clear(&mut keeper).await?;
    echoroom::use_kernel(&mut keeper, kernel).await?;
    lines
}

async fn lines(keeper: &mut PgConnection, variants: &[Variant], pace: Pace) -> Result<Vec<Line>, Error> {
    let demos = load::load(keeper).await?;
    let mut lines = Vec::new();
    for question in Question::ALL {
        let mut line = Line::new(question.name(), Crowd::Clients(1), Unit::Milliseconds);
        for round in 0..pace.rounds {
            for variant in turns(variants, round) {
                echoroom::use_kernel(keeper, variant).await?;
                let figure = ask(keeper, &demos, question, variant).await?;
                eprintln!(
                    "stats: {}, round {}: {variant} {figure:.3} ms",
                    question.name(),
                    round + 1
                );
                line.push(variant, figure);
            }
        }
        lines.push(line);
    }
    lines.push(write(keeper, &demos, variants, pace).await?);
    Ok(lines)
}

/// The median time of a call.
async fn ask(
    keeper: &mut PgConnection,
    demos: &[load::Demo],
    question: Question,
    variant: Variant,
) -> Result<f64, Error> {
    let mut times = Vec::new();
    let asked = demos
        .iter()
        .filter(|demo| demo.is_new == (question == Question::StatsOfNew));
    for (demo, _) in asked.cycle().zip(0..=calls(variant)) {
        times.push(answer(keeper, *demo, question, variant).await?.as_secs_f64() * 1e3);
    }
    // The first one warms the caches.
    times.remove(0);
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// How long the question took inside of its request, whose begin, claims and commit are the same for everybody.
async fn answer(
    keeper: &mut PgConnection,
    demo: load::Demo,
    question: Question,
    variant: Variant,
) -> Result<Duration, Error> {
    let caller = match variant {
        Variant::Peer => Caller::Backend(demo.owner),
        _ => Caller::Person(demo.owner),
    };
    let id = match question {
        Question::Stats | Question::StatsOfNew => demo.id,
        Question::Dashboard => demo.owner,
    };
    request::request(keeper, caller, async |connection| {
        let begin = Instant::now();
        if variant == Variant::Floor {
            return nothing(connection).await.map(|()| begin.elapsed());
        }
        let rows: Vec<serde_json::Value> = sqlx::query_scalar(question.sql(variant))
            .bind(id)
            .fetch_all(connection)
            .await?;
        // An answer about nothing would be a fast one.
        if rows.len() == 1 {
            Ok(begin.elapsed())
        } else {
            Err(sqlx::Error::RowNotFound)
        }
    })
    .await
    .map_err(Error::database("asking for statistics"))
}

/// What keeping the counts costs whoever writes: a thousand events in a statement, over all demos.
async fn write(
    keeper: &mut PgConnection,
    demos: &[load::Demo],
    variants: &[Variant],
    pace: Pace,
) -> Result<Line, Error> {
    let mut line = Line::new(
        "events written, 1,000 in a statement, nobody told",
        Crowd::Clients(1),
        Unit::PerSecond("events"),
    );
    let ids: Vec<Uuid> = demos
        .iter()
        .filter(|demo| !demo.is_new)
        .map(|demo| demo.id)
        .collect();
    let variants: Vec<Variant> = variants
        .iter()
        .copied()
        .filter(|variant| *variant != Variant::Floor)
        .collect();
    run(keeper, "set domo.importing = on").await?;
    for round in 0..pace.rounds {
        for variant in turns(&variants, round) {
            echoroom::use_kernel(keeper, variant).await?;
            let sql = load::more_events(variant, round);
            let begin = Instant::now();
            let rows = sqlx::query(&sql)
                .bind(&ids)
                .execute(&mut *keeper)
                .await
                .map_err(Error::database("writing events"))?
                .rows_affected();
            #[expect(clippy::cast_precision_loss, reason = "a thousand")]
            let figure = rows as f64 / begin.elapsed().as_secs_f64();
            eprintln!("stats: writing, round {}: {variant} {figure:.0}/s", round + 1);
            line.push(variant, figure);
        }
    }
    run(keeper, "reset domo.importing").await?;
    // Fast and wrong would be no figure.
    let wrong: i64 = sqlx::query_scalar("select count(*) from parley.counter_drift()")
        .fetch_one(keeper)
        .await
        .map_err(Error::database("recounting"))?;
    if wrong > 0 {
        return Err(Error::Unprepared("the kept counts differ from a recount"));
    }
    Ok(line)
}
