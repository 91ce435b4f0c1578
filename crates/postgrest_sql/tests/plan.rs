//! Plans of requests, against a catalogue that is written down here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

use postgrest_sql::{Catalogue, Error, Outcome, Plan, Request, Row, Settings, TransactionEnd, plan};
use proptest::prelude::*;
use serde_json::{Value, json};

fn catalogue() -> Catalogue {
    let column = |number: i16, name: &str, kind: &str| json!({ "number": number, "name": name, "type": kind, "base_type": kind, "default": null, "is_required": number == 1 });
    let table = |id: i64, name: &str, key: &[i16], columns: Vec<Value>| json!({ "id": id, "schema": "api", "name": name, "is_view": false, "events": 28, "key": key, "columns": columns, "definition": null });
    let mut view = table(
        3,
        "film_view",
        &[],
        vec![column(1, "film", "integer"), column(2, "name", "text")],
    );
    view["is_view"] = json!(true);
    view["definition"] = json!(
        "({QUERY :targetList ({TARGETENTRY :resno 1 :resorigtbl 1 :resorigcol 1} {TARGETENTRY :resno 2 :resorigtbl 1 :resorigcol 2})})"
    );
    let key = |name: &str, from: i64, column: i16, to: i64| json!({ "name": name, "from": from, "from_columns": [column], "to": to, "to_columns": [1], "is_unique": false });
    let function = |name: &str, arguments: Value, is_set: bool, returns: &str, volatility: &str| {
        json!({
            "schema": "api", "name": name, "arguments": arguments, "volatility": volatility,
            "returns": { "schema": "pg_catalog", "name": returns, "is_set": is_set, "is_composite": false },
            "settings": ["statement_timeout=5s", "default_transaction_isolation=serializable"]
        })
    };
    let argument = |name: &str, kind: &str, is_required: bool| json!({ "name": name, "type": kind, "call_type": kind, "is_required": is_required, "is_variadic": false });
    let all = json!({
        "relations": [
            table(1, "films", &[1], vec![column(1, "id", "integer"), column(2, "title", "text"), column(3, "data", "jsonb")]),
            table(2, "roles", &[1, 2], vec![column(1, "film_id", "integer"), column(2, "actor_id", "integer"), column(3, "words", "tsvector")]),
            view,
            table(4, "actors", &[1], vec![column(1, "id", "integer"), column(2, "best_film", "integer")]),
        ],
        "foreign_keys": [key("roles_film", 2, 1, 1), key("roles_actor", 2, 2, 4), key("actors_film", 4, 2, 1)],
        "functions": [
            function("add", json!([argument("a", "integer", true), argument("b", "integer", false)]), false, "int4", "i"),
            function("act", json!([argument("", "jsonb", true)]), false, "void", "v"),
        ],
        "computed": []
    });
    Catalogue::read(&all.to_string(), &["api".to_owned()]).unwrap()
}

fn settings() -> Settings {
    Settings::new(vec!["api".to_owned()], vec![], Some(100))
}

fn ask(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Result<Plan, Error> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let request = Request {
        method,
        path,
        query,
        headers: &headers,
        body: body.as_bytes(),
    };
    match plan(&request, &catalogue(), &settings())? {
        Outcome::Run(plan) => Ok(*plan),
        Outcome::Answer(answer) => panic!("{answer:?}"),
    }
}

fn get(target: &str) -> Result<Plan, Error> {
    ask("GET", target, &[], "")
}

fn code(result: Result<Plan, Error>) -> (u16, String) {
    let error = result.unwrap_err();
    (error.status, error.code.clone())
}

#[test]
fn reading_is_one_statement_in_a_read_only_transaction() {
    let plan = get("/films?select=id,data->>x&title=eq.a&order=id.desc&limit=5&offset=2").unwrap();
    assert!(plan.is_read_only && !plan.is_conditional && plan.end == TransactionEnd::Commit);
    let sql = &plan.statement.sql;
    assert!(
        sql.contains(
            r#"select "api"."films"."id", "api"."films"."data"->>$1 as "x" from "api"."films" where "api"."films"."title" = $2 order by "api"."films"."id" desc limit $3 offset $4"#
        ),
        "{sql}"
    );
    let parameters: Vec<&str> = plan
        .statement
        .parameters
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    assert_eq!(parameters, ["x", "a", "5", "2"]);
}

#[test]
fn embedded_resources_are_found_by_name_key_column_and_hint() {
    for target in [
        "/films?select=roles(*)",
        "/roles?select=films(*)",
        "/roles?select=film_id(*)",
        "/roles?select=roles_film(*)",
        "/film_view?select=film,roles(*)",
        "/films?select=actors!roles(*)",
        "/films?select=actors!actors_film(*)",
        "/films?select=actors!best_film(*)",
    ] {
        assert!(get(target).is_ok(), "{target}");
    }
    assert_eq!(code(get("/films?select=actors(*)")), (300, "PGRST201".to_owned()));
    assert_eq!(
        code(get("/films?select=nothing(*)")),
        (400, "PGRST200".to_owned())
    );
    let many = get("/films?select=actors!roles(*)").unwrap().statement.sql;
    assert!(
        many.contains(r#""api"."roles" as "junction_films_actors_1""#),
        "{many}"
    );
}

#[test]
fn text_search_converts_what_is_no_vector() {
    let text = get("/films?title=fts(english).cat").unwrap().statement.sql;
    assert!(
        text.contains(r#"to_tsvector($1, "api"."films"."title") @@ to_tsquery($2, $3)"#),
        "{text}"
    );
    let vector = get("/roles?words=plfts.cat").unwrap().statement.sql;
    assert!(
        vector.contains(r#""api"."roles"."words" @@ plainto_tsquery($1)"#),
        "{vector}"
    );
}

#[test]
fn functions_are_chosen_by_their_arguments() {
    let plan = ask("POST", "/rpc/add", &[], r#"{"a": 1}"#).unwrap();
    assert!(plan.is_read_only, "an immutable function only reads");
    assert_eq!(plan.isolation.as_deref(), Some("serializable"));
    assert_eq!(plan.settings, [("statement_timeout".to_owned(), "5s".to_owned())]);
    assert!(get("/rpc/add?a=1&b=2").is_ok());
    assert_eq!(code(get("/rpc/add?b=2")), (404, "PGRST202".to_owned()));
    assert_eq!(
        code(ask("POST", "/rpc/add", &[], r#"{"a": 1, "c": 2}"#)),
        (404, "PGRST202".to_owned())
    );
    let whole = ask("POST", "/rpc/act", &[], "[1, 2]").unwrap();
    assert!(!whole.is_read_only);
    // The body as the one argument, and the most rows that an answer may have.
    assert_eq!(
        whole.statement.parameters,
        [Some("[1, 2]".to_owned()), Some("100".to_owned())]
    );
    let hint = ask("POST", "/rpc/ad", &[], "{}").unwrap_err().into_refusal().hint;
    assert_eq!(hint, Value::Null);
    let missing = ask("POST", "/rpc/add", &[], r#"{"a": 1, "d": 2}"#).unwrap_err();
    assert_eq!(
        missing.message,
        "Could not find the function api.add(a, d) in the schema cache"
    );
    assert_eq!(
        missing.hint,
        "Perhaps you meant to call the function api.add(a, b)"
    );
}

#[test]
fn changes_that_may_be_refused_wait_for_their_row() {
    let update = |prefer: &str| {
        ask(
            "PATCH",
            "/films?id=eq.1",
            &[("prefer", prefer)],
            r#"{"title": "x"}"#,
        )
        .unwrap()
    };
    assert!(!update("return=minimal").is_conditional);
    let strict = update("handling=strict, max-affected=1");
    assert!(strict.is_conditional);
    let row = |rows| Row {
        rows,
        ..Row::default()
    };
    assert!(strict.check(&row(1)).is_ok());
    assert_eq!(strict.check(&row(2)).unwrap_err().code, "PGRST124");
    let one = [
        ("accept", "application/vnd.pgrst.object+json"),
        ("prefer", "return=representation"),
    ];
    let one = ask("DELETE", "/films?id=eq.1", &one, "").unwrap();
    assert_eq!(one.check(&row(0)).unwrap_err().code, "PGRST116");
}

#[test]
fn nothing_written_is_an_update_of_no_rows() {
    let plan = ask(
        "PATCH",
        "/films?id=eq.1",
        &[("prefer", "return=representation")],
        "{}",
    )
    .unwrap();
    assert!(
        plan.statement.sql.contains("where false"),
        "{}",
        plan.statement.sql
    );
}

#[test]
fn aggregates_wait_for_a_setting() {
    assert_eq!(code(get("/films?select=id.sum()")), (400, "PGRST123".to_owned()));
    assert!(
        get("/films?select=id,roles(count)").is_ok(),
        "the column `count` is no aggregate"
    );
}

#[test]
fn answer_has_the_status_of_what_was_done() {
    let row = |rows, total| Row {
        rows,
        total,
        body: "[]".to_owned(),
        ..Row::default()
    };
    let counted = ask("GET", "/films?limit=2", &[("prefer", "count=exact")], "").unwrap();
    let response = counted.answer(row(2, Some(5)), None).unwrap();
    assert_eq!(response.status, 206);
    assert!(
        response
            .headers
            .contains(&("Content-Range".to_owned(), "0-1/5".to_owned()))
    );
    let inserted = ask("POST", "/films", &[], r#"{"id": 1}"#).unwrap();
    let response = inserted.answer(row(1, None), None).unwrap();
    assert_eq!((response.status, response.body.as_str()), (201, ""));
    let own = Row {
        status: Some("299".to_owned()),
        headers: Some(r#"[{"content-range": "mine"}]"#.to_owned()),
        ..row(1, None)
    };
    let response = inserted.answer(own, None).unwrap();
    assert_eq!(response.status, 299);
    let ranges = response
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-range"));
    assert_eq!(ranges.count(), 1);
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    /// Whatever a value is, the statement is the same: it is a parameter.
    #[test]
    fn values_never_become_sql(value in ".*") {
        let sql = |value: &str| {
            let value = encoded(value);
            let target = format!("/films?title=eq.{value}&id=isdistinct.{value}&title=like(any).{value}&data->>x=neq.{value}");
            get(&target).unwrap().statement.sql
        };
        prop_assert_eq!(sql(&value), sql("x"));
    }

    /// Whatever a name is, it stays between its quotes.
    #[test]
    fn names_never_end_their_quotes(name in "[^\\\\\"\0*]+") {
        let target = format!("/films?select=%22{0}%22&order=%22{0}%22", encoded(&name));
        let sql = get(&target).unwrap().statement.sql;
        let part = format!("\"api\".\"films\".\"{name}\"");
        prop_assert_eq!(sql.matches(&part).count(), 2);
    }

    /// No query makes the planner panic.
    #[test]
    fn any_query_is_planned_or_refused(query in "[a-z(),.:!*>\"=&-]{0,60}") {
        let _ = get(&format!("/films?{query}"));
        let _ = get(&format!("/films?select={query}"));
        let _ = get(&format!("/films?or=({query})"));
        let _ = ask("POST", "/films", &[("content-type", "text/csv")], &query);
    }
}
