//! Where a stack is, and what opens it.

use std::path::Path;

/// Where a stack is, and its key.
#[derive(Debug)]
pub(crate) struct Endpoints {
    /// The database as role postgres.
    pub(crate) database: String,
    /// The database as a superuser, where there is one.
    pub(crate) admin: Option<String>,
    /// The database as role parley_worker, where somebody has given it a password.
    pub(crate) worker: Option<String>,
    /// The gateway and its secret key, where they are known.
    pub(crate) api: Option<Api>,
}

/// The gateway.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    /// Without a slash at the end.
    pub(crate) url: String,
    /// A token of service_role.
    pub(crate) key: String,
}

impl Endpoints {
    /// From the environment, under Supabase's names.
    pub(crate) fn of_environment() -> Option<Self> {
        Self::find(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// From the file that a ready stack writes.
    pub(crate) fn read(stack_env: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(stack_env).ok()?;
        Self::find(|name| {
            let value = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
            Some(value.trim_matches('\'').to_owned())
        })
    }

    fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let api = variable("SUPABASE_URL").zip(variable("SUPABASE_SERVICE_ROLE_KEY"));
        Some(Self {
            database: variable("SUPABASE_DB_URL")?,
            admin: variable("SUPABASE_ADMIN_DB_URL"),
            worker: variable("WORKER_DB_URL"),
            api: api.map(|(url, key)| Api { url, key }),
        })
    }
}
