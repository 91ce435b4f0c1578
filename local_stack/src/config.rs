//! The settings of a stack and the environment they come from.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::Error;
use crate::identity::DEVELOPMENT_JWT_SECRET;
use crate::progress::Progress;
use crate::realtime::RealtimeLimits;
use crate::secret::Secret;
use crate::simulators::elevenlabs::ElevenLabsSimulator;
use crate::simulators::tavus::TavusSimulator;
use crate::worker::{RealProviders, WorkerConfig};

/// Not 54322, Supabase's own: the CLI takes an address on loopback with the port of `[db] port` in `config.toml` for its database in
/// Docker, whatever `--remote` says, and `db reset` then looks for a container.
const DB_PORT: u16 = 54332;

/// HS256 takes no key shorter than its digest.
const SHORTEST_JWT_SECRET: usize = 32;

/// Which body the kernel functions have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// The Rust extension `parley`.
    Native,
    /// Plain SQL, as on a server that cannot load extensions.
    Portable,
}

impl Kernel {
    /// The value of `PARLEY_KERNEL`, and what `parley.implementation()` answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Portable => "portable",
        }
    }
}

impl FromStr for Kernel {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "native" => Ok(Self::Native),
            "portable" => Ok(Self::Portable),
            _ => Err(()),
        }
    }
}

/// What signs the tokens of users. Both are accepted always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtSigning {
    /// A pair of keys (ES256), as new projects have. The public half is in `/auth/v1/.well-known/jwks.json`.
    Keys,
    /// The project's secret (HS256), as older projects have.
    Secret,
}

/// What a stack is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// A Supabase project: the folder that holds `supabase/`, with the migrations in it.
    pub project_dir: PathBuf,
    /// The folder that belongs to this stack alone. Created when missing.
    pub data_dir: PathBuf,
    /// The port of the gateway on loopback; 0 takes a free one.
    pub api_port: u16,
    /// The port of Postgres on loopback; 0 takes a free one.
    pub db_port: u16,
    /// The `pg_config` of the Postgres to run; `None` looks for one.
    pub pg_config: Option<PathBuf>,
    /// The port of the simulator of Tavus on loopback; 0 takes a free one. `None` starts none: the worker talks to the real one.
    pub tavus_port: Option<u16>,
    /// The port of the simulator of ElevenLabs on loopback; 0 takes a free one. `None` starts none: the worker talks to the real one.
    pub elevenlabs_port: Option<u16>,
    /// The port of the simulator of an embeddings API on loopback; 0 takes a free one.
    pub embeddings_port: u16,
    /// Whether migrations are applied that sort before what is applied already, as with `supabase db push --include-all`.
    pub include_all: bool,
    /// Which kernel the database runs.
    pub kernel: Kernel,
    /// Signs the two legacy API keys, and verifies whatever was signed with it.
    pub jwt_secret: Secret,
    /// Signs the tokens of users.
    pub jwt_signing: JwtSigning,
    /// How much the clients of `/realtime/v1` may ask for.
    pub realtime: RealtimeLimits,
    /// The worker that runs along.
    pub worker: WorkerConfig,
    /// The folder of the built playground. It need not exist.
    pub playground_dir: PathBuf,
    /// Where progress lines go.
    pub progress: Progress,
}

impl Config {
    /// The defaults, for a project and a data directory.
    pub fn new(project_dir: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        let project_dir = project_dir.into();
        Self {
            playground_dir: project_dir.join("local_stack/playground/dist"),
            project_dir,
            data_dir: data_dir.into(),
            api_port: 54321,
            db_port: DB_PORT,
            pg_config: None,
            tavus_port: Some(0),
            elevenlabs_port: Some(0),
            embeddings_port: 0,
            include_all: false,
            kernel: Kernel::Native,
            jwt_secret: Secret::new(DEVELOPMENT_JWT_SECRET),
            jwt_signing: JwtSigning::Keys,
            realtime: RealtimeLimits::default(),
            worker: WorkerConfig::default(),
            progress: Progress::default(),
        }
    }

    /// Reads the environment through `variable`. A relative data directory is below the project; an empty value counts as
    /// missing.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] names the variable whose value is not usable.
    pub fn from_env(project_dir: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let value = |name: &str| variable(name).filter(|text| !text.is_empty());
        let data_dir = value("PARLEY_DATA_DIR").unwrap_or_else(|| ".parley".to_owned());
        let mut config = Self::new(project_dir, project_dir.join(data_dir));
        if let Some(text) = value("PARLEY_API_PORT") {
            config.api_port = port("PARLEY_API_PORT", &text)?;
        }
        if let Some(text) = value("PARLEY_DB_PORT") {
            config.db_port = port("PARLEY_DB_PORT", &text)?;
        }
        config.pg_config = value("PARLEY_PG_CONFIG").map(|path| project_dir.join(path));
        if let Some(text) = value("PARLEY_TAVUS_PORT") {
            config.tavus_port = Some(port("PARLEY_TAVUS_PORT", &text)?);
        }
        if let Some(text) = value("PARLEY_ELEVENLABS_PORT") {
            config.elevenlabs_port = Some(port("PARLEY_ELEVENLABS_PORT", &text)?);
        }
        if let Some(text) = value("PARLEY_EMBEDDINGS_PORT") {
            config.embeddings_port = port("PARLEY_EMBEDDINGS_PORT", &text)?;
        }
        // A shell that has read a stack.env has the keys of simulators.
        let is_real = |name, development: &str| value(name).is_some_and(|key| key != development);
        let real = RealProviders {
            tavus: is_real("TAVUS_API_KEY", TavusSimulator::DEVELOPMENT_KEY),
            elevenlabs: is_real("ELEVENLABS_API_KEY", ElevenLabsSimulator::DEVELOPMENT_KEY),
        };
        if real.tavus {
            config.tavus_port = None;
        }
        if real.elevenlabs {
            config.elevenlabs_port = None;
        }
        config.worker = WorkerConfig::from_env(project_dir, value, real)?;
        if let Some(text) = value("PARLEY_KERNEL") {
            config.kernel = text.parse().map_err(|()| Error::Setting {
                variable: "PARLEY_KERNEL",
                reason: format!("`{text}` is neither `native` nor `portable`"),
            })?;
        }
        if let Some(text) = value("SUPABASE_JWT_SECRET") {
            if text.len() < SHORTEST_JWT_SECRET {
                return Err(Error::Setting {
                    variable: "SUPABASE_JWT_SECRET",
                    reason: format!(
                        "it has {} characters, at least {SHORTEST_JWT_SECRET} are needed",
                        text.len()
                    ),
                });
            }
            config.jwt_secret = Secret::new(text);
        }
        if let Some(text) = value("PARLEY_JWT_ALGORITHM") {
            config.jwt_signing = match text.as_str() {
                "ES256" => JwtSigning::Keys,
                "HS256" => JwtSigning::Secret,
                _ => {
                    return Err(Error::Setting {
                        variable: "PARLEY_JWT_ALGORITHM",
                        reason: format!("`{text}` is neither `ES256` nor `HS256`"),
                    });
                }
            };
        }
        for (name, limit) in [
            (
                "PARLEY_REALTIME_MAX_CONNECTIONS",
                &mut config.realtime.max_connections,
            ),
            (
                "PARLEY_REALTIME_MAX_JOINS_PER_SECOND",
                &mut config.realtime.max_joins_per_second,
            ),
            (
                "PARLEY_REALTIME_MAX_EVENTS_PER_SECOND",
                &mut config.realtime.max_events_per_second,
            ),
        ] {
            if let Some(text) = value(name) {
                *limit = text.parse().map_err(|_| Error::Setting {
                    variable: name,
                    reason: format!("`{text}` is not a whole number"),
                })?;
            }
        }
        Ok(config)
    }
}

/// A port that a variable names.
pub(crate) fn port(variable: &'static str, text: &str) -> Result<u16, Error> {
    text.parse().map_err(|_| Error::Setting {
        variable,
        reason: format!("`{text}` is not a port number (0 to 65535)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::WorkerProgram;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Error> {
        Config::from_env(Path::new("/project"), |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn empty_environment_gives_the_documented_defaults() {
        let config = read(&[("PARLEY_API_PORT", "")]).unwrap();
        assert_eq!((config.api_port, config.db_port), (54321, 54332));
        assert_eq!(config.pg_config, None);
        assert_eq!(config.data_dir, Path::new("/project/.parley"));
        assert_eq!(
            config.playground_dir,
            Path::new("/project/local_stack/playground/dist")
        );
        assert_eq!(config.kernel, Kernel::Native);
        assert!(config.jwt_secret.expose().len() >= 40);
        assert_eq!(config.jwt_signing, JwtSigning::Keys);
    }

    #[test]
    fn every_variable_is_read() {
        let secret = "a".repeat(32);
        let config = read(&[
            ("PARLEY_API_PORT", "0"),
            ("PARLEY_DB_PORT", "6000"),
            ("PARLEY_TAVUS_PORT", "6001"),
            ("PARLEY_WORKER_PORT", "6002"),
            ("PARLEY_ELEVENLABS_PORT", "6003"),
            ("PARLEY_EMBEDDINGS_PORT", "6004"),
            ("PARLEY_DATA_DIR", "/elsewhere/my stack"),
            ("PARLEY_PG_CONFIG", "/opt/pg/bin/pg_config"),
            ("PARLEY_KERNEL", "portable"),
            ("SUPABASE_JWT_SECRET", &secret),
            ("PARLEY_JWT_ALGORITHM", "HS256"),
            ("PARLEY_REALTIME_MAX_CONNECTIONS", "1"),
            ("PARLEY_REALTIME_MAX_JOINS_PER_SECOND", "2"),
            ("PARLEY_REALTIME_MAX_EVENTS_PER_SECOND", "3"),
        ])
        .unwrap();
        let limits = &config.realtime;
        assert_eq!(
            (
                limits.max_connections,
                limits.max_joins_per_second,
                limits.max_events_per_second
            ),
            (1, 2, 3)
        );
        assert_eq!((config.api_port, config.db_port), (0, 6000));
        assert_eq!(config.tavus_port, Some(6001));
        assert_eq!(config.worker.port, 6002);
        assert_eq!(
            (config.elevenlabs_port, config.embeddings_port),
            (Some(6003), 6004)
        );
        assert_eq!(config.data_dir, Path::new("/elsewhere/my stack"));
        assert_eq!(
            config.pg_config.as_deref(),
            Some(Path::new("/opt/pg/bin/pg_config"))
        );
        assert_eq!(config.kernel, Kernel::Portable);
        assert_eq!(config.jwt_secret.expose(), secret);
        assert_eq!(config.jwt_signing, JwtSigning::Secret);
    }

    #[test]
    fn key_of_the_real_tavus_starts_no_simulator() {
        assert_eq!(read(&[]).unwrap().tavus_port, Some(0));
        let real = read(&[("TAVUS_API_KEY", "k"), ("PARLEY_TAVUS_PORT", "6001")]);
        let real = real.unwrap();
        assert_eq!(real.tavus_port, None);
        let key = ("TAVUS_API_KEY", Secret::new("k"));
        assert_eq!(real.worker.settings, [key]);
    }

    #[test]
    fn key_of_the_real_elevenlabs_starts_no_simulator() {
        assert_eq!(read(&[]).unwrap().elevenlabs_port, Some(0));
        let real = read(&[
            ("ELEVENLABS_API_KEY", "k"),
            ("ELEVENLABS_BASE_URL", "https://api.example"),
        ])
        .unwrap();
        assert_eq!(real.elevenlabs_port, None);
        let given = [
            ("ELEVENLABS_API_KEY", Secret::new("k")),
            ("ELEVENLABS_BASE_URL", Secret::new("https://api.example")),
        ];
        assert_eq!(real.worker.settings, given);
        assert_eq!(real.tavus_port, Some(0));
    }

    #[test]
    fn embeddings_are_the_workers_own_unless_a_service_is_named() {
        let named = [
            ("EMBEDDINGS_API_KEY", "k"),
            ("EMBEDDINGS_BASE_URL", "u"),
            ("EMBEDDINGS_MODEL", "m"),
        ];
        let settings = read(&named).unwrap().worker.settings;
        assert_eq!(settings, named.map(|(name, value)| (name, Secret::new(value))));
        let of_a_stack = [
            ("EMBEDDINGS_SIMULATOR_URL", "http://127.0.0.1:1"),
            ("EMBEDDINGS_SIMULATOR_KEY", "k"),
        ];
        assert!(read(&of_a_stack).unwrap().worker.settings.is_empty());
    }

    #[test]
    fn shell_that_has_read_the_file_of_a_stack_starts_the_same_again() {
        let of_a_stack = [
            ("TAVUS_API_KEY", TavusSimulator::DEVELOPMENT_KEY),
            ("TAVUS_BASE_URL", "http://127.0.0.1:1"),
            ("ELEVENLABS_API_KEY", ElevenLabsSimulator::DEVELOPMENT_KEY),
            ("ELEVENLABS_BASE_URL", "http://127.0.0.1:3"),
            ("WORKER_URL", "http://127.0.0.1:2"),
            ("RUST_LOG", "debug"),
        ];
        let config = read(&of_a_stack).unwrap();
        assert_eq!((config.tavus_port, config.elevenlabs_port), (Some(0), Some(0)));
        assert_eq!(config.worker.settings, [("RUST_LOG", Secret::new("debug"))]);
    }

    #[test]
    fn worker_is_the_one_beside_unless_told_otherwise() {
        let worker = |value| read(&[("PARLEY_WORKER", value)]).unwrap().worker;
        assert_eq!(worker("").program, WorkerProgram::Beside);
        assert_eq!(worker("").port, 54330);
        assert_eq!(worker("off").program, WorkerProgram::Off);
        assert_eq!(
            worker("target/debug/edge_worker").program,
            WorkerProgram::At("/project/target/debug/edge_worker".into())
        );
        let config = Config::new("/project", "/data");
        assert_eq!(config.worker.program, WorkerProgram::Off);
    }

    #[test]
    fn unusable_value_is_refused_by_the_name_of_its_variable() {
        for (name, value) in [
            ("PARLEY_API_PORT", "http"),
            ("PARLEY_DB_PORT", "70000"),
            ("PARLEY_TAVUS_PORT", "-1"),
            ("PARLEY_ELEVENLABS_PORT", "-1"),
            ("PARLEY_EMBEDDINGS_PORT", "x"),
            ("PARLEY_WORKER_PORT", "http"),
            ("PARLEY_KERNEL", "fast"),
            ("SUPABASE_JWT_SECRET", "short"),
            ("PARLEY_JWT_ALGORITHM", "none"),
            ("PARLEY_REALTIME_MAX_CONNECTIONS", "-1"),
        ] {
            let text = read(&[(name, value)]).unwrap_err().to_string();
            assert!(text.contains(name), "{text}");
        }
    }
}
