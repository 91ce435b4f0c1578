//! What an agent looks up in the middle of a call, of the demo of that call and of no other; and what an owner looks up in a demo of theirs.
//!
//! A lookup comes by one of two ways. Where the tool is delivered over HTTPS, Tavus itself calls, and signs it. Otherwise the page that
//! holds the call hears of it (`conversation.tool_call`) and asks with the token of whoever sits before it.

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::avatars;
use crate::api::input::{JsonBody, PathOf};
use crate::api::{Caller, Refused};
use crate::app::App;
use crate::db;
use crate::db::knowledge::Turn;
use crate::error::{ApiError, ErrorBody};
use crate::http::body::RawBody;
use crate::providers::json;
use crate::telemetry;
use crate::webhooks::is_signed;

/// The name that the tool has to have.
const TOOL: &str = "search_knowledge";

/// Pieces of knowledge for a question that does not say how many.
const USUAL_COUNT: i32 = 5;

/// The longest question of the database's `domo_private.clean_query`, in characters.
const LONGEST_QUERY: usize = 2000;

/// What an agent asks.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Question {
    /// In words.
    #[schema(example = "How much does it hold?")]
    query: String,
    /// How many pieces at most, 1 to 100; by default 5.
    #[serde(default)]
    match_count: Option<i32>,
}

/// What its demo knows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Knowledge {
    /// Pieces, best first: `content`, `question`, `answer`, `source`, `score` and more.
    results: Vec<Value>,
}

/// Looks something up for a call, by Tavus' id or the row's. For the demo's owner.
#[utoipa::path(
    post,
    path = "/api/domo/conversations/{id}/knowledge",
    operation_id = "look_up_knowledge",
    tag = "domo",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Tavus' id, or the one of the row")),
    request_body = Question,
    responses((status = 200, body = Knowledge), (status = "default", body = ErrorBody))
)]
pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    JsonBody(question): JsonBody<Question>,
) -> Result<Json<Knowledge>, Refused> {
    let found = avatars::find(&app.domo, &caller, &id, "demo_id", ApiError::InvalidPath);
    let row: Option<Value> = found.await?;
    let demo_id = row
        .as_ref()
        .and_then(|row| row.get("demo_id"))
        .and_then(Value::as_str);
    let demo_id = demo_id.ok_or(ApiError::ConversationNotFound)?;
    if !begin(&app, &id).await? {
        return Err(ApiError::ConversationOver.into());
    }
    let wanted = serde_json::json!({
        "demo_id": demo_id,
        "query_text": question.query,
        "query_embedding": embedding(&app, &question.query).await.map(|numbers| serde_json::json!(numbers).to_string()),
        "match_count": question.match_count.unwrap_or(USUAL_COUNT),
    });
    let found = app.domo.rpc(&caller, "search_knowledge", &wanted).await?;
    let results = found.json()?;
    Ok(Json(Knowledge { results }))
}

/// What was found in a demo, and by what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Searched {
    /// Pieces, best first, as `search_knowledge` gives them.
    results: Vec<Value>,
    /// Whether an embedding of the query was compared, or its words alone.
    is_by_nearness: bool,
}

/// Searches a demo by words, and by nearness where the built-in embedder makes the embeddings. For the demo's owner.
#[utoipa::path(
    post,
    path = "/api/domo/demos/{id}/knowledge",
    operation_id = "search_demo",
    tag = "domo",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The demo")),
    request_body = Question,
    responses((status = 200, body = Searched), (status = "default", body = ErrorBody))
)]
pub(crate) async fn search(
    State(app): State<App>,
    caller: Caller,
    PathOf(id): PathOf<Uuid>,
    JsonBody(question): JsonBody<Question>,
) -> Result<Json<Searched>, Refused> {
    // A provider is paid for each text: not for whoever types into a field, outside of a call that somebody started.
    let embedding = if app.knowledge.embedder().is_built_in() {
        embedding(&app, &question.query).await
    } else {
        None
    };
    let is_by_nearness = embedding.is_some();
    let wanted = serde_json::json!({
        "demo_id": id,
        "query_text": question.query,
        "query_embedding": embedding.map(|numbers| serde_json::json!(numbers).to_string()),
        "match_count": question.match_count.unwrap_or(USUAL_COUNT),
    });
    let found = app.domo.rpc(&caller, "search_knowledge", &wanted).await?;
    Ok(Json(Searched {
        results: found.json()?,
        is_by_nearness,
    }))
}

/// A call of a tool as Tavus delivers it.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ToolCall {
    /// `search_knowledge`.
    name: String,
    /// Tavus' id of the call.
    conversation_id: String,
    /// A [`Question`], as text or as it is.
    #[schema(value_type = String, example = "{\"query\": \"How much does it hold?\"}")]
    arguments: Value,
}

impl ToolCall {
    fn question(&self) -> Option<Question> {
        match &self.arguments {
            Value::String(text) => json::read(text.as_bytes()).ok(),
            other => Question::deserialize(other).ok(),
        }
    }
}

/// Looks something up for the call that Tavus names. Signed by Tavus with the secret of the tool (`X-Tavus-Signature`).
#[utoipa::path(
    post,
    path = "/api/domo/tools/search_knowledge",
    operation_id = "tool_search_knowledge",
    tag = "domo",
    security(("tavus" = [])),
    request_body = ToolCall,
    responses((status = 200, body = Knowledge), (status = "default", body = ErrorBody))
)]
pub(crate) async fn tool(State(app): State<App>, request: Request) -> Result<Json<Knowledge>, ApiError> {
    // Before the body is read: without a secret it is nobody's.
    let secret = app.tool_secret.as_ref().ok_or(ApiError::InvalidSignature)?;
    let headers = request.headers().clone();
    let RawBody(body) = RawBody::from_request(request, &()).await?;
    if !is_signed(secret, &headers, &body) {
        return Err(ApiError::InvalidSignature);
    }
    let call: ToolCall = json::read(&body).map_err(|error| match error.is_data() {
        true => ApiError::InvalidBody,
        false => ApiError::InvalidJson,
    })?;
    let question = call.question().filter(|_| call.name == TOOL);
    let question = question.ok_or(ApiError::InvalidBody)?;
    let embedding = match begin(&app, &call.conversation_id).await? {
        true => embedding(&app, &question.query).await,
        // The database refuses what is no question, and finds nothing for the others.
        false => None,
    };
    let wanted = db::knowledge::Lookup {
        conversation_id: &call.conversation_id,
        query: &question.query,
        embedding,
        match_count: question.match_count.unwrap_or(USUAL_COUNT),
    };
    let found = db::knowledge::look_up(&app.pool, wanted).await;
    let results = found.map_err(|error| refusal(&error))?;
    Ok(Json(Knowledge { results }))
}

/// Whether the call goes on, and may ask something now: an embedding costs money.
async fn begin(app: &App, id: &str) -> Result<bool, ApiError> {
    let turn = db::knowledge::begin_look_up(&app.pool, id).await;
    match turn.map_err(|error| refusal(&error))? {
        Turn::Now => Ok(true),
        Turn::Never => Ok(false),
        Turn::In(retry_seconds) => Err(ApiError::RateLimited { retry_seconds }),
    }
}

fn refusal(error: &db::DbError) -> ApiError {
    let refusal = match error {
        db::DbError::Passing(_) => ApiError::DatabaseUnavailable,
        // An empty question, or one that is too long.
        db::DbError::Data(_) => ApiError::InvalidBody,
        db::DbError::Statement(_) => ApiError::Internal,
    };
    let error = telemetry::chain(error);
    tracing::warn!(error, "a lookup failed");
    refusal
}

/// The question's embedding. Without one, words are looked for: a provider that fails must not leave the agent speechless. For a question that
/// the database refuses none is bought.
async fn embedding(app: &App, query: &str) -> Option<Vec<f32>> {
    let query = query.trim();
    if !(1..=LONGEST_QUERY).contains(&query.chars().take(LONGEST_QUERY + 1).count()) {
        return None;
    }
    let embedded = app.knowledge.embedder().embed(&[query.to_owned()]).await;
    let vectors = embedded.inspect_err(|error| {
        let error = telemetry::chain(error);
        tracing::warn!(error, "a question has no embedding");
    });
    let vectors = vectors.ok()?;
    vectors.into_iter().next()
}
