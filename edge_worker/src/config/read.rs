//! Reading variables, and remembering everything that is wrong with them: an operator mends all of it in one go.

use std::fmt;

use secrecy::SecretString;
use url::Url;

/// A setting that is missing or not usable. The text never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The environment variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// All problems of an environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{}: {}", problem.variable, problem.reason)?;
        }
        Ok(())
    }
}

/// The environment while it is read.
pub(super) struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            variable,
            problems: Vec::new(),
        }
    }

    pub(super) fn problem(&mut self, variable: &'static str, reason: impl Into<String>) {
        self.problems.push(Problem {
            variable,
            reason: reason.into(),
        });
    }

    /// The value without the white space around it; an empty one counts as missing.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The first of these variables that is set, and its name.
    pub(super) fn first(&self, names: &[&'static str]) -> Option<(&'static str, String)> {
        names
            .iter()
            .find_map(|name| self.text(name).map(|value| (*name, value)))
    }

    /// A secret that goes along in a header.
    pub(super) fn header(&mut self, name: &'static str, text: String) -> SecretString {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.problem(name, "it has characters that no HTTP header can carry");
        }
        text.into()
    }

    /// Notes that none of these is set, under the name of the first.
    pub(super) fn missing(&mut self, names: &[&'static str]) {
        let Some((first, older)) = names.split_first() else {
            return;
        };
        let reason = if older.is_empty() {
            "it is not set".to_owned()
        } else {
            format!("it is not set, and neither is {}", older.join(" or "))
        };
        self.problem(first, reason);
    }

    /// An `http` or `https` address without user, query and fragment, and without the slash at the end.
    pub(super) fn web_address(&mut self, name: &'static str, text: &str) -> Option<Url> {
        match web_address(text) {
            Ok(url) => Some(url),
            Err(reason) => {
                self.problem(name, reason);
                None
            }
        }
    }

    /// A whole number within bounds, or the default where nothing is set.
    pub(super) fn number(&mut self, name: &'static str, default: u32, least: u32, most: u32) -> u32 {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.problem(
                    name,
                    format!("`{text}` is not a whole number from {least} to {most}"),
                );
                default
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), SettingsError> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(SettingsError {
                problems: self.problems,
            })
        }
    }
}

/// The reasons do not repeat the address: it might hold a password.
fn web_address(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).map_err(|_| "it is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("it is not an http:// or https:// URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or a password, which belong elsewhere");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query or a fragment");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}
