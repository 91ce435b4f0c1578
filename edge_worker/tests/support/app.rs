//! The worker in this process, on a database and with a simulator of Tavus.

use edge_worker::Config;
use edge_worker::app::App;
use edge_worker::db;
use tokio_util::sync::CancellationToken;

/// Signs callback tokens in tests.
pub const WORKER_SECRET: &str = "w0rker-secret-w0rker-secret-w0rker-secret";

/// The settings of a worker with that database, with some variables changed; an empty value takes one away.
pub fn config(database_url: &str, changes: &[(&str, &str)]) -> Config {
    let all = [
        ("SUPABASE_URL", "http://127.0.0.1:9"),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x"),
        ("SUPABASE_SECRET_KEY", "sb_secret_x"),
        ("WORKER_DB_URL", database_url),
        ("WORKER_DB_CONNECTIONS", "4"),
        ("WORKER_SECRET", WORKER_SECRET),
        ("WORKER_LISTEN", "127.0.0.1:0"),
        ("TAVUS_API_KEY", "off"),
    ];
    Config::from_env(|name| {
        let mut found = changes.iter().chain(&all).filter(|(key, _)| *key == name);
        found.next().map(|(_, value)| (*value).to_owned())
    })
    .unwrap()
}

/// What the routes of such a worker share.
pub fn app(config: &Config) -> App {
    let pool = db::connect(&config.database).unwrap();
    App::new(config, pool, config.listen, CancellationToken::new()).unwrap()
}
