//! Whose rights the trigger has, and who may have it.

use super::counters::{BOUNDED, COUNT, attach, kept, with_tables};
use super::harness::Database;

#[test]
fn a_client_that_may_insert_needs_no_right_on_the_parent() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    attach(&mut session, "a", "s.seats", BOUNDED);
    let client = database.role("client");
    session.run(&format!(
        "grant usage on schema s to {client}; grant insert, delete, select, update on s.seats to {client}"
    ));
    session.run("update s.rooms set seats = 3 where id = 1; alter table s.rooms enable row level security, force row level security");

    let mut client = database.session_as(&client);
    client.run("insert into s.seats (room) values (1)");
    client.run("insert into s.seats (room) values (1), (1)");
    assert_eq!(client.state("insert into s.seats (room) values (1)"), "PT409");
    assert!(client.one::<bool>("select current_user = session_user"));
    assert_eq!(client.state("update s.rooms set n = 0"), "42501");
    assert_eq!(client.state("select * from s.rooms"), "42501");
    client.run("begin; savepoint x");
    assert_eq!(client.state("insert into s.seats (room) values (1)"), "PT409");
    client.run("rollback to x");
    assert_eq!(client.state("update s.rooms set n = 0"), "42501");
    client.run("rollback; delete from s.seats where id = (select min(id) from s.seats)");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":2}"#]);
}

#[test]
fn the_clients_search_path_changes_nothing() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    attach(
        &mut session,
        "a",
        "s.seats",
        "'count', 'room', 's.rooms', 'id', 'n', '', '', 'points = 1'",
    );
    attach(
        &mut session,
        "b",
        "s.seats",
        "'max', 'room', 's.rooms', 'id', 'latest', '', 'points', ''",
    );
    let client = database.role("client");
    session.run(&format!(
        "grant usage on schema s to {client}; grant insert, delete on s.seats to {client}; create schema evil authorization {client}"
    ));
    let mut client = database.session_as(&client);
    client.run(
        "create function evil.take(int, int) returns boolean language plpgsql as $$
        begin raise exception 'ran as %', current_user; end $$;
        create operator evil.= (leftarg = int, rightarg = int, function = evil.take);
        create operator evil.> (leftarg = int, rightarg = int, function = evil.take);
        create operator evil.<= (leftarg = int, rightarg = int, function = evil.take);
        create function evil.max(int) returns int language plpgsql as $$ begin raise exception 'evil'; end $$;
        set search_path = evil, pg_catalog;
        insert into s.seats (room, points) values (1, 1);
        insert into s.seats (room, points) values (1, 1), (1, 2);
        delete from s.seats where true",
    );
    assert_eq!(client.one::<String>("show search_path"), "evil, pg_catalog");
    assert!(session.one::<bool>("select bool_and(n = 0 and latest is null) from s.rooms"));
}

#[test]
fn the_right_to_attach_triggers_does_not_lend_the_owners_rights() {
    let database = Database::empty();
    let (installer, owner) = (database.role("installer"), database.role("owner"));
    let mut session = database.session();
    session.run(&format!(
        "grant create on database {} to {installer}",
        database.name()
    ));
    with_tables(&mut session);
    session.run(&format!(
        "alter table s.seats owner to {owner}; grant usage on schema s to {installer}, {owner}"
    ));
    session.run(&format!("grant trigger, insert on s.seats to {installer}"));

    let mut tempted = database.session_as(&installer);
    tempted.run("create extension parley");
    attach(&mut tempted, "a", "s.seats", COUNT);
    let refusal = tempted.refusal("insert into s.seats (room) values (1)");
    assert_eq!(refusal.state, "42501");
    assert!(
        refusal
            .message
            .contains("must be a member of the role that owns the table")
    );

    session.run(&format!(
        "grant {owner} to {installer}; grant select, update on s.rooms to {owner}"
    ));
    tempted.run("insert into s.seats (room) values (1)");
    assert_eq!(kept(&mut session, "n"), [r#"{"id":1,"v":1}"#]);
    session.run(&format!("revoke {owner} from {installer}"));
    assert_eq!(tempted.state("insert into s.seats (room) values (1)"), "42501");
}

#[test]
fn a_condition_cannot_leave_the_owners_role() {
    let database = Database::new();
    let mut session = database.session();
    with_tables(&mut session);
    session.run(
        "create function s.escape() returns boolean language plpgsql as $$ begin reset role; set role none; return true; end $$",
    );
    attach(
        &mut session,
        "a",
        "s.seats",
        "'count', 'room', 's.rooms', 'id', 'n', '', '', 's.escape()'",
    );
    assert_eq!(session.state("insert into s.seats (room) values (1)"), "42501");
}
