//! The parser by examples, the evaluator against Postgres.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::PgConnection;

use super::{Filter, Operator, Verdict, judge, parse};
use crate::realtime::feed::changes::catalogue::{Column, Table};
use crate::realtime::feed::changes::change::Cell;
use crate::realtime::feed::tests::support::Bench;

fn filter(column: &str, operator: Operator, value: &str, is_negated: bool) -> Filter {
    Filter {
        column: column.to_owned(),
        operator,
        value: value.to_owned(),
        is_negated,
    }
}

#[test]
fn filters_are_read_as_the_server_reads_them() {
    use Operator::{Eq, Gt, In, Is, Like, Lt};
    for (text, expected) in [
        ("", vec![]),
        ("  ", vec![]),
        ("id=eq.1", vec![filter("id", Eq, "1", false)]),
        (
            " id=gt.0 , id=lt.9 ",
            vec![filter("id", Gt, "0", false), filter("id", Lt, "9", false)],
        ),
        ("a=not.is.null", vec![filter("a", Is, "null", true)]),
        ("a=in.(x,y)", vec![filter("a", In, "{x,y}", false)]),
        ("a=in.()", vec![filter("a", In, "{}", false)]),
        (
            r#"a=in.("x,)",y),b=eq.2"#,
            vec![
                filter("a", In, r#"{"x,)",y}"#, false),
                filter("b", Eq, "2", false),
            ],
        ),
        (r#"a=eq."x,y""#, vec![filter("a", Eq, "x,y", false)]),
        (
            r#"a=eq."say \"hi\", \\o/""#,
            vec![filter("a", Eq, r#"say "hi", \o/"#, false)],
        ),
        (r#"a=eq.5" wide"#, vec![filter("a", Eq, r#"5" wide"#, false)]),
        (r#"a=eq."open"#, vec![filter("a", Eq, "\"open", false)]),
        (r#"a=eq."x"y"#, vec![filter("a", Eq, "\"x\"y", false)]),
        ("a=eq.f(x,y)", vec![filter("a", Eq, "f(x,y)", false)]),
        ("a=eq.", vec![filter("a", Eq, "", false)]),
        ("a=like.%a=b.c%", vec![filter("a", Like, "%a=b.c%", false)]),
    ] {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
    for (text, reason) in [
        ("undefined", r#"["undefined"]"#),
        ("a=foo.hey", r#"["foo", "hey"]"#),
        ("a=eq", r#"["eq"]"#),
        ("a=not.foo.hey", r#"["foo", "hey"]"#),
        ("a=in.x,y", "`in` filter value must be wrapped by parentheses"),
        (
            "a=eq.1,",
            "filter must not contain empty segments (check for extra commas)",
        ),
        (
            ",",
            "filter must not contain empty segments (check for extra commas)",
        ),
        (r#"a=eq."\"#, r#"x"#),
    ] {
        match parse(text) {
            Err(said) => assert_eq!(said, reason, "{text}"),
            Ok(_) => assert_eq!(reason, "x", "{text}"),
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}", odd in r#"[a=.,()"\\ not]{0,40}"#) {
        for text in [text, odd] {
            if let Ok(filters) = parse(&text) {
                for filter in filters {
                    prop_assert!(!filter.condition("pg_catalog.text", "$2").is_empty());
                }
            }
        }
    }

    #[test]
    fn quoted_value_comes_back_whole(value in "[^\u{0}]{0,20}") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let filters = parse(&format!("a=eq.\"{quoted}\",b=eq.1")).unwrap();
        prop_assert_eq!(&filters[0].value, &value);
        prop_assert_eq!(filters.len(), 2);
    }
}

/// A type, values as Postgres writes them, and operands as clients may write them.
const TYPES: [(&str, &[&str], &[&str]); 12] = [
    (
        "bool",
        &["t", "f"],
        &["true", "false", "t", "f", "TRUE", "yes", "0", " on "],
    ),
    (
        "int2",
        &["0", "-7", "32767"],
        &["0", "-7", "+7", " 5", "32767", "99999", "x"],
    ),
    (
        "int4",
        &["0", "-7", "2147483647"],
        &["0", "-7", "0007", "2147483647", "1e3", ""],
    ),
    (
        "int8",
        &["0", "-7", "9223372036854775807"],
        &["0", "-7", "9223372036854775807", "9223372036854775808"],
    ),
    (
        "uuid",
        &[
            "00000000-0000-4000-8000-00000000000a",
            "ffffffff-0000-4000-8000-00000000000b",
        ],
        &[
            "00000000-0000-4000-8000-00000000000A",
            "ffffffff-0000-4000-8000-00000000000b",
            "{00000000-0000-4000-8000-00000000000a}",
            "0000000000004000800000000000000a",
            "urn:uuid:00000000-0000-4000-8000-00000000000a",
            "0000-0000-0000-4000-8000-0000-0000-000a",
        ],
    ),
    (
        "text",
        &["", "a", "A", "null", "ä", "x y", "10"],
        &["", "a", "A ", "null", "NULL", "ä", "x y", "10", "%"],
    ),
    ("varchar", &["a", "a ", "b"], &["a", "a ", "b"]),
    ("bpchar", &["a  ", "b"], &["a", "a ", "b"]),
    (
        "numeric",
        &["1.50", "-0", "NaN", "10"],
        &["1.5", "0", "NaN", "10.000"],
    ),
    ("float8", &["1.5", "-0", "NaN"], &["1.50", "0", "nan"]),
    (
        "timestamptz",
        &["2026-01-02 03:04:05+00"],
        &["2026-01-02T03:04:05Z", "2026-01-02 04:04:05+01", "2027-01-01"],
    ),
    ("date", &["2026-01-02"], &["2026-01-02", "2026-1-2", "2027-01-01"]),
];

/// What Postgres says, in a statement that has nothing to do with ours. `None`: it refuses the operand.
async fn oracle(
    connection: &mut PgConnection,
    sql_type: &str,
    value: Option<&str>,
    filter: &Filter,
) -> Option<bool> {
    let literal = |text: &str| format!("'{}'::{sql_type}", text.replace('\'', "''"));
    let left = value.map_or_else(|| format!("null::{sql_type}"), literal);
    let right = literal(&filter.value);
    let array = format!("'{}'::{sql_type}[]", filter.value.replace('\'', "''"));
    let not = if filter.is_negated { "not" } else { "" };
    let condition = match filter.operator {
        Operator::Eq => format!("{not} ({left} = {right})"),
        Operator::Neq => format!("{not} ({left} != {right})"),
        Operator::Lt => format!("{not} ({left} < {right})"),
        Operator::Lte => format!("{not} ({left} <= {right})"),
        Operator::Gt => format!("{not} ({left} > {right})"),
        Operator::Gte => format!("{not} ({left} >= {right})"),
        Operator::In => format!("{not} ({left} = any ({array}))"),
        Operator::IsDistinct => format!("{left} is {not} distinct from {right}"),
        Operator::Is => format!("{left} is {not} {}", filter.value),
        Operator::Like => format!("{not} ({left} like {right})"),
        Operator::Ilike => format!("{not} ({left} ilike {right})"),
        Operator::Match => format!("{not} ({left} ~ {right})"),
        Operator::Imatch => format!("{not} ({left} ~* {right})"),
    };
    sqlx::query_scalar(&format!("select coalesce({condition}, false)"))
        .persistent(false)
        .fetch_one(connection)
        .await
        .ok()
}

/// A value of a type, and a filter on it.
#[derive(Debug)]
struct Case {
    sql_type: &'static str,
    column: Column,
    value: Option<&'static str>,
    filter: Filter,
}

/// The place of a type, a value or null, an operator, operands and their spelling, and a negation.
type Choice = (usize, Option<usize>, usize, Vec<usize>, bool, bool);

fn choices() -> impl Strategy<Value = Choice> {
    let value = proptest::option::weighted(0.9, 0..64_usize);
    let operands = proptest::collection::vec(0..64_usize, 1..4);
    (
        0..TYPES.len(),
        value,
        0..Operator::ALL.len(),
        operands,
        any::<bool>(),
        any::<bool>(),
    )
}

fn case(table: &Table, (place, value, operator, operands, is_quoted, is_negated): Choice) -> Case {
    let (sql_type, values, spellings) = TYPES[place];
    let operator = Operator::ALL[operator].1;
    let operands: Vec<&str> = operands
        .iter()
        .map(|index| spellings[index % spellings.len()])
        .collect();
    let operand = match operator {
        Operator::In if is_quoted => format!("{{\"{}\"}}", operands.join("\",\"")),
        Operator::In => format!("{{{}}}", operands.join(",")),
        Operator::Is => ["null", "true", "false", "unknown"][operands.len()].to_owned(),
        _ => operands[0].to_owned(),
    };
    let column = table.columns[place].clone();
    Case {
        sql_type,
        value: value.map(|index| values[index % values.len()]),
        filter: filter(&column.name, operator, &operand, is_negated),
        column,
    }
}

/// What our own question says, when it is put.
async fn ask(connection: &mut PgConnection, case: &Case) -> bool {
    let condition = case.filter.condition(&case.column.sql_type, "$2");
    let statement = format!("select coalesce({condition} and $2::text is not null, false)");
    sqlx::query_scalar(&statement)
        .bind(case.value)
        .bind(&case.filter.value)
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_without_postgres_is_what_postgres_decides() {
    let columns: Vec<String> = TYPES
        .iter()
        .map(|(name, ..)| format!("a_{name} {name}"))
        .collect();
    let bench = Bench::start(&format!("create table public.samples ({});", columns.join(", "))).await;
    let mut connection = bench.connect("supabase_admin").await;
    let oid: i64 = sqlx::query_scalar("select 'public.samples'::regclass::oid::bigint")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let table = Table::read(&mut connection, oid).await.unwrap().unwrap();
    let mut runner = TestRunner::deterministic();
    let (mut decided, mut asked) = (0, 0);
    for _ in 0..6_000 {
        let case = case(&table, choices().new_tree(&mut runner).unwrap().current());
        // A subscription with a filter that Postgres refuses is refused, so what is said of it does not matter.
        let Some(truth) = oracle(&mut connection, case.sql_type, case.value, &case.filter).await else {
            continue;
        };
        let cell = case.value.map_or(Cell::Null, |text| Cell::Text(text.into()));
        let ours = match judge(&case.filter, &case.column, &cell) {
            Verdict::Yes => Some(true),
            Verdict::No => Some(false),
            Verdict::Ask => None,
        };
        *(if ours.is_some() { &mut decided } else { &mut asked }) += 1;
        let ours = match ours {
            Some(ours) => ours,
            None => ask(&mut connection, &case).await,
        };
        assert_eq!(ours, truth, "{case:?}");
    }
    assert!(
        decided > 1_200 && asked > 1_200,
        "{decided} decided, {asked} asked"
    );
    bench.stop().await;
}

#[test]
fn value_that_is_not_in_the_stream_fails_every_condition() {
    let column = Column {
        name: "a".to_owned(),
        type_oid: 25,
        type_name: "text".to_owned(),
        sql_type: "pg_catalog.text".to_owned(),
        is_key: false,
    };
    for (_, operator) in Operator::ALL {
        for is_negated in [false, true] {
            let filter = filter("a", operator, "null", is_negated);
            assert_eq!(judge(&filter, &column, &Cell::Absent), Verdict::No);
        }
    }
}
