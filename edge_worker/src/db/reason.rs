//! What went wrong with the database, in words for an operator. What the server says is beside it, as the source of the error.

use std::io::ErrorKind;

/// Why a statement or a connection failed.
pub(super) fn reason(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::Database(refusal) => of_code(refusal.code().as_deref().unwrap_or_default()),
        sqlx::Error::Tls(_) => "no TLS connection to the database comes about",
        sqlx::Error::Io(error) => of_io(error),
        sqlx::Error::PoolTimedOut => "no connection to the database was free, or came about, in time",
        sqlx::Error::PoolClosed => "the connections to the database are closed",
        sqlx::Error::Protocol(_) => "the connection to the database broke off",
        _ => UNKNOWN,
    }
}

const UNKNOWN: &str = "the database cannot be reached, or is busy";

fn of_io(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionRefused => "nobody listens at the address of the database",
        ErrorKind::TimedOut => "the database does not answer in time",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            "there is no way to the host of the database"
        }
        // The only ones that have no number of the operating system: nobody knows the name.
        _ if error.raw_os_error().is_none() && error.to_string().contains("lookup") => {
            "the name of the database's host is not known"
        }
        _ => "the connection to the database broke off",
    }
}

/// By the appendix "PostgreSQL Error Codes"; the longer beginnings first.
fn of_code(code: &str) -> &'static str {
    const REASONS: [(&str, &str); 20] = [
        (
            "08P01",
            "the database, or a pooler before it, does not take what the connection begins with",
        ),
        (
            "25006",
            "the database only reads: it is a standby, or its disk is full",
        ),
        ("26000", LOST),
        ("28P01", "the database refuses the role or its password"),
        ("3D000", "there is no such database"),
        ("42501", "the role has no right to this"),
        ("42P05", LOST),
        ("53100", "the disk of the database is full"),
        ("53200", "the database is out of memory"),
        ("53300", "the database has no connection left"),
        ("55P03", "the database waited too long for a lock"),
        ("57014", "the database took too long"),
        ("57P03", "the database is starting or stopping"),
        ("57", "the database is stopping"),
        ("08", "the connection to the database broke off"),
        ("22", "the database refuses the data"),
        ("23505", "the database has such a row already"),
        ("23", "the database refuses the data"),
        ("28", "the database does not let this role in"),
        ("40", "another transaction was in the way"),
    ];
    let found = REASONS.iter().find(|(beginning, _)| code.starts_with(beginning));
    found.map_or(UNKNOWN, |(_, reason)| reason)
}

const LOST: &str = "a prepared statement got lost, as behind a pooler in transaction mode";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_the_reason_of_its_longest_beginning() {
        for (code, begins) in [
            ("28P01", "the database refuses the role"),
            ("28000", "the database does not let"),
            ("57P03", "the database is starting"),
            ("57P01", "the database is stopping"),
            ("23505", "the database has such a row"),
            ("23503", "the database refuses the data"),
            ("XX000", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert!(of_code(code).starts_with(begins), "{code}: {}", of_code(code));
        }
    }
}
