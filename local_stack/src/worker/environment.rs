//! What the worker is told: exactly this, and nothing of what this process has.

use std::path::Path;
use std::process::Command;

use super::config::WorkerConfig;
use crate::endpoints::Endpoints;

/// How long its requests may take to end. Ctrl-C in a terminal should not take longer.
pub(super) const SHUTDOWN_SECONDS: u64 = 10;

/// The variables of a worker. The last of a name counts.
#[derive(Clone, Debug)]
pub(crate) struct Environment(Vec<(&'static str, String)>);

impl Environment {
    /// What follows from a stack that is where `endpoints` say, for a worker that listens on `listen`.
    pub(crate) fn new(endpoints: &Endpoints, config: &WorkerConfig, listen: &str) -> Self {
        let mut variables = vec![
            // Without a simulator and without a key there is none.
            ("TAVUS_API_KEY", "off".to_owned()),
            ("SUPABASE_URL", endpoints.api_url.clone()),
            ("SUPABASE_PUBLISHABLE_KEY", endpoints.publishable_key.clone()),
            ("SUPABASE_SECRET_KEY", endpoints.secret_key.clone()),
            ("WORKER_LISTEN", listen.to_owned()),
            ("WORKER_SHUTDOWN_SECONDS", SHUTDOWN_SECONDS.to_string()),
        ];
        let parts = [
            ("TAVUS_BASE_URL", &endpoints.tavus_base_url),
            ("TAVUS_API_KEY", &endpoints.tavus_api_key),
            ("ELEVENLABS_BASE_URL", &endpoints.elevenlabs_base_url),
            ("ELEVENLABS_API_KEY", &endpoints.elevenlabs_api_key),
            ("WORKER_DB_URL", &endpoints.worker_db_url),
            ("WORKER_SECRET", &endpoints.worker_secret),
            ("WORKER_URL", &endpoints.worker_url),
        ];
        variables.extend(
            parts
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.clone()?))),
        );
        let settings = config.settings.iter();
        variables.extend(settings.map(|(name, value)| (*name, value.expose().to_owned())));
        Self(variables)
    }

    /// The command that serves with them.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .arg("serve")
            .current_dir("/")
            .env_clear()
            .envs(self.0.iter().map(|(name, value)| (*name, value.as_str())));
        command
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::secret::Secret;

    fn told(endpoints: &Endpoints, settings: Vec<(&'static str, Secret)>) -> BTreeMap<String, String> {
        let config = WorkerConfig {
            settings,
            ..WorkerConfig::default()
        };
        let environment = Environment::new(endpoints, &config, "127.0.0.1:9");
        let command = environment.command(Path::new("/bin/worker"));
        let text = |text: &std::ffi::OsStr| text.to_str().unwrap().to_owned();
        command
            .get_envs()
            .map(|(name, value)| (text(name), text(value.unwrap())))
            .collect()
    }

    fn endpoints() -> Endpoints {
        Endpoints {
            api_url: "http://127.0.0.1:1".into(),
            anon_key: "anon".into(),
            service_role_key: "service".into(),
            publishable_key: "publishable".into(),
            secret_key: "secret".into(),
            jwt_secret: "jwt".into(),
            db_url: "postgresql://postgres".into(),
            admin_db_url: "postgresql://supabase_admin".into(),
            tavus_base_url: Some("http://127.0.0.1:3".into()),
            tavus_api_key: Some("simulated".into()),
            elevenlabs_base_url: Some("http://127.0.0.1:5".into()),
            elevenlabs_api_key: Some("simulated".into()),
            embeddings_simulator_url: Some("http://127.0.0.1:6".into()),
            embeddings_simulator_key: Some("not for the worker".into()),
            worker_db_url: Some("postgresql://parley_worker".into()),
            worker_secret: Some("signing".into()),
            worker_url: Some("http://127.0.0.1:9".into()),
        }
    }

    #[test]
    fn worker_is_told_what_it_needs_and_no_other_secret() {
        let told = told(&endpoints(), Vec::new());
        let names: Vec<&str> = told.keys().map(String::as_str).collect();
        let expected = [
            "ELEVENLABS_API_KEY",
            "ELEVENLABS_BASE_URL",
            "SUPABASE_PUBLISHABLE_KEY",
            "SUPABASE_SECRET_KEY",
            "SUPABASE_URL",
            "TAVUS_API_KEY",
            "TAVUS_BASE_URL",
            "WORKER_DB_URL",
            "WORKER_LISTEN",
            "WORKER_SECRET",
            "WORKER_SHUTDOWN_SECONDS",
            "WORKER_URL",
        ];
        assert_eq!(names, expected);
        assert_eq!(told["WORKER_DB_URL"], "postgresql://parley_worker");
        assert_eq!(told["TAVUS_API_KEY"], "simulated");
    }

    #[test]
    fn settings_win_and_without_any_tavus_it_is_off() {
        let mut stack = endpoints();
        (stack.tavus_base_url, stack.tavus_api_key) = (None, None);
        assert_eq!(told(&stack, Vec::new())["TAVUS_API_KEY"], "off");
        let settings = vec![
            ("TAVUS_API_KEY", Secret::new("real")),
            ("WORKER_URL", Secret::new("https://tunnel.example")),
        ];
        let told = told(&stack, settings);
        assert_eq!(told["TAVUS_API_KEY"], "real");
        assert_eq!(told["WORKER_URL"], "https://tunnel.example");
        assert!(!told.contains_key("TAVUS_BASE_URL"));
    }
}
