//! Both kernels have the same functions.

use std::collections::BTreeMap;

use parley_tests::{Error, Session, with_both_kernels};

/// Functions that one kernel has alone, with the reason.
const ALONE: [(&str, &str); 16] = [
    ("parley_portable.word_text", "a part of words"),
    ("parley_portable.canonical_number", "a part of canonical_json"),
    ("parley_portable.utf16_order", "a part of canonical_json"),
    ("parley_portable.canonical_node", "a part of canonical_json"),
    (
        "parley_portable.tavus_event_type",
        "a part of tavus_event_key and tavus_event_digest",
    ),
    ("parley_portable.tavus_renamed", "a part of tavus_event_digest"),
    (
        "parley_portable.aggregate_recount",
        "writes SQL that both kernels' shared functions run: drift, repair, new parents",
    ),
    (
        "parley_portable.aggregate_changes",
        "writes the trigger functions of the portable kernel",
    ),
    (
        "parley_portable.aggregate_has_changed",
        "writes the trigger functions of the portable kernel",
    ),
    (
        "parley_portable.lock_body",
        "writes the triggers that lock for both kernels where aggregates share a parent",
    ),
    (
        "parley_portable.aggregate_rows",
        "writes the trigger functions of the portable kernel",
    ),
    (
        "parley_portable.aggregate_body_delta",
        "writes the trigger functions of the portable kernel",
    ),
    (
        "parley_portable.aggregate_body_max",
        "writes the trigger functions of the portable kernel",
    ),
    (
        "parley_portable.aggregate_body",
        "writes the trigger functions of the portable kernel",
    ),
    (
        "parley_native.maintain_aggregate",
        "stands for all the trigger functions that the portable kernel writes",
    ),
    (
        "parley_native.touch_updated_at",
        "the portable one is parley.touch_updated_at",
    ),
];

/// Name to signature, of one kernel. What the portable kernel generated for an aggregate is left out.
async fn functions(session: &mut Session, schema: &str) -> Result<BTreeMap<String, String>, Error> {
    let rows = session
        .rows(&format!(
            "select p.proname, concat_ws(' ', '(' || pg_get_function_arguments(p.oid) || ')', pg_get_function_result(p.oid),
                 'volatile', p.provolatile, 'strict', p.proisstrict, 'parallel', p.proparallel)
             from pg_proc as p where p.pronamespace = '{schema}'::regnamespace and p.proname !~ '^(aggregate|lock_parents)_[0-9]+_'"
        ))
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.as_slice() {
            [Some(name), Some(signature)] => Some((name.clone(), signature.clone())),
            _ => None,
        })
        .collect())
}

#[test]
fn functions_of_one_kernel_alone_are_on_the_list() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let portable = functions(session, "parley_portable").await?;
        let native = functions(session, "parley_native").await?;
        let mut alone: Vec<String> = portable
            .keys()
            .filter(|name| !native.contains_key(*name))
            .map(|name| format!("parley_portable.{name}"))
            .collect();
        alone.extend(
            native
                .keys()
                .filter(|name| !portable.contains_key(*name))
                .map(|name| format!("parley_native.{name}")),
        );
        alone.sort();
        let mut listed: Vec<&str> = ALONE.map(|(name, _)| name).to_vec();
        listed.sort_unstable();
        assert_eq!(alone, listed);
        Ok(())
    })
}

#[test]
fn functions_of_both_kernels_have_the_same_signature() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let native = functions(session, "parley_native").await?;
        let mut compared = Vec::new();
        for (name, signature) in functions(session, "parley_portable").await? {
            if let Some(other) = native.get(&name) {
                assert_eq!(&signature, other, "{name}");
                compared.push(name);
            }
        }
        // Each of these has a file here that compares what it does.
        assert_eq!(
            compared,
            [
                "broadcast",
                "canonical_json",
                "claim_event",
                "content_digest",
                "nearest",
                "rate_limit",
                "tavus_event_digest",
                "tavus_event_key",
                "words"
            ]
        );
        Ok(())
    })
}

#[test]
fn api_roles_may_call_of_both_kernels_what_checks_of_their_rows_call() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let open = session
            .rows(
                "select p.oid::regprocedure, r.role from pg_proc as p cross join (values ('anon'), ('authenticated')) as r (role)
                 where p.pronamespace::regnamespace::text in ('parley', 'parley_portable', 'parley_native')
                     -- A constraint runs with the rights of who writes; they read no table, and the schema is closed to statements.
                     and (p.pronamespace, p.proname) not in (
                         ('parley'::regnamespace, 'trim_text'), ('parley'::regnamespace, 'is_one_line'), ('parley'::regnamespace, 'normal_emoji')
                     )
                     and has_function_privilege(r.role, p.oid, 'execute')",
            )
            .await?;
        assert!(open.is_empty(), "{open:?}");
        Ok(())
    })
}
