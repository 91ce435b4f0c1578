use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;
use crate::config::Jwks;

const COMPLETE: [(&str, &str); 6] = [
    ("SUPABASE_URL", "http://127.0.0.1:54321/"),
    ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_x"),
    ("SUPABASE_SECRET_KEY", "sb_secret_x"),
    (
        "SUPABASE_DB_URL",
        "postgresql://parley_worker:hunter2@db.example:5432/postgres",
    ),
    ("TAVUS_API_KEY", "k3y"),
    ("WORKER_SECRET", "w0rker-w0rker-w0rker-w0rker-w0rker"),
];

/// More than the column beside a chunk takes.
const TOO_LONG: &str =
    "a-model-a-model-a-model-a-model-a-model-a-model-a-model-a-model-a-model-a-model-a-model-a-model-a-mod";

/// A complete environment with some variables changed; an empty value takes one away.
fn read(changes: &[(&str, &str)]) -> Result<Config, SettingsError> {
    Config::from_env(|name| {
        changes
            .iter()
            .chain(&COMPLETE)
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

fn blamed(changes: &[(&str, &str)]) -> Vec<&'static str> {
    let problems = read(changes).unwrap_err().problems;
    problems.into_iter().map(|problem| problem.variable).collect()
}

#[test]
fn complete_environment_gives_the_documented_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:54330");
    assert_eq!(config.public_url, None);
    assert_eq!(config.shutdown_grace, Duration::from_secs(25));
    assert_eq!(config.database.max_connections, 10);
    let jobs = &config.jobs;
    assert_eq!((jobs.tavus, jobs.maintenance, jobs.max_attempts), (8, 2, 10));
    assert_eq!((jobs.lease.as_secs(), jobs.poll.as_secs()), (60, 5));
    let tavus = config.tavus.unwrap();
    assert_eq!(tavus.base_url.as_str(), "https://tavusapi.com/");
    assert!(tavus.webhook_secret.is_none());
    let keys = "http://127.0.0.1:54321/auth/v1/.well-known/jwks.json";
    assert_eq!(config.supabase.jwks, Jwks::Address(keys.parse().unwrap()));
}

#[test]
fn empty_environment_names_every_variable_that_is_needed() {
    let error = Config::from_env(|_| None).unwrap_err();
    let blamed: Vec<_> = error.problems.iter().map(|problem| problem.variable).collect();
    let expected = [
        "WORKER_DB_URL",
        "SUPABASE_URL",
        "SUPABASE_PUBLISHABLE_KEY",
        "SUPABASE_SECRET_KEY",
        "TAVUS_API_KEY",
        "WORKER_SECRET",
    ];
    assert_eq!(blamed, expected);
    let text = error.to_string();
    assert!(
        text.contains("SUPABASE_SECRET_KEY: it is not set, and neither is SUPABASE_SERVICE_ROLE_KEY"),
        "{text}"
    );
}

#[test]
fn each_malformed_setting_is_refused_by_its_name_and_alone() {
    for (name, value) in [
        ("SUPABASE_URL", "127.0.0.1:54321"),
        ("SUPABASE_URL", "ftp://example.com"),
        ("SUPABASE_URL", "https://user:hunter2@example.com"),
        ("SUPABASE_URL", "https://example.com/?a=b"),
        ("SUPABASE_SECRET_KEYS", "sb_secret_x"),
        ("SUPABASE_SECRET_KEYS", r#"{"other": "x"}"#),
        ("SUPABASE_PUBLISHABLE_KEYS", r#"{"default": 7}"#),
        ("SUPABASE_PUBLISHABLE_KEY", "hunter2\u{e9}"),
        ("SUPABASE_SECRET_KEY", "hunter2\u{e9}"),
        ("SUPABASE_SECRET_KEY", "hunter2\nhunter2"),
        ("SUPABASE_SECRET_KEYS", r#"{"default": ""}"#),
        ("SUPABASE_JWKS", "{}"),
        ("SUPABASE_JWKS_URL", "nowhere"),
        ("SUPABASE_DB_URL", "mysql://u:hunter2@h/d"),
        ("SUPABASE_DB_URL", "postgresql://u:hunter2@h:99999/d"),
        (
            "SUPABASE_DB_URL",
            "postgres://u.x:hunter2@aws-0-eu.pooler.supabase.com:6543/postgres",
        ),
        ("TAVUS_BASE_URL", "tavusapi.com"),
        ("TAVUS_API_KEY", "hunter2\u{e9}"),
        ("TAVUS_WEBHOOK_SECRET", "whsec_hunter2"),
        ("ELEVENLABS_API_KEY", "hunter2\u{e9}"),
        ("ELEVENLABS_API_KEY", "hunter2 hunter2"),
        ("ELEVENLABS_BASE_URL", "api.elevenlabs.io"),
        ("ELEVENLABS_BASE_URL", "https://user:hunter2@example.com"),
        ("EMBEDDINGS_API_KEY", "hunter2\thunter2"),
        ("EMBEDDINGS_BASE_URL", "file:///v1"),
        ("EMBEDDINGS_BASE_URL", "https://example.com/v1?key=hunter2"),
        ("EMBEDDINGS_MODEL", TOO_LONG),
        ("WORKER_JOBS_KNOWLEDGE", "1001"),
        ("WORKER_DB_URL", "mysql://u:hunter2@h/d"),
        ("WORKER_SECRET", "hunter2"),
        ("WORKER_SECRET", "hunter2-hunter2-hunter2-hunter2-hunter2,"),
        (
            "WORKER_SECRET",
            "hunter2-hunter2-hunter2-hunter2-hunter2, hunter2",
        ),
        ("WORKER_LISTEN", "localhost"),
        ("WORKER_URL", "worker.example"),
        ("WORKER_CORS_ORIGINS", "app.example"),
        (
            "WORKER_CORS_ORIGINS",
            "https://ok.example, https://app.example/page",
        ),
        ("WORKER_CORS_ORIGINS", "https://user:hunter2@app.example"),
        ("WORKER_SHUTDOWN_SECONDS", "0"),
        ("WORKER_DB_CONNECTIONS", "many"),
        ("WORKER_JOBS_TAVUS", "all"),
        ("WORKER_JOBS_MAINTENANCE", "-1"),
        ("WORKER_JOBS_ATTEMPTS", "0"),
        ("WORKER_JOBS_LEASE_SECONDS", "9"),
        ("WORKER_JOBS_POLL_SECONDS", "0.5"),
        ("RUST_LOG", "a=b=c"),
    ] {
        assert_eq!(blamed(&[(name, value)]), [name], "{value}");
        let text = read(&[(name, value)]).unwrap_err().to_string();
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn legacy_names_are_fallbacks_and_the_plural_wins() {
    let changes = [
        ("SUPABASE_PUBLISHABLE_KEY", ""),
        ("SUPABASE_ANON_KEY", "anon"),
        ("SUPABASE_SECRET_KEY", ""),
        ("SUPABASE_SERVICE_ROLE_KEY", "service"),
        ("JWT_SECRET", "legacy"),
    ];
    let supabase = read(&changes).unwrap().supabase;
    assert_eq!(supabase.publishable_key.expose_secret(), "anon");
    assert_eq!(supabase.secret_key.expose_secret(), "service");
    assert_eq!(supabase.jwt_secret.unwrap().expose_secret(), "legacy");
    let both = [
        ("SUPABASE_SECRET_KEYS", r#"{"default": "plural", "other": "x"}"#),
        ("SUPABASE_JWT_SECRET", "newer"),
        ("JWT_SECRET", "legacy"),
    ];
    let supabase = read(&both).unwrap().supabase;
    assert_eq!(supabase.secret_key.expose_secret(), "plural");
    assert_eq!(supabase.jwt_secret.unwrap().expose_secret(), "newer");
}

#[test]
fn keys_may_be_given_inline_in_both_forms() {
    let key = json!({ "kid": "a" });
    for text in [json!({ "keys": [key] }), json!([key])] {
        let supabase = read(&[("SUPABASE_JWKS", &text.to_string())]).unwrap().supabase;
        assert_eq!(supabase.jwks, Jwks::Inline(vec![key.clone()]));
    }
}

#[test]
fn web_pages_are_allowed_by_the_spelling_of_browsers_and_none_by_default() {
    assert!(read(&[]).unwrap().cors_origins.is_empty());
    let text = "https://App.example:443/, http://127.0.0.1:3000,capacitor://localhost";
    let origins = read(&[("WORKER_CORS_ORIGINS", text)]).unwrap().cors_origins;
    for origin in [
        "https://app.example",
        "http://127.0.0.1:3000",
        "capacitor://localhost",
    ] {
        assert!(origins.allow(origin), "{origin}");
    }
    for origin in [
        "http://app.example",
        "https://app.example.evil",
        "https://evil",
        "null",
        "*",
    ] {
        assert!(!origins.allow(origin), "{origin}");
    }
    let all = read(&[("WORKER_CORS_ORIGINS", "*")]).unwrap().cors_origins;
    assert!(all.allow("https://anybody.example"));
}

#[test]
fn address_of_the_worker_for_the_database_comes_before_that_of_the_project() {
    assert_eq!(read(&[]).unwrap().database.variable, "SUPABASE_DB_URL");
    let own = "postgresql://parley_worker:pass@db.example:5432/postgres";
    let database = read(&[("WORKER_DB_URL", own)]).unwrap().database;
    assert_eq!(database.url.expose_secret(), own);
    assert_eq!(database.variable, "WORKER_DB_URL");
}

#[test]
fn secret_of_the_worker_is_needed_with_tavus_alone() {
    assert_eq!(blamed(&[("WORKER_SECRET", "")]), ["WORKER_SECRET"]);
    let off = read(&[("WORKER_SECRET", ""), ("TAVUS_API_KEY", "off")]).unwrap();
    assert_eq!(format!("{:?}", off.callback_keys), "CallbackKeys(0)");
    let two = "first-first-first-first-first-first , second-second-second-second-second";
    let rotated = read(&[("WORKER_SECRET", two)]).unwrap();
    assert_eq!(format!("{:?}", rotated.callback_keys), "CallbackKeys(2)");
}

#[test]
fn queues_may_be_left_to_other_workers() {
    let jobs = read(&[("WORKER_JOBS_TAVUS", "0"), ("WORKER_JOBS_LEASE_SECONDS", "300")])
        .unwrap()
        .jobs;
    assert_eq!((jobs.tavus, jobs.lease.as_secs()), (0, 300));
    assert!(jobs.is_on());
    assert!(!jobs.off().is_on());
}

#[test]
fn transcription_and_embeddings_are_off_until_they_have_a_key() {
    let none = read(&[
        ("ELEVENLABS_BASE_URL", "https://elsewhere.example"),
        ("ELEVENLABS_API_KEY", " "),
        ("EMBEDDINGS_BASE_URL", "https://elsewhere.example/v1"),
        ("EMBEDDINGS_MODEL", "some-model"),
    ])
    .unwrap();
    assert!(none.elevenlabs.is_none() && none.embeddings.is_none());
    let keys = [("ELEVENLABS_API_KEY", " el "), ("EMBEDDINGS_API_KEY", "em")];
    let config = read(&keys).unwrap();
    let (elevenlabs, embeddings) = (config.elevenlabs.unwrap(), config.embeddings.unwrap());
    assert_eq!(elevenlabs.api_key.expose_secret(), "el");
    assert_eq!(elevenlabs.base_url.as_str(), "https://api.elevenlabs.io/");
    assert_eq!(embeddings.api_key.expose_secret(), "em");
    assert_eq!(embeddings.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(embeddings.model, "text-embedding-3-small");
    assert_eq!(config.jobs.knowledge, 4);
}

#[test]
fn transcription_and_embeddings_may_be_elsewhere_and_of_another_model() {
    let longest = TOO_LONG.get(1..).unwrap();
    let config = read(&[
        ("ELEVENLABS_API_KEY", "el"),
        ("ELEVENLABS_BASE_URL", "http://127.0.0.1:9000/"),
        ("EMBEDDINGS_API_KEY", "em"),
        ("EMBEDDINGS_BASE_URL", "https://models.example/openai/v1/"),
        ("EMBEDDINGS_MODEL", longest),
        ("WORKER_JOBS_KNOWLEDGE", "0"),
    ])
    .unwrap();
    assert_eq!(
        config.elevenlabs.unwrap().base_url.as_str(),
        "http://127.0.0.1:9000/"
    );
    let embeddings = config.embeddings.unwrap();
    assert_eq!(embeddings.base_url.as_str(), "https://models.example/openai/v1");
    assert_eq!(embeddings.model, longest);
    assert_eq!(config.jobs.knowledge, 0);
}

#[test]
fn storage_needs_the_secret_key_of_the_project() {
    let names = [
        "SUPABASE_SECRET_KEYS",
        "SUPABASE_SECRET_KEY",
        "SUPABASE_SERVICE_ROLE_KEY",
    ];
    let none: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    assert_eq!(blamed(&none), ["SUPABASE_SECRET_KEY"]);
    for (name, value) in names
        .into_iter()
        .zip([r#"{"default": "s3rvice"}"#, "s3rvice", "s3rvice"])
    {
        let mut changes = none.clone();
        changes.retain(|(other, _)| *other != name);
        changes.push((name, value));
        let key = read(&changes).unwrap().supabase.secret_key;
        assert_eq!(key.expose_secret(), "s3rvice", "{name}");
    }
}

#[test]
fn tavus_is_off_only_when_that_is_said() {
    assert!(read(&[("TAVUS_API_KEY", "off")]).unwrap().tavus.is_none());
    assert_eq!(blamed(&[("TAVUS_API_KEY", "")]), ["TAVUS_API_KEY"]);
}

#[test]
fn debug_form_of_the_settings_holds_no_secret() {
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let config = read(&[
        ("TAVUS_WEBHOOK_SECRET", secret),
        ("TAVUS_TOOL_SECRET", "t00l-t00l-t00l-t00l"),
        ("JWT_SECRET", "jwts3cret"),
        ("ELEVENLABS_API_KEY", "elevenl4bs"),
        ("EMBEDDINGS_API_KEY", "embedd1ngs"),
    ])
    .unwrap();
    let shown = format!("{config:?}");
    for hidden in [
        "hunter2",
        "k3y",
        "w0rker",
        "sb_secret_x",
        "sb_publishable_x",
        "jwts3cret",
        "C2FVsBQIhrscChlQIMV",
        "t00l",
        "elevenl4bs",
        "embedd1ngs",
    ] {
        assert!(!shown.contains(hidden), "{hidden} in {shown}");
    }
}
