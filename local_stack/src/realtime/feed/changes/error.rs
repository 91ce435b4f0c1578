//! Why a subscription is refused, in the words of the Realtime server.

use super::filter::Filter;
use super::request::Wanted;

/// Its text is what the client sees in the `system` message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    /// The request cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// No table of the publication fits.
    #[error(
        "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given connect parameters: [{0}]"
    )]
    NotPublished(String),
    /// A table fits, and a filter or a selected column does not fit the table.
    #[error(
        "Unable to subscribe to changes with given parameters. An exception happened so please check your connect parameters: [{parameters}]. Exception: {exception}"
    )]
    Refused { parameters: String, exception: String },
    /// The stream does not run, or the database did not answer.
    #[error("Unable to subscribe to changes: the database does not answer")]
    Unavailable,
}

impl SubscribeError {
    pub(super) fn not_published(wanted: &Wanted) -> Self {
        Self::NotPublished(parameters(wanted))
    }

    /// What the server's own checks raise.
    pub(super) fn raised(wanted: &Wanted, message: &str) -> Self {
        Self::Refused {
            parameters: parameters(wanted),
            exception: format!("ERROR P0001 (raise_exception) {message}"),
        }
    }

    /// What Postgres says to a value of a filter.
    pub(super) fn database(wanted: &Wanted, error: &sqlx::Error) -> Self {
        let Some(said) = error.as_database_error() else {
            tracing::warn!(%error, "could not check a subscription");
            return Self::Unavailable;
        };
        let code = said.code().unwrap_or_default();
        let name = condition(&code).map_or_else(String::new, |name| format!(" ({name})"));
        Self::Refused {
            parameters: parameters(wanted),
            exception: format!("ERROR {code}{name} {}", said.message()),
        }
    }
}

/// The names that the server prints, for the conditions that a value can raise.
fn condition(code: &str) -> Option<&'static str> {
    Some(match code {
        "22003" => "numeric_value_out_of_range",
        "22007" => "invalid_datetime_format",
        "22008" => "datetime_field_overflow",
        "22P02" => "invalid_text_representation",
        "23514" => "check_violation",
        "42704" => "undefined_object",
        "42883" => "undefined_function",
        _ => return None,
    })
}

fn parameters(wanted: &Wanted) -> String {
    let event = wanted.kind.map_or("*", super::Kind::name);
    let filters: Vec<String> = wanted.filters.iter().map(Filter::to_string).collect();
    let select = wanted
        .select
        .as_ref()
        .map_or_else(|| "nil".to_owned(), |columns| format!("{columns:?}"));
    format!(
        "event: {event}, schema: {}, table: {}, filters: [{}], select: {select}",
        wanted.schema,
        wanted.table,
        filters.join(", ")
    )
}
