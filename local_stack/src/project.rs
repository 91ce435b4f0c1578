//! What `supabase/config.toml` says that concerns this stand-in. Whatever it does not know it ignores.

use std::path::Path;

use serde::Deserialize;

mod auth;

pub(crate) use auth::{Auth, PasswordRequirements};

use crate::error::Error;

/// The part of the project's configuration that the stand-in follows; the defaults are those of the Supabase CLI.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Project {
    pub(crate) api: Api,
    pub(crate) auth: Auth,
    pub(crate) storage: Storage,
}

/// `[api]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Api {
    pub(crate) schemas: Vec<String>,
    pub(crate) extra_search_path: Vec<String>,
    pub(crate) max_rows: u32,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            schemas: vec!["public".to_owned(), "graphql_public".to_owned()],
            extra_search_path: vec!["public".to_owned(), "extensions".to_owned()],
            max_rows: 1000,
        }
    }
}

/// `[storage]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Storage {
    /// What no file of any bucket may exceed, such as `50MiB`.
    pub(crate) file_size_limit: String,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            file_size_limit: "50MiB".to_owned(),
        }
    }
}

impl Project {
    /// Reads `supabase/config.toml` below `project_dir`; a missing file gives the defaults.
    pub(crate) fn read(project_dir: &Path) -> Result<Self, Error> {
        let path = project_dir.join("supabase").join("config.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(Error::File { path, source }),
        };
        let project = Self::parse(&text).map_err(|reason| Error::ProjectFile {
            path: path.clone(),
            reason,
        })?;
        Ok(project)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let project: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if project.api.schemas.is_empty() {
            return Err("[api] schemas is empty: the REST API needs at least one".to_owned());
        }
        Ok(project)
    }
}

#[cfg(test)]
mod tests {
    use super::Project;

    #[test]
    fn missing_keys_have_the_defaults_of_the_cli() {
        let project = Project::parse("project_id = \"x\"\n[api]\nmax_rows = 10\n[studio]\nport = 1").unwrap();
        assert_eq!(project.api.max_rows, 10);
        assert_eq!(project.api.schemas, ["public", "graphql_public"]);
        assert!(!project.auth.enable_anonymous_sign_ins);
        assert_eq!(project.auth.jwt_expiry, 3600);
    }

    #[test]
    fn settings_of_sign_in_are_read() {
        let project = Project::parse(
            "[auth]\nenable_anonymous_sign_ins = true\njwt_expiry = 60\n[auth.email]\nenable_signup = false",
        )
        .unwrap();
        assert!(project.auth.enable_anonymous_sign_ins);
        assert_eq!(project.auth.jwt_expiry, 60);
        assert!(!project.auth.email.enable_signup);
    }

    #[test]
    fn api_without_a_schema_is_refused() {
        assert!(Project::parse("[api]\nschemas = []").is_err());
    }
}
