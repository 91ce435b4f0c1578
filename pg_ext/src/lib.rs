//! Parley's native kernel: the hot paths of the database as a Postgres extension, schema `parley_native`.
//!
//! Every function here has a twin in `parley_portable`, written in SQL, that is its specification: same rows, same errors. The schema
//! `parley` calls whichever the server has.
//!
//! # Why it is fast
//!
//! Measured on one core, PostgreSQL 15, release build, the portable kernel and the peer on the same machine at the same time:
//!
//! | what | native | compared with |
//! |---|---|---|
//! | `content_digest`, object of 170 bytes | 0.9 us | 56 us portable; 1.4 us SHA-256 of the printed value; 2.2 us `serde_json_canonicalizer` |
//! | `content_digest`, document of 4 kB | 13 us | 1,105 us portable; 21 us printed; 45 us peer |
//! | `content_digest`, document of 1 MB | 3.3 ms | 204 ms portable; 4.1 ms printed; 10 ms peer |
//! | claiming an event again, from within a session | 6 us | 14 us portable; 4 us a bare `select` of the claim |
//! | `words`, 1,235 characters of English | 14 us | 110 us portable; 94 us `to_tsvector('simple')` |
//! | keeping a count: one row inserted and committed, 1,000 parents, no round trip | +22 us | +39 us portable, over 5 us without a count |
//!
//! A digest walks the stored bytes and writes into the hash; no tree, no printing, no parsing. A counter reads the one row that a
//! statement touched straight from the transition table and runs one statement with a kept plan; an update that changes nothing counted
//! runs none. What is left of a kept count is Postgres's own update of the parent.
//!
//! # Why it is safe
//!
//! - All `unsafe` is in `pg`, but for vector instructions (`nearest::simd`), and what parses or decides knows nothing of Postgres: every byte of a stored value is read with a bound
//!   check, depth costs memory and never stack.
//! - An error of Postgres passes through whole, with its SQLSTATE, its constraint and its context (`pg::boundary`), and what a call had
//!   changed (role, settings, open queries) Postgres itself puts back as it aborts.
//! - Nothing is open to the public: only who installed the extension may call its functions or attach its triggers. `maintain_aggregate`
//!   works with the rights of the child table's owner, and refuses where that would lend somebody rights that he does not have.
//! - Statements use qualified operators and run under an empty search path.
//!
//! # Tests
//!
//! `cargo test -p parley` runs what needs no server. `cargo pgrx test pg15` runs everything, in databases of its own; it installs a test
//! build into the server that `cargo pgrx init` was given, so give it one that nothing else uses.

::pgrx::pg_module_magic!(name, version);

mod broadcast;
mod counters;
mod digest;
mod error;
mod events;
mod nearest;
mod pg;
mod rate_limit;
mod touch;
mod words;

#[cfg(test)]
mod sql_tests;
// Not under `test` alone: the harness would install a test build and start a server.
#[cfg(feature = "pg_test")]
mod tests;

/// How `cargo pgrx test` sets up its server.
#[cfg(all(test, feature = "pg_test"))]
pub mod pg_test {
    /// Nothing to prepare.
    pub fn setup(_options: Vec<&str>) {}

    /// A server that is thrown away needs no durability.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![
            "fsync = off",
            "max_connections = 200",
            "deadlock_timeout = '200ms'",
        ]
    }
}
