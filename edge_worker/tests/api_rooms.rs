//! EchoRoom's REST routes of rooms, seats, history and personas, over HTTP, as every kind of caller.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod support;

use serde_json::{Value, json};
use support::api::{Api, Person};
use support::schema::assert_fits;
use uuid::Uuid;

struct Story {
    api: Api,
    description: Value,
    ada: Person,
    ben: Person,
    stranger: Person,
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_seats_history_and_personas_by_rest() {
    let api = Api::start(&[]).await;
    let story = Story {
        description: api.worker.get("", "/openapi.json").await.body,
        ada: api.person().await,
        ben: api.person().await,
        stranger: api.person().await,
        api,
    };
    let room = story.a_room_is_opened_and_listed().await;
    story.people_take_seats_and_change_them(&room).await;
    story.history_is_paged(&room).await;
    story
        .personas_are_read_by_all_and_written_by_the_secret_key()
        .await;
    story
        .strangers_are_refused_in_the_words_of_the_database(&room)
        .await;
    story.api.stop().await;
}

impl Story {
    fn fits(&self, method: &str, route: &str, status: &str, value: &Value) {
        assert_fits(&self.description, method, route, status, value);
    }

    async fn a_room_is_opened_and_listed(&self) -> String {
        let worker = &self.api.worker;
        let wanted =
            json!({ "category": "Quiet", "description": "shh", "max_participants": 3, "colour": "red" });
        let made = worker.post(&self.ada.token, "/api/sessions", wanted).await;
        assert_eq!(made.status, 201, "{made:?}");
        self.fits("post", "/api/sessions", "201", &made.body);
        assert_eq!(made.body["category"], "Quiet");
        assert_eq!(made.body["max_participants"], 3);
        assert_eq!(made.body["created_by"], self.ada.id.to_string());

        // Visitors see the lobby, too.
        let publishable = self.api.database.stack.endpoints().publishable_key.clone();
        let anon = self.api.database.stack.endpoints().anon_key.clone();
        for token in [&publishable, &anon, &self.ada.token] {
            let listed = worker.get(token, "/api/sessions").await;
            assert_eq!(listed.status, 200, "{listed:?}");
            self.fits("get", "/api/sessions", "200", &listed.body);
            let rows = listed.body.as_array().unwrap();
            let row = rows.iter().find(|row| row["id"] == made.body["id"]).unwrap();
            assert_eq!(
                (&row["free_seats"], &row["category"]),
                (&json!(3), &json!("Quiet"))
            );
            assert_eq!(rows.len(), 7, "with the six that come with the migrations");
        }
        made.body["id"].as_str().unwrap().to_owned()
    }

    async fn people_take_seats_and_change_them(&self, room: &str) {
        let worker = &self.api.worker;
        let (ada, ben) = (&self.ada, &self.ben);
        let seat = json!({
            "user_id": ada.id, "session_id": room, "user_name": "Ada", "mood": "Quiet", "avatar": "/a.png",
            "is_speaking": false, "is_muted": true, "extra": { "deep": [1] }
        });
        let joined = worker.post(&ada.token, "/api/participants", seat.clone()).await;
        assert_eq!(joined.status, 201, "{joined:?}");
        self.fits("post", "/api/participants", "201", &joined.body);
        for (name, value) in [
            ("user_id", json!(ada.id)),
            ("user_name", json!("Ada")),
            ("mood", json!("Quiet")),
            ("avatar", json!("/a.png")),
            ("is_speaking", json!(false)),
            ("is_muted", json!(true)),
        ] {
            assert_eq!(joined.body[name], value, "{name}");
        }
        // Again changes the seat; calm is a mood like any other, and null is nothing.
        let again = json!({ "session_id": room, "mood": "calm", "user_name": null, "is_speaking": true });
        let again = worker.post(&ada.token, "/api/participants", again).await;
        assert_eq!(again.status, 200, "{again:?}");
        for (name, value) in [
            ("mood", json!("calm")),
            ("user_name", json!("Ada")),
            ("is_speaking", json!(true)),
        ] {
            assert_eq!(again.body[name], value, "{name}");
        }
        assert_eq!(again.body["is_muted"], true);

        let joined = worker
            .post(&ben.token, "/api/participants", json!({ "session_id": room }))
            .await;
        assert_eq!(joined.status, 201, "{joined:?}");
        assert_eq!(
            joined.body["user_id"],
            json!(ben.id),
            "the caller's own row, not the first"
        );
        assert_ne!(joined.body["user_name"], "");

        let path = format!("/api/participants/{}/{room}", ada.id);
        let changes = [
            json!({ "is_speaking": false }),
            json!({ "user_name": "Ada L.", "is_muted": false, "user_id": ada.id }),
            json!({ "user_name": "Ada" }),
            json!({}),
        ];
        for change in changes {
            let changed = worker.put(&ada.token, &path, change.clone()).await;
            assert_eq!(changed.status, 200, "{changed:?}");
            self.fits(
                "put",
                "/api/participants/{user_id}/{session_id}",
                "200",
                &changed.body,
            );
            for (name, value) in change.as_object().unwrap() {
                assert_eq!(&changed.body[name], value);
            }
        }
        let listed = worker.get(&ben.token, &format!("/api/participants/{room}")).await;
        assert_eq!(listed.status, 200);
        self.fits("get", "/api/participants/{session_id}", "200", &listed.body);
        let seats = listed.body.as_array().unwrap();
        assert_eq!(seats.len(), 2);
        assert_eq!(seats[0]["user_name"], "Ada");
        assert_eq!(
            (&seats[0]["is_speaking"], &seats[0]["is_muted"]),
            (&json!(false), &json!(false))
        );

        self.nobody_acts_for_somebody_else(room, &seat).await;
    }

    async fn nobody_acts_for_somebody_else(&self, room: &str, seat: &Value) {
        let worker = &self.api.worker;
        let (ada, ben) = (&self.ada, &self.ben);
        let theirs = (403, "not_your_user_id");
        let posed = worker.post(&ben.token, "/api/participants", seat.clone()).await;
        assert_eq!(posed.refusal(), theirs);
        let path = format!("/api/participants/{}/{room}", ada.id);
        let change = json!({ "is_muted": true });
        assert_eq!(
            worker.put(&ben.token, &path, change.clone()).await.refusal(),
            theirs
        );
        let own = format!("/api/participants/{}/{room}", ben.id);
        let mixed = json!({ "user_id": ada.id, "is_muted": true });
        assert_eq!(worker.put(&ben.token, &own, mixed).await.refusal(), theirs);
        let service = self.api.database.stack.endpoints().service_role_key.clone();
        assert_eq!(worker.put(&service, &path, change).await.refusal(), theirs);
        let seats = worker.get(&ben.token, &format!("/api/participants/{room}")).await;
        for seat in seats.body.as_array().unwrap() {
            assert_eq!(seat["is_muted"], false);
        }
    }

    async fn history_is_paged(&self, room: &str) {
        let worker = &self.api.worker;
        for number in 1..=5 {
            let message = json!({ "session_id": room, "content": format!("message {number}") });
            let sent = self.api.rpc(&self.ada.token, "send_message", message).await;
            assert_eq!(sent.status, 200, "{sent:?}");
            if number == 5 {
                let reaction = json!({ "message_id": sent.body["id"], "emoji": "👋" });
                assert_eq!(
                    self.api
                        .rpc(&self.ben.token, "add_reaction", reaction)
                        .await
                        .status,
                    200
                );
            }
        }
        let base = format!("/api/sessions/{room}/messages");
        let page = async |query: &str| {
            let answer = worker.get(&self.ben.token, &format!("{base}{query}")).await;
            assert_eq!(answer.status, 200, "{query}: {answer:?}");
            self.fits("get", "/api/sessions/{session_id}/messages", "200", &answer.body);
            answer.body.as_array().unwrap().clone()
        };
        let all = page("").await;
        assert_eq!(
            contents(&all),
            [5, 4, 3, 2, 1].map(|number| format!("message {number}"))
        );
        assert_eq!(
            all[0]["reactions"],
            json!([{ "emoji": "👋", "count": 1, "reacted": true }])
        );
        assert_eq!(contents(&page("?limit=2").await), contents(&all[..2]));
        assert_eq!(
            contents(&page("?limit=2&offset=3&other=1").await),
            contents(&all[3..])
        );
        assert_eq!(
            contents(&page("?limit=-5").await),
            contents(&all[..1]),
            "the database decides"
        );
        // To the microsecond, with and without the escape that a plus needs, and in another zone.
        let third = all[2]["created_at"].as_str().unwrap();
        assert!(third.contains('+'), "{third}");
        let zulu = third.replace("+00:00", "Z");
        for time in [third.replace('+', "%2B"), third.to_owned(), zulu] {
            assert_eq!(
                contents(&page(&format!("?before_timestamp={time}")).await),
                contents(&all[3..])
            );
        }
        // What a page shows is what the RPC says, to the byte.
        let arguments = json!({ "session_id": room, "page_limit": 2 });
        let said = self.api.rpc(&self.ben.token, "get_messages", arguments).await;
        assert_eq!(said.body, Value::Array(page("?limit=2").await));
    }

    async fn personas_are_read_by_all_and_written_by_the_secret_key(&self) {
        let worker = &self.api.worker;
        let endpoints = self.api.database.stack.endpoints();
        let wanted = json!({ "persona_id": "p0123", "mood": "Sleepy", "id": 1 });
        // The legacy key is a token, the newer one is not: both are the project's.
        for (key, mood) in [
            (&endpoints.service_role_key, "Sleepy"),
            (&endpoints.secret_key, "Dizzy"),
        ] {
            let wanted = json!({ "persona_id": "p0123", "mood": mood, "id": 1 });
            let made = worker.post(key, "/api/personas", wanted.clone()).await;
            assert_eq!(made.status, 201, "{made:?}");
            self.fits("post", "/api/personas", "201", &made.body);
            let twice = worker.post(key, "/api/personas", wanted).await;
            assert_eq!(
                (twice.status, &twice.body["code"]),
                (409, &json!("23505")),
                "{twice:?}"
            );
            let path = format!("/api/personas/{}", made.body["id"]);
            let change = json!({ "persona_id": "p4567" });
            let changed = worker.put(key, &path, change).await;
            assert_eq!(changed.status, 200, "{changed:?}");
            self.fits("put", "/api/personas/{id}", "200", &changed.body);
            assert_eq!(
                (&changed.body["persona_id"], &changed.body["mood"]),
                (&json!("p4567"), &json!(mood))
            );
            let read = worker.get(&self.ada.token, &path).await;
            assert_eq!((read.status, &read.body), (200, &changed.body));
            let gone = worker.delete(key, &path).await;
            assert_eq!(gone.status, 200, "{gone:?}");
            self.fits("delete", "/api/personas/{id}", "200", &gone.body);
            assert_eq!(gone.body["success"], true);
            for reply in [
                worker.delete(key, &path).await,
                worker.get(&self.ada.token, &path).await,
                worker.put(key, &path, json!({ "persona_id": "p" })).await,
            ] {
                assert_eq!(reply.refusal(), (404, "persona_not_found"));
            }
        }
        for (token, status) in [(&self.ada.token, 403), (&endpoints.publishable_key, 401)] {
            let refused = worker.post(token, "/api/personas", wanted.clone()).await;
            assert_eq!(
                (refused.status, &refused.body["code"]),
                (status, &json!("42501")),
                "{refused:?}"
            );
            let change = worker.put(token, "/api/personas/1", wanted.clone()).await;
            assert_eq!((change.status, &change.body["code"]), (status, &json!("42501")));
            let gone = worker.delete(token, "/api/personas/1").await;
            assert_eq!((gone.status, &gone.body["code"]), (status, &json!("42501")));

            let all = worker.get(token, "/api/personas").await;
            assert_eq!((all.status, all.body.as_array().unwrap().len()), (200, 6));
            self.fits("get", "/api/personas", "200", &all.body);
            let calm = worker.get(token, "/api/personas/by-mood/cALM").await;
            assert_eq!(calm.status, 200);
            self.fits("get", "/api/personas/by-mood/{mood}", "200", &calm.body);
            assert_eq!(calm.body["persona_id"], "default_calm_persona");
        }
    }

    async fn strangers_are_refused_in_the_words_of_the_database(&self, room: &str) {
        let worker = &self.api.worker;
        let token = &self.stranger.token;
        let pairs = [
            (
                format!("/api/sessions/{room}/messages"),
                "get_messages",
                json!({ "session_id": room }),
            ),
            (
                format!("/api/participants/{room}"),
                "room_state",
                json!({ "session_id": room }),
            ),
            (
                format!("/api/sessions/{}/messages", Uuid::nil()),
                "get_messages",
                json!({ "session_id": Uuid::nil() }),
            ),
            (
                "/api/personas/by-mood/none".to_owned(),
                "persona_by_mood",
                json!({ "mood": "none" }),
            ),
        ];
        let mut words = Vec::new();
        for (path, function, arguments) in pairs {
            let here = worker.get(token, &path).await;
            let there = self.api.rpc(token, function, arguments).await;
            assert_eq!((here.status, &here.body), (there.status, &there.body), "{path}");
            words.push((here.status, here.body["details"].clone()));
        }
        assert_eq!(
            words,
            [
                (403, json!("not_a_member")),
                (403, json!("not_a_member")),
                (404, json!("room_not_found")),
                (404, json!("persona_not_found"))
            ]
        );
        let own = format!("/api/participants/{}/{room}", self.stranger.id);
        let change = worker.put(token, &own, json!({ "is_muted": true })).await;
        assert_eq!(change.refusal(), (403, "not_a_member"));
        // A full room, and what the database thinks of values.
        let third = self.api.person().await;
        self.api.join(&third, room, "Quiet").await;
        let full = worker
            .post(token, "/api/participants", json!({ "session_id": room }))
            .await;
        assert_eq!(full.refusal(), (409, "room_full"));
        let long = json!({ "category": "x".repeat(65) });
        assert_eq!(
            worker.post(token, "/api/sessions", long).await.refusal(),
            (422, "invalid_mood")
        );
        let many = json!({ "category": "Many", "max_participants": 101 });
        let many = worker.post(token, "/api/sessions", many).await;
        assert_eq!(many.refusal(), (422, "invalid_max_participants"));
        // Too many, and too fast.
        let rooms = (0..40).map(|_| worker.post(token, "/api/sessions", json!({ "category": "Fast" })));
        let replies = futures_util::future::join_all(rooms).await;
        let last = replies.iter().find(|reply| reply.status != 201).unwrap();
        assert_eq!(last.refusal(), (409, "limit_reached"));
        let own = format!("/api/participants/{}/{room}", third.id);
        let fast = (0..100).map(|_| worker.put(&third.token, &own, json!({ "is_muted": true })));
        let replies = futures_util::future::join_all(fast).await;
        let last = replies.iter().find(|reply| reply.status != 200).unwrap();
        assert_eq!(last.refusal(), (429, "rate_limited"));
    }
}

fn contents(messages: &[Value]) -> Vec<String> {
    let content = |message: &Value| message["content"].as_str().unwrap().to_owned();
    messages.iter().map(content).collect()
}
