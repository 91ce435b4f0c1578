//! Random statements that write rooms and members in every way there is.

use rand::Rng as _;
use rand::rngs::StdRng;

use crate::house::Plan;

/// Few, so that statements meet.
const ROOMS: i64 = 8;

/// One random statement on the tables of a [`Plan`]: any of them may be refused, for a full room or a missing one.
#[must_use]
pub fn statement(random: &mut StdRng, plan: Plan) -> String {
    let mut room = || match random.random_range(0..12) {
        0 => format!("null::{}", plan.key),
        // Mostly missing: refused with a foreign key, counted for nobody without.
        1 if !plan.has_foreign_key => plan.literal(99),
        _ => plan.literal(random.random_range(1..=ROOMS)),
    };
    let (a, b) = (room(), room());
    let members: Vec<String> = (0..4)
        .map(|_| room())
        .zip([
            ("true", "3", "0"),
            ("false", "null", "5"),
            ("null", "-1", "2"),
            ("true", "40", "9"),
        ])
        .map(|(room, (is_active, points, days))| {
            format!("({room}, {is_active}, {points}, timestamptz '2026-01-01' + {days} * interval '1 day')")
        })
        .collect();
    let some = random.random_range(1..=members.len());
    let members = members.get(..some).unwrap_or_default().join(", ");
    let (n, k) = (random.random_range(1..400), random.random_range(2..6));
    let inserted = format!("insert into members (room, is_active, points, at) values {members}");
    match random.random_range(0..22) {
        0..=5 => inserted,
        6 => format!("insert into members (room, points) select id, {n} from rooms where {a} is not null order by id"),
        7 => format!("update members set room = {a} where id % {k} = 0"),
        8 => format!("update members set room = {a} where room = {b}"),
        9 => format!("update members set is_active = not is_active where id % {k} = 1"),
        10 => format!("update members set points = points + {n}, at = at - {k} * interval '1 day' where room = {a}"),
        11 => format!("update members set room = {a}, is_active = id % 2 = 0, points = {n}, at = null where id % 7 = {k}"),
        12 => format!("delete from members where id % {k} = 0"),
        13 => format!("delete from members where at = (select max(at) from members where room = {a})"),
        14 => format!("delete from rooms where id = {a}"),
        15 => format!("insert into rooms (id, members, capacity) values ({b}, {n}, {k} * 4) on conflict (id) do update set name = 'again'"),
        16 => format!("update rooms set id = {a} where id = {b} and not exists (select from rooms where id = {a})"),
        17 => format!("update rooms set capacity = nullif({k}, 3) * 5 where id = {a}"),
        18 => format!(
            "insert into members (id, room, is_active) select id, {a}, is_active from members where id % {k} = 0 and is_active is not null
             union all select 1000000 + {n}, {b}, true
             on conflict (id, is_active) do update set room = excluded.room, points = {n}"
        ),
        19 => format!("begin; savepoint a; {inserted}; rollback to a; delete from members where room = {a}; commit"),
        20 if n < 40 => "truncate members".to_owned(),
        20 => format!("with gone as (delete from members where room = {a} returning points) insert into members (room, points) select {b}, points from gone order by points"),
        _ => format!("begin; {inserted}; update members set room = {b} where room = {a}; rollback"),
    }
}
