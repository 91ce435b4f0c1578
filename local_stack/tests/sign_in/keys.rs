//! What the tokens of users are signed with, and who takes them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local_stack::{JwtSigning, Stack};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, account, token_of};
use crate::support::Project;

const TABLE: &str = "create table public.note (id int); grant select on public.note to authenticated;";

fn header_of(token: &str) -> Value {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

async fn published(stack: &Stack) -> Value {
    let url = format!("{}/auth/v1/.well-known/jwks.json", stack.endpoints().api_url);
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// Every service takes this token.
async fn assert_taken(stack: &Stack, token: &str) {
    let endpoints = stack.endpoints();
    for path in ["/auth/v1/user", "/rest/v1/note", "/storage/v1/bucket"] {
        let request = reqwest::Client::new()
            .get(format!("{}{path}", endpoints.api_url))
            .header("apikey", &endpoints.publishable_key)
            .bearer_auth(token);
        let response = request.send().await.unwrap();
        let status = response.status();
        assert_eq!(
            status,
            StatusCode::OK,
            "{path}: {}",
            response.text().await.unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_sign_by_default_outlive_a_restart_and_give_way_to_the_secret_where_that_is_set() {
    let project = Project::new(TABLE);
    let stack = project.start().await;
    let session = Client::new(&stack)
        .done("/signup", account("a@example.com"))
        .await;
    let modern = token_of(&session).to_owned();
    let keys = published(&stack).await;
    assert_eq!(header_of(&modern)["alg"], "ES256");
    assert_eq!(header_of(&modern)["kid"], keys["keys"][0]["kid"]);
    assert_taken(&stack, &modern).await;
    stack.stop().await.unwrap();

    let mut config = project.config();
    config.jwt_signing = JwtSigning::Secret;
    let stack = Stack::start(config).await.unwrap();
    let session = Client::new(&stack)
        .done("/token?grant_type=password", account("a@example.com"))
        .await;
    assert_eq!(
        header_of(token_of(&session)),
        json!({ "typ": "JWT", "alg": "HS256" })
    );
    assert_taken(&stack, token_of(&session)).await;
    // The token of before the restart, too.
    assert_taken(&stack, &modern).await;
    assert_eq!(published(&stack).await, keys);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn project_may_bring_its_keys() {
    let project = Project::new(TABLE);
    let settings = "[auth]\nsigning_keys_path = \"./keys.json\"\n";
    std::fs::write(project.path("supabase/config.toml"), settings).unwrap();
    let missing = Stack::start(project.config()).await.err().unwrap().to_string();
    assert!(missing.contains("keys.json"), "{missing}");
    // As the CLI writes one; the key is of no use elsewhere.
    let keys = json!([{
        "kty": "EC", "kid": "own", "use": "sig", "key_ops": ["sign", "verify"], "alg": "ES256", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    }]);
    std::fs::write(project.path("supabase/keys.json"), keys.to_string()).unwrap();
    let stack = project.start().await;
    let session = Client::new(&stack)
        .done("/signup", account("a@example.com"))
        .await;
    assert_eq!(header_of(token_of(&session))["kid"], "own");
    assert_taken(&stack, token_of(&session)).await;
    let shown = published(&stack).await;
    assert_eq!(shown["keys"][0]["kid"], "own");
    assert!(shown["keys"][0].get("d").is_none());
    stack.stop().await.unwrap();
}
