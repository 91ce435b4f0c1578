//! `prune_events`: old claims are forgotten, a batch at a time; young ones never.

use parley_tests::{Error, Session};

use crate::with_kernel;

/// Claims so many keys, the first of them seen almost that many days ago, each next one a day later.
async fn claim_over_days(session: &mut Session, count: u32, days: u32) -> Result<(), Error> {
    session
        .run(&format!(
            "select parley.claim_event('s', n::text, repeat('a', 64)) from generate_series(1, {count}) as n;
             update parley.processed_events set first_seen_at = now() - ({days} + 0.5 - event_key::int) * interval '1 day' where source = 's'"
        ))
        .await
}

async fn keys(session: &mut Session) -> Result<String, Error> {
    session
        .text("select coalesce(string_agg(event_key, ' ' order by event_key::int), '') from parley.processed_events")
        .await
}

#[test]
fn old_events_are_forgotten_and_young_ones_kept() -> Result<(), Error> {
    with_kernel(async |_, session| {
        claim_over_days(session, 40, 40).await?;
        assert_eq!(session.text("select parley.prune_events('35 days')").await?, "5");
        assert_eq!(
            session.text("select parley.prune_events()").await?,
            "5",
            "30 days unless said otherwise, and no less"
        );
        assert_eq!(session.text("select parley.prune_events()").await?, "0");
        let left: Vec<String> = (11..=40).map(|day| day.to_string()).collect();
        assert_eq!(keys(session).await?, left.join(" "));
        // What is forgotten is new again; what is not, is not.
        for (key, word) in [("10", "new"), ("11", "duplicate")] {
            let claim = format!("select parley.claim_event('s', '{key}', repeat('a', 64))");
            assert_eq!(session.text(&claim).await?, word);
        }
        Ok(())
    })
}

#[test]
fn batches_forget_the_oldest_first() -> Result<(), Error> {
    with_kernel(async |_, session| {
        claim_over_days(session, 25, 50).await?;
        let mut pruned = Vec::new();
        loop {
            pruned.push(session.text("select parley.prune_events('30 days', 8)").await?);
            let left = 25 - 8 * pruned.len();
            let first = session
                .text("select min(event_key::int) from parley.processed_events")
                .await?;
            if pruned.last().is_some_and(|count| count != "8") {
                break;
            }
            assert_eq!(first, (25 - left + 1).to_string());
        }
        assert_eq!(pruned, ["8", "8", "4"], "the days 31 to 50");
        assert_eq!(keys(session).await?, "21 22 23 24 25");
        Ok(())
    })
}

#[test]
fn events_that_a_sender_may_still_repeat_are_not_forgotten() -> Result<(), Error> {
    with_kernel(async |_, session| {
        claim_over_days(session, 10, 10).await?;
        for age in [
            "null",
            "'0'",
            "'-40 days'",
            "'95 hours 59 minutes'",
            "'3 days 23 hours 59 minutes'",
            "'1 month -27 days'",
            "'101 years'",
            "'170000000 years'",
        ] {
            let refused = session
                .refusal(&format!("select parley.prune_events({age})"))
                .await?;
            assert_eq!(
                (refused.code.as_str(), refused.message.as_str()),
                (
                    "22023",
                    "Events are kept for at least 4 days, and at most 100 years."
                ),
                "{age}"
            );
            assert!(refused.hint.is_some_and(|hint| hint.contains("applied twice")));
        }
        for batch in ["null", "0", "-1", "100001"] {
            let refused = session
                .refusal(&format!("select parley.prune_events('30 days', {batch})"))
                .await?;
            assert_eq!(
                (refused.code.as_str(), refused.message.as_str()),
                ("22023", "The batch must have 1 to 100000 events."),
                "{batch}"
            );
        }
        assert_eq!(
            session
                .text("select count(*) from parley.processed_events")
                .await?,
            "10"
        );
        assert_eq!(
            session
                .text("select parley.prune_events('100 years', 100000)")
                .await?,
            "0"
        );
        assert_eq!(
            session.text("select parley.prune_events('4 days', 1)").await?,
            "1"
        );
        assert_eq!(session.text("select parley.prune_events('96 hours')").await?, "5");
        assert_eq!(keys(session).await?, "7 8 9 10");
        Ok(())
    })
}

#[test]
fn rows_that_somebody_holds_are_left_for_the_next_call() -> Result<(), Error> {
    with_kernel(async |url, session| {
        claim_over_days(session, 6, 40).await?;
        let mut other = Session::open(url).await?;
        session.run("set lock_timeout = '10s'").await?;
        // Records a conflict, and so holds the row; another prunes, and holds its batch.
        other
            .run("begin; select parley.claim_event('s', '3', repeat('b', 64))")
            .await?;
        let mut pruning = Session::open(url).await?;
        pruning.run("begin").await?;
        assert_eq!(
            pruning.text("select parley.prune_events('30 days', 2)").await?,
            "2"
        );
        assert_eq!(session.text("select parley.prune_events()").await?, "3");
        // None of it holds up a claim of something else.
        assert_eq!(
            session
                .text("select parley.claim_event('s', '7', repeat('a', 64))")
                .await?,
            "new"
        );
        pruning.run("rollback").await?;
        other.run("commit").await?;
        assert_eq!(keys(session).await?, "1 2 3 7");
        assert_eq!(session.text("select parley.prune_events()").await?, "3");
        Ok(())
    })
}

#[test]
fn batch_is_found_by_its_age_and_not_by_reading_everything() -> Result<(), Error> {
    with_kernel(async |_, session| {
        session
            .run(
                "insert into parley.processed_events (first_seen_at, source, event_key, digest)
                 select now() - n * interval '1 minute', 's', n::text, repeat('a', 64) from generate_series(1, 60000) as n;
                 analyze parley.processed_events",
            )
            .await?;
        session.run("select pg_stat_force_next_flush()").await?;
        let scans =
            "select seq_scan from pg_stat_user_tables where relid = 'parley.processed_events'::regclass";
        let before = session.text(scans).await?;
        assert_eq!(
            session.text("select parley.prune_events('40 days', 100)").await?,
            "100"
        );
        session.run("select pg_stat_force_next_flush()").await?;
        assert_eq!(session.text(scans).await?, before);
        Ok(())
    })
}

#[test]
fn day_has_24_hours_also_where_the_clock_was_put_forward() -> Result<(), Error> {
    with_kernel(async |_, session| {
        // In this zone it was, two days ago: four days on its calendar are 95 hours.
        session
            .run(
                "select set_config('timezone', format('AAA0BBB,J%s/0,J%s/0', day, (day + 100) % 365 + 1), false)
                 from (select least(365, extract(doy from now() - interval '2 days'))::int as day) as d",
            )
            .await?;
        assert_eq!(
            session
                .text("select now() - interval '4 days' = now() - interval '95 hours'")
                .await?,
            "t"
        );
        session
            .run(
                "select parley.claim_event('s', 'k', repeat('a', 64));
                 update parley.processed_events set first_seen_at = now() - interval '95 hours 30 minutes' where source = 's'",
            )
            .await?;
        assert_eq!(session.text("select parley.prune_events('4 days')").await?, "0");
        session
            .run("update parley.processed_events set first_seen_at = now() - interval '96 hours 1 second' where source = 's'")
            .await?;
        assert_eq!(session.text("select parley.prune_events('4 days')").await?, "1");
        Ok(())
    })
}
