//! The key and the digest of an event, worked out by the worker and by the database: the same for every event.

use edge_worker::providers::tavus::events::{Identity, TavusEvent};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use sqlx::types::Json;

use crate::scene::Scene;

const TYPES: [&str; 14] = [
    "system.replica_joined",
    "system.pal_joined",
    "system.shutdown",
    "system.replica_present",
    "system.pal.present",
    "application.transcription_ready",
    "application.recording_ready",
    "application.perception_analysis",
    "application.pal_pal_x",
    "conversation.utterance",
    "conversation.pal.started_speaking",
    "canvas.interaction",
    "unheard.of",
    "\u{fb33}",
];

const NAMES: [&str; 16] = [
    "replica_id",
    "face_id",
    "persona_id",
    "pal_id",
    "reason",
    "shutdown_reason",
    "transcript",
    "role",
    "content",
    "timestamp",
    "conversation_id",
    "message_type",
    "webhook_url",
    "event_type",
    "\u{fb33}",
    "\u{1f602}",
];

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        // Times, as Python prints them, and what lies at the edges of the forms.
        (1_500_000_000_f64..2_000_000_000.0).prop_map(|number| json!(number)),
        prop::sample::select(vec![
            json!(0.0),
            json!(-0.0),
            json!(1e21),
            json!(1e22),
            json!(1e23),
            json!(999_999_999_999_999_900_000.0),
            json!(1e-6),
            json!(1e-7),
            json!(5e-324),
            json!(1.5e300),
            json!(9_007_199_254_740_993_u64),
            json!(100.0),
            json!(1e15),
            json!(1e17)
        ]),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\x01-\\x1f\"\\\\/\\x7f\u{2028}]{0,6}".prop_map(Value::from),
        prop::sample::select(vec![
            json!("system"),
            json!("participant_left_timeout reached"),
            json!(" reached"),
            json!("r1")
        ]),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..5).prop_map(|pairs| {
                let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::Object(pairs.collect::<Map<_, _>>())
            }),
        ]
    })
}

fn timestamp() -> impl Strategy<Value = Value> {
    prop_oneof![
        value(),
        number(),
        "2026-08-03[T ]10:00:00(\\.[0-9]{0,10})?(Z|\\+00|\\+0000|\\+00:00|\\+02:00|z| )?"
            .prop_map(Value::from),
        "[0-9TZ:. -]{0,45}".prop_map(Value::from),
        "\\PC{38,45}".prop_map(Value::from),
    ]
}

fn any_event() -> impl Strategy<Value = Value> {
    let id = prop_oneof![
        Just("c-1".to_owned()),
        "\\PC{0,3}",
        Just("x".repeat(101)),
        Just("é".repeat(100))
    ];
    let event_type = prop_oneof![
        8 => prop::sample::select(&TYPES[..]).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
        1 => Just(format!("{}.pal_", "x".repeat(95))),
    ];
    (
        event_type,
        id,
        prop::option::of(timestamp()),
        prop::option::of(value()),
        value(),
    )
        .prop_map(|(event_type, id, timestamp, properties, more)| {
            let mut event = match more {
                Value::Object(map) => map,
                _ => Map::new(),
            };
            event.insert("event_type".to_owned(), json!(event_type));
            event.insert("conversation_id".to_owned(), json!(id));
            event.extend(timestamp.map(|value| ("timestamp".to_owned(), value)));
            event.extend(properties.map(|value| ("properties".to_owned(), value)));
            Value::Object(event)
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_and_database_claim_every_event_under_the_same_key_and_digest() {
    let scene = Scene::start().await;
    // What the worker refuses to tell, the database refuses as well.
    scene
        .run(
            "create function public.identity(event jsonb) returns text[] language plpgsql as $$
             begin
                 return array[parley.tavus_event_key(event), parley.tavus_event_digest(event)];
             exception when invalid_parameter_value then
                 return null;
             end $$",
        )
        .await;
    let mut runner = TestRunner::deterministic();
    let events: Vec<Value> = (0..3000)
        .map(|_| {
            let event = any_event().new_tree(&mut runner).unwrap().current();
            // As it comes in: without U+0000 and without its address.
            TavusEvent::parse(event.to_string().as_bytes()).unwrap().raw.0
        })
        .collect();
    let theirs: Vec<Json<Option<[String; 2]>>> =
        sqlx::query_scalar("select coalesce(to_jsonb(public.identity(e)), 'null') from unnest($1) with ordinality as given (e, n) order by n")
            .bind(events.iter().map(Json).collect::<Vec<_>>())
            .fetch_all(&scene.owner)
            .await
            .unwrap();
    let mut told = 0;
    for (event, Json(theirs)) in events.iter().zip(&theirs) {
        let ours = Identity::of(event).map(|identity| [identity.key, identity.digest]);
        // What the worker does not tell, it leaves to the database.
        assert!(ours.is_none() || &ours == theirs, "{event}: {ours:?}, {theirs:?}");
        told += usize::from(ours.is_some());
    }
    assert!(told > 1500, "{told}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn event_ends_in_the_same_state_whoever_works_it_out() {
    let scene = Scene::start().await;
    let mut runner = TestRunner::deterministic();
    let of_the_same_state = "
        select (select to_jsonb(c) - '{id,session_id,conversation_id,conversation_url,created_at,updated_at,ended_at}'::text[] from echoroom.conversations c where c.id = $1)
             = (select to_jsonb(c) - '{id,session_id,conversation_id,conversation_url,created_at,updated_at,ended_at}'::text[] from echoroom.conversations c where c.id = $2)
           and (select jsonb_agg(e.body - 'conversation_id') from echoroom_private.conversation_events e where e.conversation = $1)
             = (select jsonb_agg(e.body - 'conversation_id') from echoroom_private.conversation_events e where e.conversation = $2)";
    for number in 0..150 {
        let event_type = TYPES[number % 8];
        let mut properties = value().new_tree(&mut runner).unwrap().current();
        if event_type == "application.transcription_ready" {
            let entries = prop::collection::vec(value(), 0..5)
                .new_tree(&mut runner)
                .unwrap()
                .current();
            properties = json!({ "transcript": entries });
        }
        let (ours, theirs) = (format!("c-{number}-a"), format!("c-{number}-b"));
        let (a, b) = (scene.conversation(&ours).await, scene.conversation(&theirs).await);
        let event = scene.event(&ours, event_type, properties);
        scene.worker.tell(a, &event).await;
        let mut other = TavusEvent::parse(event.to_string().as_bytes()).unwrap().raw.0;
        other["conversation_id"] = json!(scene.id(&theirs));
        sqlx::query("select echoroom_private.tavus_receive($1, $2)")
            .bind(b)
            .bind(Json(&other))
            .execute(&scene.owner)
            .await
            .unwrap();
        let is_same: bool = sqlx::query_scalar(of_the_same_state)
            .bind(a)
            .bind(b)
            .fetch_one(&scene.owner)
            .await
            .unwrap();
        assert!(is_same, "{event}");
    }
    scene.stop().await;
}
