//! How the API is set up, from outside and from within the database.

use std::collections::HashMap;

use serde::Deserialize;

/// What the API serves, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The exposed schemas; the first is the default. Never empty.
    pub schemas: Vec<String>,
    /// Schemas on the search path besides the one of the request.
    pub extra_search_path: Vec<String>,
    /// The most rows of one answer.
    pub max_rows: Option<i64>,
    /// Whether `sum()` and its kin may be used.
    pub allows_aggregates: bool,
    /// Whether clients may ask for the plan of a query.
    pub allows_plans: bool,
    /// Whether transactions are rolled back unless told otherwise.
    pub rolls_back: bool,
    /// Whether `Prefer: tx=...` is obeyed.
    pub allows_tx_override: bool,
    /// A function that runs before each request, as `schema.name`.
    pub pre_request: Option<String>,
}

impl Settings {
    /// With PostgREST's defaults.
    #[must_use]
    pub fn new(schemas: Vec<String>, extra_search_path: Vec<String>, max_rows: Option<i64>) -> Self {
        Self {
            schemas,
            extra_search_path,
            max_rows,
            allows_aggregates: false,
            allows_plans: false,
            rolls_back: false,
            allows_tx_override: false,
            pre_request: None,
        }
    }

    /// Overrides what `alter role authenticator set pgrst.<name>` says. Unknown names and values that do not fit are left alone.
    #[must_use]
    pub fn overridden(mut self, settings: &HashMap<String, String>) -> Self {
        for (name, value) in settings {
            match name.as_str() {
                "db_schemas" | "db_schema" => {
                    let schemas = list(value);
                    if !schemas.is_empty() {
                        self.schemas = schemas;
                    }
                }
                "db_extra_search_path" => self.extra_search_path = list(value),
                "db_max_rows" | "max_rows" => {
                    if let Ok(rows) = value.trim().parse() {
                        self.max_rows = Some(rows);
                    }
                }
                "db_aggregates_enabled" => self.allows_aggregates = is_true(value),
                "db_plan_enabled" => self.allows_plans = is_true(value),
                "db_pre_request" | "pre_request" => {
                    self.pre_request = Some(value.clone()).filter(|name| !name.is_empty());
                }
                "db_tx_end" => {
                    (self.rolls_back, self.allows_tx_override) = match value.as_str() {
                        "commit" => (false, false),
                        "commit-allow-override" => (false, true),
                        "rollback" => (true, false),
                        "rollback-allow-override" => (true, true),
                        _ => (self.rolls_back, self.allows_tx_override),
                    };
                }
                _ => {}
            }
        }
        self
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(|item| item.trim().trim_matches('"').to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

fn is_true(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "t" | "1" | "on" | "yes" | "enabled"
    )
}

/// What the database says about the API: the answer to [`SETTINGS_SQL`](crate::SETTINGS_SQL).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RoleSettings {
    /// `pgrst.*` of the role that logs in, without the prefix.
    pub api: HashMap<String, String>,
    /// The settings of each role that can be switched to. Switching does not apply them by itself.
    pub roles: HashMap<String, HashMap<String, String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_overrides_what_was_configured_and_nonsense_changes_nothing() {
        let base = Settings::new(vec!["public".into()], vec!["extensions".into()], Some(1000));
        let set = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            base.clone().overridden(&pairs.collect())
        };
        let changed = set(&[
            ("db_schemas", "api, \"Other One\""),
            ("db_max_rows", "5"),
            ("db_aggregates_enabled", "true"),
            ("db_tx_end", "rollback-allow-override"),
        ]);
        assert_eq!(changed.schemas, ["api", "Other One"]);
        assert_eq!((changed.max_rows, changed.allows_aggregates), (Some(5), true));
        assert!(changed.rolls_back && changed.allows_tx_override);
        let same = set(&[
            ("db_schemas", ""),
            ("db_max_rows", "many"),
            ("db_tx_end", "never"),
            ("x", "y"),
        ]);
        assert_eq!(same.schemas, base.schemas);
        assert_eq!((same.max_rows, same.rolls_back), (Some(1000), false));
    }
}
