//! The keeper with programs of a few lines. The real worker is in `tests/worker.rs`.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::endpoints::Endpoints;
use crate::worker::WorkerConfig;

/// A folder with a shell script in it that is run as the worker.
struct Place {
    folder: TempDir,
    told: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self {
            folder,
            told: Arc::default(),
        };
        place.write(
            "worker",
            &format!("#!/bin/sh\ncd '{}'\n{script}\n", place.folder.path().display()),
        );
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.path("worker"), executable).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn start(&self, patience: Duration) -> Worker {
        let reservation = Reservation::take(0).unwrap();
        let endpoints = Endpoints {
            api_url: "http://127.0.0.1:1".into(),
            anon_key: String::new(),
            service_role_key: String::new(),
            publishable_key: String::new(),
            secret_key: String::new(),
            jwt_secret: String::new(),
            db_url: String::new(),
            admin_db_url: String::new(),
            tavus_base_url: None,
            tavus_api_key: None,
            elevenlabs_base_url: None,
            elevenlabs_api_key: None,
            embeddings_simulator_url: None,
            embeddings_simulator_key: None,
            worker_db_url: None,
            worker_secret: None,
            worker_url: None,
        };
        let told = self.told.clone();
        Worker::start(Plan {
            program: self.path("worker"),
            environment: Environment::new(
                &endpoints,
                &WorkerConfig::default(),
                &reservation.address().to_string(),
            ),
            reservation,
            data_dir: self.folder.path(),
            patience,
            progress: Progress::new(move |line| told.lock().unwrap().push(line.to_owned())),
        })
        .unwrap()
    }

    async fn until(&self, name: &str, expected: &str) {
        while self.read(name) != expected {
            tokio::task::yield_now().await;
        }
    }
}

/// Answers in place of a worker that is a script.
async fn answer_for(worker: &Worker) {
    let listener = TcpListener::bind(worker._reservation.address()).await.unwrap();
    let router = Router::new().route("/readyz", get(|| async { "ready" }));
    tokio::spawn(async move { axum::serve(listener, router).await });
}

#[tokio::test]
async fn worker_that_never_becomes_ready_is_tried_again_and_waited_for_no_longer_than_that() {
    let place = Place::new("echo run >>runs; exit 3");
    let worker = place.start(Duration::from_secs(1));
    assert!(!worker.is_up().await);
    let runs = place.read("runs").lines().count();
    assert!((3..=4).contains(&runs), "{runs}");
    worker.stop().await;
}

#[tokio::test]
async fn worker_that_ends_is_started_again_and_that_is_told() {
    let place =
        Place::new("echo run >>runs; [ -e go ] && exec sleep 60; until [ -e go ]; do sleep 0.01; done");
    let worker = place.start(Duration::from_secs(1));
    answer_for(&worker).await;
    assert!(worker.is_up().await);
    place.until("runs", "run\n").await;
    assert!(place.told.lock().unwrap().is_empty());
    place.write("go", "");
    place.until("runs", "run\nrun\n").await;
    while place.told.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*place.told.lock().unwrap(), ["the worker runs again"]);
    assert!(worker.is_up().await);
    worker.stop().await;
}

#[tokio::test]
async fn stop_lets_the_worker_finish() {
    let place =
        Place::new("trap 'echo finished >end; exit 0' TERM; echo up >up; while :; do sleep 0.01; done");
    let worker = place.start(Duration::from_secs(30));
    place.until("up", "up\n").await;
    worker.stop().await;
    assert_eq!(place.read("end"), "finished\n");
}

#[tokio::test]
async fn worker_that_does_not_finish_is_killed() {
    let place = Place::new("trap '' TERM; echo $$ >up; while :; do sleep 0.01; done");
    let worker = place.start(Duration::ZERO);
    while place.read("up").is_empty() {
        tokio::task::yield_now().await;
    }
    worker.stop().await;
    let pid = place.read("up");
    assert!(!Path::new(&format!("/proc/{}", pid.trim())).exists());
}

#[tokio::test]
async fn program_that_cannot_run_counts_as_one_that_ended() {
    let place = Place::new("exit 0");
    std::fs::set_permissions(place.path("worker"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let worker = place.start(Duration::from_secs(1));
    assert!(!worker.is_up().await);
    worker.stop().await;
}
