//! Files become knowledge, on a real database as the worker's own role, through every way to fail.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use edge_worker::app::App;
use edge_worker::jobs::{Handlers, Runner, Settings};
use edge_worker::knowledge::{Reader, embed_lexically};
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::fakes::{EMBED, Fakes, Fault, SIGN, TRANSCRIBE};
use crate::scene::{Scene, quick, soon, until};
use crate::support::app;
use crate::support::pdf::{Lock, locked, pdf};

pub struct Worker {
    app: App,
    ended: JoinHandle<usize>,
}

impl Worker {
    fn start(scene: &Scene, fakes: &Fakes, changes: &[(&'static str, &str)]) -> Self {
        let settings = fakes.settings();
        let mut all: Vec<(&str, &str)> = changes.to_vec();
        all.extend(settings.iter().map(|(name, value)| (*name, value.as_str())));
        Self::with(scene, &all)
    }

    pub fn with(scene: &Scene, settings: &[(&str, &str)]) -> Self {
        let mut app = app::app(&app::config(&scene.worker_url(), settings));
        app.knowledge.reader = reader();
        let settings = Settings {
            knowledge: 4,
            ..quick()
        };
        let handlers = Arc::new(Handlers::new(&app));
        let runner = Runner::new(
            settings,
            app.pool.clone(),
            handlers,
            app.metrics.jobs().clone(),
            app.stopping.clone(),
        );
        let ended = tokio::spawn(runner.run(Duration::from_secs(30)));
        Self { app, ended }
    }

    pub async fn stop(self) {
        self.app.stopping.cancel();
        assert_eq!(soon("the end of a worker", self.ended).await.unwrap(), 0);
        self.app.pool.close().await;
    }
}

pub fn reader() -> Reader {
    Reader::by(
        PathBuf::from(env!("CARGO_BIN_EXE_edge_worker")),
        Duration::from_secs(60),
    )
}

pub const DEMO: &str = "00000000-0000-4000-b000-000000000002";
pub const NO_JOBS: &str = "not exists (select from parley.jobs where queue = 'knowledge')";

pub async fn scene() -> Scene {
    let scene = Scene::start().await;
    scene
        .run(&format!(
            "insert into auth.users (id, aud, role, is_anonymous)
            values ('00000000-0000-4000-a000-000000000001', 'authenticated', 'authenticated', true);
            insert into domo.demos (id, user_id, name) values ('{DEMO}', '00000000-0000-4000-a000-000000000001', 'Tour')"
        ))
        .await;
    scene
}

/// Something to say, of so many sentences.
pub fn speech(about: &str, sentences: usize) -> String {
    (0..sentences)
        .map(|n| format!("The {about} has the part number {n} and it is of use. "))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

pub async fn video(scene: &Scene, fakes: &Fakes, name: &str, text: &str) -> Uuid {
    let path = format!("{DEMO}/{name}.mp4");
    fakes.file(&path, text);
    let id = scene
        .text(&format!(
            "insert into domo.demo_videos (demo_id, title, storage_url, order_index) values ('{DEMO}', '{name}', '{path}', 0) returning id::text"
        ))
        .await;
    id.parse().unwrap()
}

async fn document(scene: &Scene, fakes: &Fakes, name: &str, bytes: &[u8]) -> Uuid {
    let path = format!("{DEMO}/{name}");
    fakes.file(&path, bytes);
    let insert = format!(
        "insert into domo.demo_documents (demo_id, title, storage_url) values ('{DEMO}', '{name}', '{path}') returning id::text"
    );
    scene.text(&insert).await.parse().unwrap()
}

pub async fn until_status(scene: &Scene, table: &str, id: Uuid, status: &str) {
    let condition =
        format!("(select processing_status = '{status}' from domo.{table} where id = '{id}') and {NO_JOBS}");
    until(&scene.owner, status, &condition).await;
}

pub async fn failure(scene: &Scene, table: &str, id: Uuid) -> String {
    until_status(scene, table, id, "failed").await;
    scene
        .text(&format!("select failure from domo.{table} where id = '{id}'"))
        .await
}

/// Every word of the text is in the chunks of the video, which are there once, in order, with times, and embedded as they are.
pub async fn is_whole(scene: &Scene, id: Uuid, text: &str) {
    let rows: Vec<(String, i32, f64, f64, String, bool)> = sqlx::query_as(
        "select content, chunk_index, start_seconds::float8, end_seconds::float8, source, vector_embedding is not null
        from domo.knowledge_chunks where video_id = $1 and deleted_at is null order by chunk_index",
    )
    .bind(id)
    .fetch_all(&scene.owner)
    .await
    .unwrap();
    let said: BTreeSet<&str> = rows.iter().flat_map(|row| row.0.split_whitespace()).collect();
    assert_eq!(said, text.split_whitespace().collect());
    let distinct: BTreeSet<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(distinct.len(), rows.len(), "a chunk is there twice");
    let mut latest = 0.0;
    for (place, (content, index, start, end, source, is_embedded)) in rows.iter().enumerate() {
        assert_eq!(usize::try_from(*index).unwrap(), place);
        assert!(latest <= *start && start < end, "{content} {start} {end}");
        assert!(source.starts_with("Video: ") && *is_embedded, "{source}");
        latest = *start;
    }
}

/// How far the embedding of a chunk is from that of its text.
async fn distance(scene: &Scene, of: &str) -> f64 {
    let (text, vector): (String, String) = sqlx::query_as(&format!(
        "select content, vector_embedding::text from domo.knowledge_chunks where {of}"
    ))
    .fetch_one(&scene.owner)
    .await
    .unwrap();
    let vector: Vec<f32> = serde_json::from_str(&vector).unwrap();
    let same: f32 = vector
        .iter()
        .zip(embed_lexically(&text))
        .map(|(a, b)| a * b)
        .sum();
    f64::from(1.0 - same)
}

#[tokio::test(flavor = "multi_thread")]
async fn video_becomes_chunks_with_times_and_only_what_changed_is_embedded_again() {
    let (scene, fakes) = (scene().await, Fakes::start().await);
    let worker = Worker::start(&scene, &fakes, &[]);
    let text = speech("engine", 100);
    let id = video(&scene, &fakes, "Engine", &text).await;
    until_status(&scene, "demo_videos", id, "completed").await;
    is_whole(&scene, id, &text).await;
    let row: (Option<f32>, i32, String) =
        sqlx::query_as("select progress, duration_seconds, transcript from domo.demo_videos")
            .fetch_one(&scene.owner)
            .await
            .unwrap();
    assert_eq!((row.0, row.1, row.2.trim()), (Some(1.0), 1200 / 2, text.as_str()));
    let steps = "select string_agg(coalesce(payload ->> 'progress', '-') || ' ' || (payload ->> 'processing_status'), ', ' order by seq)
        from domo.demo_stream where event = 'video-changed'";
    assert_eq!(
        scene.text(steps).await,
        "- pending, 0 processing, 0.1 processing, 0.8 processing, 1 completed"
    );
    assert_eq!(
        scene
            .number("select count(*) from realtime.messages where event = 'video-changed'")
            .await,
        5
    );
    let chunks = fakes.embedded().len();
    assert!(chunks > 5);

    // The same file again costs nothing; one sentence more costs one chunk, or two where a cut moves.
    scene
        .run("update domo.demo_videos set processing_status = 'pending'")
        .await;
    until_status(&scene, "demo_videos", id, "completed").await;
    is_whole(&scene, id, &text).await;
    assert_eq!(fakes.embedded().len(), chunks);
    let longer = format!("{text} And this is the end.");
    fakes.file(&format!("{DEMO}/longer.mp4"), longer.as_str());
    scene
        .run(&format!(
            "update domo.demo_videos set storage_url = '{DEMO}/longer.mp4'"
        ))
        .await;
    until_status(&scene, "demo_videos", id, "completed").await;
    is_whole(&scene, id, &longer).await;
    let more = fakes.embedded().len() - chunks;
    assert!((1..=2).contains(&more), "{more}");
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    worker.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn built_in_embeddings_are_stored_with_their_chunks() {
    let (scene, fakes) = (scene().await, Fakes::start().await);
    let worker = Worker::start(&scene, &fakes, &[("EMBEDDINGS_API_KEY", "")]);
    let text = speech("mill", 100);
    let id = video(&scene, &fakes, "Mill", &text).await;
    until_status(&scene, "demo_videos", id, "completed").await;
    is_whole(&scene, id, &text).await;
    for place in [0, 3] {
        assert!(distance(&scene, &format!("chunk_index = {place}")).await < 1e-5);
    }
    // Each change of the counts is told: there was one.
    let told = "select count(*) from domo.demo_stream where event = 'knowledge-changed'";
    assert_eq!(scene.number(told).await, 1);
    assert_eq!(fakes.embedded().len(), 0);
    worker.stop().await;
    scene.stop().await;
}

fn says(status: u16, body: &str) -> Fault {
    Fault::Says(status, None, body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_transcription_is_waited_out_or_told_to_people() {
    let (scene, fakes) = (scene().await, Fakes::start().await);
    let worker = Worker::start(&scene, &fakes, &[]);
    let text = speech("door", 3);
    let passing = [
        (TRANSCRIBE, says(500, "<html>")),
        (TRANSCRIBE, says(200, "{")),
        (TRANSCRIBE, Fault::Drops),
        (
            TRANSCRIBE,
            Fault::Says(
                429,
                Some("0"),
                r#"{"detail": {"status": "system_busy"}}"#.to_owned(),
            ),
        ),
        (SIGN, says(503, "")),
        (SIGN, Fault::Drops),
    ];
    for (place, (path, fault)) in passing.into_iter().enumerate() {
        fakes.fail(path, fault);
        let id = video(&scene, &fakes, &format!("Door {place}").replace(' ', "-"), &text).await;
        until_status(&scene, "demo_videos", id, "completed").await;
        is_whole(&scene, id, &text).await;
    }
    let lasting = [
        (
            says(401, r#"{"detail": {"status": "invalid_api_key"}}"#),
            "The transcription service does not accept our key.",
        ),
        (
            says(401, r#"{"detail": {"status": "quota_exceeded"}}"#),
            "The account for transcription is used up.",
        ),
        (
            says(
                422,
                r#"{"detail": [{"loc": ["body"], "msg": "corrupt", "type": "x"}]}"#,
            ),
            "The transcription service cannot read this file. Is it a video or audio file with sound?",
        ),
        (
            says(200, r#"{"text": " ", "words": []}"#),
            "Nothing is said in this video.",
        ),
    ];
    for (place, (fault, sentence)) in lasting.into_iter().enumerate() {
        fakes.fail(TRANSCRIBE, fault);
        let id = video(&scene, &fakes, &format!("Broken-{place}"), &text).await;
        assert_eq!(failure(&scene, "demo_videos", id).await, sentence);
        let left = format!("select count(*) from domo.knowledge_chunks where video_id = '{id}'");
        assert_eq!(scene.number(&left).await, 0);
    }
    let missing = scene
        .text(&format!(
            "insert into domo.demo_videos (demo_id, title, storage_url, order_index) values ('{DEMO}', 'x', '{DEMO}/nowhere.mp4', 0) returning id::text"
        ))
        .await;
    assert_eq!(
        failure(&scene, "demo_videos", missing.parse().unwrap()).await,
        "The file is not in the storage. Upload it, then set the status to pending."
    );

    // A provider that asks for time is given it.
    fakes.fail(TRANSCRIBE, Fault::Says(429, Some("120"), "{}".to_owned()));
    let id = video(&scene, &fakes, "Slow", &text).await;
    let is_put_off = "(select last_error like '%slow down%' and attempts = 1
        and vt - last_failed_at between interval '120 seconds' and interval '123 seconds'
        from pgmq.q_parley_knowledge join parley.jobs on queue = 'knowledge' and message_id = msg_id)";
    until(&scene.owner, "the provider's time", is_put_off).await;
    assert_eq!(
        scene
            .text(&format!(
                "select processing_status from domo.demo_videos where id = '{id}'"
            ))
            .await,
        "processing"
    );
    worker.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_embedding_is_waited_out_or_kept_for_the_operator() {
    let (scene, fakes) = (scene().await, Fakes::start().await);
    let add = |text: &str| {
        format!("insert into domo.knowledge_chunks (demo_id, content) values ('{DEMO}', '{text}')")
    };
    fn nan(body: &mut Value) {
        body["data"][0]["embedding"][7] = Value::Null;
    }
    fn twice(body: &mut Value) {
        body["data"][0]["index"] = 7.into();
    }
    let worker = Worker::start(&scene, &fakes, &[]);
    for (place, fault) in [
        Fault::Says(429, Some("0"), "{}".to_owned()),
        says(500, ""),
        says(200, "{"),
        Fault::Drops,
        Fault::Changes(nan),
        Fault::Changes(twice),
    ]
    .into_iter()
    .enumerate()
    {
        fakes.fail(EMBED, fault);
        scene.run(&add(&format!("A piece {place}"))).await;
        until(&scene.owner, "no job", NO_JOBS).await;
        assert!(distance(&scene, &format!("content = 'A piece {place}'")).await < 1e-5);
    }
    worker.stop().await;

    // Many at once, one of which is refused: all others are stored.
    scene
        .run(&format!(
            "insert into domo.knowledge_chunks (demo_id, content)
            select '{DEMO}', case n when 77 then 'REFUSED' else 'Thing ' || n end from generate_series(1, 200) as n"
        ))
        .await;
    let worker = Worker::start(&scene, &fakes, &[]);
    let is_dead = "(select last_error like '1 texts were refused%' from parley.dead_letters)";
    until(&scene.owner, "the dead letter", is_dead).await;
    assert_eq!(
        scene
            .number("select count(*) from domo.knowledge_chunks where vector_embedding is null")
            .await,
        1
    );
    assert!(distance(&scene, "content = 'Thing 133'").await < 1e-5);
    worker.stop().await;

    // What an operator has to mend says what.
    fn short(body: &mut Value) {
        body["data"][0]["embedding"] = serde_json::json!([1, 2, 3]);
    }
    scene
        .run("delete from parley.dead_letters; delete from domo.knowledge_chunks")
        .await;
    scene
        .run("select pgmq.purge_queue('parley_knowledge'); delete from parley.jobs")
        .await;
    for _ in 0..10 {
        fakes.fail(EMBED, Fault::Changes(short));
    }
    let worker = Worker::start(&scene, &fakes, &[]);
    scene.run(&add("Short")).await;
    let is_dead =
        "(select last_error = 'the model makes 3 dimensions, and 1536 are kept' from parley.dead_letters)";
    until(&scene.owner, "both numbers", is_dead).await;
    worker.stop().await;

    // Without a provider, what is built in does it; and a lost job is found.
    scene
        .run(&format!(
            "delete from parley.dead_letters; delete from domo.knowledge_chunks;
            insert into domo.knowledge_chunks (demo_id, content, updated_at) values ('{DEMO}', 'Lost', now() - interval '1 hour');
            select pgmq.purge_queue('parley_knowledge'); delete from parley.jobs"
        ))
        .await;
    let worker = Worker::start(&scene, &fakes, &[("EMBEDDINGS_API_KEY", "")]);
    scene
        .run("update parley.job_schedules set is_enabled = true, next_run_at = now() where name = 'domo_keep_knowledge'")
        .await;
    let is_done = "(select embedding_model = 'lexical-v2' from domo.knowledge_chunks)";
    until(&scene.owner, "the embedding", is_done).await;
    assert!(distance(&scene, "true").await < 1e-5);
    worker.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_or_goes_meanwhile_is_not_written_over() {
    let (scene, fakes) = (scene().await, Fakes::start().await);
    let worker = Worker::start(&scene, &fakes, &[]);
    // A text that changes while its embedding is made.
    let gate = fakes.hold(EMBED);
    scene
        .run(&format!("insert into domo.knowledge_chunks (demo_id, content) values ('{DEMO}', 'An old text about doors')"))
        .await;
    fakes.until_asked(EMBED, 1).await;
    scene
        .run("update domo.knowledge_chunks set content = 'A new text about windows'")
        .await;
    gate.add_permits(1);
    until(
        &scene.owner,
        "the new embedding",
        &format!("(select vector_embedding is not null from domo.knowledge_chunks) and {NO_JOBS}"),
    )
    .await;
    assert!(distance(&scene, "true").await < 1e-5);

    // A video that is deleted, a video that is to be another, a demo that is deleted: each while it is transcribed.
    let old = speech("roof", 40);
    for (name, change) in [
        ("gone", "delete from domo.demo_videos"),
        ("hidden", "update domo.demo_videos set deleted_at = now()"),
    ] {
        let asked = fakes.asked(TRANSCRIBE).len();
        let gate = fakes.hold(TRANSCRIBE);
        let id = video(&scene, &fakes, name, &old).await;
        fakes.until_asked(TRANSCRIBE, asked + 1).await;
        scene.run(&format!("{change} where id = '{id}'")).await;
        gate.add_permits(1);
        until(&scene.owner, "no job", NO_JOBS).await;
    }
    let asked = fakes.asked(TRANSCRIBE).len();
    let gate = fakes.hold(TRANSCRIBE);
    let id = video(&scene, &fakes, "changed", &old).await;
    fakes.until_asked(TRANSCRIBE, asked + 1).await;
    let new = speech("cellar", 40);
    fakes.file(&format!("{DEMO}/new.mp4"), new.as_str());
    scene
        .run(&format!(
            "update domo.demo_videos set storage_url = '{DEMO}/new.mp4' where id = '{id}'"
        ))
        .await;
    gate.add_permits(1);
    until_status(&scene, "demo_videos", id, "completed").await;
    is_whole(&scene, id, &new).await;
    assert_eq!(
        scene
            .number("select count(*) from domo.knowledge_chunks where content like '%roof%'")
            .await,
        0
    );

    let asked = fakes.asked(TRANSCRIBE).len();
    let gate = fakes.hold(TRANSCRIBE);
    video(&scene, &fakes, "last", &old).await;
    fakes.until_asked(TRANSCRIBE, asked + 1).await;
    scene.run("delete from domo.demos").await;
    gate.add_permits(1);
    until(&scene.owner, "no job", NO_JOBS).await;
    assert_eq!(
        scene.number("select count(*) from domo.knowledge_chunks").await,
        0
    );
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    worker.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_pay_for_each_file_once() {
    let (scene, fakes) = (scene().await, Fakes::start().await);
    let workers = [
        Worker::start(&scene, &fakes, &[]),
        Worker::start(&scene, &fakes, &[]),
    ];
    let mut videos = Vec::new();
    for n in 0..12 {
        let text = speech(&format!("machine of kind {n}"), 30);
        videos.push((video(&scene, &fakes, &format!("Machine-{n}"), &text).await, text));
    }
    for (id, text) in videos {
        until_status(&scene, "demo_videos", id, "completed").await;
        is_whole(&scene, id, &text).await;
    }
    assert_eq!(fakes.asked(TRANSCRIBE).len(), 12);
    let embedded = fakes.embedded();
    assert_eq!(
        embedded.iter().collect::<BTreeSet<_>>().len(),
        embedded.len(),
        "a text was paid for twice"
    );
    for worker in workers {
        worker.stop().await;
    }
    scene.stop().await;
}

const PROTECTED: &str = "This PDF is protected by a password. Save it without one and upload it again.";

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_every_format_are_read_and_others_say_why_not() {
    let (scene, fakes) = (scene().await, Fakes::start().await);
    let worker = Worker::start(&scene, &fakes, &[("EMBEDDINGS_API_KEY", "")]);
    let page = "<!doctype html><title>t</title><script>no()</script><p>It costs <b>49</b> euros.";
    for (name, bytes, text) in [
        ("a.txt", b"It costs 49 euros.".to_vec(), "It costs 49 euros."),
        (
            "a.md",
            b"# Prices\n\nIt costs **49** euros.".to_vec(),
            "# Prices\n\nIt costs **49** euros.",
        ),
        ("a.html", page.into(), "It costs 49 euros."),
        ("a.pdf", pdf(&["It costs", "49 euros."]), "It costs 49 euros."),
        // Everybody may open these; what else they forbid is not done to them.
        (
            "old.pdf",
            locked(&["It costs", "49 euros."], Lock::Old, ""),
            "It costs 49 euros.",
        ),
        (
            "new.pdf",
            locked(&["It costs", "49 euros."], Lock::New, ""),
            "It costs 49 euros.",
        ),
    ] {
        let id = document(&scene, &fakes, name, &bytes).await;
        until_status(&scene, "demo_documents", id, "completed").await;
        let of = format!("document_id = '{id}'");
        let found = scene
            .text(&format!("select content from domo.knowledge_chunks where {of}"))
            .await;
        assert_eq!(found, text, "{name}");
        assert_eq!(
            scene
                .text(&format!("select source from domo.knowledge_chunks where {of}"))
                .await,
            format!("Document: {name}")
        );
        assert!(distance(&scene, &of).await < 1e-5);
    }
    let chunks = scene.number("select count(*) from domo.knowledge_chunks").await;
    for (name, bytes, sentence) in [
        (
            "b.txt",
            b"\xff\xd8\x00x".to_vec(),
            "This file is not a text in UTF-8.",
        ),
        (
            "b.pdf",
            b"%PDF-1.7 and nothing more".to_vec(),
            "This PDF cannot be read.",
        ),
        ("c.pdf", pdf(&[]), "There is no text in this document."),
        ("d.pdf", locked(&["Secret"], Lock::Old, "sesame"), PROTECTED),
        ("e.pdf", locked(&["Secret"], Lock::New, "sesame"), PROTECTED),
        ("f.pdf", locked(&["Secret"], Lock::Certificate, ""), PROTECTED),
        ("b.md", b" \n ".to_vec(), "There is no text in this document."),
        (
            "c.txt",
            "x ".repeat(1_100_000).into_bytes(),
            "There is too much text in this document",
        ),
        (
            "d.txt",
            vec![b'x'; 20 * 1024 * 1024 + 1],
            "The file is too large.",
        ),
    ] {
        let id = document(&scene, &fakes, name, &bytes).await;
        let failure = failure(&scene, "demo_documents", id).await;
        assert!(failure.starts_with(sentence), "{name}: {failure}");
    }
    assert_eq!(
        scene.number("select count(*) from domo.knowledge_chunks").await,
        chunks
    );
    // What is deleted takes its knowledge along, and brings it back.
    scene
        .run("update domo.demo_documents set deleted_at = now() where title = 'a.md'")
        .await;
    assert_eq!(
        scene
            .number("select count(*) from domo.knowledge_chunks where deleted_at is null")
            .await,
        chunks - 1
    );
    scene
        .run("update domo.demo_documents set deleted_at = null where title = 'a.md'")
        .await;
    assert_eq!(
        scene
            .number("select count(*) from domo.knowledge_chunks where deleted_at is null")
            .await,
        chunks
    );
    worker.stop().await;
    scene.stop().await;
}
