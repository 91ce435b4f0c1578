//! The whole way of a video and of a text, with a project's own storage and with the simulators of both providers: they fail in their own
//! words, and everything becomes knowledge once, or says why not.

use std::collections::BTreeSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::knowledge::{DEMO, NO_JOBS, Worker, failure, is_whole, scene, speech, until_status};
use crate::knowledge_kills::Killable;
use crate::scene::{Scene, soon, until};

/// A provider that may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    ElevenLabs,
    Embeddings,
}

use Provider::{ElevenLabs, Embeddings};

fn told(endpoint: Option<&String>) -> &str {
    endpoint.unwrap()
}

fn url(scene: &Scene, provider: Provider) -> &str {
    let endpoints = scene.endpoints();
    told(match provider {
        ElevenLabs => endpoints.elevenlabs_base_url.as_ref(),
        Embeddings => endpoints.embeddings_simulator_url.as_ref(),
    })
}

fn settings(scene: &Scene) -> Vec<(&'static str, String)> {
    let endpoints = scene.endpoints();
    vec![
        ("SUPABASE_URL", endpoints.api_url.clone()),
        ("SUPABASE_SECRET_KEY", endpoints.secret_key.clone()),
        ("ELEVENLABS_BASE_URL", url(scene, ElevenLabs).to_owned()),
        (
            "ELEVENLABS_API_KEY",
            told(endpoints.elevenlabs_api_key.as_ref()).to_owned(),
        ),
        ("EMBEDDINGS_BASE_URL", format!("{}/v1", url(scene, Embeddings))),
        (
            "EMBEDDINGS_API_KEY",
            told(endpoints.embeddings_simulator_key.as_ref()).to_owned(),
        ),
    ]
}

/// A worker in this process, with some settings changed.
fn worker(scene: &Scene, changes: &[(&'static str, &str)]) -> Worker {
    let settings = settings(scene);
    let mut all = changes.to_vec();
    all.extend(settings.iter().map(|(name, value)| (*name, value.as_str())));
    Worker::with(scene, &all)
}

/// Lets a request go wrong.
async fn fail(scene: &Scene, provider: Provider, fault: Value) {
    let address = format!("{}/_control/faults", url(scene, provider));
    let answer = Client::new().post(address).json(&fault).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

async fn control(scene: &Scene, provider: Provider) -> Value {
    let address = format!("{}/_control", url(scene, provider));
    Client::new()
        .get(address)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// How many requests a provider has answered.
async fn answered(scene: &Scene, provider: Provider) -> u64 {
    control(scene, provider)
        .await
        .get("count")
        .and_then(Value::as_u64)
        .unwrap()
}

/// The faults that nobody has met yet.
async fn faults_left(scene: &Scene, provider: Provider) -> usize {
    control(scene, provider)
        .await
        .get("faults")
        .and_then(Value::as_array)
        .map(Vec::len)
        .unwrap()
}

fn status(status: u16) -> Value {
    json!({ "kind": "status", "status": status })
}

/// An uploaded video in which this is said, and its row.
async fn video(scene: &Scene, name: &str, text: &str) -> Uuid {
    let path = format!("{DEMO}/{name}.mp4");
    let endpoints = scene.endpoints();
    let uploaded = Client::new()
        .post(format!(
            "{}/storage/v1/object/demo-videos/{path}",
            endpoints.api_url
        ))
        .header("apikey", &endpoints.secret_key)
        .header("content-type", "video/mp4")
        .body(format!("SPEECH:\n{}", text.replace(". ", ".\n")))
        .send()
        .await
        .unwrap();
    assert_eq!(uploaded.status(), 200);
    let insert = format!(
        "insert into domo.demo_videos (demo_id, title, storage_url, order_index) values ('{DEMO}', '{name}', '{path}', 0) returning id::text"
    );
    scene.text(&insert).await.parse().unwrap()
}

async fn again(scene: &Scene, id: Uuid) {
    scene
        .run(&format!(
            "update domo.demo_videos set processing_status = 'pending' where id = '{id}'"
        ))
        .await;
}

/// Every chunk has the vector that the provider makes of its own text.
async fn vectors_are_of_their_texts(scene: &Scene) {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select content, vector_embedding::text from domo.knowledge_chunks where vector_embedding is not null",
    )
    .fetch_all(&scene.owner)
    .await
    .unwrap();
    assert!(!rows.is_empty());
    let texts: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    let answer: Value = Client::new()
        .post(format!("{}/v1/embeddings", url(scene, Embeddings)))
        .bearer_auth(told(scene.endpoints().embeddings_simulator_key.as_ref()))
        .json(&json!({ "model": "text-embedding-3-small", "input": texts, "dimensions": 1536 }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    for (place, (text, kept)) in rows.iter().enumerate() {
        let right = answer.pointer(&format!("/data/{place}/embedding")).unwrap();
        let right: Vec<f32> = serde_json::from_value(right.clone()).unwrap();
        let kept: Vec<f32> = serde_json::from_str(kept).unwrap();
        assert_eq!(kept.len(), right.len());
        let far = kept
            .iter()
            .zip(&right)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(far < 1e-5, "{text} has the vector of another text");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn video_is_transcribed_whatever_passes_by() {
    let scene = scene().await;
    let worker = worker(&scene, &[]);
    let text = speech("gate", 12);
    let passing = [
        json!({ "kind": "slow", "delay_ms": 1 }),
        json!({ "kind": "status", "status": 429, "retry_after": "1" }),
        json!({ "kind": "status", "status": 429, "code": "too_many_concurrent_requests" }),
        status(500),
        status(503),
        json!({ "kind": "drop_before" }),
        json!({ "kind": "drop_after" }),
        json!({ "kind": "garbage" }),
    ];
    for (place, fault) in passing.into_iter().enumerate() {
        let before = answered(&scene, ElevenLabs).await;
        let tries = if fault["kind"] == "slow" { 1 } else { 2 };
        fail(&scene, ElevenLabs, fault.clone()).await;
        let id = video(&scene, &format!("Gate-{place}"), &text).await;
        until_status(&scene, "demo_videos", id, "completed").await;
        is_whole(&scene, id, &text).await;
        assert_eq!(answered(&scene, ElevenLabs).await, before + tries, "{fault}");
    }
    vectors_are_of_their_texts(&scene).await;
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    worker.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn video_goes_by_the_newer_field_and_by_the_older_one_where_that_alone_is_known() {
    let scene = scene().await;
    let worker = worker(&scene, &[]);
    let text = speech("hedge", 4);
    let newer = video(&scene, "Newer", &text).await;
    until_status(&scene, "demo_videos", newer, "completed").await;
    let missing = "Exactly one of the file or cloud_storage_url parameters must be provided.";
    fail(
        &scene,
        ElevenLabs,
        json!({ "kind": "status", "status": 400, "contains": "name=\"source_url\"", "message": missing }),
    )
    .await;
    let older = video(&scene, "Older", &text).await;
    until_status(&scene, "demo_videos", older, "completed").await;
    is_whole(&scene, older, &text).await;
    assert_eq!(faults_left(&scene, ElevenLabs).await, 0);
    let seen = control(&scene, ElevenLabs).await;
    let fields: Vec<_> = seen["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["about"]["source_field"].as_str())
        .collect();
    assert_eq!(fields, [Some("source_url"), None, Some("cloud_storage_url")]);
    worker.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn video_that_is_refused_says_why_and_can_be_tried_again() {
    let scene = scene().await;
    let text = speech("fence", 4);
    let key = "The transcription service does not accept our key.";
    let account = "The account for transcription is used up.";
    let file = "The transcription service cannot read this file. Is it a video or audio file with sound?";
    let stranger = worker(&scene, &[("ELEVENLABS_API_KEY", "of-somebody-else")]);
    let id = video(&scene, "Stranger", &text).await;
    assert_eq!(failure(&scene, "demo_videos", id).await, key);
    stranger.stop().await;

    let worker = worker(&scene, &[]);
    let refusals = [
        (status(401), key),
        (status(403), key),
        (
            json!({ "kind": "status", "status": 401, "code": "quota_exceeded" }),
            account,
        ),
        (
            json!({ "kind": "status", "status": 400, "code": "invalid_content", "message": "corrupt: xyzzy" }),
            file,
        ),
        (status(422), file),
    ];
    for (place, (fault, sentence)) in refusals.into_iter().enumerate() {
        fail(&scene, ElevenLabs, fault).await;
        let id = video(&scene, &format!("Fence-{place}"), &text).await;
        assert_eq!(failure(&scene, "demo_videos", id).await, sentence);
        let half = format!(
            "select count(*) from domo.knowledge_chunks where video_id = '{id}' or content like '%fence%'"
        );
        assert_eq!(scene.number(&half).await, 0);
        again(&scene, id).await;
        until_status(&scene, "demo_videos", id, "completed").await;
        is_whole(&scene, id, &text).await;
        scene
            .run(&format!("delete from domo.demo_videos where id = '{id}'"))
            .await;
    }
    let silent = video(&scene, "Silent", "").await;
    assert_eq!(
        failure(&scene, "demo_videos", silent).await,
        "Nothing is said in this video."
    );
    worker.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_get_their_own_vectors_whatever_the_provider_does() {
    let scene = scene().await;
    let working = worker(&scene, &[]);
    let passing = [
        json!({ "kind": "out_of_order" }),
        json!({ "kind": "missing" }),
        json!({ "kind": "status", "status": 429, "retry_after": "1" }),
        status(500),
        json!({ "kind": "drop_before" }),
        json!({ "kind": "drop_after" }),
        json!({ "kind": "garbage" }),
        // A model that is put right meanwhile.
        json!({ "kind": "wrong_dimension", "dimensions": 256 }),
        status(401),
        // A key that may not do this for a moment, whichever text is asked for.
        json!({ "kind": "status", "status": 403, "times": 2 }),
    ];
    for (place, fault) in passing.into_iter().enumerate() {
        fail(&scene, Embeddings, fault).await;
        scene
            .run(&format!(
                "insert into domo.knowledge_chunks (demo_id, content)
                select '{DEMO}', 'The thing ' || n || ' of the shelf {place}' from generate_series(1, 5) as n"
            ))
            .await;
        until(&scene.owner, "no job", NO_JOBS).await;
        assert_eq!(faults_left(&scene, Embeddings).await, 0);
        vectors_are_of_their_texts(&scene).await;
    }
    let waiting = "select count(*) from domo.knowledge_chunks where vector_embedding is null";
    assert_eq!(scene.number(waiting).await, 0);
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);

    // One text of many is refused, always: the others are not kept waiting. Moderation refuses with the status of a wrong key.
    for (status, poison) in [(400, "poison"), (403, "venom")] {
        scene
            .run("delete from parley.dead_letters; delete from domo.knowledge_chunks where vector_embedding is null")
            .await;
        fail(
            &scene,
            Embeddings,
            json!({ "kind": "status", "status": status, "contains": poison, "times": 1000, "message": "not this: xyzzy" }),
        )
        .await;
        scene
            .run(&format!(
                "insert into domo.knowledge_chunks (demo_id, content)
                select '{DEMO}', case n when 3 then 'A {poison}' else 'A remedy ' || n || ' against {status}' end from generate_series(1, 50) as n"
            ))
            .await;
        let is_dead = format!(
            "(select last_error like '1 texts were refused%with status {status}' and last_error not like '%xyzzy%' from parley.dead_letters)"
        );
        until(&scene.owner, "the dead letter", &is_dead).await;
        assert_eq!(scene.number(waiting).await, 1);
        vectors_are_of_their_texts(&scene).await;
    }
    working.stop().await;

    // What lasts is told to the operator, and stores nothing.
    for (changes, fault, reason) in [
        (
            vec![("EMBEDDINGS_API_KEY", "of-somebody-else")],
            None,
            "the embeddings provider refused the API key with status 401",
        ),
        (
            vec![],
            Some(json!({ "kind": "status", "status": 403, "times": 1000 })),
            "the embeddings provider refused the API key with status 403",
        ),
        (
            vec![("EMBEDDINGS_MODEL", "no-such-model")],
            None,
            "the embeddings provider does not know the model or the address",
        ),
        (
            vec![],
            Some(json!({ "kind": "wrong_dimension", "dimensions": 256, "times": 1000 })),
            "the model makes 256 dimensions, and 1536 are kept",
        ),
        (
            vec![],
            Some(json!({ "kind": "status", "status": 429, "code": "insufficient_quota", "times": 1000 })),
            "the account with the embeddings provider is used up",
        ),
    ] {
        scene
            .run("delete from parley.dead_letters; delete from domo.knowledge_chunks; select pgmq.purge_queue('parley_knowledge'); delete from parley.jobs")
            .await;
        reset(&scene, Embeddings).await;
        if let Some(fault) = fault {
            fail(&scene, Embeddings, fault).await;
        }
        let working = worker(&scene, &changes);
        scene
            .run(&format!(
                "insert into domo.knowledge_chunks (demo_id, content) values ('{DEMO}', 'A text')"
            ))
            .await;
        let is_dead = format!("(select last_error = '{reason}' from parley.dead_letters)");
        until(&scene.owner, reason, &is_dead).await;
        assert_eq!(scene.number(waiting).await, 1);
        working.stop().await;
    }
    scene.stop().await;
}

async fn reset(scene: &Scene, provider: Provider) {
    let address = format!("{}/_control/reset", url(scene, provider));
    assert_eq!(Client::new().post(address).send().await.unwrap().status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_worker_is_followed_by_one_that_ends_its_work() {
    let scene = scene().await;
    let seed = std::env::var("KILLS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    eprintln!("KILLS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut dead = BTreeSet::new();
    for (n, provider) in [ElevenLabs, Embeddings, Embeddings].into_iter().enumerate() {
        let text = speech(&format!("mill of kind {n}"), 80);
        let before = answered(&scene, provider).await;
        // The provider works, is paid, and nobody hears the first answer.
        fail(&scene, provider, json!({ "kind": "drop_after" })).await;
        let worker = Killable::start(&scene, &settings(&scene));
        let id = video(&scene, &format!("Mill-{n}"), &text).await;
        soon("a request", async {
            while answered(&scene, provider).await == before {
                tokio::task::yield_now().await;
            }
        })
        .await;
        // Anywhere in what follows: the second attempt, storing, the next job.
        tokio::time::sleep(Duration::from_millis(random.random_range(0..400))).await;
        worker.kill().await;
        dead.insert(id);
        scene
            .run("update pgmq.q_parley_knowledge set vt = clock_timestamp()")
            .await;
        let worker = Killable::start(&scene, &settings(&scene));
        let is_done = format!(
            "(select processing_status = 'completed' from domo.demo_videos where id = '{id}') and {NO_JOBS}"
        );
        soon("the end of it", until(&scene.owner, "completed", &is_done)).await;
        is_whole(&scene, id, &text).await;
        worker.kill().await;
    }
    assert_eq!(dead.len(), 3);
    vectors_are_of_their_texts(&scene).await;
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    scene.stop().await;
}
