//! Where a running stack is and what opens it.

/// The addresses and keys of a running stack, under the names that Supabase gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// `SUPABASE_URL`: the gateway, without a slash at the end.
    pub api_url: String,
    /// `SUPABASE_ANON_KEY`: a token of the role anon.
    pub anon_key: String,
    /// `SUPABASE_SERVICE_ROLE_KEY`: a token of the role service_role.
    pub service_role_key: String,
    /// `SUPABASE_PUBLISHABLE_KEY`: what the gateway swaps for the role anon.
    pub publishable_key: String,
    /// `SUPABASE_SECRET_KEY`: what the gateway swaps for the role service_role.
    pub secret_key: String,
    /// `SUPABASE_JWT_SECRET`: what signs the tokens.
    pub jwt_secret: String,
    /// `SUPABASE_DB_URL`: the database as role postgres, which is not a superuser.
    pub db_url: String,
    /// `SUPABASE_ADMIN_DB_URL`: the database as superuser.
    pub admin_db_url: String,
    /// `TAVUS_BASE_URL`: the simulator of Tavus, where there is one.
    pub tavus_base_url: Option<String>,
    /// `TAVUS_API_KEY`: the key of that simulator.
    pub tavus_api_key: Option<String>,
    /// `ELEVENLABS_BASE_URL`: the simulator of ElevenLabs, where there is one.
    pub elevenlabs_base_url: Option<String>,
    /// `ELEVENLABS_API_KEY`: the key of that simulator.
    pub elevenlabs_api_key: Option<String>,
    /// `EMBEDDINGS_SIMULATOR_URL`: the simulator of an embeddings API. The worker uses it only where `EMBEDDINGS_BASE_URL` says so.
    pub embeddings_simulator_url: Option<String>,
    /// `EMBEDDINGS_SIMULATOR_KEY`: the key of that simulator.
    pub embeddings_simulator_key: Option<String>,
    /// `WORKER_DB_URL`: the database as the worker's role, where the migrations bring that.
    pub worker_db_url: Option<String>,
    /// `WORKER_SECRET`: what signs the tokens of callback addresses.
    pub worker_secret: Option<String>,
    /// `WORKER_URL`: where providers reach the worker, where one runs.
    pub worker_url: Option<String>,
}

impl Endpoints {
    /// The pairs of `stack.env`, in the order they are written.
    pub fn variables(&self) -> Vec<(&'static str, &str)> {
        let mut variables = vec![
            ("SUPABASE_URL", self.api_url.as_str()),
            ("SUPABASE_ANON_KEY", &self.anon_key),
            ("SUPABASE_SERVICE_ROLE_KEY", &self.service_role_key),
            ("SUPABASE_PUBLISHABLE_KEY", &self.publishable_key),
            ("SUPABASE_SECRET_KEY", &self.secret_key),
            ("SUPABASE_JWT_SECRET", &self.jwt_secret),
            ("SUPABASE_DB_URL", &self.db_url),
            ("SUPABASE_ADMIN_DB_URL", &self.admin_db_url),
        ];
        let parts = [
            ("TAVUS_BASE_URL", &self.tavus_base_url),
            ("TAVUS_API_KEY", &self.tavus_api_key),
            ("ELEVENLABS_BASE_URL", &self.elevenlabs_base_url),
            ("ELEVENLABS_API_KEY", &self.elevenlabs_api_key),
            ("EMBEDDINGS_SIMULATOR_URL", &self.embeddings_simulator_url),
            ("EMBEDDINGS_SIMULATOR_KEY", &self.embeddings_simulator_key),
            ("WORKER_DB_URL", &self.worker_db_url),
            ("WORKER_SECRET", &self.worker_secret),
            ("WORKER_URL", &self.worker_url),
        ];
        variables.extend(
            parts
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_deref()?))),
        );
        variables
    }
}
