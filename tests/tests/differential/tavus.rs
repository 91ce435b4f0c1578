//! `tavus_event_key` and `tavus_event_digest`, on events as Tavus sends them and on events as nobody should.

use parley_tests::{Error, Session, with_both_kernels};
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use crate::json::{Json, literal};
use crate::numbers;

const TYPES: [&str; 22] = [
    "system.replica_joined",
    "system.pal_joined",
    "system.shutdown",
    "application.transcription_ready",
    "application.perception_analysis",
    "application.perception_unavailable",
    "application.recording_ready",
    "application.post_call_action_executed",
    "conversation.utterance",
    "conversation.pal.started_speaking",
    "conversation.pal.pal.pal_pal_x",
    "canvas.interaction",
    "system.",
    "system",
    "application.pal.",
    "xsystem.shutdown",
    "SYSTEM.SHUTDOWN",
    "",
    "é",
    "a.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b.pal_b",
    "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
    "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
];

const TIMES: [&str; 22] = [
    "2026-08-03T10:00:00.472000Z",
    "2026-08-03 10:00:00.472",
    "2026-08-03T10:00:00Z",
    "2026-08-03T10:00:00.000000+00:00",
    "2026-08-03T10:00:00.1+0000",
    "2026-08-03T10:00:00.123456789+00",
    "2026-08-03T10:00:00.1234567890Z",
    "2026-08-03T10:00:00.Z",
    "2026-08-03T10:00:00+02:00",
    "2026-08-03t10:00:00z",
    "2026-08-03T10:00:00Z\n",
    "٢٠٢٦-08-03T10:00:00Z",
    "2026-08-03T10:00",
    "9999-99-99T99:99:99.990",
    "",
    "/",
    "1779475657.840",
    "yesterday",
    "ééééééééééééééééééééééééééééééééééééééé.",
    "ééééééééééééééééééééééééééééééééééééééé..",
    "2026-08-03T10:00:00.000000000+00:00     ",
    "a text that is far too long to be the time of anything that ever happened",
];

const REASONS: [&str; 8] = [
    "participant_left_timeout reached",
    "participant_left_timeout",
    " reached",
    "reached",
    "x reached reached",
    "x reached\n",
    "é\n reached",
    "",
];

const PROPERTIES: [&str; 10] = [
    "replica_id",
    "face_id",
    "persona_id",
    "pal_id",
    "reason",
    "shutdown_reason",
    "transcript",
    "duration",
    "timestamp",
    "\u{e000}",
];

fn text(random: &mut StdRng, choice: &[&str]) -> Json {
    Json::Text((*choice.choose(random).unwrap_or(&"")).to_owned())
}

fn transcript(random: &mut StdRng) -> Json {
    let entry = |random: &mut StdRng| {
        if random.random_bool(0.1) {
            return Json::generate(random, 2, numbers::any);
        }
        let mut members = vec![
            ("role".to_owned(), text(random, &["user", "assistant"])),
            ("content".to_owned(), Json::generate(random, 1, numbers::any)),
        ];
        if random.random_bool(0.7) {
            members.push(("timestamp".to_owned(), Json::generate(random, 0, numbers::any)));
        }
        Json::Object(members)
    };
    Json::Array((0..random.random_range(0..5)).map(|_| entry(random)).collect())
}

fn properties(random: &mut StdRng) -> Json {
    if random.random_bool(0.1) {
        return Json::generate(random, 2, numbers::any);
    }
    let mut members = Vec::new();
    for name in PROPERTIES {
        if random.random_bool(0.4) {
            let value = match random.random_range(0..5) {
                0 => Json::Null,
                1 => text(random, &REASONS),
                2 => text(random, &["r1", "r2"]),
                3 => transcript(random),
                _ => Json::generate(random, 2, numbers::any),
            };
            members.push((name.to_owned(), value));
        }
    }
    Json::Object(members)
}

/// An event; one in some lacks a part or has it as another kind of JSON.
fn event(random: &mut StdRng) -> Json {
    if random.random_bool(0.03) {
        return Json::generate(random, 3, numbers::any);
    }
    let mut members = Vec::new();
    let mut put = |random: &mut StdRng, name: &str, often: f64, value: Json| {
        if random.random_bool(often) {
            let other = Json::generate(random, 1, numbers::any);
            let value = if random.random_bool(0.05) { other } else { value };
            members.push((name.to_owned(), value));
        }
    };
    let kind = text(random, &TYPES);
    put(random, "event_type", 0.98, kind);
    let time = if random.random_bool(0.3) {
        Json::Number(numbers::any(random))
    } else {
        text(random, &TIMES)
    };
    put(random, "timestamp", 0.9, time);
    let conversation = text(random, &["c1", "c/2", "", "é"]);
    put(random, "conversation_id", 0.7, conversation);
    let said = properties(random);
    put(random, "properties", 0.9, said);
    for name in [
        "webhook_url",
        "message_type",
        "seq",
        "inference_id",
        "\u{10000}",
        "\u{ffff}",
    ] {
        let value = Json::generate(random, 1, numbers::any);
        put(random, name, 0.3, value);
    }
    Json::Object(members)
}

/// Asserts that both kernels say the same of an event, and returns whether it has a key.
async fn assert_same(session: &mut Session, event: &str) -> Result<bool, Error> {
    let mut has_key = false;
    for call in [
        format!("tavus_event_digest({event})"),
        format!("tavus_event_key({event})"),
        format!("tavus_event_key({event}, 'c9')"),
    ] {
        let portable = session.outcome(&format!("select parley_portable.{call}")).await?;
        let native = session.outcome(&format!("select parley_native.{call}")).await?;
        assert_eq!(portable, native, "{call}");
        has_key |= portable.is_ok();
    }
    Ok(has_key)
}

#[test]
fn generated_events_have_one_key_and_one_digest_in_both_kernels() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(20_260_803);
        let mut with_key = 0;
        for _ in 0..1500 {
            let event = format!("{}::jsonb", literal(&event(&mut random).write()));
            with_key += usize::from(assert_same(session, &event).await?);
        }
        assert!((900..1450).contains(&with_key), "{with_key} of 1500 have a key");
        Ok(())
    })
}

#[test]
fn spelling_of_the_json_changes_neither_key_nor_digest() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let mut random = StdRng::seed_from_u64(17);
        let mut compared = 0;
        for _ in 0..200 {
            let event = event(&mut random);
            let (plain, other) = (literal(&event.write()), literal(&event.respell(&mut random)));
            for kernel in ["portable", "native"] {
                let both = |event: &str| {
                    format!(
                        "select parley_{kernel}.tavus_event_key({event}, 'c'), parley_{kernel}.tavus_event_digest({event})"
                    )
                };
                let (one, two) = (
                    session.outcome(&both(&plain)).await?,
                    session.outcome(&both(&other)).await?,
                );
                assert_eq!(one, two, "{plain} {other}");
                compared += usize::from(one.is_ok());
            }
        }
        assert!(compared > 200, "{compared}");
        Ok(())
    })
}

#[test]
fn bad_events_are_refused_alike() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let object = "The event must be a JSON object.";
        let kind = "The event_type must be a text of 1 to 100 characters.";
        let conversation = "The conversation_id must be a text of 1 to 100 characters.";
        for (arguments, message) in [
            ("null", object),
            ("'null'", object),
            ("'[]'", object),
            ("'\"text\"', 'c'", object),
            ("'7', 'c'", object),
            ("'{}'", kind),
            ("'{\"event_type\": null}', 'c'", kind),
            ("'{\"event_type\": 7}', 'c'", kind),
            ("'{\"event_type\": [\"system.shutdown\"]}', 'c'", kind),
            ("'{\"event_type\": \"\"}', 'c'", kind),
            ("jsonb_build_object('event_type', repeat('é', 101)), 'c'", kind),
            ("jsonb_build_object('event_type', repeat('.pal_', 12)), 'c'", kind),
            ("'{\"event_type\": \"x\"}'", conversation),
            ("'{\"event_type\": \"x\"}', ''", conversation),
            (
                "'{\"event_type\": \"x\", \"conversation_id\": \"c\"}', ''",
                conversation,
            ),
            ("'{\"event_type\": \"x\", \"conversation_id\": 7}'", conversation),
            (
                "'{\"event_type\": \"x\", \"conversation_id\": null}'",
                conversation,
            ),
            ("'{\"event_type\": \"x\"}', repeat('é', 101)", conversation),
        ] {
            for kernel in ["parley_portable", "parley_native"] {
                let refused = session
                    .refusal(&format!("select {kernel}.tavus_event_key({arguments})"))
                    .await?;
                assert_eq!(
                    (refused.code.as_str(), refused.message.as_str()),
                    ("22023", message),
                    "{kernel}, {arguments}"
                );
            }
            let event = arguments
                .rsplit_once(", 'c'")
                .map_or(arguments, |(event, _)| event);
            if message != conversation {
                for kernel in ["parley_portable", "parley_native"] {
                    let refused = session
                        .refusal(&format!("select {kernel}.tavus_event_digest({event})"))
                        .await?;
                    assert_eq!(
                        (refused.code.as_str(), refused.message.as_str()),
                        ("22023", message),
                        "{kernel}, {event}"
                    );
                }
            }
        }
        Ok(())
    })
}

#[test]
fn deep_events_end_at_the_same_level() -> Result<(), Error> {
    with_both_kernels(async |session| {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let events = |levels: usize| {
            let json = nested(levels);
            [
                (format!(r#"{{"event_type": "other", "x": {json}}}"#), levels + 1),
                (
                    format!(r#"{{"event_type": "system.x", "properties": {json}}}"#),
                    levels + 1,
                ),
                (
                    format!(r#"{{"event_type": "system.x", "properties": {{"x": {json}}}}}"#),
                    levels + 2,
                ),
                (
                    format!(
                        r#"{{"event_type": "application.transcription_ready", "properties": {{"transcript": [{json}]}}}}"#
                    ),
                    levels + 3,
                ),
                (
                    format!(
                        r#"{{"event_type": "application.transcription_ready", "properties": {{"transcript": [{{"x": {json}}}]}}}}"#
                    ),
                    levels + 4,
                ),
                // What is left out may be as deep as it likes.
                (format!(r#"{{"event_type": "other", "webhook_url": {json}}}"#), 1),
                (format!(r#"{{"event_type": "system.x", "x": {json}}}"#), 1),
                (
                    format!(
                        r#"{{"event_type": "application.transcription_ready", "properties": {{"transcript": [{{"timestamp": {json}}}]}}}}"#
                    ),
                    4,
                ),
            ]
        };
        for levels in 250..260 {
            for (event, depth) in events(levels) {
                let event = format!("'{event}'::jsonb");
                assert_same(session, &event).await?;
                let outcome = session
                    .outcome(&format!("select parley.tavus_event_digest({event})"))
                    .await?;
                assert_eq!(outcome.is_ok(), depth <= 256, "{depth} levels: {event}");
            }
        }
        Ok(())
    })
}

#[test]
fn settings_and_collations_change_nothing() -> Result<(), Error> {
    with_both_kernels(async |session| {
        session
            .run("create collation blind (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
            .await?;
        let event =
            r#"'{"event_type": "conversation.pal.x", "timestamp": 1779475657.84, "seq": 0.1}'::jsonb"#;
        let call = |kernel: &str| {
            format!(
                "select {kernel}.tavus_event_key({event}, 'C' collate blind) || {kernel}.tavus_event_digest({event})"
            )
        };
        let expected = session.text(&call("parley_portable")).await?;
        assert!(
            expected.starts_with("C/conversation.replica.x/1779475657.84/"),
            "{expected}"
        );
        for setting in [
            "extra_float_digits = -10",
            "timezone = 'Asia/Tokyo'",
            "datestyle = 'German'",
            "search_path = public, pg_catalog",
        ] {
            session.run(&format!("set {setting}")).await?;
            for kernel in ["parley_portable", "parley_native", "parley"] {
                let call = call(kernel).replace("collate blind", "collate public.blind");
                assert_eq!(session.text(&call).await?, expected, "{kernel}, {setting}");
            }
        }
        Ok(())
    })
}
