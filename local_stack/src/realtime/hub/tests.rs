//! The order and the reach of messages.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::ws::Message;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Hearing, Hub, Membership};
use crate::realtime::frame::{Outgoing, UserPayload, Version};
use crate::realtime::socket::{Closing, Outbox, Peer, TestQueue};

const TOPIC: &str = "realtime:room";

const ALL: Hearing = Hearing {
    broadcasts: true,
    presences: true,
};

fn enter_with(hub: &Arc<Hub>, is_private: bool, frames: usize) -> (Membership, TestQueue) {
    let (outbox, queue) = Outbox::for_test(frames, 1_000_000);
    let peer = Peer::for_test(Version::V1, outbox);
    (hub.join(TOPIC, is_private, peer, ALL), queue)
}

fn enter(hub: &Arc<Hub>) -> (Membership, TestQueue) {
    let (member, queue) = enter_with(hub, false, 10_000);
    member.release(HashSet::new());
    (member, queue)
}

fn say(hub: &Hub, is_private: bool, text: &str, id: Option<Uuid>) {
    let payload = format!("\"{text}\"");
    let message = Outgoing::User {
        topic: TOPIC,
        event: "e",
        payload: UserPayload::Json(&payload),
        id,
    };
    hub.publish(TOPIC, is_private, &message, id);
}

/// What was said, in the order it came.
fn heard(queue: &mut TestQueue) -> Vec<String> {
    let text = |message: Message| {
        let frame: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        frame["payload"]["payload"].as_str().unwrap().to_owned()
    };
    queue.drain().into_iter().map(text).collect()
}

#[test]
fn private_and_public_topics_of_one_name_are_apart() {
    let hub = Arc::new(Hub::default());
    let (public, mut in_public) = enter(&hub);
    let (private, mut in_private) = enter_with(&hub, true, 10);
    private.release(HashSet::new());
    say(&hub, false, "to all", None);
    say(&hub, true, "to members", None);
    assert_eq!(heard(&mut in_public), ["to all"]);
    assert_eq!(heard(&mut in_private), ["to members"]);
    drop((public, private));
}

#[test]
fn all_members_get_all_messages_in_one_order() {
    let hub = Arc::new(Hub::default());
    let mut members: Vec<_> = (0..5).map(|_| enter(&hub)).collect();
    std::thread::scope(|scope| {
        for speaker in 0..4 {
            let hub = &hub;
            scope.spawn(move || {
                (0..500).for_each(|count| say(hub, false, &format!("{speaker}-{count}"), None))
            });
        }
    });
    let first = heard(&mut members[0].1);
    assert_eq!(first.len(), 2_000);
    for (_, queue) in &mut members[1..] {
        assert_eq!(heard(queue), first);
    }
}

#[test]
fn members_share_the_bytes_of_a_message() {
    let hub = Arc::new(Hub::default());
    let mut members: Vec<_> = (0..3).map(|_| enter(&hub)).collect();
    say(&hub, false, "x", None);
    let places: HashSet<_> = members
        .iter_mut()
        .map(|(_, queue)| queue.drain().pop().unwrap().into_data().as_ptr())
        .collect();
    assert_eq!(places.len(), 1);
}

#[test]
fn what_comes_during_a_join_follows_it_without_what_was_replayed() {
    let hub = Arc::new(Hub::default());
    let (member, mut queue) = enter_with(&hub, false, 100);
    let [old, new] = [1, 2].map(|id| Some(Uuid::from_u128(id)));
    say(&hub, false, "replayed", old);
    say(&hub, false, "new", new);
    assert!(queue.drain().is_empty());
    member.release(HashSet::from_iter(old));
    say(&hub, false, "replayed", old);
    say(&hub, false, "later", None);
    assert_eq!(heard(&mut queue), ["new", "later"]);
}

#[test]
fn full_queue_costs_only_its_owner() {
    let hub = Arc::new(Hub::default());
    let (slow, slow_queue) = enter_with(&hub, false, 3);
    slow.release(HashSet::new());
    let (_good, mut good_queue) = enter(&hub);
    (0..10).for_each(|count| say(&hub, false, &count.to_string(), None));
    assert_eq!(slow_queue.closing(), Some(Closing::Slow));
    assert_eq!((heard(&mut good_queue).len(), good_queue.closing()), (10, None));
}

#[test]
fn member_hears_what_it_may() {
    let hub = Arc::new(Hub::default());
    let (member, mut queue) = enter(&hub);
    member.hear(Hearing {
        broadcasts: false,
        presences: true,
    });
    say(&hub, false, "secret", None);
    member.track("me", Map::new());
    let frames = queue.drain();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].to_text().unwrap().contains("presence_diff"));
    member.hear(Hearing {
        broadcasts: true,
        presences: false,
    });
    member.untrack();
    say(&hub, false, "public", None);
    assert_eq!(heard(&mut queue), ["public"]);
}

#[test]
fn own_message_comes_back_only_when_it_is_wanted() {
    let hub = Arc::new(Hub::default());
    let (speaker, mut own) = enter(&hub);
    let (_other, mut others) = enter(&hub);
    let message = Outgoing::User {
        topic: TOPIC,
        event: "e",
        payload: UserPayload::Json("\"hi\""),
        id: None,
    };
    speaker.broadcast(&message, false);
    assert_eq!((heard(&mut own).len(), heard(&mut others).len()), (0, 1));
    speaker.broadcast(&message, true);
    assert_eq!((heard(&mut own).len(), heard(&mut others).len()), (1, 1));
}

#[test]
fn who_is_gone_is_announced_and_an_empty_topic_is_forgotten() {
    let hub = Arc::new(Hub::default());
    let (one, _) = enter(&hub);
    let (two, mut queue) = enter(&hub);
    one.track("ada", Map::new());
    drop(one);
    let diffs: Vec<_> = queue.drain();
    let last: Value = serde_json::from_str(diffs.last().unwrap().to_text().unwrap()).unwrap();
    assert!(last["payload"]["leaves"]["ada"]["metas"].is_array());
    assert!(hub.has_members(TOPIC, false));
    drop(two);
    assert!(!hub.has_members(TOPIC, false));
}
