use std::process::Command;
use std::sync::Once;

use super::harness::{Database, Session};

/// Everything of the extension and its functions that an upgrade could get wrong.
const CATALOGUE: &str = "select p.proname, pg_get_functiondef(p.oid) as definition, p.provolatile, p.proisstrict, p.proparallel,
        p.procost, p.prosecdef, p.proleakproof, p.proacl::text as acl, obj_description(p.oid, 'pg_proc') as comment,
        exists (
            select from pg_depend as d join pg_extension as e on e.oid = d.refobjid
            where d.objid = p.oid and d.deptype = 'e' and e.extname = 'parley'
        ) as is_member
    from pg_proc as p where p.pronamespace = 'parley_native'::regnamespace
    union all
    select '', obj_description(oid, 'pg_extension'), null, null, null, null, null, null, null, null, null
    from pg_extension where extname = 'parley'
    order by 1";

fn without_oids(mut session: Session) -> Vec<String> {
    session.rows(CATALOGUE)
}

/// Puts the first version's script where the server looks for it. It is not part of an installation: whoever has 0.1.0 needs the way
/// on only.
fn provide_first_version(database: &Database) {
    static IS_THERE: Once = Once::new();
    IS_THERE.call_once(|| {
        let directory: String = database
            .session()
            .one("select setting from pg_config where name = 'SHAREDIR'");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/parley--0.1.0.sql");
        let target = format!("{directory}/extension/parley--0.1.0.sql");
        if std::fs::copy(script, &target).is_err() {
            assert!(
                Command::new("sudo")
                    .args(["-n", "cp", script, &target])
                    .status()
                    .unwrap()
                    .success()
            );
        }
    });
}

#[test]
fn an_upgraded_extension_equals_a_fresh_one() {
    let upgraded = Database::empty();
    let mut session = upgraded.session();
    provide_first_version(&upgraded);
    session.run("create extension parley version '0.1.0'");
    assert_eq!(
        session.one::<i64>("select count(*) from pg_proc where pronamespace = 'parley_native'::regnamespace"),
        4
    );
    session.run("select parley_native.content_digest('{}')");
    session.run("alter extension parley update to '0.2.0'");
    assert_eq!(
        session.one::<i64>("select count(*) from pg_proc where pronamespace = 'parley_native'::regnamespace"),
        6
    );
    session.run("alter extension parley update");
    assert_eq!(
        session.one::<String>("select extversion from pg_extension where extname = 'parley'"),
        env!("CARGO_PKG_VERSION")
    );
    let upgraded = without_oids(session);
    assert_eq!(upgraded.len(), 12);
    assert_eq!(upgraded, without_oids(Database::new().session()));
}

#[test]
fn every_function_says_what_it_does_and_is_closed_to_the_public() {
    let mut session = Database::new().session();
    let open = "select p.proname from pg_proc as p
        where p.pronamespace = 'parley_native'::regnamespace
            and (obj_description(p.oid, 'pg_proc') is null or p.proacl is null or p.proacl::text like '%{=%' or p.proacl::text like '%,=%')";
    assert!(session.rows(open).is_empty());
}

#[test]
fn a_role_without_superuser_installs_and_uses_it_alone() {
    let database = Database::empty();
    let (installer, stranger) = (database.role("installer"), database.role("stranger"));
    let mut superuser = database.session();
    superuser.run(&format!(
        "grant create on database {} to {installer}",
        database.name()
    ));

    let mut session = database.session_as(&installer);
    session.run("create extension parley");
    session.run("select parley_native.content_digest('{}'), parley_native.canonical_json('{}')");
    session.run("create schema s; create table s.t (id int, updated_at timestamptz)");
    session.run("create trigger touch before update on s.t for each row execute function parley_native.touch_updated_at()");
    session.run("insert into s.t values (1); update s.t set id = 2");

    superuser.run(&format!(
        "grant usage on schema parley_native to {stranger}; grant create on schema public to {stranger}"
    ));
    let mut other = database.session_as(&stranger);
    assert_eq!(other.state("select parley_native.content_digest('{}')"), "42501");
    assert_eq!(
        other.state("select parley_native.rate_limit('b', 1, '1 s')"),
        "42501"
    );
    assert_eq!(
        other.state("select parley_native.broadcast('t', 'e', '{}')"),
        "42501"
    );
    assert_eq!(
        other.state("select parley_native.claim_event('s', 'k', repeat('0', 64))"),
        "42501"
    );
    other.run("create table public.own (id int)");
    assert_eq!(
        other.state(
            "create trigger steal after insert on public.own referencing new table as parley_new
            for each statement execute function parley_native.maintain_aggregate('count', 'id', 's.t', 'id', 'id', '', '', '')"
        ),
        "42501"
    );
}

#[test]
fn an_upgrade_by_the_installer_keeps_the_grants_his() {
    let database = Database::empty();
    let installer = database.role("installer");
    database.session().run(&format!(
        "grant create on database {} to {installer}",
        database.name()
    ));
    let mut session = database.session_as(&installer);
    provide_first_version(&database);
    session.run("create extension parley version '0.1.0'; alter extension parley update");
    session.run("create schema realtime; select parley_native.broadcast('t', 'e', '{}')");
    assert_eq!(session.one::<i64>(&format!(
        "select count(*) from pg_proc where pronamespace = 'parley_native'::regnamespace and proacl::text like '%{installer}=X%'"
    )), 11);
}

#[test]
fn dropping_it_takes_its_triggers_only_when_told_to() {
    let mut session = Database::new().session();
    session.run("create table t (id int, updated_at timestamptz)");
    session.run("create trigger touch before update on t for each row execute function parley_native.touch_updated_at()");
    assert_eq!(session.state("drop extension parley"), "2BP01");
    session.run("drop trigger touch on t; drop extension parley");
    assert_eq!(
        session.one::<i64>("select count(*) from pg_proc where probin like '%parley%'"),
        0
    );
    session.run("create extension parley; select parley_native.content_digest('{}')");
}
