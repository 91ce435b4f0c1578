//! One kind of statement each.

use parley_tests::{Error, Place, Plan, in_schema};

use crate::recount::assert_agrees;

/// Members in rooms 1 to 4, some idle, some without points, some without a room.
const MEMBERS: &str = "insert into members (room, is_active, points, at)
    select nullif(n % 5, 0), n % 3 > 0, nullif(n % 7, 0), timestamptz '2026-01-01' + n * interval '1 minute'
    from generate_series(1, 60) as n";

async fn stored(place: &mut Place, column: &str) -> Result<Vec<String>, Error> {
    let rows = place
        .session
        .rows(&format!(
            "select coalesce({column}::text, 'null') from rooms order by id"
        ))
        .await?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// Runs statements on a house with members, and compares after each.
fn house_agrees_after(statements: &[&str]) -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        place.session.run(MEMBERS).await?;
        assert_agrees(place, MEMBERS).await?;
        for statement in statements {
            place.session.run(statement).await?;
            assert_agrees(place, statement).await?;
        }
        Ok(())
    })
}

#[test]
fn insert_of_many_rows_counts_each_of_them() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        place.session.run(MEMBERS).await?;
        assert_agrees(place, "an insert of 60 rows").await?;
        assert_eq!(stored(place, "members").await?, ["12", "12", "12", "12", "0"]);
        assert_eq!(stored(place, "active").await?, ["8", "8", "8", "8", "0"]);
        assert_eq!(
            stored(place, "latest is null").await?,
            ["false", "false", "false", "false", "true"]
        );
        Ok(())
    })
}

#[test]
fn copy_counts_like_an_insert() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        let lines = "1\t3\n1\t4\n2\t\\N\n\\N\t9\n";
        place
            .session
            .copy("copy members (room, points) from stdin", lines)
            .await?;
        assert_agrees(place, "copy").await?;
        assert_eq!(stored(place, "members").await?, ["2", "1", "0", "0", "0"]);
        assert_eq!(stored(place, "total").await?, ["7", "0", "0", "0", "0"]);
        Ok(())
    })
}

#[test]
fn update_that_moves_the_key_moves_the_count() -> Result<(), Error> {
    house_agrees_after(&[
        "update members set room = 5 where room = 1",
        "update members set room = room % 5 + 1",
        "update members set room = null where room = 3",
        "update members set room = 2 where room is null",
        "update members set room = room, at = at",
    ])
}

#[test]
fn update_that_flips_the_predicate_moves_the_count() -> Result<(), Error> {
    house_agrees_after(&[
        "update members set is_active = not is_active",
        "update members set is_active = null where room = 1",
        "update members set points = -1 where id % 4 = 0",
        "update members set is_active = true, room = 5, points = points * 2 where room = 2",
    ])
}

#[test]
fn update_and_delete_of_the_latest_value_find_the_one_before() -> Result<(), Error> {
    house_agrees_after(&[
        "delete from members where at = (select max(at) from members where room = 1)",
        "update members set at = at - interval '1 day' where at = (select max(at) from members where room = 2)",
        "update members set at = null where room = 3",
        "update members set at = 'infinity' where room = 3 and is_active",
        "update members set at = '-infinity' where room = 3",
        "update members set at = '2026-01-01' where room = 4",
        "delete from members where id = (select min(id) from members where room = 4)",
    ])
}

#[test]
fn delete_and_truncate_take_away() -> Result<(), Error> {
    house_agrees_after(&[
        "delete from members where id % 2 = 0",
        "delete from members where room = 1",
        "truncate members",
        MEMBERS,
    ])
}

#[test]
fn deleted_parent_takes_its_members_with_it() -> Result<(), Error> {
    house_agrees_after(&[
        "delete from rooms where id in (1, 4)",
        "delete from rooms where true",
    ])
}

#[test]
fn parent_key_update_cascades_and_keeps_the_count() -> Result<(), Error> {
    house_agrees_after(&[
        "update rooms set id = 20 where id = 2",
        "update rooms set id = -id",
        "update rooms set id = id, name = 'same'",
    ])
}

#[test]
fn what_a_savepoint_rolls_back_is_not_counted() -> Result<(), Error> {
    house_agrees_after(&[
        "begin; savepoint a; insert into members (room) values (1), (2); rollback to a; insert into members (room) values (2); commit",
        "begin; delete from members where room = 1; savepoint a; truncate members; rollback to a; release a; commit",
        "begin; update members set room = 5; rollback",
        "do $$ begin
             begin
                 insert into members (room, points) values (1, 5), (3, 6);
                 raise exception 'no';
             exception when raise_exception then
                 insert into members (room, points) values (3, 7);
             end;
         end $$",
    ])
}

#[test]
fn upsert_on_the_child_counts_what_it_did() -> Result<(), Error> {
    house_agrees_after(&[
        "insert into members (id, room, is_active) values (1, 5, true), (1000, 5, true), (2, 4, true)
             on conflict (id, is_active) do update set room = excluded.room, points = 50",
        "insert into members (id, room, is_active) values (1, 1, true), (1001, 1, true) on conflict do nothing",
        "insert into members (id, room, is_active) select id, 2, is_active from members where is_active
             on conflict (id, is_active) do update set is_active = false, points = -1 where members.id % 2 = 0",
    ])
}

#[test]
fn upsert_on_the_parent_leaves_the_count() -> Result<(), Error> {
    house_agrees_after(&[
        "insert into rooms (id, name) values (1, 'one'), (6, 'six') on conflict (id) do update set name = excluded.name",
        "insert into rooms (id, members, seats) values (2, 77, 77), (7, 77, 77) on conflict (id) do nothing",
        "insert into rooms (id, members, seats) values (2, 77, 77)
             on conflict (id) do update set members = excluded.members, seats = excluded.seats",
        "insert into rooms (id) values (3) on conflict (id) do update set id = 33",
    ])
}

#[test]
fn merge_counts_its_inserts_updates_and_deletes() -> Result<(), Error> {
    house_agrees_after(&["merge into members as m
         using (select n as id, n % 4 + 1 as room from generate_series(40, 80) as n) as s on m.id = s.id
         when matched and s.room = 1 then delete
         when matched then update set room = s.room, is_active = not is_active
         when not matched then insert (id, room, points) values (s.id, s.room, 3)"])
}

#[test]
fn statement_that_writes_children_in_several_ways_counts_all() -> Result<(), Error> {
    house_agrees_after(&[
        "with gone as (delete from members where room = 1 returning *)
         insert into members (room, is_active, points, at) select 2, is_active, points, at from gone",
        "with moved as (update members set room = 5 where room = 3 returning points)
         insert into members (room, points) select 4, points from moved",
    ])
}

#[test]
fn statement_that_finds_no_row_changes_nothing() -> Result<(), Error> {
    house_agrees_after(&[
        "update members set room = 1 where false",
        "delete from members where false",
        "insert into members (room) select 1 where false",
    ])
}

#[test]
fn full_room_refuses_a_member_too_many_and_nothing_is_written() -> Result<(), Error> {
    in_schema(async |place| {
        Plan::PLAIN.build_with_rooms(&mut place.session).await?;
        place
            .session
            .run("update rooms set capacity = 2 where id in (1, 2)")
            .await?;
        place
            .session
            .run("insert into members (room) values (1), (1), (2)")
            .await?;
        let refusal = place
            .session
            .refusal("insert into members (room) values (3), (2), (2)")
            .await?;
        assert_eq!(refusal.code, "PT409");
        assert_eq!(refusal.message, "There is no free place: the capacity is 2.");
        assert_eq!(refusal.detail.as_deref(), Some("capacity_exceeded"));
        assert_eq!(
            refusal.hint.as_deref(),
            Some("Wait until a place is free, or choose another one.")
        );
        assert_eq!(stored(place, "members").await?, ["2", "1", "0", "0", "0"]);
        assert_eq!(
            place
                .session
                .refusal("update members set room = 1 where room = 2")
                .await?
                .code,
            "PT409"
        );
        // Swapping members, and leaving an overfull room, need no free place.
        place
            .session
            .run("update members set room = 3 - room where room in (1, 2) and id <> 1")
            .await?;
        place
            .session
            .run("update rooms set capacity = 0 where id = 1")
            .await?;
        place
            .session
            .run("delete from members where id = (select min(id) from members where room = 1)")
            .await?;
        assert_agrees(place, "leaving").await
    })
}
