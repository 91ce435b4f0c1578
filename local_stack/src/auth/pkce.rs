//! Links that end where they began (PKCE, RFC 7636): what a client sends first, and what it shows at the end.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::AuthError;
use super::service::Auth;
use super::session;
use super::store::{flows, users};

/// How long a code that was handed out is good.
const LIFE: TimeDelta = TimeDelta::minutes(5);

/// What a client sends along when it asks for a mail.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Challenge {
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

impl Challenge {
    /// Refuses what cannot be answered later.
    pub(super) fn check(&self) -> Result<(), AuthError> {
        let Some((challenge, method)) = self.parts()? else {
            return Ok(());
        };
        if !(43..=128).contains(&challenge.len()) {
            return Err(AuthError::invalid(
                "code challenge has to be between 43 and 128 characters",
            ));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
        if !challenge.chars().all(is_plain) {
            return Err(AuthError::invalid(
                "code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes",
            ));
        }
        match method.to_lowercase().as_str() {
            "s256" | "plain" => Ok(()),
            _ => Err(AuthError::invalid(format!(
                "unsupported code_challenge method \"{method}\""
            ))),
        }
    }

    pub(super) fn is_given(&self) -> bool {
        self.code_challenge
            .as_deref()
            .is_some_and(|text| !text.is_empty())
    }

    /// Notes the flow of a user, if the client wants one; `true` when it does.
    pub(super) async fn begin(
        &self,
        database: &mut PgConnection,
        user_id: Uuid,
        method: &str,
    ) -> Result<bool, AuthError> {
        let Some((challenge, challenge_method)) = self.parts()? else {
            return Ok(false);
        };
        flows::begin(database, user_id, method, challenge, challenge_method).await?;
        Ok(true)
    }

    fn parts(&self) -> Result<Option<(&str, &str)>, AuthError> {
        let challenge = self.code_challenge.as_deref().unwrap_or_default();
        let method = self.code_challenge_method.as_deref().unwrap_or_default();
        match (challenge, method) {
            ("", "") => Ok(None),
            ("", _) | (_, "") => Err(AuthError::invalid(
                "PKCE flow requires code_challenge_method and code_challenge",
            )),
            parts => Ok(Some(parts)),
        }
    }
}

/// The name of a way to sign in, as flows and sessions keep it, for the `type` of a link.
pub(super) fn method_of(kind: &str) -> &str {
    match kind {
        "signup" => "email/signup",
        other => other,
    }
}

/// `POST /token?grant_type=pkce`: a session for a code and its verifier. A code is good once.
pub(super) async fn exchange(
    auth: &Auth,
    code: Option<String>,
    verifier: Option<String>,
    headers: &HeaderMap,
) -> Result<Value, AuthError> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (Some(code), Some(verifier)) = (given(code), given(verifier)) else {
        return Err(AuthError::invalid(
            "invalid request: both auth code and code verifier should be non-empty",
        ));
    };
    let mut transaction = auth.pool.begin().await?;
    let flow = flows::by_code(&mut transaction, &code)
        .await?
        .ok_or(AuthError::FlowStateNotFound)?;
    let user_id = flow.user_id.ok_or(AuthError::FlowStateNotFound)?;
    if Utc::now() > flow.issued_at + LIFE {
        return Err(AuthError::FlowStateExpired);
    }
    if answer(&verifier, &flow.code_challenge_method) != flow.code_challenge {
        return Err(AuthError::BadCodeVerifier);
    }
    let user = users::again(&mut transaction, user_id).await?;
    let method = &flow.authentication_method;
    let answer = session::open(auth, &mut transaction, &user, method, headers).await?;
    flows::end(&mut transaction, flow.id).await?;
    transaction.commit().await?;
    Ok(answer)
}

fn answer(verifier: &str, method: &str) -> String {
    match method {
        "plain" => verifier.to_owned(),
        _ => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(challenge: &str, method: &str) -> Challenge {
        Challenge {
            code_challenge: Some(challenge.to_owned()),
            code_challenge_method: Some(method.to_owned()),
        }
    }

    #[test]
    fn verifier_of_the_rfc_answers_its_challenge() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            answer(verifier, "s256"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_eq!(answer(verifier, "plain"), verifier);
    }

    #[test]
    fn challenge_that_could_not_be_answered_is_refused() {
        let long = "a".repeat(43);
        assert!(challenge(&long, "S256").check().is_ok());
        assert!(challenge("", "").check().is_ok());
        for (text, method) in [
            (long.as_str(), ""),
            ("", "s256"),
            ("short", "s256"),
            (&"é".repeat(43), "s256"),
            (&long, "md5"),
        ] {
            assert!(challenge(text, method).check().is_err(), "{text} {method}");
        }
    }
}
