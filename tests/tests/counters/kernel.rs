//! The run tests the kernel that it says it tests.

use parley_tests::{Error, expected_kernel, in_schema};

#[test]
fn database_runs_the_kernel_that_the_run_asked_for() -> Result<(), Error> {
    in_schema(async |place| {
        let runs = place.session.text("select parley.implementation()").await?;
        match expected_kernel()? {
            Some(kernel) => assert_eq!(runs, kernel),
            None => assert!(runs == "native" || runs == "portable", "{runs}"),
        }
        Ok(())
    })
}

#[test]
fn attached_triggers_belong_to_the_kernel_that_runs() -> Result<(), Error> {
    in_schema(async |place| {
        place
            .session
            .run(
                "create table rooms (id int primary key, members int);
                 create table members (room int);
                 select parley.maintain_count('members', 'room', 'rooms', 'id', 'members')",
            )
            .await?;
        let schemas = place
            .session
            .rows(
                "select distinct p.pronamespace::regnamespace from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
                 where t.tgrelid = 'members'::regclass",
            )
            .await?;
        let kernel = place.session.text("select parley.implementation()").await?;
        assert_eq!(schemas, [[Some(format!("parley_{kernel}"))]]);
        Ok(())
    })
}
