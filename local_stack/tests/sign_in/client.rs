//! Requests as clients send them, and what was sent to people.

use local_stack::{Endpoints, Stack};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

/// A client of one stack.
pub struct Client {
    http: reqwest::Client,
    endpoints: Endpoints,
}

impl Client {
    pub fn new(stack: &Stack) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self {
            http: http.unwrap(),
            endpoints: stack.endpoints().clone(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.endpoints.api_url)
    }

    /// Sends a body below `/auth/v1` with the publishable key, and a token where there is one.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = self
            .http
            .request(method, self.url(&format!("/auth/v1{path}")))
            .header("apikey", &self.endpoints.publishable_key);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.json(body).send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap_or_default())
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, None, &body).await
    }

    /// The answer, which has to be a good one.
    pub async fn done(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// The code of the refusal.
    pub async fn refused(&self, path: &str, body: Value) -> String {
        let (status, answer) = self.post(path, body).await;
        assert!(!status.is_success(), "{path}: {answer}");
        assert_eq!(answer["code"], status.as_u16(), "{answer}");
        answer["error_code"].as_str().unwrap().to_owned()
    }

    /// What was sent to somebody, the newest first.
    pub async fn sent_to(&self, address: &str) -> Vec<Value> {
        let url = Url::parse_with_params(&self.url("/_mail/messages"), [("to", address)]).unwrap();
        let answer: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        answer["messages"].as_array().unwrap().clone()
    }

    /// The newest code.
    pub async fn code_sent_to(&self, address: &str) -> String {
        self.sent_to(address).await[0]["code"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Where a link leads.
    pub async fn follow(&self, link: &Value) -> Url {
        let response = self.http.get(link.as_str().unwrap()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
    }
}

/// An address and a password.
pub fn account(email: &str) -> Value {
    json!({ "email": email, "password": "secret1" })
}

/// The access token of a session.
pub fn token_of(session: &Value) -> &str {
    session["access_token"].as_str().unwrap()
}
