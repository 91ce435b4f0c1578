//! Which worker runs, and with what.

use std::path::{Path, PathBuf};

use crate::config::port;
use crate::error::Error;
use crate::secret::Secret;

/// The name of the program.
const NAME: &str = "edge_worker";

/// Which program is the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerProgram {
    /// None runs.
    Off,
    /// The one that lies beside this program; when there is none the stack says so and goes on without.
    Beside,
    /// This one.
    At(PathBuf),
}

/// Which providers the worker talks to in earnest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealProviders {
    pub(crate) tavus: bool,
    pub(crate) elevenlabs: bool,
}

/// The settings of the worker.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Which program.
    pub program: WorkerProgram,
    /// Its port on loopback; 0 takes a free one.
    pub port: u16,
    /// Variables that it gets as they are, over those that the stack gives it.
    pub settings: Vec<(&'static str, Secret)>,
}

impl WorkerConfig {
    /// What it gets of this process's environment.
    pub(crate) const PASSED_ON: [&'static str; 15] = [
        "EMBEDDINGS_API_KEY",
        "EMBEDDINGS_BASE_URL",
        "EMBEDDINGS_MODEL",
        "RUST_LOG",
        "RUST_BACKTRACE",
        "TAVUS_WEBHOOK_SECRET",
        "WORKER_CORS_ORIGINS",
        "WORKER_DB_CONNECTIONS",
        "WORKER_JOBS_ATTEMPTS",
        "WORKER_JOBS_KNOWLEDGE",
        "WORKER_JOBS_LEASE_SECONDS",
        "WORKER_JOBS_MAINTENANCE",
        "WORKER_JOBS_POLL_SECONDS",
        "WORKER_JOBS_TAVUS",
        "WORKER_SHUTDOWN_SECONDS",
    ];

    /// What it gets besides when it talks to the real Tavus. With a simulator these are the stack's own to say.
    pub(crate) const OF_REAL_TAVUS: [&'static str; 3] = ["TAVUS_API_KEY", "TAVUS_BASE_URL", "WORKER_URL"];

    /// The same for ElevenLabs.
    pub(crate) const OF_REAL_ELEVENLABS: [&'static str; 2] = ["ELEVENLABS_API_KEY", "ELEVENLABS_BASE_URL"];

    /// What the command runs: the worker that was built along with it, unless told otherwise. A relative path is below the project.
    pub(crate) fn from_env(
        project_dir: &Path,
        value: impl Fn(&str) -> Option<String>,
        real: RealProviders,
    ) -> Result<Self, Error> {
        let program = match value("PARLEY_WORKER") {
            None => WorkerProgram::Beside,
            Some(text) if text == "off" => WorkerProgram::Off,
            Some(text) => WorkerProgram::At(project_dir.join(text)),
        };
        let port = match value("PARLEY_WORKER_PORT") {
            None => Self::default().port,
            Some(text) => port("PARLEY_WORKER_PORT", &text)?,
        };
        let of_tavus = Self::OF_REAL_TAVUS.into_iter().filter(|_| real.tavus);
        let of_elevenlabs = Self::OF_REAL_ELEVENLABS.into_iter().filter(|_| real.elevenlabs);
        let names = Self::PASSED_ON.into_iter().chain(of_tavus).chain(of_elevenlabs);
        let settings = names
            .filter_map(|name| Some((name, Secret::new(value(name)?))))
            .collect();
        Ok(Self {
            program,
            port,
            settings,
        })
    }

    /// A setting that was given.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| value.expose())
    }

    /// The program, where one is to run. Says where it looked in vain.
    pub(crate) fn find(&self) -> Result<Found, Error> {
        match &self.program {
            WorkerProgram::Off => Ok(Found::Off),
            WorkerProgram::At(path) if path.is_file() => Ok(Found::At(path.clone())),
            WorkerProgram::At(path) => Err(Error::Setting {
                variable: "PARLEY_WORKER",
                reason: format!(
                    "there is no program {}; it is a path, or `off` for no worker",
                    path.display()
                ),
            }),
            WorkerProgram::Beside => {
                let here = std::env::current_exe().map_err(|source| Error::System {
                    doing: "looking for the worker",
                    source,
                })?;
                Ok(beside(&here))
            }
        }
    }
}

impl Default for WorkerConfig {
    /// None, so that a stack in a test's own process starts no more than the test asks for.
    fn default() -> Self {
        Self {
            program: WorkerProgram::Off,
            port: 54330,
            settings: Vec::new(),
        }
    }
}

/// What came of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Off,
    At(PathBuf),
    /// It would be here.
    Missing(PathBuf),
}

fn beside(program: &Path) -> Found {
    let path = program.with_file_name(NAME);
    if path.is_file() {
        Found::At(path)
    } else {
        Found::Missing(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_beside_is_found_or_said_to_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (here, worker) = (folder.path().join("local_stack"), folder.path().join(NAME));
        assert_eq!(beside(&here), Found::Missing(worker.clone()));
        std::fs::write(&worker, "").unwrap();
        assert_eq!(beside(&here), Found::At(worker));
    }

    #[test]
    fn path_that_leads_nowhere_is_refused_by_its_variable() {
        let config = WorkerConfig {
            program: WorkerProgram::At("/nonexistent/worker".into()),
            ..WorkerConfig::default()
        };
        let text = config.find().unwrap_err().to_string();
        assert!(
            text.contains("PARLEY_WORKER") && text.contains("/nonexistent/worker"),
            "{text}"
        );
    }
}
