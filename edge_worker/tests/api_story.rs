//! The story of EchoRoom's specification over HTTP, from the lobby to the avatar's leaving; and what is told of secrets on the
//! way, in answers and in the log at its finest level. A binary of its own, because the log is that of the whole process.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use edge_worker::conversations::AppName;
use edge_worker::telemetry;
use local_stack::simulators::tavus::{Fault, FaultKind};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use support::api::{Api, PASSWORD, Person, WORKER_SECRET};
use support::schema::assert_fits;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_meet_talk_and_call_an_avatar_and_no_secret_is_told() {
    let log = Log::default();
    let writer = log.clone();
    // The stand-in runs in the same process, and what its own client of the database says is not the worker's.
    let filter = EnvFilter::new("trace,tokio_postgres=info");
    telemetry::logs::subscriber(filter, move || writer.clone()).init();
    let api = Api::start(&[]).await;
    let (ada, ben) = (api.person().await, api.person().await);
    let room = people_meet_and_talk(&api, &ada, &ben).await;
    let row = an_avatar_comes_and_goes(&api, &ada, &ben, &room).await;
    something_goes_wrong(&api, &ada, &room).await;

    let endpoints = api.database.stack.endpoints().clone();
    let callbacks = api.worker.app.conversations.callbacks();
    let address = callbacks
        .address(AppName::Echoroom, row.parse().unwrap())
        .unwrap();
    let callback_token = address.expose_secret().rsplit('.').next().unwrap().to_owned();
    assert_eq!(callback_token.len(), 43);
    let secrets = [
        endpoints.secret_key,
        endpoints.service_role_key,
        endpoints.jwt_secret,
        endpoints.tavus_api_key.unwrap(),
        WORKER_SECRET.to_owned(),
        PASSWORD.to_owned(),
        callback_token,
    ];
    let told = api.worker.told();
    assert!(
        told.contains("provider_failed") && told.contains("conversation_url"),
        "{told}"
    );
    api.stop().await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("an avatar was not started") && log.contains("hyper"),
        "{log}"
    );
    for secret in &secrets {
        assert!(!told.contains(secret.as_str()), "{secret} was told");
        let line = log.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{line:?}");
    }
    // Tokens and what people say are no business of the log either.
    for private in [&ada.token, &ben.token, "good evening", "sk-of-a-third-party"] {
        let line = log
            .lines()
            .find(|line| line.contains("edge_worker") && line.contains(private));
        assert!(line.is_none(), "{line:?}");
    }
}

async fn people_meet_and_talk(api: &Api, ada: &Person, ben: &Person) -> String {
    let worker = &api.worker;
    let lobby = worker.get(&ada.token, "/api/sessions").await;
    assert!(
        lobby
            .body
            .as_array()
            .unwrap()
            .iter()
            .any(|room| room["category"] == "Calm")
    );
    let room = api.room(ada, "Calm").await;
    let seat = json!({ "user_id": ben.id, "session_id": room, "user_name": "Ben", "mood": "Calm" });
    let joined = worker.post(&ben.token, "/api/participants", seat).await;
    assert_eq!((joined.status, &joined.body["user_name"]), (201, &json!("Ben")));

    let message = json!({ "session_id": room, "content": "good evening" });
    assert_eq!(api.rpc(&ada.token, "send_message", message).await.status, 200);
    let history = worker
        .get(&ben.token, &format!("/api/sessions/{room}/messages?limit=10"))
        .await;
    assert_eq!(history.body[0]["content"], "good evening");

    let own = format!("/api/participants/{}/{room}", ben.id);
    let speaking = worker.put(&ben.token, &own, json!({ "is_speaking": true })).await;
    assert_eq!(speaking.status, 200, "{speaking:?}");
    let seats = worker.get(&ada.token, &format!("/api/participants/{room}")).await;
    let speaks = |seat: &&Value| seat["user_id"] == json!(ben.id) && seat["is_speaking"] == true;
    assert!(seats.body.as_array().unwrap().iter().any(|seat| speaks(&seat)));
    room
}

/// The id of the row of the first avatar.
async fn an_avatar_comes_and_goes(api: &Api, ada: &Person, ben: &Person, room: &str) -> String {
    let worker = &api.worker;
    let tavus = api.database.stack.tavus().unwrap();
    let description = worker.get("", "/openapi.json").await.body;
    let create = "/api/tavus/create-conversation";
    let wanted = json!({ "mood": "Calm" });

    let started = worker.post(&ada.token, create, wanted.clone()).await;
    assert_eq!(started.status, 201, "{started:?}");
    assert_fits(&description, "post", create, "201", &started.body);
    assert_eq!(started.body["status"], "active");
    assert_eq!(started.body["persona_id"], "default_calm_persona");
    let again = worker.post(&ben.token, create, wanted.clone()).await;
    assert_eq!(
        (again.status, &again.body),
        (200, &started.body),
        "the same for the other"
    );
    assert_eq!(tavus.conversations(), (1, 1));

    let conversation = json!({ "conversation_id": started.body["conversation_id"] });
    let daily = worker
        .post(&ben.token, "/api/tavus/get-daily-room", conversation.clone())
        .await;
    assert_eq!(daily.status, 200, "{daily:?}");
    assert_fits(
        &description,
        "post",
        "/api/tavus/get-daily-room",
        "200",
        &daily.body,
    );
    assert_eq!(
        daily.body,
        json!({ "room_url": started.body["conversation_url"] })
    );
    // Callbacks reach the worker where the call was told to send them.
    tavus.settled().await;
    assert!(tavus.deliveries().iter().all(|sent| sent.status == Some(200)));
    let row = api.rows(&ada.token, "conversations?select=*").await;
    assert_eq!(row[0]["session_id"], json!(room));
    assert!(row[0]["replica_joined_at"].is_string(), "{row}");
    let id = row[0]["id"].as_str().unwrap().to_owned();
    let by_row = worker
        .post(
            &ben.token,
            "/api/tavus/get-daily-room",
            json!({ "conversation_id": id }),
        )
        .await;
    assert_eq!(by_row.body, daily.body);

    for person in [ben, ada] {
        let ended = worker
            .post(&person.token, "/api/tavus/end-conversation", conversation.clone())
            .await;
        assert_eq!((ended.status, &ended.body), (200, &json!({ "success": true })));
        assert_fits(
            &description,
            "post",
            "/api/tavus/end-conversation",
            "200",
            &ended.body,
        );
        assert_eq!(tavus.conversations(), (1, 0), "it costs nothing any more");
    }
    let over = worker
        .post(&ben.token, "/api/tavus/get-daily-room", conversation)
        .await;
    assert_eq!(over.refusal(), (410, "conversation_over"));

    let next = worker.post(&ben.token, create, wanted).await;
    assert_eq!(next.status, 201, "{next:?}");
    assert_ne!(next.body["conversation_id"], started.body["conversation_id"]);
    let by_row = json!({ "conversation_id": next.body["conversation_id"] });
    worker
        .post(&ben.token, "/api/tavus/end-conversation", by_row)
        .await;
    assert_eq!(tavus.conversations(), (2, 0));
    id
}

async fn something_goes_wrong(api: &Api, ada: &Person, room: &str) {
    let worker = &api.worker;
    let endpoints = api.database.stack.endpoints();
    let tavus = api.database.stack.tavus().unwrap();
    let key = endpoints.tavus_api_key.as_ref().unwrap();
    tavus.fail(Fault {
        method: Some("POST".to_owned()),
        path: "/v2/conversations".to_owned(),
        times: 1,
        kind: FaultKind::Status {
            status: 422,
            retry_after: None,
            message: Some(format!("key {key} may not")),
        },
    });
    let wanted = json!({ "session_id": room, "mood": "Calm" });
    let refused = worker
        .post(&ada.token, "/api/tavus/create-conversation", wanted)
        .await;
    assert_eq!(refused.refusal(), (502, "provider_failed"));
    worker.get(&endpoints.secret_key, "/api/tavus/personas").await;
    worker
        .get(&endpoints.service_role_key, "/api/tavus/personas")
        .await;
    worker.get("sb_secret_of_somebody_else", "/api/personas").await;
}
