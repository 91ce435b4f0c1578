//! Sessions, seen by an unmodified client library.

use serde_json::{Value, json};
use supabase_auth::error::Error as ClientError;
use supabase_auth::models::{
    AuthClient, EmailSignUpResult, LoginAnonymouslyOptions, LogoutScope, UpdatedUser,
};

use crate::support::Project;

fn client(stack: &local_stack::Stack) -> AuthClient {
    let endpoints = stack.endpoints();
    AuthClient::new(
        &endpoints.api_url,
        &endpoints.publishable_key,
        &endpoints.jwt_secret,
    )
}

/// What the client library keeps of a refusal: the status and the text.
fn refusal(error: ClientError) -> (u16, String) {
    match error {
        ClientError::AuthError { status, message } => (status.as_u16(), message),
        other => panic!("not an answer of the service: {other}"),
    }
}

fn assert_refused(error: ClientError, status: u16, text: &str) {
    let (actual, message) = refusal(error);
    assert!(actual == status && message.contains(text), "{actual}: {message}");
}

async fn end_session(stack: &local_stack::Stack, scope: &str, token: &str) {
    let endpoints = stack.endpoints();
    let response = reqwest::Client::new()
        .post(format!("{}/auth/v1/logout?scope={scope}", endpoints.api_url))
        .header("apikey", &endpoints.publishable_key)
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn supabase_auth_crate_signs_up_in_refreshes_reads_and_signs_out() {
    let project = Project::new("");
    let stack = project.start().await;
    let client = client(&stack);

    assert_eq!(client.get_health().await.unwrap().name, "GoTrue");
    let settings = client.get_settings().await.unwrap();
    assert!(settings.external.anonymous_users && settings.external.email && settings.mailer_autoconfirm);

    let signed_up = client
        .sign_up_with_email_and_password("Ada@Example.com", "secret1", None)
        .await
        .unwrap();
    let EmailSignUpResult::SessionResult(session) = signed_up else {
        panic!("no session")
    };
    assert_eq!(session.user.email, "ada@example.com");
    assert_eq!(session.user.app_metadata.provider.as_deref(), Some("email"));
    assert_eq!(session.user.identities.len(), 1);
    assert!(!session.user.is_anonymous);

    let again = client
        .sign_up_with_email_and_password("ada@example.com", "secret1", None)
        .await;
    assert_refused(again.err().unwrap(), 422, "already registered");
    let weak = client
        .sign_up_with_email_and_password("b@example.com", "123", None)
        .await;
    assert_refused(weak.err().unwrap(), 422, "at least 6 characters");
    let wrong = client.login_with_email("ada@example.com", "wrong").await;
    assert_refused(wrong.unwrap_err(), 400, "Invalid login credentials");

    let second = client
        .login_with_email("ada@example.com", "secret1")
        .await
        .unwrap();
    assert_eq!(second.user.id, session.user.id);
    let refreshed = client.refresh_session(&second.refresh_token).await.unwrap();
    assert_ne!(refreshed.refresh_token, second.refresh_token);
    assert_eq!(
        client.get_user(&refreshed.access_token).await.unwrap().id,
        session.user.id
    );

    end_session(&stack, "local", &refreshed.access_token).await;
    let gone = client.get_user(&refreshed.access_token).await.unwrap_err();
    assert_refused(gone, 403, "session_id claim");
    let unknown = client
        .refresh_session(&refreshed.refresh_token)
        .await
        .unwrap_err();
    assert_refused(unknown, 400, "Refresh Token Not Found");
    // The other session is untouched by a local sign-out.
    let other = client
        .login_with_email("ada@example.com", "secret1")
        .await
        .unwrap();
    client.get_user(&session.access_token).await.unwrap();
    end_session(&stack, "others", &session.access_token).await;
    assert_refused(
        client.get_user(&other.access_token).await.unwrap_err(),
        403,
        "session_id claim",
    );
    // The library puts the scope where neither Supabase Auth nor this looks; without one all sessions end.
    client
        .logout(Some(LogoutScope::Global), &session.access_token)
        .await
        .unwrap();
    assert_refused(
        client.get_user(&session.access_token).await.unwrap_err(),
        403,
        "session_id claim",
    );
    assert_refused(client.get_user("a.b.c").await.unwrap_err(), 403, "invalid JWT");
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_user_becomes_permanent_and_keeps_the_id() {
    let project = Project::new("");
    let stack = project.start().await;
    let client = client(&stack);
    let options = LoginAnonymouslyOptions {
        data: Some(json!({ "name": "Ada" })),
        captcha_token: None,
    };
    let session = client.login_anonymously(Some(options)).await.unwrap();
    assert!(session.user.is_anonymous);
    assert_eq!(session.user.user_metadata.name.as_deref(), Some("Ada"));

    let update = UpdatedUser {
        email: None,
        password: Some("secret1".to_owned()),
        data: None,
    };
    let refused = client
        .update_user(update, &session.access_token)
        .await
        .unwrap_err();
    assert_refused(refused, 400, "anonymous user without an email");

    let update = UpdatedUser {
        email: Some("ada@example.com".to_owned()),
        password: Some("secret1".to_owned()),
        data: None,
    };
    let user = client.update_user(update, &session.access_token).await.unwrap();
    assert_eq!((user.id, user.is_anonymous), (session.user.id, false));
    let signed_in = client
        .login_with_email("ada@example.com", "secret1")
        .await
        .unwrap();
    assert_eq!(signed_in.user.id, session.user.id);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stolen_refresh_token_ends_the_whole_session_s_tokens() {
    let project = Project::new("");
    let stack = project.start().await;
    let client = client(&stack);
    let first = client.login_anonymously(None).await.unwrap().refresh_token;
    let second = client.refresh_session(&first).await.unwrap().refresh_token;
    // The answer with the second token may have been lost: the first one gets it once more.
    assert_eq!(
        client.refresh_session(&first).await.unwrap().refresh_token,
        second
    );
    let third = client.refresh_session(&second).await.unwrap().refresh_token;
    // The second one was used, so somebody who shows the first one now is not its owner.
    let reused = client.refresh_session(&first).await.unwrap_err();
    assert_refused(reused, 400, "Already Used");
    let revoked = client.refresh_session(&third).await.unwrap_err();
    assert_refused(revoked, 400, "Already Used");
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_secret_key_manages_users_and_errors_follow_the_asked_version() {
    let project = Project::new("");
    let stack = project.start().await;
    let endpoints = stack.endpoints();
    let users = format!("{}/auth/v1/admin/users", endpoints.api_url);
    let http = reqwest::Client::new();

    let refused = http
        .get(&users)
        .header("apikey", &endpoints.publishable_key)
        .header("x-supabase-api-version", "2024-01-01")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-supabase-api-version"], "2024-01-01");
    assert_eq!(
        refused.json::<Value>().await.unwrap(),
        json!({ "code": "not_admin", "message": "User not allowed" })
    );
    let refused = http
        .get(&users)
        .header("apikey", &endpoints.publishable_key)
        .send()
        .await
        .unwrap();
    assert_eq!(
        refused.json::<Value>().await.unwrap(),
        json!({ "code": 403, "error_code": "not_admin", "msg": "User not allowed" })
    );

    let body = json!({ "email": "a@example.com", "password": "secret1", "email_confirm": true });
    let request = http
        .post(&users)
        .header("apikey", &endpoints.secret_key)
        .json(&body);
    let created: Value = request.send().await.unwrap().json().await.unwrap();
    let one = format!("{users}/{}", created["id"].as_str().unwrap());
    let listed = http
        .get(&users)
        .header("apikey", &endpoints.secret_key)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.headers()["x-total-count"], "1");
    assert_eq!(
        listed.json::<Value>().await.unwrap()["users"][0]["email"],
        "a@example.com"
    );
    let deleted = http
        .delete(&one)
        .header("apikey", &endpoints.secret_key)
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), 200);
    let missing = http
        .get(&one)
        .header("apikey", &endpoints.secret_key)
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
    stack.stop().await.unwrap();
}
