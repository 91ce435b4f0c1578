//! The simulators of ElevenLabs and of an embeddings API, as a client of theirs sees them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

use base64::Engine as _;
use local_stack::Secret;
use local_stack::simulators::elevenlabs::ElevenLabsSimulator;
use local_stack::simulators::embeddings::EmbeddingsSimulator;
use local_stack::simulators::{Fault, FaultKind};
use reqwest::multipart::{Form, Part};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

async fn elevenlabs() -> ElevenLabsSimulator {
    ElevenLabsSimulator::start(0, Secret::new("k")).await.unwrap()
}

async fn embeddings() -> EmbeddingsSimulator {
    EmbeddingsSimulator::start(0, Secret::new("k")).await.unwrap()
}

async fn transcribe(simulator: &ElevenLabsSimulator, form: Form) -> reqwest::Result<Response> {
    reqwest::Client::new()
        .post(format!("{}/v1/speech-to-text", simulator.base_url()))
        .header("xi-api-key", simulator.api_key().expose())
        .multipart(form)
        .send()
        .await
}

fn speech(text: &'static str) -> Form {
    Form::new()
        .text("model_id", "scribe_v2")
        .part("file", Part::bytes(text.as_bytes()).file_name("a.mp4"))
}

async fn embed(simulator: &EmbeddingsSimulator, body: Value) -> reqwest::Result<Response> {
    reqwest::Client::new()
        .post(format!("{}/v1/embeddings", simulator.base_url()))
        .bearer_auth(simulator.api_key().expose())
        .json(&body)
        .send()
        .await
}

fn texts(texts: &[&str]) -> Value {
    json!({ "model": "text-embedding-3-small", "input": texts })
}

async fn body(response: reqwest::Result<Response>) -> (StatusCode, Value) {
    let response = response.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn control(base_url: &str, path: &str, body: Value) -> StatusCode {
    let request = reqwest::Client::new()
        .post(format!("{base_url}/_control{path}"))
        .json(&body);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn marked_file_is_transcribed_word_by_word() {
    let simulator = elevenlabs().await;
    let (status, answer) = body(transcribe(&simulator, speech("SPEECH:\nOne two.\nThree.")).await).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["text"], "One two. Three.");
    let words = answer["words"].as_array().unwrap();
    let joined: String = words.iter().map(|word| word["text"].as_str().unwrap()).collect();
    assert_eq!(joined, "One two. Three.");
    assert_eq!(words.iter().filter(|word| word["type"] == "word").count(), 3);
    assert!(words.windows(2).all(|pair| pair[0]["end"] == pair[1]["start"]));
    let (_, again) = body(transcribe(&simulator, speech("SPEECH:\nOne two.\nThree.")).await).await;
    assert_eq!(again, answer);
    let (_, silence) = body(transcribe(&simulator, speech("SPEECH:\n")).await).await;
    assert_eq!((&silence["text"], &silence["words"]), (&json!(""), &json!([])));
    let (_, other) = body(transcribe(&simulator, speech("no speech")).await).await;
    assert!(other["text"].as_str().unwrap().contains("9 bytes"));
    simulator.stop().await;
}

#[tokio::test]
async fn file_behind_a_url_is_fetched() {
    let simulator = elevenlabs().await;
    // Any server that answers will do; this one says what it has seen.
    let source = embeddings().await;
    let url = |path: &str| format!("{}{path}", source.base_url());
    let form = |field: &'static str, url: String| Form::new().text("model_id", "scribe_v1").text(field, url);
    for field in ["cloud_storage_url", "source_url"] {
        let (status, answer) = body(transcribe(&simulator, form(field, url("/_control"))).await).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["text"].as_str().unwrap().contains("bytes"));
    }
    for broken in [
        url("/nothing"),
        "nonsense".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let (status, answer) = body(transcribe(&simulator, form("cloud_storage_url", broken)).await).await;
        assert_eq!(
            (status.as_u16(), &answer["detail"]["status"]),
            (400, &json!("invalid_source_url"))
        );
        assert_eq!(answer["detail"]["code"], "invalid_source_url", "its newer name");
    }
    let about = &simulator.requests()[0].about;
    assert_eq!(
        (&about["source_url"], &about["source_field"]),
        (&json!(url("/_control")), &json!("cloud_storage_url"))
    );
    simulator.stop().await;
}

#[tokio::test]
async fn wrong_requests_for_transcripts_are_refused_in_the_words_of_the_service() {
    let simulator = elevenlabs().await;
    let (status, answer) =
        body(transcribe(&simulator, Form::new().text("cloud_storage_url", "http://x")).await).await;
    assert_eq!(
        (status.as_u16(), &answer["detail"][0]["loc"]),
        (422, &json!(["body", "model_id"]))
    );
    for form in [
        Form::new().text("model_id", "scribe_v2"),
        speech("SPEECH:\nx").text("cloud_storage_url", "http://x"),
        Form::new()
            .text("model_id", "whisper")
            .text("cloud_storage_url", "http://x"),
        speech(""),
    ] {
        let (status, answer) = body(transcribe(&simulator, form).await).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["detail"]["status"].is_string() && answer["detail"]["message"].is_string());
    }
    let stranger = reqwest::Client::new().post(format!("{}/v1/speech-to-text", simulator.base_url()));
    let (status, answer) = body(stranger.multipart(speech("x")).send().await).await;
    assert_eq!(
        (status.as_u16(), &answer["detail"]["status"]),
        (401, &json!("invalid_api_key"))
    );
    simulator.stop().await;
}

#[tokio::test]
async fn transcripts_fail_as_asked_for_and_then_no_more() {
    let simulator = elevenlabs().await;
    let base_url = simulator.base_url().to_owned();
    let fault = json!({ "kind": "status", "status": 429, "retry_after": "7", "times": 2 });
    assert_eq!(control(&base_url, "/faults", fault).await, 204);
    for _ in 0..2 {
        let response = transcribe(&simulator, speech("SPEECH:\nx")).await.unwrap();
        assert_eq!(response.headers()["retry-after"], "7");
        let (status, answer) = body(Ok(response)).await;
        assert_eq!(
            (status.as_u16(), &answer["detail"]["status"]),
            (429, &json!("system_busy"))
        );
    }
    assert_eq!(
        transcribe(&simulator, speech("SPEECH:\nx"))
            .await
            .unwrap()
            .status(),
        200
    );
    let quota =
        json!({ "kind": "status", "status": 401, "code": "quota_exceeded", "message": "No more credits." });
    control(&base_url, "/faults", quota).await;
    let (status, answer) = body(transcribe(&simulator, speech("SPEECH:\nx")).await).await;
    assert_eq!(
        (status.as_u16(), &answer["detail"]["status"]),
        (401, &json!("quota_exceeded"))
    );
    simulator.fail(Fault::next(FaultKind::DropAfter));
    transcribe(&simulator, speech("SPEECH:\nx")).await.unwrap_err();
    assert_eq!(simulator.requests().last().unwrap().status, None);
    simulator.fail(Fault::next(FaultKind::Garbage));
    let garbage = transcribe(&simulator, speech("SPEECH:\nx")).await.unwrap();
    assert!(garbage.json::<Value>().await.is_err());
    // What only vectors can do is not taken.
    assert_eq!(
        control(&base_url, "/faults", json!({ "kind": "out_of_order" })).await,
        422
    );
    assert_eq!(control(&base_url, "/reset", json!(null)).await, 204);
    assert!(simulator.requests().is_empty());
    simulator.stop().await;
}

fn vector(answer: &Value, place: usize) -> Vec<f64> {
    let values = answer["data"][place]["embedding"].as_array().unwrap();
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

fn similarity(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[tokio::test]
async fn vectors_are_of_length_one_and_near_where_words_are_shared() {
    let simulator = embeddings().await;
    let asked = texts(&[
        "It waters the plants.",
        "Who waters these plants?",
        "Ten euros a month",
    ]);
    let (status, answer) = body(embed(&simulator, asked.clone()).await).await;
    assert_eq!(status, 200, "{answer}");
    let [one, near, far] = [0, 1, 2].map(|place| vector(&answer, place));
    assert_eq!(one.len(), 1536);
    assert!((similarity(&one, &one) - 1.0).abs() < 1e-5);
    assert!(similarity(&one, &near) > similarity(&one, &far) + 0.2);
    assert_eq!(answer["data"][2]["index"], 2);
    assert!(answer["usage"]["total_tokens"].as_u64().unwrap() > 3);
    assert_eq!(body(embed(&simulator, asked).await).await.1, answer);
    let (_, short) = body(
        embed(
            &simulator,
            json!({ "model": "text-embedding-3-large", "input": "a", "dimensions": 8 }),
        )
        .await,
    )
    .await;
    assert_eq!(vector(&short, 0).len(), 8);
    assert_eq!(simulator.requests()[0].about["inputs"], 3);
    simulator.stop().await;
}

#[tokio::test]
async fn vectors_come_as_base64_when_asked_for() {
    let simulator = embeddings().await;
    let (_, plain) = body(embed(&simulator, texts(&["a b c"])).await).await;
    let mut asked = texts(&["a b c"]);
    asked["encoding_format"] = json!("base64");
    let (_, packed) = body(embed(&simulator, asked).await).await;
    let text = packed["data"][0]["embedding"].as_str().unwrap();
    let bytes = base64::prelude::BASE64_STANDARD.decode(text).unwrap();
    let values: Vec<f64> = bytes
        .chunks_exact(4)
        .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())))
        .collect();
    assert!((similarity(&values, &vector(&plain, 0)) - 1.0).abs() < 1e-5);
    simulator.stop().await;
}

#[tokio::test]
async fn vectors_fail_as_asked_for() {
    let simulator = embeddings().await;
    let fail = |kind| simulator.fail(Fault::next(kind));
    let asked = || texts(&["a", "b", "c"]);
    let (_, good) = body(embed(&simulator, asked()).await).await;

    fail(FaultKind::OutOfOrder);
    let (_, answer) = body(embed(&simulator, asked()).await).await;
    assert_eq!(answer["data"][0], good["data"][1]);
    assert_eq!(answer["data"].as_array().unwrap().len(), 3);
    fail(FaultKind::Missing);
    assert_eq!(
        body(embed(&simulator, asked()).await).await.1["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    fail(FaultKind::WrongDimension { dimensions: 3 });
    assert_eq!(
        vector(&body(embed(&simulator, asked()).await).await.1, 0).len(),
        3
    );
    fail(FaultKind::DropBefore);
    embed(&simulator, asked()).await.unwrap_err();

    // One text of many is refused for what it says, every time.
    simulator.fail(Fault {
        contains: "poison".into(),
        times: 100,
        ..Fault::next(FaultKind::Status {
            status: 400,
            retry_after: None,
            code: Some("content_filter".into()),
            message: None,
        })
    });
    let (status, answer) = body(embed(&simulator, texts(&["a", "a poison"])).await).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["code"]),
        (400, &json!("content_filter"))
    );
    assert_eq!(body(embed(&simulator, asked()).await).await.0, 200);

    let wrong = reqwest::Client::new().post(format!("{}/v1/embeddings", simulator.base_url()));
    let (status, answer) = body(wrong.bearer_auth("x").json(&asked()).send().await).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["code"]),
        (401, &json!("invalid_api_key"))
    );
    let (status, answer) = body(embed(&simulator, texts(&[""])).await).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["type"]),
        (400, &json!("invalid_request_error"))
    );
    simulator.stop().await;
}

#[tokio::test]
async fn slow_answer_comes_after_the_work() {
    let simulator = embeddings().await;
    simulator.fail(Fault::next(FaultKind::Slow { delay_ms: 60_000 }));
    let patience = std::time::Duration::from_millis(200);
    let request = reqwest::Client::new()
        .post(format!("{}/v1/embeddings", simulator.base_url()))
        .bearer_auth("k")
        .timeout(patience)
        .json(&texts(&["a"]));
    assert!(request.send().await.unwrap_err().is_timeout());
}
