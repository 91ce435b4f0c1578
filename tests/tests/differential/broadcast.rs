//! `broadcast`: the same message through each kernel, in the stack's own database, because that one has Realtime's tables. Everything
//! happens in a transaction that is rolled back.

use parley_tests::{Error, Place, Refusal, Row, expected_kernel, in_schema};

const KERNELS: [&str; 2] = ["portable", "native"];

/// Begins a transaction in which both kernels are there; false where the server has no native one (see `with_both_kernels`).
async fn begin(place: &mut Place) -> Result<bool, Error> {
    let is_there = "select count(*) from pg_available_extensions where name = 'parley'";
    if place.session.text(is_there).await? == "0" {
        if expected_kernel()?.as_deref() == Some("native") {
            return Err(Error::NoNativeKernel);
        }
        println!("not run: this server has no native kernel to compare with");
        return Ok(false);
    }
    place
        .session
        .run("set client_min_messages = error; begin; create extension if not exists parley")
        .await?;
    Ok(true)
}

/// What a call answered, and the rows that it wrote: everything but their ids.
async fn send(
    place: &mut Place,
    kernel: &str,
    arguments: &str,
) -> Result<(Result<Vec<Row>, Refusal>, Vec<Row>), Error> {
    place.session.run("savepoint before").await?;
    let answer = place
        .session
        .outcome(&format!("select parley_{kernel}.broadcast({arguments})"))
        .await?;
    if answer.is_err() {
        place.session.run("rollback to before").await?;
    }
    let rows = place
        .session
        .rows(
            "select m.topic, m.event, m.extension, m.private, m.payload - 'id', m.inserted_at = (now() at time zone 'UTC'),
                 m.tableoid::regclass, m.payload ? 'id', current_setting('timezone')
             from realtime.messages as m where m.topic like 'broadcast test%'",
        )
        .await?;
    place.session.run("rollback to before").await?;
    Ok((answer, rows))
}

#[test]
fn messages_and_refusals_are_the_same() -> Result<(), Error> {
    in_schema(async |place| {
        if !begin(place).await? {
            return Ok(());
        }
        place
            .session
            .run("set local timezone = 'Pacific/Kiritimati'")
            .await?;
        let calls = [
            (r#"'broadcast test', 'event', '{}'"#, true),
            (
                r#"'broadcast test', 'event', '{"a": [1, {"b": null}], "😀": 1e30}'"#,
                true,
            ),
            (r#"'broadcast test', 'event', '{"id": "mine"}'"#, true),
            (r#"'broadcast test', 'event', '{"id": 7}'"#, true),
            (
                r#"'broadcast test:' || repeat('x', 3000), repeat('y', 3000), jsonb_build_object('z', repeat('z', 100000))"#,
                true,
            ),
            ("'', 'event', '{}'", false),
            ("null, 'event', '{}'", false),
            ("'broadcast test', '', '{}'", false),
            ("'broadcast test', null, '{}'", false),
            ("'broadcast test', 'event', null", false),
            ("'broadcast test', 'event', '[]'", false),
            ("'broadcast test', 'event', 'null'", false),
            ("'broadcast test', 'event', '\"text\"'", false),
            ("'broadcast test', 'event', '7'", false),
            ("null, null, null", false),
        ];
        for (arguments, is_sent) in calls {
            let [portable, native] = [
                send(place, KERNELS[0], arguments).await?,
                send(place, KERNELS[1], arguments).await?,
            ];
            assert_eq!(portable, native, "{arguments}");
            assert_eq!(
                (portable.0.is_ok(), portable.1.len()),
                (is_sent, usize::from(is_sent)),
                "{arguments}: {portable:?}"
            );
            if let Err(refusal) = portable.0 {
                assert_eq!(refusal.code, "22023", "{arguments}");
            }
            for row in portable.1 {
                assert_eq!(row[5].as_deref(), Some("t"), "filed by the day in UTC");
                assert_eq!(
                    row[8].as_deref(),
                    Some("Pacific/Kiritimati"),
                    "the caller's time zone is as it was"
                );
            }
        }
        place.session.run("rollback").await
    })
}

#[test]
fn nothing_happens_where_there_is_no_realtime() -> Result<(), Error> {
    parley_tests::with_both_kernels(async |session| {
        for kernel in KERNELS {
            session
                .run(&format!(
                    "select parley_{kernel}.broadcast('topic', 'event', '{{}}')"
                ))
                .await?;
            let refused = session
                .refusal(&format!("select parley_{kernel}.broadcast('', 'event', '{{}}')"))
                .await?;
            assert_eq!(refused.message, "The topic must not be empty.");
        }
        Ok(())
    })
}
