//! Databases and sessions for the tests.

use std::fmt::Debug;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use postgres::error::DbError;
use postgres::types::FromSqlOwned;
use postgres::{Client, Config, NoTls};

/// Where the server listens, and who its superuser is.
static SERVER: OnceLock<(u16, String)> = OnceLock::new();

static COUNTER: AtomicUsize = AtomicUsize::new(0);

/// A fresh database.
pub struct Database {
    name: String,
}

/// What a client sees of an error.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub state: String,
    pub message: String,
    pub detail: String,
    pub hint: String,
}

fn server() -> &'static (u16, String) {
    SERVER.get_or_init(|| {
        pgrx_tests::run_test("loads", None, crate::pg_test::postgresql_conf_options()).unwrap();
        let (mut client, _) = pgrx_tests::client().unwrap();
        let port: String = client.query_one("show port", &[]).unwrap().get(0);
        (port.parse().unwrap(), pgrx_tests::get_pg_user())
    })
}

impl Database {
    /// With nothing in it.
    pub fn empty() -> Self {
        let name = format!(
            "t{}_{}",
            std::process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        let (_, superuser) = server();
        connect("pgrx_tests", superuser)
            .batch_execute(&format!("create database {name}"))
            .unwrap();
        Self { name }
    }

    /// With the extension installed by the superuser.
    pub fn new() -> Self {
        let database = Self::empty();
        database.session().run("create extension parley");
        database
    }

    /// A session of the superuser.
    pub fn session(&self) -> Session {
        let (_, superuser) = server();
        Session(connect(&self.name, superuser))
    }

    /// A session of a role.
    pub fn session_as(&self, role: &str) -> Session {
        Session(connect(&self.name, role))
    }

    /// A new role that may log in, under a name that no other test uses.
    pub fn role(&self, name: &str) -> String {
        let role = format!("{name}_{}", self.name);
        self.session().run(&format!("create role {role} login"));
        role
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

fn connect(database: &str, role: &str) -> Client {
    Config::new()
        .host("localhost")
        .port(server().0)
        .user(role)
        .dbname(database)
        .connect(NoTls)
        .unwrap()
}

/// One connection.
pub struct Session(pub Client);

impl Session {
    /// Runs statements that must succeed.
    pub fn run(&mut self, sql: &str) {
        if let Err(error) = self.0.batch_execute(sql) {
            panic!("{sql}\n{:?}", error.as_db_error());
        }
    }

    /// Runs a statement that must fail.
    pub fn fails(&mut self, sql: &str) -> DbError {
        match self.0.batch_execute(sql) {
            Ok(()) => panic!("should have failed: {sql}"),
            Err(error) => error.as_db_error().unwrap().clone(),
        }
    }

    /// Runs a statement that must fail, for its SQLSTATE.
    pub fn state(&mut self, sql: &str) -> String {
        self.fails(sql).code().code().to_owned()
    }

    /// Runs a statement that must fail, for everything that a client sees.
    pub fn refusal(&mut self, sql: &str) -> Refusal {
        let error = self.fails(sql);
        Refusal {
            state: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().unwrap_or_default().to_owned(),
            hint: error.hint().unwrap_or_default().to_owned(),
        }
    }

    /// The one value that a query returns.
    pub fn one<T: FromSqlOwned>(&mut self, sql: &str) -> T {
        self.0
            .query_one(sql, &[])
            .unwrap_or_else(|error| panic!("{sql}\n{error:?}"))
            .get(0)
    }

    /// The rows of a query as text.
    pub fn rows(&mut self, sql: &str) -> Vec<String> {
        let sql = format!("select row_to_json(r)::text from ({sql}) as r");
        self.0
            .query(&sql, &[])
            .unwrap_or_else(|error| panic!("{sql}\n{error:?}"))
            .iter()
            .map(|row| row.get(0))
            .collect()
    }
}
