//! Authenticator apps.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

use crate::client::{Client, account, token_of};
use crate::support::Project;

const SETTINGS: &str = "[auth]\nenable_anonymous_sign_ins = true\n[auth.mfa.totp]\nenroll_enabled = true\nverify_enabled = true\n";

/// What the app of somebody shows now.
fn code_of(factor: &Value) -> String {
    let secret = Secret::Encoded(factor["totp"]["secret"].as_str().unwrap().to_owned());
    let app = TOTP::new(
        Algorithm::SHA1,
        6,
        1,
        30,
        secret.to_bytes().unwrap(),
        None,
        String::new(),
    );
    app.unwrap().generate_current().unwrap()
}

/// What a token says of how it was proved.
fn level_of(session: &Value) -> Value {
    use base64::Engine as _;
    let payload = token_of(session).split('.').nth(1).unwrap().to_owned();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["aal"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn app_is_enrolled_shown_and_taken_away_by_whoever_has_it() {
    let project = Project::new("");
    std::fs::write(project.path("supabase/config.toml"), SETTINGS).unwrap();
    let stack = project.start().await;
    let client = Client::new(&stack);
    let session = client.done("/signup", account("a@example.com")).await;
    let other = client
        .done("/token?grant_type=password", account("a@example.com"))
        .await;
    let stranger = client.done("/signup", account("b@example.com")).await;
    assert_eq!(level_of(&session), "aal1");
    let post = async |path: &str, session: &Value, body: Value| {
        client
            .send(Method::POST, path, Some(token_of(session)), &body)
            .await
    };
    let totp = json!({ "factor_type": "totp", "friendly_name": "phone" });
    let (status, factor) = post("/factors", &session, totp.clone()).await;
    assert_eq!(status, StatusCode::OK, "{factor}");
    assert!(factor["totp"]["qr_code"].as_str().unwrap().contains("<svg"));
    let (_, refusal) = post("/factors", &session, totp.clone()).await;
    assert_eq!(refusal["error_code"], "mfa_factor_name_conflict");
    let anonymous = client.done("/signup", json!({})).await;
    assert_eq!(post("/factors", &anonymous, totp).await.0, StatusCode::FORBIDDEN);

    let path = format!("/factors/{}", factor["id"].as_str().unwrap());
    let (status, _) = post(&format!("{path}/challenge"), &stranger, json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, challenge) = post(&format!("{path}/challenge"), &session, json!({})).await;
    let answer = |code: &str| json!({ "challenge_id": challenge["id"], "code": code });
    let (_, refusal) = post(&format!("{path}/verify"), &session, answer("")).await;
    assert_eq!(refusal["error_code"], "mfa_verification_failed");
    let right = answer(&code_of(&factor));
    let (status, raised) = post(&format!("{path}/verify"), &session, right.clone()).await;
    assert_eq!(status, StatusCode::OK, "{raised}");
    assert_eq!(level_of(&raised), "aal2");
    assert_eq!(raised["user"]["factors"][0]["status"], "verified");
    // A challenge is answered once, and the sessions that did not answer end.
    assert_eq!(
        post(&format!("{path}/verify"), &raised, right).await.0,
        StatusCode::NOT_FOUND
    );
    let (status, _) = client
        .send(Method::GET, "/user", Some(token_of(&other)), &json!({}))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);

    // Who knows the password alone changes nothing.
    let half = client
        .done("/token?grant_type=password", account("a@example.com"))
        .await;
    let password = json!({ "password": "another1" });
    let (status, refusal) = client
        .send(Method::PUT, "/user", Some(token_of(&half)), &password)
        .await;
    assert_eq!(
        (status, &refusal["error_code"]),
        (StatusCode::UNAUTHORIZED, &json!("insufficient_aal"))
    );
    let (status, _) = client
        .send(Method::DELETE, &path, Some(token_of(&half)), &json!({}))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let refresh = json!({ "refresh_token": raised["refresh_token"] });
    let refreshed = client.done("/token?grant_type=refresh_token", refresh).await;
    assert_eq!(level_of(&refreshed), "aal2");
    let (status, _) = client
        .send(Method::DELETE, &path, Some(token_of(&refreshed)), &json!({}))
        .await;
    assert_eq!(status, StatusCode::OK);
    let refresh = json!({ "refresh_token": refreshed["refresh_token"] });
    let lowered = client.done("/token?grant_type=refresh_token", refresh).await;
    assert_eq!(level_of(&lowered), "aal1");
    stack.stop().await.unwrap();
}
