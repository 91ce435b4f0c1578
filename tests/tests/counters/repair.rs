//! Drift that somebody made by hand is shown, and put right.

use parley_tests::{Error, Place, Plan, Row, in_schema};

use crate::recount::assert_agrees;

#[test]
fn drift_made_by_hand_is_shown_and_put_right() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        place
            .session
            .run("insert into members (room, points, at) values (1, 5, '2026-01-01'), (2, 6, '2026-01-02'), (2, 7, '2026-01-03')")
            .await?;
        place.lock_everybody().await?;
        place
            .session
            .run(
                "update rooms set members = 9, total = null where id = 1;
                 update rooms set active = -1, latest = 'infinity' where id = 2;
                 update rooms set latest = 'infinity' where id = 3; update rooms set seats = null where id = 4",
            )
            .await?;
        let shown = place
            .session
            .rows(&format!(
                "select drift.child, drift.parent, drift.counter, drift.key, drift.stored, drift.actual
                 from parley.counter_drift() as drift join pg_class as c on c.oid = drift.parent
                 where c.relnamespace = '{}'::regnamespace order by drift.key, drift.counter",
                place.schema
            ))
            .await?;
        let row = |counter: &str, key: &str, stored: Option<&str>, actual: Option<&str>| {
            [
                Some("members"),
                Some("rooms"),
                Some(counter),
                Some(key),
                stored,
                actual,
            ]
            .map(|text| text.map(str::to_owned))
            .to_vec()
        };
        assert_eq!(
            shown,
            [
                row("members", "1", Some("9"), Some("1")),
                row("total", "1", None, Some("5")),
                row("active", "2", Some("-1"), Some("2")),
                row("latest", "2", Some("infinity"), Some("2026-01-03 00:00:00+00")),
                row("latest", "3", Some("infinity"), None),
                row("seats", "4", None, Some("0")),
            ]
        );
        assert_eq!(place.session.text("select parley.repair_counters()").await?, "6");
        assert_eq!(place.session.text("select parley.repair_counters()").await?, "0");
        place.unlock_everybody().await?;
        assert_agrees(place, "repair").await
    })
}

#[test]
fn rows_that_were_there_before_attaching_are_counted() -> Result<(), Error> {
    in_schema(async |place| {
        place
            .session
            .run(
                "create table rooms (id int primary key, n int, latest date); create table members (room int, since date);
                 insert into rooms values (1, 50, 'infinity'), (2, null, null), (3, 0, null);
                 insert into members values (1, '2026-01-01'), (1, '2026-02-01'), (2, null), (null, '2026-03-01'), (9, '2026-04-01');
                 select parley.maintain_count('members', 'room', 'rooms', 'id', 'n');
                 select parley.maintain_max('members', 'room', 'since', 'rooms', 'id', 'latest')",
            )
            .await?;
        let rows = place
            .session
            .text("select string_agg(concat_ws('/', id, n, latest), ' ' order by id) from rooms")
            .await?;
        assert_eq!(rows, "1/2/2026-02-01 2/1 3/0");
        Ok(())
    })
}

/// The triggers of a table, and the functions that the kernel wrote for the aggregates whose numbers these are.
async fn left_of(place: &mut Place, aggregates: &str) -> Result<Vec<Row>, Error> {
    place
        .session
        .rows(&format!(
            "select t.tgname::text as name from pg_trigger as t
             where t.tgname like 'parley%' and t.tgrelid in (to_regclass('members'), to_regclass('rooms'))
             union all
             select p.proname from pg_proc as p
             where p.pronamespace = 'parley_portable'::regnamespace
                 and substring(p.proname from '^(?:aggregate|lock_parents)_([0-9]+)_')::bigint in ({aggregates}) order by name"
        ))
        .await
}

/// The numbers of this place's aggregates, as a list.
async fn numbers(place: &mut Place) -> Result<String, Error> {
    let sql = "select string_agg(id::text, ', ') from parley.aggregates where parent = 'rooms'::regclass";
    place.session.text(sql).await
}

#[test]
fn counting_ends_where_it_is_stopped_and_nothing_is_left() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        let numbers = numbers(place).await?;
        place.lock_everybody().await?;
        place
            .session
            .run("select parley.stop_maintaining('rooms', 'members')")
            .await?;
        place.session.run("insert into members (room) values (1)").await?;
        let rows = place
            .session
            .text("select concat_ws('/', members, active, seats) from rooms where id = 1")
            .await?;
        assert_eq!(rows, "0/1/1");
        for target in ["latest", "seats", "total"] {
            let locks = "select count(*) from pg_trigger where tgname like 'parley\\_0\\_%' and tgrelid = 'members'::regclass";
            assert_eq!(
                place.session.text(locks).await?,
                "3",
                "several aggregates share a parent"
            );
            place
                .session
                .run(&format!("select parley.stop_maintaining('rooms', '{target}')"))
                .await?;
        }
        let names: Vec<String> = left_of(place, &numbers)
            .await?
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        assert!(
            !names
                .iter()
                .any(|name| name.starts_with("parley_0_") || name.starts_with("lock_parents")),
            "{names:?}"
        );
        place.session.run("insert into members (room) values (1)").await?;
        let rows = place
            .session
            .text("select concat_ws('/', members, active, seats) from rooms where id = 1")
            .await?;
        assert_eq!(rows, "0/2/1");
        place
            .session
            .run("select parley.stop_maintaining('rooms', 'active')")
            .await?;
        assert!(left_of(place, &numbers).await?.is_empty());
        place.unlock_everybody().await
    })
}

#[test]
fn dropped_tables_leave_nothing_that_stops_others() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        place.lock_everybody().await?;
        let numbers = numbers(place).await?;
        place.session.run("drop table members, rooms").await?;
        place.unlock_everybody().await?;
        assert!(place.drift().await?.is_empty());
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        place
            .session
            .run("insert into members (room) values (1), (2)")
            .await?;
        assert_agrees(place, "making the tables anew").await?;
        // Attaching swept up after the dropped ones.
        let left = "select count(*) from parley.aggregates where id in";
        assert_eq!(place.session.text(&format!("{left} ({numbers})")).await?, "0");
        let functions = left_of(place, &numbers).await?;
        assert!(
            functions
                .iter()
                .flatten()
                .flatten()
                .all(|name| name.starts_with("parley_")),
            "{functions:?}"
        );
        Ok(())
    })
}

#[test]
fn member_who_may_only_write_children_keeps_the_counter_right() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        let schema = place.schema.clone();
        place
            .session
            .run(&format!("grant usage on schema {schema} to anon; grant insert, select, update, delete on members to anon"))
            .await?;
        let mut anon = place.session().await?;
        anon.run("set role anon").await?;
        anon.run("insert into members (room) values (1), (1), (2)")
            .await?;
        anon.run("update members set room = 3 where room = 2").await?;
        anon.run("delete from members where room = 3").await?;
        assert_eq!(
            anon.refusal("update rooms set members = 7 where id = 1")
                .await?
                .code,
            "42501"
        );
        assert_agrees(place, "statements of a client").await?;
        assert_eq!(
            place
                .session
                .text("select members from rooms where id = 1")
                .await?,
            "2"
        );
        Ok(())
    })
}
