//! What `cargo pgrx test` runs inside a backend. The suite itself talks to Postgres as its clients do: see `sql_tests`.

/// The schema that the test harness of pgrx looks for.
#[pgrx::pg_schema]
mod tests {
    use pgrx::pg_test;

    /// The extension loads; `sql_tests` starts the server by running this.
    #[pg_test]
    fn loads() {
        let digest = pgrx::Spi::get_one::<String>("select parley_native.content_digest('{}')");
        assert!(digest.is_ok_and(|digest| digest.is_some_and(|digest| digest.len() == 64)));
    }
}
