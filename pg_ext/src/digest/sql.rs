//! The SQL surface of the digests.

use pgrx::pg_sys::Datum;

use super::DigestError;
use super::canonical::write_canonical;
use super::sink::HashSink;
use crate::error::{Failure, sqlstate};
use crate::pg::{Call, sql_function, text_datum};

sql_function!(
    parley_content_digest,
    pg_finfo_parley_content_digest,
    content_digest
);
sql_function!(
    parley_canonical_json,
    pg_finfo_parley_canonical_json,
    canonical_json
);

pgrx::extension_sql_file!("../../sql/digest.sql", name = "digest");

fn content_digest(call: &Call) -> Result<Datum, Failure> {
    let mut hash = HashSink::new();
    write_canonical(call.jsonb(0)?, &mut hash)?;
    text_datum(hash.finish().as_bytes())
}

fn canonical_json(call: &Call) -> Result<Datum, Failure> {
    let mut text = Vec::new();
    write_canonical(call.jsonb(0)?, &mut text)?;
    text_datum(&text)
}

impl From<DigestError> for Failure {
    fn from(error: DigestError) -> Self {
        let state = match error {
            DigestError::TooDeep => sqlstate::PROGRAM_LIMIT_EXCEEDED,
            DigestError::Damaged(_) => sqlstate::DATA_CORRUPTED,
        };
        Failure::new(state, error.to_string())
    }
}
