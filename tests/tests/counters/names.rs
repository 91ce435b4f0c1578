//! Names that need quotes, and names that mean something else inside the kernel's own code.

use parley_tests::{Error, Place, in_schema};

async fn assert_counts(place: &mut Place, names: &Names<'_>) -> Result<(), Error> {
    let Names {
        parent,
        child,
        id,
        key,
        value,
        flag,
        members,
        total,
        latest,
        capacity,
    } = *names;
    let q = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let s = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let (parent_table, child_table) = (q(parent), q(child));
    let (parent_name, child_name) = (s(&q(parent)), s(&q(child)));
    let (qid, qkey, qvalue, qflag) = (q(id), q(key), q(value), q(flag));
    let (qmembers, qtotal, qlatest, qcapacity) = (q(members), q(total), q(latest), q(capacity));
    let (sid, skey, svalue) = (s(id), s(key), s(value));
    let only_when = s(&qflag);
    place
        .session
        .run(&format!(
            "create table {parent_table} ({qid} int primary key, {qmembers} int, {qtotal} bigint, {qlatest} int, {qcapacity} int);
             create table {child_table} ({qkey} int, {qvalue} int, {qflag} boolean);
             select parley.maintain_count({child_name}, {skey}, {parent_name}, {sid}, {}, {}, {only_when});
             select parley.maintain_sum({child_name}, {skey}, {svalue}, {parent_name}, {sid}, {}, {only_when});
             select parley.maintain_max({child_name}, {skey}, {svalue}, {parent_name}, {sid}, {}, {only_when});
             insert into {parent_table} ({qid}, {qcapacity}) values (1, 4), (2, 4);
             insert into {child_table} values (1, 5, true), (1, 6, true), (1, 7, false), (2, 8, true), (null, 9, true);
             update {child_table} set {qkey} = 2 where {qvalue} = 6;
             update {child_table} set {qflag} = not {qflag} where {qvalue} in (7, 8);
             delete from {child_table} where {qvalue} = 5",
            s(members),
            s(capacity),
            s(total),
            s(latest)
        ))
        .await?;
    let rows = place
        .session
        .rows(&format!(
            "select {qmembers}, {qtotal}, {qlatest} from {parent_table} order by {qid}"
        ))
        .await?;
    assert_eq!(
        rows,
        [["1", "7", "7"], ["1", "6", "6"]].map(|row| row.map(|text| Some(text.to_owned())).to_vec())
    );
    assert!(place.drift().await?.is_empty());
    let refusal = place
        .session
        .refusal(&format!(
            "insert into {child_table} select 1, n, true from generate_series(1, 4) as n"
        ))
        .await?;
    assert_eq!(
        (refusal.code.as_str(), refusal.detail.as_deref()),
        ("PT409", Some("capacity_exceeded"))
    );
    place.session.run(&format!("truncate {child_table}")).await?;
    let sum = format!("select sum({qmembers}) + sum({qtotal}) + count({qlatest}) from {parent_table}");
    assert_eq!(place.session.text(&sum).await?, "0");
    place.lock_everybody().await?;
    for target in [members, total, latest] {
        place
            .session
            .run(&format!(
                "select parley.stop_maintaining({parent_name}, {})",
                s(target)
            ))
            .await?;
    }
    place.unlock_everybody().await
}

/// The names of two tables and their columns.
#[derive(Clone, Copy)]
struct Names<'a> {
    parent: &'a str,
    child: &'a str,
    id: &'a str,
    key: &'a str,
    value: &'a str,
    flag: &'a str,
    members: &'a str,
    total: &'a str,
    latest: &'a str,
    capacity: &'a str,
}

#[test]
fn names_in_mixed_case_with_spaces_and_quotes_are_kept() -> Result<(), Error> {
    in_schema(async |place| {
        let names = Names {
            parent: "Chat Rooms",
            child: "Room's \"Members\"",
            id: "Id",
            key: "Room Id",
            value: "the\"Value",
            flag: "Is'Active",
            members: "Members",
            total: "Total $1",
            latest: "Latest %I %s",
            capacity: "Größe",
        };
        assert_counts(place, &names).await
    })
}

#[test]
fn names_of_variables_in_the_generated_code_are_kept() -> Result<(), Error> {
    in_schema(async |place| {
        let names = Names {
            parent: "parent",
            child: "child",
            id: "delta",
            key: "key",
            value: "amount",
            flag: "has_come",
            members: "kept",
            total: "changed",
            latest: "gained",
            capacity: "capacity",
        };
        assert_counts(place, &names).await?;
        let names = Names {
            parent: "kept",
            child: "changed",
            id: "key",
            key: "delta",
            value: "key",
            flag: "lost",
            members: "amount",
            total: "total",
            latest: "new",
            capacity: "old",
        };
        assert_counts(place, &names).await?;
        let names = Names {
            parent: "parley_new",
            child: "parley_old",
            id: "parent",
            key: "child",
            value: "tg_op",
            flag: "found",
            members: "user",
            total: "select",
            latest: "table",
            capacity: "order",
        };
        assert_counts(place, &names).await
    })
}

#[test]
fn longest_names_are_kept() -> Result<(), Error> {
    in_schema(async |place| {
        let long = |letter: &str| letter.repeat(63);
        let [a, b, c, d, e, f, g, h, i, j] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map(long);
        let names = Names {
            parent: &a,
            child: &b,
            id: &c,
            key: &d,
            value: &e,
            flag: &f,
            members: &g,
            total: &h,
            latest: &i,
            capacity: &j,
        };
        assert_counts(place, &names).await
    })
}

#[test]
fn renamed_tables_and_columns_are_counted_after_use_native_wrote_the_triggers_anew() -> Result<(), Error> {
    in_schema(async |place| {
        place.lock_everybody().await?;
        place
            .session
            .run(
                "create table rooms (id int primary key, n int); create table members (room int);
                 select parley.maintain_count('members', 'room', 'rooms', 'id', 'n'); insert into rooms values (1);
                 insert into members values (1); alter table rooms rename to halls; alter table members rename to guests;
                 begin; select parley.attach_triggers(kept, parley.implementation() = 'native')
                 from parley.aggregates as kept where parent = 'halls'::regclass; commit;
                 insert into guests values (1)",
            )
            .await?;
        assert_eq!(place.session.text("select n from halls").await?, "2");
        place.unlock_everybody().await
    })
}
