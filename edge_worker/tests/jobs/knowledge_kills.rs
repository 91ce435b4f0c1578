//! The worker's binary goes down with `kill -9` while it makes knowledge: no chunk is there twice, none is missing. And what it logs holds
//! no secret.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::process::{Child, Command};

use crate::fakes::{ELEVENLABS_KEY, EMBED, EMBEDDINGS_KEY, Fakes, SIGNED, STORAGE_KEY, TRANSCRIBE};
use crate::knowledge::{NO_JOBS, is_whole, scene, speech, video};
use crate::scene::{Scene, soon, until};

pub struct Killable {
    child: Child,
    log: tempfile::NamedTempFile,
}

impl Killable {
    pub fn start(scene: &Scene, settings: &[(&'static str, String)]) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_edge_worker"))
            .arg("serve")
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("SUPABASE_PUBLISHABLE_KEY", "none")
            .env("WORKER_DB_URL", scene.worker_url())
            .env("WORKER_LISTEN", "127.0.0.1:0")
            .env("TAVUS_API_KEY", "off")
            .env("WORKER_JOBS_POLL_SECONDS", "1")
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(log.reopen().unwrap())
            .stderr(log.reopen().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// What it had to say until then.
    pub async fn kill(mut self) -> String {
        let id = self.child.id().unwrap().try_into().unwrap();
        kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
        self.child.wait().await.unwrap();
        String::from_utf8_lossy(&std::fs::read(self.log.path()).unwrap()).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_worker_leaves_no_chunk_twice_and_none_missing() {
    let (scene, fakes) = (scene().await, Arc::new(Fakes::start().await));
    let seed = std::env::var("KILLS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    eprintln!("KILLS_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut told = String::new();
    for n in 0..8 {
        let worker = Killable::start(&scene, &fakes.settings());
        let path = if n % 2 == 0 { TRANSCRIBE } else { EMBED };
        let asked = fakes.asked(path).len();
        let gate = fakes.hold(path);
        let text = speech(&format!("wheel of kind {n}"), 60);
        let id = video(&scene, &fakes, &format!("Wheel-{n}"), &text).await;
        fakes.until_asked(path, asked + 1).await;
        gate.add_permits(1);
        let moment = Duration::from_micros(random.random_range(0..40_000));
        tokio::time::sleep(moment).await;
        told.push_str(&worker.kill().await);
        // The lease of the dead runs out.
        scene
            .run("update pgmq.q_parley_knowledge set vt = clock_timestamp()")
            .await;
        let worker = Killable::start(&scene, &fakes.settings());
        let is_done = format!(
            "(select processing_status = 'completed' from domo.demo_videos where id = '{id}') and {NO_JOBS}"
        );
        soon("the end of it", until(&scene.owner, "completed", &is_done)).await;
        is_whole(&scene, id, &text).await;
        told.push_str(&worker.kill().await);
    }
    assert_eq!(scene.number("select count(*) from parley.dead_letters").await, 0);
    assert!(told.contains("transcribe_video"), "the log is empty");
    for secret in [ELEVENLABS_KEY, EMBEDDINGS_KEY, STORAGE_KEY, SIGNED] {
        let line = told.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn video_is_transcribed_once_whenever_its_worker_dies() {
    let (scene, fakes) = (scene().await, Arc::new(Fakes::start().await));
    let worker = Killable::start(&scene, &fakes.settings());
    // Nobody can store a chunk, so the worker dies between the transcription and the chunks.
    let mut closed = scene.owner.begin().await.unwrap();
    sqlx::query("lock table domo.knowledge_chunks in share mode")
        .execute(&mut *closed)
        .await
        .unwrap();
    let text = speech("anchor", 60);
    let id = video(&scene, &fakes, "Anchor", &text).await;
    let waits =
        "exists (select from pg_locks where relation = 'domo.knowledge_chunks'::regclass and not granted)";
    soon("a worker that waits", until(&scene.owner, "a lock", waits)).await;
    worker.kill().await;
    // What it had sent would be done after its death.
    let end = "select pg_terminate_backend(pid) from pg_locks where relation = 'domo.knowledge_chunks'::regclass and not granted";
    scene.run(end).await;
    soon("its end", until(&scene.owner, "no lock", &format!("not {waits}"))).await;
    closed.rollback().await.unwrap();
    assert_eq!(
        scene.number("select count(*) from domo.knowledge_chunks").await,
        0
    );
    scene
        .run("update pgmq.q_parley_knowledge set vt = clock_timestamp()")
        .await;
    let worker = Killable::start(&scene, &fakes.settings());
    let is_done = format!(
        "(select processing_status = 'completed' from domo.demo_videos where id = '{id}') and {NO_JOBS}"
    );
    soon("the end of it", until(&scene.owner, "completed", &is_done)).await;
    is_whole(&scene, id, &text).await;
    assert_eq!(fakes.asked(TRANSCRIBE).len(), 1);
    assert_eq!(
        scene
            .number("select count(*) from domo_private.heard_videos")
            .await,
        0
    );
    worker.kill().await;
    scene.stop().await;
}
