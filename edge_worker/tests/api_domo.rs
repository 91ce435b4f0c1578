//! Talking to a demo's agent over HTTP: for its owner, not for strangers, with what the demo knows.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails fails its test"
)]

mod support;

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use support::api::{Api, Person, Reply, Worker};
use support::upstream::Upstream;
use uuid::Uuid;

const CALLS: &str = "/api/domo/conversations";
const TOOL: &str = "/api/domo/tools/search_knowledge";
const TOOL_SECRET: &str = "t00l-secret-of-the-tests";

struct Domo {
    api: Api,
    ada: Person,
    ben: Person,
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_with_the_agent_of_a_demo() {
    let api = Api::start(&[("TAVUS_TOOL_SECRET", TOOL_SECRET)]).await;
    let domo = Domo {
        ada: api.person().await,
        ben: api.person().await,
        api,
    };
    domo.owner_calls_and_hangs_up().await;
    domo.same_wish_is_one_call().await;
    domo.strangers_find_nothing().await;
    domo.lookups_are_of_the_demo_of_their_call().await;
    domo.owner_searches_by_nearness_where_that_costs_nothing().await;
    domo.lookups_that_are_none_are_refused().await;
    domo.lookups_cost_nothing_beyond_their_rate_and_after_the_call()
        .await;
    domo.refusals_are_those_of_the_demo().await;
    domo.api.stop().await;
}

impl Domo {
    /// Writes a row as somebody.
    async fn insert(&self, person: &Person, table: &str, row: Value) -> Value {
        let endpoints = self.api.database.stack.endpoints();
        let request = self
            .api
            .worker
            .http
            .post(format!("{}/rest/v1/{table}", endpoints.api_url))
            .header("apikey", &endpoints.publishable_key)
            .header("content-profile", "domo")
            .header("prefer", "return=representation")
            .bearer_auth(&person.token)
            .json(&row);
        let reply = Reply::of(request).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.body[0].clone()
    }

    async fn demo(&self, change: Value) -> Value {
        let mut row =
            json!({ "name": "Tour", "agent_name": "Mia", "tavus_persona_id": "default_calm_persona" });
        let changed = change.as_object().unwrap().clone();
        row.as_object_mut().unwrap().extend(changed);
        self.insert(&self.ada, "demos", row).await
    }

    async fn call(&self, person: &Person, wanted: Value) -> Reply {
        self.api.worker.post(&person.token, CALLS, wanted).await
    }

    async fn end(&self, person: &Person, id: &Value) -> Reply {
        let path = format!("{CALLS}/{}/end", id.as_str().unwrap());
        self.api.worker.post(&person.token, &path, json!({})).await
    }

    /// What Tavus was asked for, and whether the call runs.
    async fn at_tavus(&self, id: &Value) -> Value {
        let tavus = self.api.database.stack.tavus().unwrap();
        let request = self.api.worker.http.get(format!("{}/_control", tavus.base_url()));
        let state = Reply::of(request).await.body;
        let calls = state["conversations"].as_array().unwrap();
        let call = calls.iter().find(|call| call["conversation_id"] == *id);
        call.unwrap().clone()
    }

    async fn owner_calls_and_hangs_up(&self) {
        let demo = self.demo(json!({ "agent_greeting": "Hello, I am Mia." })).await;
        let knows = json!({ "demo_id": demo["id"], "content": "The tour takes an hour.", "question": "How long is it?", "answer": "An hour." });
        self.insert(&self.ada, "knowledge_chunks", knows).await;
        let forgotten = json!({ "demo_id": demo["id"], "content": "It used to take two.", "deleted_at": "2026-11-21T10:00:00Z" });
        self.insert(&self.ada, "knowledge_chunks", forgotten).await;
        let called = self.call(&self.ada, json!({ "demo_id": demo["id"] })).await;
        assert_eq!(called.status, 201, "{called:?}");
        assert_eq!(called.body["status"], "active");
        let conversation = self.at_tavus(&called.body["conversation_id"]).await;
        assert_eq!(conversation["row"]["custom_greeting"], "Hello, I am Mia.");
        let context = conversation["row"]["conversational_context"].as_str().unwrap();
        assert!(context.contains("Your name is Mia.") && context.contains("Q: How long is it?\nA: An hour."));
        assert!(!context.contains("two"), "{context}");

        for id in ["id", "conversation_id", "id"] {
            let ended = self.end(&self.ada, &called.body[id]).await;
            assert_eq!((ended.status, &ended.body), (200, &json!({ "success": true })));
        }
        let conversation = self.at_tavus(&called.body["conversation_id"]).await;
        assert_eq!(conversation["is_active"], false);
    }

    async fn same_wish_is_one_call(&self) {
        let demo = self.demo(json!({})).await;
        let before = self.api.database.stack.tavus().unwrap().conversations().0;
        let wanted = json!({ "demo_id": demo["id"], "client_id": Uuid::new_v4() });
        let calls = (0..4).map(|_| self.call(&self.ada, wanted.clone()));
        let calls = futures_util::future::join_all(calls).await;
        let mut statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 201], "{calls:?}");
        assert!(calls.iter().all(|call| call.body == calls[0].body), "{calls:?}");
        assert_eq!(
            self.api.database.stack.tavus().unwrap().conversations().0,
            before + 1
        );
        assert_eq!(self.end(&self.ada, &calls[0].body["id"]).await.status, 200);
    }

    async fn strangers_find_nothing(&self) {
        let demo = self.demo(json!({})).await;
        let wanted = json!({ "demo_id": demo["id"] });
        let of_nobody = json!({ "demo_id": Uuid::new_v4() });
        let (strange, missing) = (
            self.call(&self.ben, wanted.clone()).await,
            self.call(&self.ben, of_nobody).await,
        );
        assert_eq!(
            (strange.status, &strange.body["details"]),
            (404, &json!("demo_not_found"))
        );
        assert_eq!(
            strange.body, missing.body,
            "someone else's is as if there were none"
        );
        let called = self.call(&self.ada, wanted).await;
        assert_eq!(called.status, 201, "{called:?}");
        for id in ["id", "conversation_id"] {
            let ended = self.end(&self.ben, &called.body[id]).await;
            assert_eq!(
                (ended.status, &ended.body["details"]),
                (404, &json!("conversation_not_found"))
            );
        }
        let conversation = self.at_tavus(&called.body["conversation_id"]).await;
        assert_eq!(conversation["is_active"], true);
        let nobody = self
            .api
            .worker
            .post("", CALLS, json!({ "demo_id": demo["id"] }))
            .await;
        assert_eq!(nobody.status, 401, "{nobody:?}");
        assert_eq!(self.end(&self.ada, &called.body["id"]).await.status, 200);
    }

    /// A lookup of the page that holds the call.
    async fn ask(&self, person: &Person, id: &Value, question: Value) -> Reply {
        ask_at(&self.api.worker, person, id, question).await
    }

    /// A lookup as Tavus delivers it, signed with a secret.
    async fn tool(&self, secret: &str, body: &str) -> Reply {
        self.tool_of(&self.api.worker, secret, body).await
    }

    async fn tool_of(&self, worker: &Worker, secret: &str, body: &str) -> Reply {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let request = worker
            .request(reqwest::Method::POST, TOOL, "")
            .header("x-tavus-signature", signature)
            .body(body.to_owned());
        worker.send(request).await
    }

    async fn lookups_are_of_the_demo_of_their_call(&self) {
        let (can, kettle) = (self.demo(json!({})).await, self.demo(json!({})).await);
        for (demo, content) in [
            (&can, "The can holds nine litres."),
            (&kettle, "The kettle holds two litres."),
        ] {
            self.insert(
                &self.ada,
                "knowledge_chunks",
                json!({ "demo_id": demo["id"], "content": content }),
            )
            .await;
        }
        let called = self.call(&self.ada, json!({ "demo_id": can["id"] })).await;
        assert_eq!(called.status, 201, "{called:?}");
        let question = json!({ "query": "How many litres does it hold?" });
        let asked = json!({ "name": "search_knowledge", "conversation_id": called.body["conversation_id"], "arguments": question.to_string() });
        let as_object = json!({ "name": "search_knowledge", "conversation_id": called.body["conversation_id"], "arguments": question });
        for answer in [
            self.ask(&self.ada, &called.body["id"], question.clone()).await,
            self.ask(&self.ada, &called.body["conversation_id"], question.clone())
                .await,
            self.tool(TOOL_SECRET, &asked.to_string()).await,
            self.tool(TOOL_SECRET, &as_object.to_string()).await,
        ] {
            assert_eq!(answer.status, 200, "{answer:?}");
            let found: Vec<_> = answer.body["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| &row["content"])
                .collect();
            assert_eq!(found, ["The can holds nine litres."]);
        }
        self.only_questions_that_are_answered_are_embedded(&called.body["conversation_id"])
            .await;
        let strange = self.ask(&self.ben, &called.body["id"], question.clone()).await;
        assert_eq!(
            (strange.status, &strange.body["details"]),
            (404, &json!("conversation_not_found"))
        );

        assert_eq!(self.end(&self.ada, &called.body["id"]).await.status, 200);
        let late = self.tool(TOOL_SECRET, &asked.to_string()).await;
        assert_eq!(
            (late.status, &late.body),
            (200, &json!({ "results": [] })),
            "nobody asks when the call is over"
        );
        let unknown = asked
            .to_string()
            .replace(called.body["conversation_id"].as_str().unwrap(), "c-of-nobody");
        let unknown = self.tool(TOOL_SECRET, &unknown).await;
        assert_eq!((unknown.status, &unknown.body), (200, &json!({ "results": [] })));
    }

    /// Embeddings are paid for by their length.
    async fn only_questions_that_are_answered_are_embedded(&self, conversation_id: &Value) {
        let provider = Upstream::start().await;
        let settings = [
            ("TAVUS_TOOL_SECRET", TOOL_SECRET),
            ("EMBEDDINGS_API_KEY", "em"),
            ("EMBEDDINGS_BASE_URL", provider.url.as_str()),
        ];
        let worker = self.api.another(&settings).await;
        let ask = async |query: &str| {
            let call = json!({ "name": "search_knowledge", "conversation_id": conversation_id, "arguments": { "query": query } });
            self.tool_of(&worker, TOOL_SECRET, &call.to_string()).await
        };
        for query in ["litres ".repeat(130_000), "l".repeat(2001), " \n".to_owned()] {
            let refused = ask(&query).await;
            assert_eq!(
                (refused.status, &refused.body["details"]),
                (400, &json!("invalid_body")),
                "{refused:?}"
            );
        }
        assert!(
            provider.asked().is_empty(),
            "nothing is bought for what is refused"
        );
        // Half a character is no reason to leave the agent speechless.
        let call = format!(
            r#"{{"name": "search_knowledge", "conversation_id": {conversation_id}, "arguments": "{{\"query\": \"how many litres? \\ud83d\"}}"}}"#
        );
        let answer = self.tool_of(&worker, TOOL_SECRET, &call).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["results"][0]["content"], "The can holds nine litres.");
        let bought = provider.asked();
        assert!(
            bought
                .iter()
                .any(|asked| asked.body.contains("how many litres? \u{fffd}")),
            "{bought:?}"
        );
        worker.stop().await;
    }

    async fn owner_searches_by_nearness_where_that_costs_nothing(&self) {
        let demo = self.demo(json!({})).await;
        let knows = json!({ "demo_id": demo["id"], "content": "The can holds nine litres." });
        self.insert(&self.ada, "knowledge_chunks", knows).await;
        let path = format!("/api/domo/demos/{}/knowledge", demo["id"].as_str().unwrap());
        let question = json!({ "query": "How many litres?", "match_count": 3 });
        let provider = Upstream::start().await;
        let settings = [
            ("EMBEDDINGS_API_KEY", "em"),
            ("EMBEDDINGS_BASE_URL", provider.url.as_str()),
        ];
        let paying = self.api.another(&settings).await;
        for (worker, is_by_nearness) in [(&self.api.worker, true), (&paying, false)] {
            let answer = worker.post(&self.ada.token, &path, question.clone()).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.body["is_by_nearness"], is_by_nearness);
            assert_eq!(answer.body["results"][0]["content"], "The can holds nine litres.");
        }
        assert!(provider.asked().is_empty(), "nothing is bought for a search");
        paying.stop().await;

        let worker = &self.api.worker;
        for (token, path, status, word) in [
            (self.ben.token.as_str(), path.as_str(), 404, "demo_not_found"),
            (
                self.ada.token.as_str(),
                "/api/domo/demos/x/knowledge",
                400,
                "invalid_path",
            ),
        ] {
            let refused = worker.post(token, path, question.clone()).await;
            assert_eq!((refused.status, &refused.body["details"]), (status, &json!(word)));
        }
        assert_eq!(worker.post("", &path, question).await.status, 401);
    }

    async fn lookups_that_are_none_are_refused(&self) {
        let good =
            json!({ "name": "search_knowledge", "conversation_id": "c", "arguments": "{\"query\": \"x\"}" });
        let with = |name: &str, value: Value| {
            let mut call = good.clone();
            call[name] = value;
            call.to_string()
        };
        for (secret, body, status, word) in [
            (
                "another-secret-of-the-tests",
                good.to_string(),
                401,
                "invalid_signature",
            ),
            (TOOL_SECRET, "{".to_owned(), 400, "invalid_json"),
            (TOOL_SECRET, "{}".to_owned(), 400, "invalid_body"),
            (
                TOOL_SECRET,
                with("name", json!("drop_everything")),
                400,
                "invalid_body",
            ),
            (
                TOOL_SECRET,
                with("arguments", json!("no JSON")),
                400,
                "invalid_body",
            ),
            (
                TOOL_SECRET,
                with("arguments", json!({ "query": " " })),
                400,
                "invalid_body",
            ),
            (
                TOOL_SECRET,
                with("arguments", json!({ "query": "x", "match_count": 0 })),
                400,
                "invalid_body",
            ),
        ] {
            let refused = self.tool(secret, &body).await;
            assert_eq!(
                (refused.status, &refused.body["details"]),
                (status, &json!(word)),
                "{body}: {refused:?}"
            );
        }
        let unsigned = self.api.worker.post("", TOOL, good.clone()).await;
        assert_eq!(unsigned.status, 401);
        let without = self.api.another(&[("TAVUS_TOOL_SECRET", "")]).await;
        let refused = without.post("", TOOL, good).await;
        assert_eq!(
            refused.status, 401,
            "without a secret nobody is believed: {refused:?}"
        );
        without.stop().await;
    }

    async fn lookups_cost_nothing_beyond_their_rate_and_after_the_call(&self) {
        let embeddings = self.api.database.stack.embeddings();
        let key = embeddings.api_key().expose();
        let settings = [
            ("TAVUS_TOOL_SECRET", TOOL_SECRET),
            ("EMBEDDINGS_BASE_URL", embeddings.base_url()),
            ("EMBEDDINGS_API_KEY", key),
        ];
        let buying = self.api.another(&settings).await;
        let bought = || embeddings.requests().len();
        let demo = self.demo(json!({})).await;
        let called = self.call(&self.ada, json!({ "demo_id": demo["id"] })).await;
        assert_eq!(called.status, 201, "{called:?}");
        let id = &called.body["conversation_id"];
        let asked = |query: &str| {
            let question = json!({ "query": query });
            json!({ "name": "search_knowledge", "conversation_id": id, "arguments": question }).to_string()
        };
        let what = || json!({ "query": "What is it?" });
        let long = self
            .tool_of(&buying, TOOL_SECRET, &asked(&"x".repeat(900_000)))
            .await;
        assert_eq!(
            (long.status, &long.body["details"]),
            (400, &json!("invalid_body"))
        );
        assert_eq!(bought(), 0, "its length is looked at first");

        let mut answered = 0;
        let slowed = loop {
            let answer = match answered % 2 {
                0 => self.tool_of(&buying, TOOL_SECRET, &asked("What is it?")).await,
                _ => ask_at(&buying, &self.ada, id, what()).await,
            };
            if answer.status == 429 {
                break answer;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
            answered += 1;
            assert!(answered < 200, "nothing slows it down");
        };
        assert_eq!(slowed.body["details"], "rate_limited");
        assert!(slowed.headers.contains_key("retry-after"));
        assert_eq!(bought(), answered, "what is refused is not bought");

        assert_eq!(self.end(&self.ada, id).await.status, 200);
        let late = self.tool_of(&buying, TOOL_SECRET, &asked("Still there?")).await;
        assert_eq!((late.status, &late.body), (200, &json!({ "results": [] })));
        let late = ask_at(&buying, &self.ada, id, what()).await;
        assert_eq!(
            (late.status, &late.body["details"]),
            (410, &json!("conversation_over"))
        );
        assert_eq!(bought(), answered, "nothing is bought after the end");
        buying.stop().await;
    }

    async fn refusals_are_those_of_the_demo(&self) {
        let mute = self.demo(json!({ "tavus_persona_id": null })).await;
        let gone = self.demo(json!({ "status": "archived" })).await;
        for (wanted, status, word) in [
            (json!({ "demo_id": mute["id"] }), 422, "persona_missing"),
            (json!({ "demo_id": gone["id"] }), 410, "demo_archived"),
            (json!({ "demo_id": "x" }), 400, "invalid_body"),
            (json!({}), 400, "invalid_body"),
        ] {
            let refused = self.call(&self.ada, wanted).await;
            assert_eq!(
                (refused.status, &refused.body["details"]),
                (status, &json!(word)),
                "{refused:?}"
            );
        }
        let without = self
            .api
            .another_with(|app, _| {
                app.personas = edge_worker::api::echoroom::Catalogue::new(None, Default::default());
            })
            .await;
        let refused = without
            .post(&self.ada.token, CALLS, json!({ "demo_id": mute["id"] }))
            .await;
        assert_eq!(
            (refused.status, &refused.body["details"]),
            (503, &json!("provider_off"))
        );
        without.stop().await;
    }
}

async fn ask_at(worker: &Worker, person: &Person, id: &Value, question: Value) -> Reply {
    let path = format!("{CALLS}/{}/knowledge", id.as_str().unwrap());
    worker.post(&person.token, &path, question).await
}
