//! Avatars by REST when it is not simple: many at once, in one of several rooms, for strangers, and when Tavus refuses.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use edge_worker::api::echoroom::{Catalogue, Freshness};
use edge_worker::app::App;
use edge_worker::providers::RetryPolicy;
use edge_worker::providers::tavus::{TavusClient, Timeouts};
use futures_util::future::join_all;
use local_stack::simulators::tavus::{Behaviour, Fault, FaultKind, TavusSimulator};
use serde_json::{Value, json};
use support::api::{Api, Person, Worker};
use tower::ServiceExt as _;
use uuid::Uuid;

const CREATE: &str = "/api/tavus/create-conversation";
const DAILY: &str = "/api/tavus/get-daily-room";
const END: &str = "/api/tavus/end-conversation";

struct Avatars {
    api: Api,
    ada: Person,
    ben: Person,
}

#[tokio::test(flavor = "multi_thread")]
async fn avatars_by_rest() {
    let api = Api::start(&[]).await;
    let avatars = Avatars {
        ada: api.person().await,
        ben: api.person().await,
        api,
    };
    avatars.many_who_ask_at_once_get_one_call().await;
    avatars.client_that_goes_away_leaves_one_call_behind().await;
    avatars
        .request_waits_for_whoever_starts_the_avatar_and_not_for_ever()
        .await;
    avatars.room_is_found_by_mood_where_there_is_no_other().await;
    avatars.strangers_visitors_and_old_tokens_get_nothing().await;
    avatars.refusals_of_tavus_are_told_apart().await;
    avatars.what_tavus_loses_is_found_and_not_made_twice().await;
    avatars.worker_without_tavus_writes_nothing_down().await;
    avatars.personas_have_tavus_names_where_tavus_answers().await;
    avatars.api.stop().await;
}

impl Avatars {
    fn tavus(&self) -> &TavusSimulator {
        self.api.database.stack.tavus().unwrap()
    }

    /// The next request of this kind goes wrong.
    fn fail(&self, method: &str, path: &str, kind: FaultKind) {
        self.tavus().fail(Fault {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            times: 1,
            kind,
        });
    }

    fn fail_create(&self, kind: FaultKind) {
        self.fail("POST", "/v2/conversations", kind);
    }

    /// Somebody in a room of their own, whose rate limits are fresh.
    async fn alone(&self, mood: &str) -> (Person, String) {
        let person = self.api.person().await;
        let room = self.api.room(&person, mood).await;
        (person, room)
    }

    async fn many_who_ask_at_once_get_one_call(&self) {
        let second = self.api.another(&[]).await;
        let workers = [&self.api.worker, &second];
        for _ in 0..3 {
            let (ada, room) = self.alone("Hopeful").await;
            self.api.join(&self.ben, &room, "Hopeful").await;
            let before = self.tavus().conversations().0;
            // Long enough that all of them are there while the call is made.
            self.fail_create(FaultKind::Slow { delay_ms: 1000 });
            let wanted = json!({ "session_id": room, "mood": "Hopeful" });
            let asking = [&ada, &self.ben].into_iter().flat_map(|person| {
                let wanted = wanted.clone();
                workers.map(move |worker| worker.post(&person.token, CREATE, wanted.clone()))
            });
            let replies = join_all(asking).await;
            let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 200, 200, 201], "{replies:?}");
            let bodies: BTreeSet<_> = replies.iter().map(|reply| reply.body.to_string()).collect();
            assert_eq!(bodies.len(), 1, "{bodies:?}");
            assert_eq!(self.tavus().conversations().0, before + 1);
            let conversation = json!({ "conversation_id": replies[0].body["conversation_id"] });
            let ending = workers.map(|worker| worker.post(&ada.token, END, conversation.clone()));
            for ended in join_all(ending).await {
                assert_eq!((ended.status, &ended.body), (200, &json!({ "success": true })));
            }
            self.nothing_runs().await;
        }
        second.stop().await;
    }

    /// Two ends at once: the later one may be answered while the first is still at Tavus.
    async fn nothing_runs(&self) {
        while self.tavus().conversations().1 > 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn client_that_goes_away_leaves_one_call_behind(&self) {
        let (ada, room) = self.alone("Loving").await;
        let before = self.tavus().conversations().0;
        self.fail_create(FaultKind::Slow { delay_ms: 2000 });
        let worker = &self.api.worker;
        let wanted = json!({ "session_id": room });
        let asking = worker.post(&ada.token, CREATE, wanted.clone());
        let made = async {
            while self.tavus().conversations().0 == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = made => {}
            reply = asking => panic!("answered while Tavus was slow: {reply:?}"),
        }
        // The call is noted, and is the one of the room.
        let after = worker.post(&ada.token, CREATE, wanted).await;
        assert_eq!(after.status, 200, "{after:?}");
        assert_eq!(
            after.body["persona_id"], "default_loving_persona",
            "the mood of the room"
        );
        assert_eq!(self.tavus().conversations().0, before + 1);
        self.end(&ada, &after.body).await;
    }

    async fn request_waits_for_whoever_starts_the_avatar_and_not_for_ever(&self) {
        let pool = &self.api.worker.app.pool;
        let before = self.tavus().conversations().0;
        let (ada, room) = self.alone("Calm").await;
        let wanted = json!({ "session_id": room });
        let asked = self
            .api
            .rpc(&ada.token, "start_conversation", wanted.clone())
            .await;
        let id: Uuid = asked.body["id"].as_str().unwrap().parse().unwrap();
        // Another worker has it.
        let claim = "select echoroom_private.tavus_claim($1, 600)";
        let claimed: Option<Value> = sqlx::query_scalar(claim).bind(id).fetch_one(pool).await.unwrap();
        assert!(claimed.is_some());

        let impatient = self
            .changed(|app| app.avatar_patience = Duration::from_millis(300))
            .await;
        let late = impatient.post(&ada.token, CREATE, wanted.clone()).await;
        assert_eq!(late.refusal(), (503, "avatar_starting"));
        assert_eq!(late.headers["retry-after"], "1");
        impatient.stop().await;

        let leaving = self.api.another(&[]).await;
        leaving.app.stopping.cancel();
        let router = edge_worker::app::router(leaving.app.clone());
        let request = Request::post(CREATE)
            .header("authorization", format!("Bearer {}", ada.token))
            .header("content-type", "application/json")
            .body(Body::from(wanted.to_string()))
            .unwrap();
        let left = router.oneshot(request).await.unwrap();
        let told = axum::body::to_bytes(left.into_body(), usize::MAX).await.unwrap();
        let told: Value = serde_json::from_slice(&told).unwrap();
        assert_eq!(told["details"], "stopping", "it does not watch while it stops");
        leaving.stop().await;

        let waiting = self.api.worker.post(&ada.token, CREATE, wanted);
        let started = async {
            let note =
                "select echoroom_private.tavus_started($1, 'c0theirs', 'https://tavus.daily.co/c0theirs')";
            // Not before it is asked for: the answer must be the one that came meanwhile.
            while self.api.worker.in_flight().await < 2 {
                tokio::task::yield_now().await;
            }
            let _: Option<Value> = sqlx::query_scalar(note).bind(id).fetch_one(pool).await.unwrap();
        };
        let (came, ()) = tokio::join!(waiting, started);
        assert_eq!(came.status, 200, "{came:?}");
        assert_eq!(came.body["conversation_id"], "c0theirs");
        assert_eq!(self.tavus().conversations().0, before, "nobody made another");
        self.end(&ada, &came.body).await;
    }

    async fn end(&self, person: &Person, avatar: &Value) {
        let conversation = json!({ "conversation_id": avatar["conversation_id"] });
        let ended = self.api.worker.post(&person.token, END, conversation).await;
        assert_eq!(ended.body, json!({ "success": true }));
    }

    async fn room_is_found_by_mood_where_there_is_no_other(&self) {
        let worker = &self.api.worker;
        let person = self.api.person().await;
        let needed = (400, "session_id_needed");
        let ask = async |body: Value| worker.post(&person.token, CREATE, body).await;
        assert_eq!(
            ask(json!({ "mood": "Joyful" })).await.refusal(),
            needed,
            "no room at all"
        );
        let joyful = self.api.room(&person, "Joyful").await;
        assert_eq!(ask(json!({})).await.refusal(), needed);
        assert_eq!(ask(json!({ "mood": "Lonely" })).await.refusal(), needed);
        let found = ask(json!({ "mood": " joyful", "user_id": "ignored" })).await;
        assert_eq!(found.status, 201, "{found:?}");
        self.end(&person, &found.body).await;
        let other = self.api.room(&person, "Joyful").await;
        assert_eq!(
            ask(json!({ "mood": "Joyful" })).await.refusal(),
            needed,
            "two rooms"
        );
        let chosen = ask(json!({ "mood": "Joyful", "session_id": other })).await;
        assert_eq!(chosen.status, 201, "{chosen:?}");
        let rows = self
            .api
            .rows(
                &person.token,
                "conversations?select=session_id,status&status=eq.active",
            )
            .await;
        assert_eq!(rows, json!([{ "session_id": other, "status": "active" }]));
        self.end(&person, &chosen.body).await;
        assert_eq!(
            self.api
                .rpc(&person.token, "leave_room", json!({ "session_id": joyful }))
                .await
                .status,
            200
        );
        let left = ask(json!({ "mood": "Joyful" })).await;
        assert_eq!(left.status, 201, "one is left: {left:?}");
        self.end(&person, &left.body).await;
        let nowhere = json!({ "session_id": Uuid::nil(), "mood": "Joyful" });
        assert_eq!(ask(nowhere).await.refusal(), (404, "room_not_found"));
        let unknown = json!({ "session_id": other, "mood": "Sulky" });
        assert_eq!(ask(unknown).await.refusal(), (404, "persona_not_found"));
        for body in [json!({ "session_id": "x" }), json!({ "mood": 7 }), json!([])] {
            assert_eq!(ask(body).await.refusal(), (400, "invalid_body"));
        }
    }

    async fn strangers_visitors_and_old_tokens_get_nothing(&self) {
        let worker = &self.api.worker;
        let (ada, room) = self.alone("Calm").await;
        let wanted = json!({ "session_id": room, "mood": "Calm" });
        let before = self.tavus().conversations().0;
        let refused = worker.post(&self.ada.token, CREATE, wanted.clone()).await;
        assert_eq!(refused.refusal(), (403, "not_a_member"));
        let avatar = worker.post(&ada.token, CREATE, wanted.clone()).await.body;
        let conversation = json!({ "conversation_id": avatar["conversation_id"] });
        for path in [DAILY, END] {
            let stranger = worker.post(&self.ada.token, path, conversation.clone()).await;
            let unknown = worker
                .post(&self.ada.token, path, json!({ "conversation_id": "c1" }))
                .await;
            assert_eq!(stranger.refusal(), (404, "conversation_not_found"));
            assert_eq!(stranger.body, unknown.body, "nobody can tell whether it is there");
        }
        let endpoints = self.api.database.stack.endpoints();
        let expired = self.api.expired(&ada);
        let bodies = [
            (CREATE, &wanted),
            (CREATE, &json!({ "mood": "Calm" })),
            (DAILY, &conversation),
            (END, &conversation),
        ];
        for (path, body) in bodies {
            for (token, code) in [
                (endpoints.publishable_key.as_str(), "42501"),
                (&endpoints.anon_key, "42501"),
                (&expired, "PGRST303"),
                ("not.a.token", "PGRST301"),
            ] {
                let reply = worker.post(token, path, body.clone()).await;
                assert_eq!(
                    (reply.status, &reply.body["code"]),
                    (401, &json!(code)),
                    "{path} {token}: {reply:?}"
                );
            }
            assert_eq!(
                worker.post("", path, body.clone()).await.refusal(),
                (401, "missing_token")
            );
        }
        for path in [
            "/api/sessions",
            "/api/personas",
            "/api/tavus/personas",
            "/api/tavus/personas/Calm",
        ] {
            let reply = worker.get(&expired, path).await;
            assert_eq!(
                (reply.status, &reply.body["code"]),
                (401, &json!("PGRST303")),
                "{path}"
            );
        }
        for id in [
            "c1&select=*",
            "a,b",
            "(c1)",
            "*",
            "c1.or",
            "",
            "../c1",
            "\"c1\"",
            &"c".repeat(129),
        ] {
            let reply = worker
                .post(&ada.token, DAILY, json!({ "conversation_id": id }))
                .await;
            assert_eq!(reply.refusal(), (400, "invalid_body"), "{id}");
            let reply = worker
                .post(&ada.token, END, json!({ "conversation_id": id }))
                .await;
            assert_eq!(reply.refusal(), (404, "conversation_not_found"), "{id}");
        }
        assert_eq!(self.tavus().conversations(), (before + 1, 1), "it still runs");
        // The secret key acts in every room.
        for key in [&endpoints.service_role_key, &endpoints.secret_key] {
            let same = worker.post(key, CREATE, wanted.clone()).await;
            assert_eq!((same.status, &same.body), (200, &avatar));
            let daily = worker.post(key, DAILY, conversation.clone()).await;
            assert_eq!(daily.body["room_url"], avatar["conversation_url"]);
        }
        let ended = worker.post(&endpoints.secret_key, END, conversation).await;
        assert_eq!(ended.status, 200);
        assert_eq!(self.tavus().conversations().1, 0);
    }

    async fn refusals_of_tavus_are_told_apart(&self) {
        let worker = &self.api.worker;
        let (ada, room) = self.alone("Lonely").await;
        let wanted = json!({ "session_id": room });
        let ask = async || worker.post(&ada.token, CREATE, wanted.clone()).await;
        let behave = |behaviour| self.tavus().behave(behaviour);

        behave(Behaviour {
            concurrency_cap: Some(0),
            ..Behaviour::default()
        });
        let full = ask().await;
        assert_eq!(full.refusal(), (503, "avatar_unavailable"));
        assert_eq!(full.headers["retry-after"], "10");
        behave(Behaviour::default());
        self.fail_create(status(429, Some("7")));
        let slow = ask().await;
        assert_eq!(slow.refusal(), (503, "avatar_unavailable"));
        assert_eq!(slow.headers["retry-after"], "7");
        // What passed by is the same avatar's way.
        let came = ask().await;
        assert_eq!(came.status, 200, "{came:?}");
        self.end(&ada, &came.body).await;

        behave(Behaviour {
            credits: Some(0),
            ..Behaviour::default()
        });
        let poor = ask().await;
        assert_eq!(poor.refusal(), (502, "provider_failed"));
        assert_eq!(
            poor.body["message"],
            "The account for avatars has no credits left."
        );
        assert!(!poor.headers.contains_key("retry-after"));
        behave(Behaviour::default());
        for (code, sentence) in [
            (401, "The service for avatars does not accept our key."),
            (422, "The service for avatars refused to start this one."),
        ] {
            self.fail_create(status(code, None));
            let refused = ask().await;
            assert_eq!(refused.refusal(), (502, "provider_failed"));
            assert_eq!(refused.body["message"], sentence);
        }
        // A refusal that stays ends that conversation; the next one is another.
        let next = ask().await;
        assert_eq!(next.status, 201, "{next:?}");
        self.end(&ada, &next.body).await;
        self.nothing_runs().await;
    }

    async fn what_tavus_loses_is_found_and_not_made_twice(&self) {
        let worker = &self.api.worker;
        let before = self.tavus().conversations().0;
        for kind in [FaultKind::DropAfter, FaultKind::Garbage] {
            let (ada, room) = self.alone("Motivated").await;
            let made = self.tavus().conversations().0;
            self.fail_create(kind.clone());
            let wanted = json!({ "session_id": room });
            let found = worker.post(&ada.token, CREATE, wanted).await;
            assert_eq!(found.status, 201, "{kind:?}: {found:?}");
            assert_eq!(self.tavus().conversations().0, made + 1);
            self.end(&ada, &found.body).await;
        }
        assert_eq!(self.tavus().conversations(), (before + 2, 0));
        // Tavus is away while the end is asked for: it is written down, and done later.
        let (ada, room) = self.alone("Motivated").await;
        let avatar = worker
            .post(&ada.token, CREATE, json!({ "session_id": room }))
            .await
            .body;
        self.fail("POST", "/v2/conversations/", status(401, None));
        self.end(&ada, &avatar).await;
        assert_eq!(self.tavus().conversations().1, 1);
        let row = self
            .api
            .rows(&ada.token, "conversations?select=status,end_requested_at")
            .await;
        assert!(row[0]["end_requested_at"].is_string(), "{row}");
        self.end(&ada, &avatar).await;
        assert_eq!(self.tavus().conversations().1, 0, "asking again helps as well");
    }

    async fn worker_without_tavus_writes_nothing_down(&self) {
        let off = self.api.another(&[("TAVUS_API_KEY", "off")]).await;
        let (ada, room) = self.alone("Calm").await;
        let wanted = json!({ "session_id": room, "mood": "Calm" });
        let refused = off.post(&ada.token, CREATE, wanted).await;
        assert_eq!(refused.refusal(), (503, "provider_off"));
        assert!(!refused.headers.contains_key("retry-after"));
        assert_eq!(
            self.api.rows(&ada.token, "conversations?select=id").await,
            json!([])
        );
        let personas = off.get(&ada.token, "/api/tavus/personas").await;
        assert_eq!(personas.status, 200);
        assert_eq!(personas.body[0]["persona_name"], Value::Null);
        off.stop().await;
    }

    async fn personas_have_tavus_names_where_tavus_answers(&self) {
        let worker = self.api.another(&[]).await;
        let description = worker.get("", "/openapi.json").await.body;
        let before = self.tavus().requests("GET", "/v2/personas");
        let publishable = self.api.database.stack.endpoints().publishable_key.clone();
        for token in [&self.ada.token, &self.ben.token, &publishable] {
            let all = worker.get(token, "/api/tavus/personas").await;
            assert_eq!(all.status, 200, "{all:?}");
            support::schema::assert_fits(&description, "get", "/api/tavus/personas", "200", &all.body);
            assert_eq!(all.body.as_array().unwrap().len(), 6);
            for row in all.body.as_array().unwrap() {
                let mood = row["mood"].as_str().unwrap().to_lowercase();
                assert_eq!(row["persona_name"], format!("A {mood} companion"));
                assert_eq!(row["default_replica_id"], "r5f0577fc829");
            }
            let calm = worker.get(token, "/api/tavus/personas/CALM").await;
            support::schema::assert_fits(
                &description,
                "get",
                "/api/tavus/personas/{mood}",
                "200",
                &calm.body,
            );
            assert_eq!(calm.body["persona_name"], "A calm companion");
        }
        assert_eq!(
            self.tavus().requests("GET", "/v2/personas"),
            before + 1,
            "asked once"
        );
        assert!(!worker.told().contains("sk-of-a-third-party"));
        assert!(!worker.told().contains("system_prompt"));
        let none = worker.get(&self.ada.token, "/api/tavus/personas/none").await;
        assert_eq!(none.refusal(), (404, "persona_not_found"));
        worker.stop().await;

        let names = async |worker: &Worker| {
            let all = worker.get(&self.ada.token, "/api/tavus/personas").await;
            assert_eq!((all.status, all.body.as_array().unwrap().len()), (200, 6));
            all.body[0]["persona_name"].clone()
        };
        let impatient = self.forgetful(Duration::from_millis(100)).await;
        self.fail("GET", "/v2/personas", FaultKind::Slow { delay_ms: 600_000 });
        assert_eq!(names(&impatient).await, Value::Null, "too slow");
        impatient.stop().await;
        let patient = self.forgetful(Duration::from_secs(60)).await;
        self.fail("GET", "/v2/personas", status(401, None));
        assert_eq!(names(&patient).await, Value::Null, "refused");
        assert_eq!(names(&patient).await, "A hopeful companion");
        self.fail("GET", "/v2/personas", FaultKind::Garbage);
        assert_eq!(
            names(&patient).await,
            "A hopeful companion",
            "what is known stays known"
        );
        patient.stop().await;
    }

    async fn changed(&self, change: impl FnOnce(&mut App)) -> Worker {
        self.api.another_with(|app, _| change(app)).await
    }

    /// A worker that asks Tavus each time.
    async fn forgetful(&self, patience: Duration) -> Worker {
        let freshness = Freshness {
            answered: Duration::ZERO,
            failed: Duration::ZERO,
            patience,
        };
        self.api
            .another_with(|app, config| {
                let tavus = config.tavus.as_ref().unwrap();
                let metrics = app.metrics.clone();
                let client = TavusClient::new(tavus, Timeouts::default(), RetryPolicy::default(), metrics);
                app.personas = Catalogue::new(Some(client.unwrap()), freshness);
            })
            .await
    }
}

fn status(status: u16, retry_after: Option<&str>) -> FaultKind {
    FaultKind::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
        message: None,
    }
}
