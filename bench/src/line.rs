//! What was measured.

use std::fmt;

/// What does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Ours, the native kernel.
    Native,
    /// Ours, the portable kernel.
    Portable,
    /// The schema of the app's specification, as written.
    Peer,
    /// The least that could be done.
    Floor,
}

impl Variant {
    /// The order in the table.
    pub(crate) const ALL: [Self; 4] = [Self::Native, Self::Portable, Self::Peer, Self::Floor];

    /// One word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Portable => "portable",
            Self::Peer => "peer",
            Self::Floor => "floor",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One line of the table: the same work by every variant.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The work.
    pub(crate) what: &'static str,
    /// How many clients did it at once.
    pub(crate) clients: usize,
    /// What is counted, a second.
    pub(crate) unit: &'static str,
    rounds: Vec<(Variant, f64)>,
}

impl Line {
    /// A line without figures.
    pub(crate) fn new(what: &'static str, clients: usize, unit: &'static str) -> Self {
        Self {
            what,
            clients,
            unit,
            rounds: Vec::new(),
        }
    }

    /// Adds the figure of one round.
    pub(crate) fn push(&mut self, variant: Variant, per_second: f64) {
        self.rounds.push((variant, per_second));
    }

    /// The figures of a variant, in the order of the rounds.
    pub(crate) fn rounds(&self, variant: Variant) -> Vec<f64> {
        self.rounds
            .iter()
            .filter(|(of, _)| *of == variant)
            .map(|(_, figure)| *figure)
            .collect()
    }

    /// The median of a variant's rounds.
    pub(crate) fn median(&self, variant: Variant) -> Option<f64> {
        median(self.rounds(variant))
    }

    /// How many times as fast one variant is as another: the median of the rounds' own ratios. What else the machine does changes from
    /// minute to minute; the turns of one round follow each other, so they share it.
    pub(crate) fn ratio(&self, of: Variant, to: Variant) -> Option<f64> {
        median(
            self.rounds(of)
                .into_iter()
                .zip(self.rounds(to))
                .map(|(of, to)| of / to)
                .collect(),
        )
    }
}

/// The middle one, or the mean of the middle two.
fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let upper = *figures.get(figures.len() / 2)?;
    if figures.len() % 2 == 1 {
        return Some(upper);
    }
    figures
        .get(figures.len() / 2 - 1)
        .map(|lower| (lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_in_the_middle() {
        let mut line = Line::new("work", 1, "calls");
        assert_eq!(line.median(Variant::Peer), None);
        for figure in [5.0, 1.0, 3.0] {
            line.push(Variant::Peer, figure);
        }
        assert_eq!(line.median(Variant::Peer), Some(3.0));
        line.push(Variant::Peer, 4.0);
        assert_eq!(line.median(Variant::Peer), Some(3.5));
        assert_eq!(line.ratio(Variant::Native, Variant::Peer), None);
    }

    #[test]
    fn ratio_is_the_median_of_the_rounds_ratios() {
        let mut line = Line::new("work", 1, "calls");
        // The machine was ten times slower in the second round.
        for (native, peer) in [(200.0, 100.0), (20.0, 10.0), (180.0, 100.0)] {
            line.push(Variant::Native, native);
            line.push(Variant::Peer, peer);
        }
        assert_eq!(line.ratio(Variant::Native, Variant::Peer), Some(2.0));
    }
}
