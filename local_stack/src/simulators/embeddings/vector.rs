//! The vector of a text.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

/// How many places of the vector a word has.
const PLACES: usize = 8;

/// A vector of length one. Each word has a few places of its own, and says yes or no there; what is said often counts a little more.
pub(super) fn of(text: &str, dimensions: usize) -> Vec<f32> {
    let mut counts: BTreeMap<String, f32> = BTreeMap::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        *counts.entry(word.to_lowercase()).or_default() += 1.0;
    }
    if counts.is_empty() {
        // Signs alone: a text is near itself and nothing else.
        counts.insert(format!("\0{text}"), 1.0);
    }
    let mut vector = vec![0.0_f32; dimensions];
    for (word, count) in &counts {
        add(&mut vector, word, 1.0 + count.ln());
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    } else if let Some(first) = vector.first_mut() {
        // Words that say yes and no in the same places; it must have a direction all the same.
        *first = 1.0;
    }
    vector
}

fn add(vector: &mut [f32], word: &str, weight: f32) {
    let digest = Sha256::digest(word);
    let dimensions = vector.len();
    for place in digest.chunks_exact(digest.len() / PLACES) {
        let number = place
            .iter()
            .fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
        if let Some(value) = vector.get_mut((number >> 1) % dimensions.max(1)) {
            *value += if number & 1 == 0 { weight } else { -weight };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(one: &str, other: &str) -> f32 {
        let (one, other) = (of(one, 1536), of(other, 1536));
        one.iter().zip(&other).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn every_vector_has_length_one_and_the_dimensions_that_were_asked_for() {
        for (text, dimensions) in [("one word", 1536), ("?!", 256), ("a a a a", 3), ("x", 1)] {
            let vector = of(text, dimensions);
            assert_eq!(vector.len(), dimensions);
            let length: f32 = vector.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-5, "{text}: {length}");
        }
    }

    #[test]
    fn texts_that_share_words_are_near() {
        let near = similarity(
            "How often does it water the plants?",
            "It waters plants, how often you like",
        );
        let far = similarity("How often does it water the plants?", "Prices begin at ten euros");
        assert!(near > 0.4 && far.abs() < 0.3 && near > far + 0.3, "{near} {far}");
        assert!(similarity("same", "Same!") > 0.999);
        assert!(similarity("?!", "!?") < 0.5);
    }
}
