//! With `enable_confirmations`: an address or a number is somebody's when they have shown its code.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{Client, account, token_of};
use crate::support::Project;

const SETTINGS: &str = "[auth]\nsite_url = \"https://app.example\"\n\
    [auth.email]\nenable_confirmations = true\nmax_frequency = \"0s\"\nsecure_password_change = true\n\
    [auth.sms]\nenable_signup = true\nenable_confirmations = true\nmax_frequency = \"0s\"\ntemplate = \"Code: {{ .Code }}!\"\n\
    [auth.sms.test_otp]\n15550199 = \"654321\"\n";

fn project() -> Project {
    let project = Project::new("");
    std::fs::write(project.path("supabase/config.toml"), SETTINGS).unwrap();
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn address_is_confirmed_by_its_link_before_anybody_signs_in_with_it() {
    let project = project();
    let stack = project.start().await;
    let client = Client::new(&stack);
    let user = client.done("/signup", account("a@example.com")).await;
    assert!(user.get("access_token").is_none() && user.get("email_confirmed_at").is_none());
    assert_eq!(
        client
            .refused("/token?grant_type=password", account("a@example.com"))
            .await,
        "email_not_confirmed"
    );
    client
        .done("/resend", json!({ "type": "signup", "email": "a@example.com" }))
        .await;
    let sent = client.sent_to("a@example.com").await;
    assert_eq!((sent.len(), &sent[0]["type"]), (2, &json!("signup")));
    // The newer one took the older one's place.
    let old = client.follow(&sent[1]["link"]).await;
    assert!(
        old.fragment().unwrap().contains("error_code=otp_expired"),
        "{old}"
    );
    let page = client.follow(&sent[0]["link"]).await;
    assert_eq!(page.host_str(), Some("app.example"));
    assert!(page.fragment().unwrap().contains("access_token="), "{page}");
    client
        .done("/token?grant_type=password", account("a@example.com"))
        .await;

    // Nobody learns that the address is taken: the answer looks like any other, and nothing is sent.
    let known = client.done("/signup", account("a@example.com")).await;
    assert_ne!(known["id"], user["id"]);
    assert_eq!(known["identities"], json!([]));
    assert_eq!(client.sent_to("a@example.com").await.len(), 2);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn change_of_an_address_is_confirmed_at_both() {
    let project = project();
    let stack = project.start().await;
    let client = Client::new(&stack);
    client.done("/signup", account("old@example.com")).await;
    let code = client.code_sent_to("old@example.com").await;
    let proof = json!({ "type": "signup", "email": "old@example.com", "token": code });
    let session = client.done("/verify", proof).await;

    let change = json!({ "email": "new@example.com" });
    let (status, user) = client
        .send(Method::PUT, "/user", Some(token_of(&session)), &change)
        .await;
    assert_eq!(status, StatusCode::OK, "{user}");
    assert_eq!(
        (&user["email"], &user["new_email"]),
        (&json!("old@example.com"), &json!("new@example.com"))
    );
    let first = client.code_sent_to("new@example.com").await;
    let second = client.code_sent_to("old@example.com").await;
    let proof = |email, code| json!({ "type": "email_change", "email": email, "token": code });
    let half = client.done("/verify", proof("new@example.com", &first)).await;
    assert!(
        half.get("access_token").is_none() && half["msg"].is_string(),
        "{half}"
    );
    let again = client.refused("/verify", proof("new@example.com", &first)).await;
    assert_eq!(again, "otp_expired");
    let session = client.done("/verify", proof("old@example.com", &second)).await;
    assert_eq!(session["user"]["email"], "new@example.com");
    assert!(session["user"].get("new_email").is_none());
    client
        .done("/token?grant_type=password", account("new@example.com"))
        .await;
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn number_signs_up_in_and_is_changed_by_codes() {
    let project = project();
    let stack = project.start().await;
    let client = Client::new(&stack);
    let account = json!({ "phone": "+1 555 0100", "password": "secret1" });
    client.done("/signup", account.clone()).await;
    assert_eq!(
        client
            .refused("/token?grant_type=password", account.clone())
            .await,
        "phone_not_confirmed"
    );
    let message = client.sent_to("15550100").await[0].clone();
    let code = message["code"].as_str().unwrap();
    assert_eq!(message["text"], format!("Code: {code}!"));
    let proof = |kind, phone, code: &str| json!({ "type": kind, "phone": phone, "token": code });
    assert_eq!(
        client
            .refused("/verify", proof("sms", "+15550100", "000000"))
            .await,
        "otp_expired"
    );
    client.done("/verify", proof("sms", "+15550100", code)).await;
    let session = client.done("/token?grant_type=password", account).await;

    let change = json!({ "phone": "+15550101" });
    let token = Some(token_of(&session));
    let (status, _) = client.send(Method::PUT, "/user", token, &change).await;
    assert_eq!(status, StatusCode::OK);
    let code = client.code_sent_to("15550101").await;
    let changed = client
        .done("/verify", proof("phone_change", "+15550101", &code))
        .await;
    assert_eq!(changed["user"]["phone"], "15550101");

    // A number for tests is sent nothing, and its code is known.
    client.done("/otp", json!({ "phone": "15550199" })).await;
    assert!(client.sent_to("15550199").await.is_empty());
    client.done("/verify", proof("sms", "15550199", "654321")).await;
    assert_eq!(
        client.refused("/otp", json!({ "phone": "0123" })).await,
        "validation_failed"
    );
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_session_needs_a_code_for_a_new_password() {
    let project = project();
    let stack = project.start().await;
    let client = Client::new(&stack);
    client.done("/signup", account("a@example.com")).await;
    let code = client.code_sent_to("a@example.com").await;
    let proof = json!({ "type": "email", "email": "a@example.com", "token": code });
    let session = client.done("/verify", proof).await;
    let token = Some(token_of(&session));
    let mut database = <sqlx::PgConnection as sqlx::Connection>::connect(&stack.endpoints().admin_db_url)
        .await
        .unwrap();
    sqlx::query("update auth.sessions set created_at = created_at - interval '25 hours'")
        .execute(&mut database)
        .await
        .unwrap();
    let update = |nonce: &str| json!({ "password": "another1", "nonce": nonce });
    for (nonce, code) in [
        ("", "reauthentication_needed"),
        ("000000", "reauthentication_not_valid"),
    ] {
        let (_, refusal) = client.send(Method::PUT, "/user", token, &update(nonce)).await;
        assert_eq!(refusal["error_code"], code);
    }
    client
        .send(Method::GET, "/reauthenticate", token, &json!({}))
        .await;
    let nonce = client.code_sent_to("a@example.com").await;
    let (status, answer) = client.send(Method::PUT, "/user", token, &update(&nonce)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    stack.stop().await.unwrap();
}
