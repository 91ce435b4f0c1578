//! Every way to ask for an aggregate that cannot be kept, with the answer.

use parley_tests::{Error, Place, Refusal, in_schema};

const TABLES: &str = "
    create table rooms (id int primary key, members int, title text, ratio double precision, code int, places text, latest date);
    create table members (room int, room_text text, weight double precision, points int, since timestamptz);
    create view views as select 1 as id, 1 as members;
    create table pairs (a int, b int, members int, primary key (a, b));
    create table partial_keys (id int, members int);
    create unique index on partial_keys (id) where members > 0;
    create table late_keys (id int unique deferrable, members int)";

async fn refusal(place: &mut Place, call: &str) -> Result<Refusal, Error> {
    place.session.refusal(&format!("select parley.{call}")).await
}

/// Asserts that each call is refused with this SQLSTATE and message, and that nothing was registered.
fn assert_refused(calls: &[(&str, &str, &str)]) -> Result<(), Error> {
    in_schema(async |place| {
        place.session.run(TABLES).await?;
        for (call, code, message) in calls {
            let refused = refusal(place, call).await?;
            let said = refused.message.replace(&format!("{}.", place.schema), "");
            assert_eq!(
                (refused.code.as_str(), said.as_str()),
                (*code, *message),
                "{call}"
            );
        }
        let registered = "select count(*) from parley.aggregates where child = 'members'::regclass or parent = 'rooms'::regclass";
        assert_eq!(place.session.text(registered).await?, "0");
        Ok(())
    })
}

#[test]
fn columns_that_are_not_there_are_named() -> Result<(), Error> {
    assert_refused(&[
        (
            "maintain_count('members', 'rom', 'rooms', 'id', 'members')",
            "42703",
            "members has no column rom.",
        ),
        (
            "maintain_count('members', 'room', 'rooms', 'Id', 'members')",
            "42703",
            "rooms has no column \"Id\".",
        ),
        (
            "maintain_count('members', 'room', 'rooms', 'id', 'many')",
            "42703",
            "rooms has no column many.",
        ),
        (
            "maintain_count('members', 'room', 'rooms', 'id', 'members', 'seats')",
            "42703",
            "rooms has no column seats.",
        ),
        (
            "maintain_sum('members', 'room', 'pints', 'rooms', 'id', 'members')",
            "42703",
            "members has no column pints.",
        ),
        (
            "maintain_max('members', 'room', 'sinds', 'rooms', 'id', 'latest')",
            "42703",
            "members has no column sinds.",
        ),
        (
            "maintain_count('members', 'room', 'rooms', 'ctid', 'members')",
            "42703",
            "rooms has no column ctid.",
        ),
        (
            "maintain_count('members', null, 'rooms', 'id', 'members')",
            "42703",
            "members has no column \"\".",
        ),
        (
            "maintain_count('members', 'room', 'rooms', 'id', 'members', null, 'nope > 1')",
            "42703",
            "column \"nope\" does not exist",
        ),
    ])
}

#[test]
fn tables_that_cannot_be_kept_are_refused() -> Result<(), Error> {
    assert_refused(&[
        (
            "maintain_count(null, 'room', 'rooms', 'id', 'members')",
            "22023",
            "The child and the parent table must be given.",
        ),
        (
            "maintain_count('members', 'room', null, 'id', 'members')",
            "22023",
            "The child and the parent table must be given.",
        ),
        (
            "maintain_count('views', 'id', 'rooms', 'id', 'members')",
            "22023",
            "views is not a table.",
        ),
        (
            "maintain_count('members', 'room', 'views', 'id', 'members')",
            "22023",
            "views is not a table.",
        ),
        (
            "maintain_count('auth.users', 'id', 'rooms', 'id', 'members')",
            "42501",
            "You must own auth.users to attach an aggregate to it.",
        ),
        (
            "maintain_count('members', 'room', 'auth.users', 'id', 'members')",
            "42501",
            "You must own auth.users to attach an aggregate to it.",
        ),
    ])
}

#[test]
fn keys_that_do_not_fit_are_refused() -> Result<(), Error> {
    assert_refused(&[
        (
            "maintain_count('members', 'room_text', 'rooms', 'id', 'members')",
            "22023",
            "The keys differ in type: members.room_text is text, rooms.id is integer.",
        ),
        (
            "maintain_count('members', 'room', 'rooms', 'code', 'members')",
            "22023",
            "rooms.code is not unique.",
        ),
        (
            "maintain_count('members', 'room', 'pairs', 'a', 'members')",
            "22023",
            "pairs.a is not unique.",
        ),
        (
            "maintain_count('members', 'room', 'partial_keys', 'id', 'members')",
            "22023",
            "partial_keys.id is not unique.",
        ),
        (
            "maintain_count('members', 'room', 'late_keys', 'id', 'members')",
            "22023",
            "late_keys.id is not unique.",
        ),
    ])
}

#[test]
fn values_of_the_wrong_type_are_refused() -> Result<(), Error> {
    assert_refused(&[
        (
            "maintain_count('members', 'room', 'rooms', 'id', 'title')",
            "22023",
            "rooms.title must be smallint, integer, bigint or numeric.",
        ),
        (
            "maintain_count('members', 'room', 'rooms', 'id', 'members', 'places')",
            "22023",
            "rooms.places must be smallint, integer, bigint or numeric.",
        ),
        (
            "maintain_sum('members', 'room', 'weight', 'rooms', 'id', 'members')",
            "22023",
            "members.weight must be smallint, integer, bigint or numeric.",
        ),
        (
            "maintain_sum('members', 'room', 'points', 'rooms', 'id', 'ratio')",
            "22023",
            "rooms.ratio must be smallint, integer, bigint or numeric.",
        ),
        (
            "maintain_max('members', 'room', 'since', 'rooms', 'id', 'latest')",
            "22023",
            "members.since and rooms.latest must have the same type.",
        ),
    ])
}

#[test]
fn predicates_that_do_not_parse_are_refused() -> Result<(), Error> {
    in_schema(async |place| {
        place.session.run(TABLES).await?;
        for (predicate, code) in [
            ("points >", "42601"),
            ("points", "42804"),
            ("nowhere(points)", "42883"),
            ("true); drop table rooms; --", "42601"),
        ] {
            let call = format!(
                "maintain_count('members', 'room', 'rooms', 'id', 'members', null, $p${predicate}$p$)"
            );
            assert_eq!(refusal(place, &call).await?.code, code, "{predicate}");
        }
        assert_eq!(place.session.text("select count(*) from rooms").await?, "0");
        Ok(())
    })
}

#[test]
fn aggregate_that_is_kept_already_is_refused() -> Result<(), Error> {
    in_schema(async |place| {
        place.session.run(TABLES).await?;
        place
            .session
            .run("select parley.maintain_count('members', 'room', 'rooms', 'id', 'members')")
            .await?;
        let refused = refusal(
            place,
            "maintain_sum('members', 'room', 'points', 'rooms', 'id', 'members')",
        )
        .await?;
        let said = refused.message.replace(&format!("{}.", place.schema), "");
        assert_eq!(
            (refused.code.as_str(), said.as_str()),
            ("42710", "rooms.members is kept already.")
        );
        assert_eq!(
            refused.hint.as_deref(),
            Some("Call parley.stop_maintaining first.")
        );
        Ok(())
    })
}

#[test]
fn aggregates_between_two_tables_must_use_one_key() -> Result<(), Error> {
    in_schema(async |place| {
        place.session.run(TABLES).await?;
        place
            .session
            .run(
                "alter table rooms add unique (code);
                 select parley.maintain_count('members', 'room', 'rooms', 'id', 'members')",
            )
            .await?;
        let refused = refusal(
            place,
            "maintain_max('members', 'points', 'room', 'rooms', 'code', 'id')",
        )
        .await?;
        let said = refused.message.replace(&format!("{}.", place.schema), "");
        let expected =
            "rooms is kept by another key already: all aggregates between two tables must use the same one.";
        assert_eq!((refused.code.as_str(), said.as_str()), ("22023", expected));
        Ok(())
    })
}

#[test]
fn aggregate_that_is_not_kept_cannot_be_stopped() -> Result<(), Error> {
    assert_refused(&[(
        "stop_maintaining('rooms', 'members')",
        "42704",
        "rooms.members is not kept.",
    )])
}

#[test]
fn api_roles_may_call_nothing_of_the_kernel() -> Result<(), Error> {
    in_schema(async |place| {
        place.session.run(TABLES).await?;
        for role in ["anon", "authenticated"] {
            let mut client = place.session().await?;
            client.run(&format!("set role {role}")).await?;
            for sql in [
                "select parley.maintain_count('members', 'room', 'rooms', 'id', 'members')",
                "select parley.counter_drift()",
                "select parley.repair_counters()",
                "select parley.rate_limit('bucket', 1, '1s')",
                "select parley.broadcast('topic', 'event', '{}')",
                "select parley.content_digest('{}')",
                "select parley.claim_event('source', 'key', repeat('0', 64))",
                "select parley.tavus_event_key('{}')",
                "select parley.prune_events()",
                "select parley.use_native(false)",
                "select * from parley.aggregates",
                "delete from parley.rate_limits where true",
                "select * from parley.processed_events",
            ] {
                assert_eq!(client.refusal(sql).await?.code, "42501", "{role}: {sql}");
            }
        }
        Ok(())
    })
}

#[test]
fn use_native_wants_true_or_false() -> Result<(), Error> {
    in_schema(async |place| {
        let refused = refusal(place, "use_native(null)").await?;
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            (
                "22023",
                "Say true for the native kernel or false for the portable one."
            )
        );
        Ok(())
    })
}
