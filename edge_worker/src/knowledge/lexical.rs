//! The built-in embedder: texts that share words, or parts of words, are near. It knows no meanings, needs no network and costs nothing.
//!
//! Words, pairs of neighbouring words and the 3 to 5 letters of parts of words are features; each is hashed to one of the dimensions and a
//! sign, and what falls into one dimension is summed: the hashing trick of Weinberger, Dasgupta, Langford, Smola and Attenberg, "Feature
//! hashing for large scale multitask learning", ICML 2009, whose signs keep collisions from adding up. Parts of words let a plural, a typing
//! error or a compound find what it is near to in any language that has an alphabet, and in those without spaces.
//!
//! The same text gives the same bits on every machine: integers, sums in a fixed order, and square roots, which IEEE 754 rounds exactly;
//! no logarithm, whose last bit is the C library's to choose.

use std::collections::BTreeMap;

use super::DIMENSIONS;

/// What is noted with chunks.
pub const MODEL: &str = "lexical-v1";

/// How much each kind of feature counts. A word is one feature and has some twenty parts, which are less telling each.
const WORD: f64 = 1.0;
const PAIR: f64 = 0.5;
const PART: f64 = 0.15;

/// From so many letters on a word counts in full: short ones are mostly the glue of a language.
const FULL_LETTERS: u32 = 6;

/// A longer one is no word; what follows is left out.
const LONGEST_WORD: usize = 64;

/// The vector of a text, of length 1.
pub fn embed(text: &str) -> Vec<f32> {
    let mut features: BTreeMap<u64, f64> = BTreeMap::new();
    // Every word's features once per occurrence; how often counts less and less.
    let mut before: Option<Vec<char>> = None;
    for word in words(text) {
        let letters = u32::try_from(word.len())
            .unwrap_or(FULL_LETTERS)
            .min(FULL_LETTERS);
        let weight = f64::from(letters) / f64::from(FULL_LETTERS);
        count(&mut features, hash(b'w', &word), WORD * weight);
        if let Some(before) = before {
            let mut pair = before;
            pair.push(' ');
            pair.extend(&word);
            count(&mut features, hash(b'p', &pair), PAIR * weight);
        }
        let mut framed = Vec::with_capacity(word.len() + 2);
        framed.push('<');
        framed.extend(&word);
        framed.push('>');
        for size in 3..=5 {
            for part in framed.windows(size) {
                count(&mut features, hash(b'c', part), PART * weight);
            }
        }
        before = Some(word);
    }
    if features.is_empty() {
        // Signs alone are something, too.
        let signs: Vec<char> = text.chars().filter(|sign| !sign.is_whitespace()).collect();
        count(&mut features, hash(b's', &signs), 1.0);
    }
    normalised(&features)
}

fn count(features: &mut BTreeMap<u64, f64>, feature: u64, weight: f64) {
    // Squares, so that the root below makes four times as often twice as much.
    *features.entry(feature).or_default() += weight * weight;
}

/// Letters and digits in a row, in lower case.
fn words(text: &str) -> impl Iterator<Item = Vec<char>> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.chars()
                .flat_map(char::to_lowercase)
                .take(LONGEST_WORD)
                .collect()
        })
}

fn normalised(features: &BTreeMap<u64, f64>) -> Vec<f32> {
    let mut sums = vec![0.0_f64; DIMENSIONS];
    for (feature, squares) in features {
        let place = usize::try_from((feature >> 1) % DIMENSIONS as u64).unwrap_or_default();
        let sign = if feature & 1 == 0 { 1.0 } else { -1.0 };
        if let Some(sum) = sums.get_mut(place) {
            *sum += sign * squares.sqrt();
        }
    }
    let mut length = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    if length < 1e-9 {
        // Two features that cancel each other out: once in millions of texts of two features. Any direction will do.
        if let Some(first) = sums.first_mut() {
            *first = 1.0;
        }
        length = 1.0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the database keeps single precision"
    )]
    sums.into_iter().map(|sum| (sum / length) as f32).collect()
}

/// FNV-1a over the UTF-8 of the letters, with the kind before them, and the finish of SplitMix64: FNV alone leaves the high bits of short
/// texts alike.
fn hash(kind: u8, letters: &[char]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = (0xcbf2_9ce4_8422_2325 ^ u64::from(kind)).wrapping_mul(PRIME);
    let mut bytes = [0; 4];
    for letter in letters {
        for byte in letter.encode_utf8(&mut bytes).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn near(one: &str, other: &str) -> f32 {
        embed(one).iter().zip(embed(other)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn same_text_has_the_same_bits_on_every_machine() {
        let bytes: Vec<u8> = embed("Der Preis beträgt 49 € im Monat, jederzeit kündbar. 東京 🌱")
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        assert_eq!(
            hex::encode(Sha256::digest(bytes)),
            "e60a9fb7599971d295285c806215f8a122a7f46759014b8c68f66b7346ff7157"
        );
    }

    #[test]
    fn texts_that_share_words_are_nearer_than_others() {
        let price = "The price is 49 euros a month, and you can cancel at any time.";
        let install = "Installation takes five minutes: download the archive and run setup.";
        assert!(
            near("what is the price per month", price) > near("what is the price per month", install) + 0.1
        );
        assert!(near("how do I install it", install) > near("how do I install it", price));
        // By their parts: another form, a typing error, a compound.
        assert!(near("cancellation", price) > near("cancellation", install));
        assert!(near("instalation", install) > near("instalation", price) + 0.05);
        assert!(near("PRICE", "price") > 0.999);
    }

    proptest! {
        #[test]
        fn every_text_has_a_direction(text in "\\PC{1,200}", more in "[!?., \\n]{0,9}") {
            for text in [text, more] {
                let vector = embed(&text);
                prop_assert_eq!(vector.len(), DIMENSIONS);
                let length: f32 = vector.iter().map(|number| number * number).sum();
                prop_assert!((length - 1.0).abs() < 1e-4, "{}", length);
            }
        }
    }
}
