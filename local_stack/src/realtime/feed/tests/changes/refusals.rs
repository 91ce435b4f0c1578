//! What a client is told when it asks for what there is not.

use serde_json::json;

use crate::realtime::feed::tests::support::{Bench, Watcher, key};

const MIGRATION: &str = "
create table public.things (id integer primary key, kind text, code varchar, hidden text, is_new boolean);
grant select (id, kind, code, is_new) on public.things to anon;
create table public.private (id integer primary key);
alter publication supabase_realtime add table public.things;";

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_table_is_refused_in_the_words_of_the_server() {
    let bench = Bench::start(MIGRATION).await;
    let anon = key("anon");
    let disabled = "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given connect parameters: ";
    for (request, parameters) in [
        (
            json!({"event": "INSERT", "schema": "public", "table": "private"}),
            "[event: INSERT, schema: public, table: private, filters: [], select: nil]",
        ),
        (
            json!({"schema": "nowhere", "table": "things", "filter": "id=in.(1,2),kind=not.like.a%"}),
            r#"[event: *, schema: nowhere, table: things, filters: [{"id", "in", "{1,2}", false}, {"kind", "like", "a%", true}], select: nil]"#,
        ),
        (
            json!({"schema": "public", "table": "things'; --"}),
            "[event: *, schema: public, table: things'; --, filters: [], select: nil]",
        ),
    ] {
        assert_eq!(
            Watcher::refused(&bench, &anon, request).await,
            format!("{disabled}{parameters}")
        );
    }

    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let many = format!("id=in.({})", many.join(","));
    for (filter, exception) in [
        (
            "nope=eq.1",
            "ERROR P0001 (raise_exception) invalid column for filter nope",
        ),
        (
            "hidden=eq.1",
            "ERROR P0001 (raise_exception) invalid column for filter hidden",
        ),
        (
            "id=eq.x",
            "ERROR 22P02 (invalid_text_representation) invalid input syntax for type integer: \"x\"",
        ),
        (
            "id=in.(1,x)",
            "ERROR 22P02 (invalid_text_representation) invalid input syntax for type integer: \"x\"",
        ),
        (
            many.as_str(),
            "ERROR P0001 (raise_exception) too many values for `in` filter. Maximum 100",
        ),
        (
            "id=like.1%",
            "ERROR P0001 (raise_exception) operator like requires a text-compatible column type, got int4",
        ),
        (
            "id=imatch.1",
            "ERROR P0001 (raise_exception) operator imatch requires a text-compatible column type, got int4",
        ),
        (
            "kind=is.true",
            "ERROR P0001 (raise_exception) is true filter requires a boolean column, got text",
        ),
        (
            "kind=is.maybe",
            "ERROR P0001 (raise_exception) invalid value for is filter: must be null, true, false, or unknown",
        ),
        (
            "kind=match.(",
            "ERROR P0001 (raise_exception) invalid regular expression for match filter: invalid regular expression: parentheses () not balanced",
        ),
    ] {
        let request = json!({"event": "*", "schema": "public", "table": "things", "filter": filter});
        let said = Watcher::refused(&bench, &anon, request).await;
        assert!(
            said.starts_with("Unable to subscribe to changes with given parameters. An exception happened so please check your connect parameters: [event: *, schema: public, table: things, filters: [{"),
            "{said}"
        );
        assert!(said.ends_with(&format!("]. Exception: {exception}")), "{said}");
    }
    let request = json!({"table": "things", "select": ["kind", "hidden"]});
    let said = Watcher::refused(&bench, &anon, request).await;
    assert!(
        said.ends_with("select: [\"hidden\", \"kind\"]]. Exception: ERROR P0001 (raise_exception) invalid column for select hidden"),
        "{said}"
    );
    let said = Watcher::refused(
        &bench,
        &anon,
        json!({"schema": "public", "table": "things", "filter": "a=foo.hey"}),
    )
    .await;
    assert_eq!(said, "Error parsing `filter` params: [\"foo\", \"hey\"]");
    let said = Watcher::refused(&bench, &key("no such role"), json!({"table": "things"})).await;
    assert!(
        said.ends_with("ERROR 42704 (undefined_object) role \"no such role\" does not exist"),
        "{said}"
    );

    let said = Watcher::refused(
        &bench,
        &anon,
        json!({"schema": "public", "table": "things", "filter": "kind=eq.\u{0}"}),
    )
    .await;
    assert!(said.contains("invalid byte sequence"), "{said}");
    Watcher::new(&bench, &anon, json!([{"table": "things"}, {"schema": "*"}])).await;
    bench.stop().await;
}
