use super::harness::Database;

const TRIGGER: &str =
    "create trigger touch before update on t for each row execute function parley_native.touch_updated_at()";

#[test]
fn an_update_sets_the_time_of_the_transaction_and_nothing_else() {
    let database = Database::new();
    let mut session = database.session();
    session
        .run("create table t (a int, updated_at timestamptz, b text); insert into t values (1, null, 'x')");
    session.run(TRIGGER);
    session.run("update t set a = 2, updated_at = '2000-01-01'");
    assert_eq!(
        session.rows("select a, b, updated_at > '2020-01-01' as fresh from t"),
        [r#"{"a":2,"b":"x","fresh":true}"#]
    );
    session.run("begin; update t set a = 3");
    assert!(session.one::<bool>("select updated_at = now() from t"));
}

#[test]
fn a_timestamp_without_zone_shows_the_sessions_clock() {
    let database = Database::new();
    let mut session = database.session();
    session.run("create table t (a int, updated_at timestamp); insert into t values (1)");
    session.run(TRIGGER);
    session.run("set timezone = 'Asia/Kathmandu'; begin; update t set a = 2");
    assert!(session.one::<bool>("select updated_at = now()::timestamp from t"));
}

#[test]
fn the_precision_of_the_column_holds() {
    let database = Database::new();
    let mut session = database.session();
    session.run("create table t (a int, updated_at timestamptz(0)); insert into t values (1)");
    session.run(TRIGGER);
    session.run("begin; update t set a = 2");
    assert!(session.one::<bool>("select updated_at = now()::timestamptz(0) from t"));
}

#[test]
fn a_dropped_column_before_it_does_not_shift_the_value() {
    let database = Database::new();
    let mut session = database.session();
    session.run("create table t (gone int, a int, updated_at timestamptz); insert into t values (1, 1)");
    session.run("alter table t drop column gone");
    session.run(TRIGGER);
    session.run("update t set a = 2");
    assert!(session.one::<bool>("select updated_at is not null and a = 2 from t"));
}

#[test]
fn a_table_without_the_column_is_told_so() {
    let database = Database::new();
    let mut session = database.session();
    session.run("create table t (a int); insert into t values (1)");
    session.run(TRIGGER);
    let refusal = session.refusal("update t set a = 2");
    assert_eq!(refusal.state, "42703");
    assert_eq!(refusal.message, r#"record "new" has no field "updated_at""#);
}

#[test]
fn a_column_of_another_type_is_refused() {
    let database = Database::new();
    let mut session = database.session();
    session.run("create table t (a int, updated_at text); insert into t values (1)");
    session.run(TRIGGER);
    assert_eq!(session.state("update t set a = 2"), "42804");
    assert_eq!(session.one::<i32>("select a from t"), 1);
}

#[test]
fn it_is_only_fired_before_a_row_is_written() {
    let database = Database::new();
    let mut session = database.session();
    session.run("create table t (a int, updated_at timestamptz); insert into t values (1)");
    assert_eq!(session.state("select parley_native.touch_updated_at()"), "39P01");
    for timing in [
        "after update on t for each row",
        "before update on t for each statement",
        "before delete on t for each row",
    ] {
        session.run(&format!(
            "create trigger wrong {timing} execute function parley_native.touch_updated_at()"
        ));
        assert_eq!(
            session.state("update t set a = 2; delete from t"),
            "39P01",
            "{timing}"
        );
        session.run("drop trigger wrong on t");
    }
}
