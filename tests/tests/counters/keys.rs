//! Keys of every usual type, keys that are null, and keys that no parent has.

use parley_tests::{Error, Plan, in_schema};

use crate::recount::assert_agrees;

fn house_agrees_with_key(key: &'static str) -> Result<(), Error> {
    in_schema(async |place| {
        let plan = Plan { key, ..Plan::PLAIN };
        plan.build_with_rooms(&mut place.session).await?;
        let [one, two, new] = [plan.literal(1), plan.literal(2), plan.literal(9)];
        for statement in [
            format!(
                "insert into members (room, points) values ({one}, 3), ({two}, 4), ({one}, null), (null, 5)"
            ),
            format!("update members set room = {two} where points = 3"),
            format!("update rooms set id = {new} where id = {two}"),
            format!("update members set points = 7 where room = {new}"),
            format!("delete from members where room = {one}"),
            format!("delete from rooms where id = {new}"),
        ] {
            place.session.run(&statement).await?;
            assert_agrees(place, &statement).await?;
        }
        Ok(())
    })
}

#[test]
fn text_keys_are_counted() -> Result<(), Error> {
    house_agrees_with_key("text")
}

#[test]
fn uuid_keys_are_counted() -> Result<(), Error> {
    house_agrees_with_key("uuid")
}

#[test]
fn bigint_keys_are_counted() -> Result<(), Error> {
    house_agrees_with_key("bigint")
}

#[test]
fn keys_of_other_types_are_counted() -> Result<(), Error> {
    in_schema(async |place| {
        place
            .session
            .run(
                "create type color as enum ('red', 'green');
                 create domain positive as int check (value > 0);
                 create table one (id color primary key, n int); create table many_one (parent color);
                 create table two (id positive primary key, n smallint); create table many_two (parent positive);
                 create table three (id timestamptz primary key, n numeric); create table many_three (parent timestamptz);
                 select parley.maintain_count('many_one', 'parent', 'one', 'id', 'n');
                 select parley.maintain_count('many_two', 'parent', 'two', 'id', 'n');
                 select parley.maintain_count('many_three', 'parent', 'three', 'id', 'n');
                 insert into one values ('red'), ('green'); insert into many_one values ('green'), ('green'), ('red');
                 insert into two values (1), (2); insert into many_two values (2), (2), (2);
                 set timezone = 'Asia/Kolkata';
                 insert into three values ('2026-01-01 00:00+00'); insert into many_three values ('2026-01-01 05:30');
                 update many_one set parent = 'red' where true; delete from many_two where ctid = '(0,1)'",
            )
            .await?;
        assert_eq!(
            place
                .session
                .text("select string_agg(n::text, ' ' order by id) from one")
                .await?,
            "3 0"
        );
        assert_eq!(
            place
                .session
                .text("select string_agg(n::text, ' ' order by id) from two")
                .await?,
            "0 2"
        );
        assert_eq!(place.session.text("select n from three").await?, "1");
        assert!(place.drift().await?.is_empty());
        Ok(())
    })
}

#[test]
fn nullable_keys_and_missing_parents_are_left_out_until_the_parent_comes() -> Result<(), Error> {
    in_schema(async |place| {
        Plan {
            has_foreign_key: false,
            ..Plan::PLAIN
        }
        .build_with_rooms(&mut place.session)
        .await?;
        for statement in [
            "insert into members (room, points) values (null, 1), (99, 2), (99, 3), (1, 4)",
            "update members set room = 98 where room = 99 and points = 2",
            "insert into rooms (id, members, latest) values (99, 1000, 'infinity')",
            "insert into rooms (id, members) values (97, 1000), (98, null)",
            "update members set room = 97 where room is null",
            "update rooms set id = 96 where id = 97",
            "update rooms set id = 97 where id = 98",
            "delete from rooms where id = 99",
            "delete from members where room = 99",
            "update members set room = null where true",
            "truncate rooms",
            "insert into rooms (id) values (1)",
        ] {
            place.session.run(statement).await?;
            assert_agrees(place, statement).await?;
        }
        Ok(())
    })
}
