//! Whether all was stored, once, with its embedding, and whether the pieces are the text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use edge_worker::knowledge::embed_lexically;
use serde_json::json;

use crate::embed::pipeline::ask;
use crate::embed::tables::{Side, Stored};
use crate::embed::texts::{Kind, Texts};
use crate::error::Error;
use crate::wire::Wire;

/// By how much a number of an embedding may differ: sums of double precision in another order, rounded to single.
const TOLERANCE: f32 = 1e-6;

/// Texts of both sides for the comparison of the embedders, beside the notes.
const SIGNS: [&str; 4] = ["¿?", "Größe: 49 € im Monat. 東京 🌱", "a", "İstanbul ﬁn"];

/// Asks the peer for the embeddings of the notes and of odd texts, and compares them with ours. In a phrase.
pub(crate) async fn compare(peer: &mut Wire, texts: &Texts) -> Result<String, Error> {
    let texts: Vec<&str> = texts.notes.iter().map(String::as_str).chain(SIGNS).collect();
    let vectors: Vec<Vec<f32>> = ask(peer, "/vectors", &json!({ "texts": texts })).await?;
    for (text, vector) in texts.iter().zip(&vectors) {
        check_vector(text, vector)?;
    }
    Ok(format!(
        "the embeddings that both make of {} texts differ by less than 10^-6 in every number",
        texts.len()
    ))
}

fn check_vector(text: &str, vector: &[f32]) -> Result<(), Error> {
    let ours = embed_lexically(text);
    let is_near = ours.len() == vector.len()
        && ours
            .iter()
            .zip(vector)
            .all(|(one, other)| (one - other).abs() <= TOLERANCE);
    if is_near {
        Ok(())
    } else {
        Err(Error::Embed(format!("another embedding than ours of: {text}")))
    }
}

/// How much was looked at.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(&'static str, &'static str), (usize, usize)>,
}

impl Tally {
    /// Adds a piece of work; an error when anything is lost, doubled, without its embedding or not of the text.
    pub(crate) fn add(
        &mut self,
        side: Side,
        kind: Kind,
        texts: &Texts,
        stored: &[Stored],
    ) -> Result<(), Error> {
        let wrong = |what: String| Error::Embed(format!("{kind}, {side:?}: {what}"));
        if let Some(bare) = stored.iter().find(|chunk| !chunk.is_whole) {
            return Err(wrong(format!("a chunk cannot be searched: {}", bare.content)));
        }
        for chunk in stored {
            if let Some(embedding) = &chunk.embedding {
                check_vector(&chunk.content, embedding)?;
            }
        }
        let contents: Vec<&str> = stored.iter().map(|chunk| chunk.content.as_str()).collect();
        match texts.whole(kind) {
            Some(text) => is_the_text(text, &contents).map_err(wrong)?,
            None => are_the_notes(&texts.notes, contents).map_err(wrong)?,
        }
        let side = match side {
            Side::Ours => "ours",
            Side::Peer => "the peer",
        };
        let count = self.counts.entry((kind.what(), side)).or_default();
        *count = (count.0 + 1, stored.len());
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "after every turn all chunks were looked for: none lost, none twice, each with its embedding (ours with its words and the kernel's copies), \
             and without what they repeat they are the text",
        )?;
        for ((what, side), (times, chunks)) in &self.counts {
            write!(f, "; {what}: {times} times {chunks} by {side}")?;
        }
        Ok(())
    }
}

fn are_the_notes(notes: &[String], mut contents: Vec<&str>) -> Result<(), String> {
    let mut notes: Vec<&str> = notes.iter().map(String::as_str).collect();
    notes.sort_unstable();
    contents.sort_unstable();
    if notes == contents {
        Ok(())
    } else {
        Err(format!(
            "{} notes are there, or others than were added",
            contents.len()
        ))
    }
}

/// Whether the chunks, each of one place, are the text without a letter or digit missing, and none is there twice. LangChain's splitter
/// leaves marks out between two chunks, as the fences of code.
fn is_the_text(text: &str, chunks: &[&str]) -> Result<(), String> {
    let mut places = BTreeSet::new();
    let mut latest = 0;
    for chunk in chunks {
        // Mostly behind the one before; what is not of one place, as a fence of code, at the first that is free.
        let free = |from: usize| {
            let rest = text.get(from..).unwrap_or_default();
            let mut found = rest
                .match_indices(chunk)
                .map(|(at, _)| (from + at, from + at + chunk.len()));
            found.find(|place| !places.contains(place))
        };
        let place = free(latest).or_else(|| free(0));
        let place =
            place.ok_or_else(|| format!("this is not of the text, or there once too often: {chunk}"))?;
        latest = place.0;
        places.insert(place);
    }
    let mut covered = 0;
    for (begin, end) in places {
        check_gap(text, covered, begin)?;
        covered = covered.max(end);
    }
    check_gap(text, covered, text.len())
}

fn check_gap(text: &str, from: usize, to: usize) -> Result<(), String> {
    match text.get(from..to) {
        Some(gap) if gap.contains(char::is_alphanumeric) => Err(format!("this is lost: {gap}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "One is here. Two is there. Three is gone.";

    #[test]
    fn overlapping_pieces_in_any_order_are_the_text() {
        assert_eq!(
            is_the_text(
                TEXT,
                &["Two is there. Three is gone.", "One is here. Two is there."]
            ),
            Ok(())
        );
    }

    #[test]
    fn lost_doubled_and_strange_pieces_are_seen() {
        for pieces in [
            &["One is here.", "Three is gone."][..],
            &["One is here. Two is there."],
            &["One is here.", "One is here.", "Two is there. Three is gone."],
            &["One is here. Two is there. Three is gone.", "Four"],
        ] {
            assert!(is_the_text(TEXT, pieces).is_err(), "{pieces:?}");
        }
        let notes = ["a".to_owned(), "b".to_owned()];
        assert_eq!(are_the_notes(&notes, vec!["b", "a"]), Ok(()));
        assert!(are_the_notes(&notes, vec!["a", "a", "b"]).is_err());
    }
}
