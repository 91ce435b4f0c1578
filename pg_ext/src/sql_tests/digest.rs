use std::path::PathBuf;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::harness::{Database, Session};
use crate::digest::MAX_DEPTH;

fn canonical(session: &mut Session, json: &str) -> String {
    session
        .0
        .query_one("select parley_native.canonical_json($1::text::jsonb)", &[&json])
        .unwrap()
        .get(0)
}

fn oracle(value: &Value) -> String {
    String::from_utf8(serde_json_canonicalizer::to_vec(value).unwrap()).unwrap()
}

/// Where the registry unpacked the peer, whose package holds the RFC's test data.
fn published_data() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let peer = packages
        .iter()
        .find(|package| package["name"] == "serde_json_canonicalizer")
        .unwrap();
    PathBuf::from(peer["manifest_path"].as_str().unwrap())
        .with_file_name("tests")
        .join("resources/testdata")
}

#[test]
fn the_published_test_data_of_rfc_8785_passes() {
    let mut session = Database::new().session();
    let data = published_data();
    let mut passed = 0;
    for entry in std::fs::read_dir(data.join("input")).unwrap() {
        let input = entry.unwrap().path();
        let json = std::fs::read_to_string(&input).unwrap();
        let expected = std::fs::read_to_string(data.join("output").join(input.file_name().unwrap())).unwrap();
        assert_eq!(canonical(&mut session, &json), expected, "{}", input.display());
        passed += 1;
    }
    assert!(passed >= 6, "only {passed} files");
}

/// JSON of all shapes. Integers stay below 2^53, where the kernel and the peer have the same rule.
fn any_json() -> impl Strategy<Value = Value> {
    let text = "[ -~\t\n\u{e9}\u{2028}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,12}";
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991i64..=9_007_199_254_740_991).prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(fraction),
        text.prop_map(Value::from),
    ];
    scalar.prop_recursive(6, 120, 40, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..40).prop_map(Value::from),
            prop::collection::hash_map(text, inner, 0..40)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A double that is no integer, because above 2^53 integers have the kernel's own rule.
fn fraction(number: f64) -> Value {
    if number.fract() == 0.0 {
        json!(number.rem_euclid(65536.0))
    } else {
        json!(number)
    }
}

#[test]
fn any_value_is_written_as_the_peer_writes_it() {
    let mut session = Database::new().session();
    let mut runner = TestRunner::new(Config {
        cases: 400,
        failure_persistence: None,
        ..Config::default()
    });
    let session = std::cell::RefCell::new(&mut session);
    runner
        .run(&any_json(), |value| {
            prop_assert_eq!(
                canonical(&mut session.borrow_mut(), &value.to_string()),
                oracle(&value)
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn wide_objects_and_arrays_are_walked_to_the_end() {
    let mut session = Database::new().session();
    let members: Map<String, Value> = (0..1000)
        .map(|n| {
            (
                format!("{}{}", "k".repeat(n % 7), n * 7919 % 1000),
                json!([n, n.to_string()]),
            )
        })
        .collect();
    let value = json!({"wide": members, "long": (0..5000).collect::<Vec<_>>()});
    assert_eq!(canonical(&mut session, &value.to_string()), oracle(&value));
}

#[test]
fn stored_numbers_of_any_size_are_read_right() {
    let mut session = Database::new().session();
    let wrong: i64 = session.one(
        "with numbers as (
            select (case when random() < 0.5 then -1 else 1 end)
                * (substr(repeat((random() * 1e15)::bigint::text || '7', 8), 1, 1 + n % 70))::numeric
                * case when n % 3 = 0 then 10000 ^ (n % 11)::numeric else 1 end as number
            from generate_series(1, 20000) as n)
        select count(*) from numbers
        where parley_native.canonical_json(to_jsonb(trunc(number)))::numeric <> trunc(number)
            or (number / 1e20 <> trunc(number / 1e20) and length(trim_scale(number)::text) > 20
                and parley_native.canonical_json(to_jsonb(number / 1e20))::numeric <> number / 1e20
                and length(ltrim(replace(abs(trim_scale(number / 1e20))::text, '.', ''), '0')) > 17)",
    );
    assert_eq!(wrong, 0);
    let exact = session.rows(
        "select parley_native.canonical_json(v::jsonb) as c from unnest(array[
            '0', '-0', '0.0000', '10000', '100000000', '9999999999999999', '10000000000000000', '-12345678901234567890',
            '0.0001', '0.00001', '1234.5678', '99990000.0001', '1e-7', '1e20', '1e21', '1e22', '9007199254740993']) as v",
    );
    let expected = [
        "0",
        "0",
        "0",
        "10000",
        "100000000",
        "9999999999999999",
        "10000000000000000",
        "-12345678901234567890",
        "0.0001",
        "0.00001",
        "1234.5678",
        "99990000.0001",
        "1e-7",
        "100000000000000000000",
        "1e+21",
        "1e+22",
        "9007199254740993",
    ];
    assert_eq!(exact, expected.map(|number| format!(r#"{{"c":"{number}"}}"#)));
}

#[test]
fn equal_values_hash_equal_and_the_hash_is_that_of_the_text() {
    let mut session = Database::new().session();
    for (left, right) in [
        ("1", "1.0"),
        ("100", "1e2"),
        (r#"{"a": 1, "bb": [2.50]}"#, r#"{"bb":[2.5],"a":1.000}"#),
        (r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#),
        (r#""\u00e9""#, r#""é""#),
    ] {
        let sql = format!(
            "select parley_native.content_digest('{left}') = parley_native.content_digest('{right}')
                and parley_native.content_digest('{left}')
                    = encode(sha256(convert_to(parley_native.canonical_json('{right}'), 'UTF8')), 'hex')"
        );
        assert!(session.one::<bool>(&sql), "{left} {right}");
    }
    assert!(session.one::<bool>(
        "select parley_native.content_digest('9007199254740992') <> parley_native.content_digest('9007199254740993')"
    ));
    assert!(session.one::<bool>("select parley_native.content_digest(null) is null"));
}

#[test]
fn nesting_has_a_limit_and_no_stack() {
    let mut session = Database::new().session();
    let nested = |depth: usize| format!("{}1{}", r#"[{"a":"#.repeat(depth / 2), "}]".repeat(depth / 2));
    assert_eq!(canonical(&mut session, &nested(MAX_DEPTH)), nested(MAX_DEPTH));
    for function in ["canonical_json", "content_digest"] {
        let refusal = session.refusal(&format!(
            "select parley_native.{function}('{}')",
            nested(MAX_DEPTH + 2)
        ));
        assert_eq!(
            (refusal.state.as_str(), refusal.message.as_str()),
            ("54000", "JSON is nested deeper than 256 levels.")
        );
    }
}

#[test]
fn a_value_that_is_stored_elsewhere_hashes_the_same() {
    let mut session = Database::new().session();
    session.run(
        "create table t (id int, doc jsonb);
        insert into t select 1, jsonb_agg(jsonb_build_object('n', n, 'text', md5(n::text))) from generate_series(1, 5000) as n;
        insert into t select 2, jsonb_build_object('text', repeat('a', 100000));
        create table plain as select id, doc::text as doc from t",
    );
    assert!(session.one::<bool>("select pg_column_size(doc) < 10000 from t where id = 2"));
    assert!(session.one::<bool>(
        "select bool_and(parley_native.content_digest(t.doc) = parley_native.content_digest(plain.doc::jsonb)) from t join plain using (id)"
    ));
}
