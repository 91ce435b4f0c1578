//! What holds for any frame: parsing never panics, and what was written is read back.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::incoming::{Body, Incoming, UserBody};
use super::{Outgoing, Push, Reference, UserPayload, Version};

/// Written as realtime-js writes it.
fn user_push(names: [&str; 5], encoding: u8, payload: &[u8]) -> Bytes {
    let mut frame = vec![3];
    frame.extend(names.map(|name| name.len() as u8));
    frame.push(encoding);
    names.iter().for_each(|name| frame.extend(name.as_bytes()));
    frame.extend(payload);
    frame.into()
}

/// Read as realtime-js reads it: topic, event, metadata, is it JSON, payload.
fn read_user_broadcast(frame: &[u8]) -> (String, String, String, bool, Vec<u8>) {
    assert_eq!(frame[0], 4);
    let mut rest = &frame[5..];
    let mut name = |length: u8| {
        let (name, after) = rest.split_at(usize::from(length));
        rest = after;
        String::from_utf8(name.to_vec()).unwrap()
    };
    let (topic, event, metadata) = (name(frame[1]), name(frame[2]), name(frame[3]));
    (topic, event, metadata, frame[4] == 1, rest.to_vec())
}

fn short() -> impl Strategy<Value = String> {
    "\\PC{0,40}"
}

fn reference() -> impl Strategy<Value = Option<Reference>> {
    proptest::option::of(prop_oneof![
        "\\PC{1,20}".prop_map(Reference::Text),
        any::<u32>().prop_map(|number| Reference::Number(number.into())),
    ])
}

fn some_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map("\\PC{0,8}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn body(frame: &Incoming) -> Value {
    match &frame.body {
        Body::Json(raw) => serde_json::from_str(raw.get()).unwrap(),
        Body::User {
            payload: UserBody::Json(raw),
            ..
        } => serde_json::from_str(raw.get()).unwrap(),
        other => panic!("not JSON: {other:?}"),
    }
}

/// Neither reading nor writing again what was read may fail.
fn survive(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    for version in [Version::V1, Version::V2] {
        let text = std::str::from_utf8(&bytes).ok();
        let frames = [
            text.and_then(|text| Incoming::from_text(version, text).ok()),
            Incoming::from_binary(version, &bytes).ok(),
        ];
        for frame in frames.into_iter().flatten() {
            let push = Push {
                join_ref: frame.join_ref.as_ref(),
                reference: frame.reference.as_ref(),
                topic: &frame.topic,
                event: &frame.event,
            };
            let answer = push.reply(version, "ok", &json!({}));
            serde_json::from_str::<Value>(answer.to_text().unwrap()).unwrap();
        }
    }
}

#[test]
fn fuzzed_frames_are_survived() {
    bolero::check!().for_each(|input: &[u8]| survive(input));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survive(&bytes);
    }

    /// Random bytes seldom have a known kind.
    #[test]
    fn any_bytes_of_a_known_kind_are_survived(
        kind in prop_oneof![Just(0u8), Just(3)],
        lengths in any::<[u8; 6]>(),
        rest in proptest::collection::vec(any::<u8>(), 0..1600),
    ) {
        let mut frame = vec![kind];
        frame.extend(lengths.map(|length| length % 80));
        frame.extend(rest);
        survive(&frame);
    }

    #[test]
    fn any_text_is_survived(text in "[\\[\\]{}\",:0-9a-z null]{0,200}") {
        survive(text.as_bytes());
    }

    #[test]
    fn text_frame_is_read_as_it_was_written(
        join in reference(), own in reference(), topic in "\\PC*", event in "\\PC*", payload in some_json(),
    ) {
        let one = json!({ "topic": topic, "event": event, "payload": payload, "ref": own, "join_ref": join });
        let two = json!([join, own, topic, event, payload]);
        for (version, text) in [(Version::V1, one.to_string()), (Version::V2, two.to_string())] {
            let frame = Incoming::from_text(version, &text).unwrap();
            prop_assert_eq!(body(&frame), payload.clone());
            prop_assert_eq!((&frame.join_ref, &frame.reference), (&join, &own));
            prop_assert_eq!((&frame.topic, &frame.event), (&topic, &event));
        }
    }

    #[test]
    fn binary_broadcast_is_read_as_it_was_written(
        names in [short(), short(), short(), short()], payload in some_json(),
    ) {
        let [join, own, topic, event] = &names;
        let bytes = user_push([join, own, topic, event, "{}"], 1, payload.to_string().as_bytes());
        let frame = Incoming::from_binary(Version::V2, &bytes).unwrap();
        prop_assert_eq!(body(&frame), payload);
        let text = |name: &String| (!name.is_empty()).then(|| Reference::Text(name.clone()));
        prop_assert_eq!((&frame.join_ref, &frame.reference), (&text(join), &text(own)));
        prop_assert_eq!((&frame.topic, frame.event.as_str()), (topic, "broadcast"));
        let Body::User { event: read, .. } = &frame.body else { panic!("no broadcast") };
        prop_assert_eq!(read, event);
    }

    #[test]
    fn cut_binary_broadcast_is_malformed(length in 0usize..17) {
        let bytes = user_push(["1", "2", "topic", "e", "{}"], 0, &[]);
        prop_assert_eq!(bytes.len(), 17);
        prop_assert!(Incoming::from_binary(Version::V2, &bytes.slice(..length)).is_err());
        prop_assert!(Incoming::from_binary(Version::V2, &bytes).is_ok());
    }

    #[test]
    fn broadcast_to_members_is_read_as_it_was_written(
        topic in short(), event in short(), bytes in proptest::collection::vec(any::<u8>(), 0..200),
        payload in some_json(), id in proptest::option::of(any::<u128>().prop_map(Uuid::from_u128)),
    ) {
        let text = payload.to_string();
        let meta = id.map(|id| json!({ "id": id })).unwrap_or_default();
        for (user, is_json) in [(UserPayload::Json(&text), true), (UserPayload::Binary(&bytes), false)] {
            let message = Outgoing::User { topic: &topic, event: &event, payload: user, id };
            let frame = message.encode(Version::V2).unwrap().into_data();
            let read = read_user_broadcast(&frame);
            prop_assert_eq!((&read.0, &read.1, read.3), (&topic, &event, is_json));
            let metadata: Value = serde_json::from_str(&read.2).unwrap_or_default();
            prop_assert_eq!(&metadata, &meta);
            prop_assert_eq!(read.4, if is_json { text.clone().into_bytes() } else { bytes.clone() });
        }
        let message = Outgoing::User { topic: &topic, event: &event, payload: UserPayload::Json(&text), id };
        let one: Value = serde_json::from_str(message.encode(Version::V1).unwrap().to_text().unwrap()).unwrap();
        prop_assert_eq!((&one["topic"], &one["payload"]["payload"]), (&json!(topic), &payload));
        prop_assert_eq!(&one["payload"]["meta"], &meta);
    }
}
