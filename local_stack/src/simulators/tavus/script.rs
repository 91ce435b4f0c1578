//! From a callback to what is really sent for it.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::behaviour::Script;
use super::world::Conversation;

/// What is sent for an event, in this order. `is_last` is the last event of the conversation.
pub(super) fn bodies(
    script: Script,
    conversation: &mut Conversation,
    event_type: &str,
    body: Vec<u8>,
    is_last: bool,
    random: &mut StdRng,
) -> Vec<Vec<u8>> {
    let bodies = match script {
        Script::Normal | Script::Delayed => vec![body.clone()],
        Script::Duplicated => duplicated(&conversation.sent, &body, random),
        Script::Reordered => {
            conversation.held.push(body.clone());
            if is_last {
                reordered(std::mem::take(&mut conversation.held), random)
            } else {
                Vec::new()
            }
        }
        // The end is lost in any case: it is what hurts.
        Script::Lost if event_type == "system.shutdown" || random.random_bool(0.5) => Vec::new(),
        Script::Lost => vec![body.clone()],
        Script::Malformed => malformed(&body),
    };
    conversation.sent.push(body);
    bodies
}

fn duplicated(before: &[Vec<u8>], body: &[u8], random: &mut StdRng) -> Vec<Vec<u8>> {
    let mut bodies = vec![body.to_vec(); random.random_range(2..=3)];
    if !before.is_empty() {
        let again = before.get(random.random_range(0..before.len()));
        let place = random.random_range(0..=bodies.len());
        bodies.splice(place..place, again.cloned());
    }
    bodies
}

/// Another order than before, where there is one.
fn reordered(bodies: Vec<Vec<u8>>, random: &mut StdRng) -> Vec<Vec<u8>> {
    let mut shuffled = bodies.clone();
    while shuffled == bodies && bodies.windows(2).any(|pair| pair.first() != pair.last()) {
        shuffled.shuffle(random);
    }
    shuffled
}

fn malformed(body: &[u8]) -> Vec<Vec<u8>> {
    let half = body.get(..body.len() / 2).unwrap_or_default();
    vec![
        Vec::new(),
        half.to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"{\"event_type\": 7, \"properties\": \"none\", \"conversation_id\": {}}".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        body.to_vec(),
    ]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use serde_json::Map;

    use super::*;

    const TYPES: [&str; 4] = ["joined", "system.shutdown", "transcript", "analysis"];

    /// What is sent for four events, as texts.
    fn run(script: Script, seed: u64) -> Vec<String> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut conversation = Conversation {
            id: "c1".into(),
            row: Map::new(),
            callback_url: None,
            said: Vec::new(),
            events: Vec::new(),
            held: Vec::new(),
            sent: Vec::new(),
        };
        let mut sent = Vec::new();
        for (index, name) in TYPES.into_iter().enumerate() {
            let body = name.as_bytes().to_vec();
            let is_last = index + 1 == TYPES.len();
            sent.extend(bodies(
                script,
                &mut conversation,
                name,
                body,
                is_last,
                &mut random,
            ));
        }
        let text = |body: Vec<u8>| String::from_utf8_lossy(&body).into_owned();
        sent.into_iter().map(text).collect()
    }

    #[test]
    fn each_script_does_what_its_name_says_for_every_seed() {
        for seed in 0..200 {
            assert_eq!(run(Script::Normal, seed), TYPES);
            assert_eq!(run(Script::Delayed, seed), TYPES);
            let duplicated = run(Script::Duplicated, seed);
            for name in TYPES {
                assert!(duplicated.iter().filter(|sent| *sent == name).count() >= 2);
            }
            let mut reordered = run(Script::Reordered, seed);
            assert_ne!(reordered, TYPES);
            reordered.sort();
            let mut sorted = TYPES;
            sorted.sort_unstable();
            assert_eq!(reordered, sorted);
            let lost = run(Script::Lost, seed);
            assert!(!lost.contains(&"system.shutdown".to_owned()) && lost.len() < TYPES.len());
            let malformed = run(Script::Malformed, seed);
            assert_eq!(malformed.len(), TYPES.len() * 7);
        }
    }

    #[test]
    fn same_seed_is_the_same_run() {
        for script in [Script::Duplicated, Script::Reordered, Script::Lost] {
            assert_eq!(run(script, 7), run(script, 7));
            assert!((0..50).any(|seed| run(script, seed) != run(script, 7)));
        }
    }
}
