//! Where the database is, and which kernel it should run.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As role postgres: no superuser, the owner of the kernel and the apps.
    pub url: String,
    /// As a superuser.
    pub admin_url: String,
}

impl Settings {
    /// Reads the environment, or else the file that a running stack leaves.
    ///
    /// # Errors
    ///
    /// [`Error::NoDatabase`] when neither says where the database is.
    pub fn find() -> Result<Self, Error> {
        let file = stack_file();
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let value = |variable: &'static str| {
            std::env::var(variable)
                .ok()
                .filter(|value| !value.is_empty())
                .or_else(|| read_variable(&text, variable))
                .ok_or_else(|| Error::NoDatabase {
                    variable,
                    file: file.clone(),
                })
        };
        Ok(Self {
            url: value("SUPABASE_DB_URL")?,
            admin_url: value("SUPABASE_ADMIN_DB_URL")?,
        })
    }
}

/// The kernel that `PARLEY_KERNEL` asks for, or none where the run does not say.
///
/// # Errors
///
/// [`Error::UnknownKernel`] for another word than `native` and `portable`.
pub fn expected_kernel() -> Result<Option<String>, Error> {
    match std::env::var("PARLEY_KERNEL") {
        Ok(kernel) if kernel == "native" || kernel == "portable" => Ok(Some(kernel)),
        Ok(kernel) if !kernel.is_empty() => Err(Error::UnknownKernel(kernel)),
        _ => Ok(None),
    }
}

/// `stack.env` in the data directory; a relative one is below the project, as for the stack itself.
fn stack_file() -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = std::env::var("PARLEY_DATA_DIR")
        .ok()
        .filter(|folder| !folder.is_empty());
    project
        .join(data.unwrap_or_else(|| ".parley".to_owned()))
        .join("stack.env")
}

/// The value of one `NAME=value` line. The stack quotes values with single quotes where a shell would take them apart.
fn read_variable(text: &str, variable: &str) -> Option<String> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(variable)?.strip_prefix('='))?;
    let quoted = line.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    Some(quoted.map_or_else(|| line.to_owned(), |value| value.replace(r"'\''", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_plain_and_quoted() {
        let text = "SUPABASE_DB_URL=postgresql://p@h:1/d\nSECRET='it'\\''s $HOME'\n";
        assert_eq!(
            read_variable(text, "SUPABASE_DB_URL").as_deref(),
            Some("postgresql://p@h:1/d")
        );
        assert_eq!(read_variable(text, "SECRET").as_deref(), Some("it's $HOME"));
        assert_eq!(read_variable(text, "SUPABASE_DB"), None);
    }
}
