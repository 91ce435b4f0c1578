//! Tables that refer to themselves, partitioned tables, and several aggregates that share tables.

use parley_tests::{Error, Place, Plan, in_schema};

use crate::recount::assert_agrees;

async fn assert_no_drift_after(place: &mut Place, statements: &[&str]) -> Result<(), Error> {
    for statement in statements {
        place.session.run(statement).await?;
        let drift = place.drift().await?;
        assert!(drift.is_empty(), "after {statement}: {drift:?}");
    }
    Ok(())
}

#[test]
fn table_that_refers_to_itself_counts_its_children() -> Result<(), Error> {
    in_schema(async |place| {
        place
            .session
            .run(
                "create table topics (
                     id int primary key, above int references topics on delete cascade on update cascade, children int, newest int);
                 select parley.maintain_count('topics', 'above', 'topics', 'id', 'children');
                 select parley.maintain_max('topics', 'above', 'id', 'topics', 'id', 'newest')",
            )
            .await?;
        assert_no_drift_after(
            place,
            &[
                "insert into topics (id, above) values (1, null)",
                "insert into topics (id, above) values (2, 1), (3, 1), (4, 2)",
                "insert into topics (id, above) values (5, 5)",
                "insert into topics (id, above) values (6, 7), (7, 7)",
                "insert into topics (id, above) values (10, null), (11, 10), (12, 11), (13, 10)",
                "insert into topics (id, above) values (23, 20), (22, 21), (21, 20), (20, null)",
                "update topics set above = 4 where id = 3",
                "update topics set id = id + 100",
                "update topics set above = null where id = 107",
                "delete from topics where id = 102",
                "delete from topics where id = 120",
                "truncate topics",
            ],
        )
        .await?;
        place
            .session
            .run("insert into topics (id, above) values (1, null), (2, 1), (3, 1)")
            .await?;
        let rows = place
            .session
            .text("select string_agg(children::text, ' ' order by id) from topics")
            .await?;
        assert_eq!(rows, "2 0 0");
        Ok(())
    })
}

#[test]
fn partitioned_members_are_counted_through_the_whole() -> Result<(), Error> {
    in_schema(async |place| {
        Plan {
            is_partitioned: true,
            ..Plan::PLAIN
        }
        .build_with_rooms(&mut place.session)
        .await?;
        for statement in [
            "insert into members (room, is_active, points) select n % 5 + 1, n % 3 > 0, n from generate_series(1, 40) as n",
            "update members set is_active = not is_active where room = 2",
            "update members set room = 3, is_active = true where room = 2",
            "delete from members where room = 3 and not is_active",
            "update rooms set id = 10 where id = 1",
            "delete from rooms where id = 10",
            "truncate members",
        ] {
            place.session.run(statement).await?;
            assert_agrees(place, statement).await?;
        }
        Ok(())
    })
}

#[test]
fn parent_and_children_of_one_statement_are_counted_once() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build(&mut place.session).await?;
        for statement in [
            "with joined as (insert into members (room, points) values (7, 1), (8, 2), (7, 3) returning room)
             insert into rooms (id) select distinct room from joined",
            "with made as (insert into rooms (id) values (1), (2) returning id)
             insert into members (room, points) select id, 5 from made cross join generate_series(1, 3)",
            "with gone as (delete from rooms where id = 1 returning id)
             insert into members (room) select 2 from gone",
        ] {
            place.session.run(statement).await?;
            assert_agrees(place, statement).await?;
        }
        Ok(())
    })
}

#[test]
fn child_of_two_parents_is_counted_in_both() -> Result<(), Error> {
    in_schema(async |place| {
        place
            .session
            .run(
                "create table rooms (id int primary key, notes int);
                 create table people (id uuid primary key default gen_random_uuid(), notes int, words bigint);
                 create table notes (
                     room int references rooms on delete cascade, person uuid references people on delete set null, words int);
                 select parley.maintain_count('notes', 'room', 'rooms', 'id', 'notes');
                 select parley.maintain_count('notes', 'person', 'people', 'id', 'notes');
                 select parley.maintain_sum('notes', 'person', 'words', 'people', 'id', 'words');
                 insert into rooms select generate_series(1, 3); insert into people default values; insert into people default values",
            )
            .await?;
        assert_no_drift_after(
            place,
            &[
                "insert into notes select rooms.id, people.id, 10 from rooms, people, generate_series(1, 4)",
                "delete from rooms where id = 1",
                "delete from people where id = (select id from people limit 1)",
                "update notes set room = 2, person = null where ctid = (select min(ctid) from notes)",
                "truncate notes",
            ],
        )
        .await
    })
}

#[test]
fn chain_of_aggregates_follows_from_child_to_grandparent() -> Result<(), Error> {
    in_schema(async |place| {
        place
            .session
            .run(
                "create table houses (id int primary key, members bigint);
                 create table rooms (id int primary key, house int references houses on delete cascade, members int);
                 create table members (room int references rooms on delete cascade);
                 select parley.maintain_sum('rooms', 'house', 'members', 'houses', 'id', 'members');
                 select parley.maintain_count('members', 'room', 'rooms', 'id', 'members');
                 insert into houses values (1), (2); insert into rooms select n, n % 2 + 1 from generate_series(1, 6) as n",
            )
            .await?;
        assert_no_drift_after(
            place,
            &[
                "insert into members select n % 6 + 1 from generate_series(1, 30) as n",
                "update members set room = 1 where room = 4",
                "update rooms set house = 3 - house where id < 3",
                "delete from rooms where id = 2",
                "truncate members",
            ],
        )
        .await?;
        place
            .session
            .run("insert into members values (1), (1), (3)")
            .await?;
        let houses = place
            .session
            .text("select string_agg(members::text, ' ' order by id) from houses")
            .await?;
        assert_eq!(houses, "2 1", "room 1 moved to house 1, room 3 is in house 2");
        Ok(())
    })
}
