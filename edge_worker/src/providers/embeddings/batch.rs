//! Requests within the provider's limits, and texts that are too long for one.
//!
//! Tokens are counted as bytes: no byte-level tokenizer makes more of a text, so a request is never refused for its length, whichever
//! model it is for. What that costs is requests of a quarter of what would be taken.

use std::ops::Range;

/// Of a request: 2,048.
const MOST_ITEMS: usize = 256;
/// Of a request: 300,000.
const MOST_TOKENS: usize = 250_000;
/// Of an input: 8,191 or 8,192.
const MOST_INPUT_TOKENS: usize = 8000;

/// The texts in the pieces that the provider takes, with the text that each piece is of.
pub(super) fn pieces(texts: &[String]) -> Vec<(usize, &str)> {
    let mut pieces = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        let mut rest = text.as_str();
        while rest.len() > MOST_INPUT_TOKENS {
            let (head, tail) = rest.split_at(cut(rest));
            pieces.push((place, head));
            rest = tail;
        }
        pieces.push((place, rest));
    }
    pieces
}

/// Behind the last white space that fits, or else between two characters.
fn cut(text: &str) -> usize {
    let most = text.floor_char_boundary(MOST_INPUT_TOKENS);
    let fits = text.get(..most).unwrap_or(text);
    fits.rfind(char::is_whitespace)
        .and_then(|at| Some(at + fits.get(at..)?.chars().next()?.len_utf8()))
        // A last piece of white space alone would be refused.
        .filter(|at| text.get(*at..).is_some_and(|rest| !rest.trim().is_empty()))
        .unwrap_or(most)
}

/// Which pieces go together.
pub(super) fn requests(pieces: &[(usize, &str)]) -> Vec<Range<usize>> {
    let mut requests = Vec::new();
    let (mut begin, mut tokens) = (0, 0);
    for (at, (_, piece)) in pieces.iter().enumerate() {
        if at > begin && (at - begin >= MOST_ITEMS || tokens + piece.len() > MOST_TOKENS) {
            requests.push(begin..at);
            (begin, tokens) = (at, 0);
        }
        tokens += piece.len();
    }
    if begin < pieces.len() {
        requests.push(begin..pieces.len());
    }
    requests
}

/// One vector a text: that of its only piece, or the mean of its pieces, which count by their length, at length 1.
pub(super) fn whole(texts: usize, pieces: &[(usize, &str)], vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let mut counts = vec![0_usize; texts];
    for (place, _) in pieces {
        if let Some(count) = counts.get_mut(*place) {
            *count += 1;
        }
    }
    let mut whole: Vec<Vec<f32>> = vec![Vec::new(); texts];
    for ((place, piece), vector) in pieces.iter().zip(vectors) {
        let Some(sum) = whole.get_mut(*place) else {
            continue;
        };
        if counts.get(*place) == Some(&1) {
            *sum = vector;
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "a piece has 8,000 bytes at most")]
        let weight = piece.len() as f32;
        sum.resize(vector.len(), 0.0);
        for (sum, number) in sum.iter_mut().zip(vector) {
            *sum += number * weight;
        }
    }
    for (vector, _) in whole.iter_mut().zip(counts).filter(|(_, count)| *count > 1) {
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|number| *number /= length);
    }
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn requests_keep_the_limits_and_lose_nothing(
            lengths in prop::collection::vec((0..20_000usize, prop::sample::select(vec!["a", "ü", "語", "🌱", "word "])), 0..40)
        ) {
            let texts: Vec<String> = lengths.iter().map(|(length, unit)| format!("x{}", unit.repeat(length / unit.len()))).collect();
            let pieces = pieces(&texts);
            let mut joined = vec![String::new(); texts.len()];
            for (place, piece) in &pieces {
                prop_assert!(piece.len() <= MOST_INPUT_TOKENS && !piece.trim().is_empty());
                joined[*place].push_str(piece);
            }
            prop_assert_eq!(&joined, &texts);
            let mut next = 0;
            for request in requests(&pieces) {
                prop_assert_eq!(request.start, next);
                prop_assert!(request.len() <= MOST_ITEMS);
                prop_assert!(pieces[request.clone()].iter().map(|(_, piece)| piece.len()).sum::<usize>() <= MOST_TOKENS);
                next = request.end;
            }
            prop_assert_eq!(next, pieces.len());
        }
    }

    #[test]
    fn long_text_has_the_mean_of_its_pieces_and_a_short_one_its_own_vector() {
        let texts = ["short".to_owned(), "word ".repeat(2000)];
        let pieces = pieces(&texts);
        assert_eq!(pieces.len(), 3);
        let whole = whole(2, &pieces, vec![vec![3.0, 4.0], vec![1.0, 0.0], vec![0.0, 1.0]]);
        assert_eq!(whole[0], vec![3.0, 4.0]);
        // Of 8,000 and 2,000 bytes.
        assert!((whole[1][0] / whole[1][1] - 4.0).abs() < 1e-3, "{whole:?}");
        assert!((whole[1].iter().map(|number| number * number).sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
