//! The built-in embedder: texts that share words, or parts of words, are near. It knows no meanings, needs no network and costs nothing.
//!
//! Words (those that the database searches by: crate `parley_words`), pairs of neighbouring words and the 3 to 5 letters of parts of words are
//! features, and of scripts that put no spaces between words single characters, pairs and threes of them; each is hashed to one of the dimensions and a
//! sign, and what falls into one dimension is summed: the hashing trick of Weinberger, Dasgupta, Langford, Smola and Attenberg, "Feature
//! hashing for large scale multitask learning", ICML 2009, whose signs keep collisions from adding up. Parts of words let a plural, a typing
//! error or a compound find what it is near to in any language that has an alphabet.
//!
//! The same text gives the same bits on every machine: integers, sums in a fixed order, and square roots, which IEEE 754 rounds exactly;
//! no logarithm, whose last bit is the C library's to choose.

use parley_words::{Piece, characters, form, parts, pieces};

use super::DIMENSIONS;

/// What is noted with chunks.
pub const MODEL: &str = "lexical-v2";

/// How much each kind of feature counts. A word is one feature and has some twenty parts, which are less telling each.
const WORD: f64 = 1.0;
const PAIR: f64 = 0.5;
const PART: f64 = 0.15;

/// The same for one, two and three characters in a row of a script without spaces. Most of its words are two characters, and half of all
/// pairs are none; a single one is in many words.
const RUNS: [f64; 3] = [0.25, 0.7, 0.4];

/// From so many letters on a word counts in full: short ones are mostly the glue of a language.
const FULL_LETTERS: u32 = 6;

/// A longer one is no word; what follows is left out.
const LONGEST_WORD: usize = 64;

/// The vector of a text, of length 1.
pub fn embed(text: &str) -> Vec<f32> {
    // Every word's features once per occurrence, some four to a byte; how often counts less and less.
    let mut features = Features(Vec::with_capacity(text.len() * 4));
    let (mut before, mut word) = (Word::default(), Word::default());
    for piece in pieces(&form(text)) {
        match piece {
            Piece::Name(name) => {
                for letters in parts(name) {
                    word.set(letters);
                    features.add_word(&before, &word);
                    std::mem::swap(&mut before, &mut word);
                }
            }
            Piece::Run(run) => features.add_run(run),
        }
    }
    if features.0.is_empty() {
        // Signs alone are something, too.
        let signs: String = text.chars().filter(|sign| !sign.is_whitespace()).collect();
        features.add(more(begin(b's'), signs.as_bytes()), 1.0);
    }
    normalised(features)
}

/// Hashes with the squares of their weights: the root below makes four times as often twice as much.
struct Features(Vec<(u64, f64)>);

impl Features {
    fn add(&mut self, state: u64, weight: f64) {
        self.0.push((finish(state), weight * weight));
    }

    /// A word, its parts, and the pair that it makes with the one before it, if there is one.
    fn add_word(&mut self, before: &Word, word: &Word) {
        let weight = f64::from(word.letters().min(FULL_LETTERS)) / f64::from(FULL_LETTERS);
        self.add(more(begin(b'w'), word.bare()), WORD * weight);
        if !before.bytes.is_empty() {
            let pair = more(more(begin(b'p'), before.bare()), b" ");
            self.add(more(pair, word.bare()), PAIR * weight);
        }
        word.parts(|part| self.add(part, PART * weight));
    }

    /// Characters in a row, one, two and three of them.
    fn add_run(&mut self, run: &str) {
        let mut begun: [Option<u64>; RUNS.len()] = [None; RUNS.len()];
        for character in characters(run) {
            // What began with the one before goes on with this one.
            begun.rotate_right(1);
            if let Some(first) = begun.first_mut() {
                *first = Some(begin(b'r'));
            }
            for (state, weight) in begun.iter_mut().zip(RUNS) {
                if let Some(state) = state {
                    *state = more(*state, character.as_bytes());
                    self.add(*state, weight);
                }
            }
        }
    }
}

/// A word between its frame, as UTF-8.
#[derive(Default)]
struct Word {
    bytes: Vec<u8>,
    /// Where each letter begins, the frame's among them, and the end.
    places: Vec<usize>,
}

impl Word {
    fn set(&mut self, letters: &str) {
        self.bytes.clear();
        self.places.clear();
        self.push('<');
        for letter in letters.chars().take(LONGEST_WORD) {
            self.push(letter);
        }
        self.push('>');
        self.places.push(self.bytes.len());
    }

    fn push(&mut self, letter: char) {
        self.places.push(self.bytes.len());
        self.bytes
            .extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Without the frame and the end.
    fn letters(&self) -> u32 {
        u32::try_from(self.places.len().saturating_sub(3)).unwrap_or(u32::MAX)
    }

    fn bare(&self) -> &[u8] {
        let end = self.bytes.len().saturating_sub(1);
        self.bytes.get(1..end).unwrap_or_default()
    }

    /// The hashes of 3 to 5 letters in a row, each going on from that of one letter less.
    fn parts(&self, mut found: impl FnMut(u64)) {
        let bytes = |from: usize, to: usize| self.bytes.get(from..to).unwrap_or_default();
        let mut rest = self.places.as_slice();
        while let [first, following @ ..] = rest {
            let Some((third, longer)) = following.get(2..).and_then(<[usize]>::split_first) else {
                break;
            };
            let mut state = more(begin(b'c'), bytes(*first, *third));
            let mut from = *third;
            found(state);
            for end in longer.iter().take(2) {
                state = more(state, bytes(from, *end));
                from = *end;
                found(state);
            }
            rest = following;
        }
    }
}

fn normalised(Features(mut features): Features) -> Vec<f32> {
    // Stable: the sums below are in the order of the text, so that their last bits are the same everywhere.
    features.sort_by_key(|(feature, _)| *feature);
    let mut sums = vec![0.0_f64; DIMENSIONS];
    for same in features.chunk_by(|one, other| one.0 == other.0) {
        let Some((feature, _)) = same.first() else {
            continue;
        };
        let squares: f64 = same.iter().map(|(_, square)| square).sum();
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

/// FNV-1a over a kind and the UTF-8 of letters, and the finish of SplitMix64: FNV alone leaves the high bits of short texts alike.
const PRIME: u64 = 0x0000_0100_0000_01b3;

fn begin(kind: u8) -> u64 {
    more(0xcbf2_9ce4_8422_2325, &[kind])
}

fn more(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

fn finish(mut hash: u64) -> u64 {
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
            "5d4669e8f22cef471da635e33e8bc0a25ab51b5bc3b1a0697560c38a83c64427"
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

    #[test]
    fn what_reads_the_same_has_the_same_vector() {
        for (one, other) in [
            ("con\u{fb01}guration", "configuration"),
            ("Cafe\u{301}", "café"),
            ("co\u{ad}operate", "cooperate"),
            ("ＡＢＣ", "abc"),
            ("STRASSE", "straße"),
        ] {
            assert_eq!(embed(one), embed(other), "{one}");
        }
        assert!(near("Android", "iOS/Android") > 0.5);
    }

    #[test]
    fn two_characters_are_near_to_the_text_they_stand_in() {
        for (word, text, other) in [
            ("部署", "支持docker部署", "价格每月四十九欧元"),
            ("料金", "月額の料金は四十九ユーロです", "設定を開いて保存します"),
            ("배송", "배송은금요일에합니다", "설정을열고저장하세요"),
            ("ราคา", "ราคาเดือนละสี่สิบเก้ายูโร", "ติดตั้งใช้เวลาห้านาที"),
        ] {
            assert!(near(word, text) > near(word, other) + 0.1, "{word}");
        }
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
