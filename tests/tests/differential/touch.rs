//! `touch_updated_at`: the same table twice, one trigger a kernel.

use parley_tests::{Error, Refusal, with_both_kernels};

/// The function that each kernel's triggers call.
const FUNCTIONS: [&str; 2] = ["parley.touch_updated_at", "parley_native.touch_updated_at"];

#[test]
fn updated_at_is_the_time_of_the_transaction_in_both() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for function in FUNCTIONS {
            for kind in ["timestamptz", "timestamp", "timestamptz(0)", "timestamp(3)"] {
                session
                    .run(&format!(
                        "create table notes (id int primary key, dropped int, text text, updated_at {kind});
                         alter table notes drop column dropped;
                         create trigger touch before update on notes for each row execute function {function}();
                         insert into notes values (1, 'a'), (2, 'b')"
                    ))
                    .await?;
                let rows = session
                    .rows(&format!(
                        "begin; set local timezone = 'Asia/Tokyo'; update notes set text = 'c', updated_at = null where id = 1;
                         select updated_at = now()::{kind}, text from notes where id = 1; commit;
                         select updated_at is null, text from notes where id = 2; drop table notes"
                    ))
                    .await?;
                let row = |text: &str| vec![Some("t".to_owned()), Some(text.to_owned())];
                assert_eq!(rows, [row("c"), row("b")], "{function} on {kind}");
            }
        }
        Ok(())
    })
}

#[test]
fn triggers_that_cannot_work_are_refused_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for (columns, trigger) in [
            ("id int", "before update on notes for each row"),
            (
                "id int, \"Updated_At\" timestamptz",
                "before update on notes for each row",
            ),
            (
                "id int, updated_at timestamptz not null default now()",
                "before update on notes for each row",
            ),
            (
                "id int, updated_at timestamptz check (updated_at < '2000-01-01')",
                "before update on notes for each row",
            ),
            (
                "id int, updated_at timestamptz",
                "before insert on notes for each row",
            ),
        ] {
            let mut outcomes = Vec::new();
            for function in FUNCTIONS {
                session.run(&format!("create table notes ({columns})")).await?;
                session
                    .run(&format!(
                        "create trigger touch {trigger} execute function {function}()"
                    ))
                    .await?;
                let inserted = session.outcome("insert into notes (id) values (1)").await?;
                // The detail shows the row, and in it the time.
                let updated = session
                    .outcome("update notes set id = 2 where id = 1")
                    .await?
                    .map_err(|refusal| Refusal {
                        detail: None,
                        ..refusal
                    });
                let stored = session
                    .rows("select to_jsonb(notes) - 'updated_at' from notes")
                    .await?;
                outcomes.push((inserted, updated, stored));
                session.run("drop table notes").await?;
            }
            assert_eq!(outcomes[0], outcomes[1], "({columns}) {trigger}");
        }
        Ok(())
    })
}

/// A known difference: PL/pgSQL turns the time into whatever the column is, or tries to; the native kernel takes timestamps only.
#[test]
fn native_kernel_refuses_columns_that_are_no_timestamps() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for (kind, portable) in [
            ("date", None),
            ("text", None),
            ("int", Some("22P02")),
            ("interval", Some("22007")),
        ] {
            for (function, expected) in [(FUNCTIONS[0], portable), (FUNCTIONS[1], Some("42804"))] {
                session
                    .run(&format!(
                        "create table notes (id int, updated_at {kind}); insert into notes (id) values (1);
                         create trigger touch before update on notes for each row execute function {function}()"
                    ))
                    .await?;
                let code = session
                    .outcome("update notes set id = 2 where id = 1")
                    .await?
                    .err()
                    .map(|refusal| refusal.code);
                assert_eq!(code.as_deref(), expected, "{function} on {kind}");
                session.run("drop table notes").await?;
            }
        }
        Ok(())
    })
}

/// A known difference: a trigger that fires too late or without a row changes nothing in PL/pgSQL; the native kernel says so.
#[test]
fn native_kernel_refuses_triggers_that_could_not_touch_anything() -> Result<(), Error> {
    with_both_kernels(async |session| {
        for trigger in [
            "before update on notes for each statement",
            "after update on notes for each row",
        ] {
            for (function, expected) in [(FUNCTIONS[0], None), (FUNCTIONS[1], Some("39P01"))] {
                session
                    .run(&format!(
                        "create table notes (id int, updated_at timestamptz); insert into notes (id) values (1);
                         create trigger touch {trigger} execute function {function}()"
                    ))
                    .await?;
                let code = session
                    .outcome("update notes set id = 2 where id = 1")
                    .await?
                    .err()
                    .map(|refusal| refusal.code);
                assert_eq!(code.as_deref(), expected, "{function}, {trigger}");
                session.run("drop table notes").await?;
            }
        }
        Ok(())
    })
}
