//! The nearest name, for hints.

/// The candidate that is nearest to `name` and at least `floor` alike, where 1 is equal.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    floor: f64,
) -> Option<&'a str> {
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let score = similarity(name, candidate);
        let is_better = best.is_none_or(|(top, text)| score > top || (score >= top && candidate < text));
        if score >= floor && is_better {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// One minus the share of letters that have to be edited.
fn similarity(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (
        a.to_lowercase().chars().collect(),
        b.to_lowercase().chars().collect(),
    );
    let longest = a.len().max(b.len());
    if longest == 0 {
        return 1.0;
    }
    1.0 - as_float(edits(&a, &b)) / as_float(longest)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "names have fewer letters than a float has whole numbers"
)]
fn as_float(count: usize) -> f64 {
    count as f64
}

/// The Levenshtein distance, a row at a time.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut previous = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(b) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replaced.min(diagonal + 1).min(previous + 1);
            previous = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        let count = |a: &str, b: &str| edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(count("kitten", "sitting"), 3);
        assert_eq!(count("", "abc"), 3);
        assert_eq!(count("abc", ""), 3);
        assert_eq!(count("same", "same"), 0);
    }

    #[test]
    fn nearest_name_is_given_only_when_it_is_near() {
        let names = ["films", "actors", "film_roles"];
        assert_eq!(nearest("film", names.iter().copied(), 0.75), Some("films"));
        assert_eq!(nearest("nothing_of_the_kind", names.iter().copied(), 0.75), None);
    }
}
