//! The SQL surface of `words`.

use parley_words::search_words;
use pgrx::pg_sys::Datum;

use crate::error::Failure;
use crate::pg::{Call, sql_function, text_datum};

sql_function!(parley_words, pg_finfo_parley_words, words);

pgrx::extension_sql_file!("../../sql/words.sql", name = "words");

fn words(call: &Call) -> Result<Datum, Failure> {
    let text = call
        .text(0)?
        .ok_or_else(|| Failure::internal("a strict function got null"))?;
    text_datum(search_words(text, call.boolean(1).unwrap_or_default()).as_bytes())
}
