//! What was measured.

use std::fmt;

/// What does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Ours, the native kernel.
    Native,
    /// Ours, the portable kernel.
    Portable,
    /// What the app's specification prescribes, as written.
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

/// Who worked or listened at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowd {
    /// Clients that call.
    Clients(usize),
    /// Sockets that listen.
    Sockets(usize),
}

impl Crowd {
    /// How many, and what they are in the plural.
    pub(crate) fn parts(self) -> (usize, &'static str) {
        match self {
            Self::Clients(count) => (count, "clients"),
            Self::Sockets(count) => (count, "sockets"),
        }
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, of) = self.parts();
        let of = if count == 1 { of.trim_end_matches('s') } else { of };
        write!(f, "{count} {of}")
    }
}

/// What a figure counts, and with that which of two figures is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// So many of these a second: more is better.
    PerSecond(&'static str),
    /// How long something takes: less is better.
    Milliseconds,
}

impl Unit {
    /// How many times as fast the first figure is as the second.
    fn times_as_fast(self, of: f64, to: f64) -> f64 {
        match self {
            Self::PerSecond(_) => of / to,
            Self::Milliseconds => to / of,
        }
    }

    /// The figure as the table shows it: durations with three digits that count.
    pub(crate) fn show(self, figure: f64) -> String {
        match self {
            Self::PerSecond(_) => format!("{figure:.0}"),
            Self::Milliseconds if figure.abs() < 10.0 => format!("{figure:.2}"),
            Self::Milliseconds if figure.abs() < 100.0 => format!("{figure:.1}"),
            Self::Milliseconds => format!("{figure:.0}"),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(what) => write!(f, "{what} a second"),
            Self::Milliseconds => f.write_str("ms, less is better"),
        }
    }
}

/// One line of the table: the same work by every variant.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The work.
    pub(crate) what: &'static str,
    /// How many did it at once.
    pub(crate) crowd: Crowd,
    /// What the figures are.
    pub(crate) unit: Unit,
    rounds: Vec<(Variant, f64)>,
}

impl Line {
    /// A line without figures.
    pub(crate) fn new(what: &'static str, crowd: Crowd, unit: Unit) -> Self {
        Self {
            what,
            crowd,
            unit,
            rounds: Vec::new(),
        }
    }

    /// Adds the figure of one round.
    pub(crate) fn push(&mut self, variant: Variant, figure: f64) {
        self.rounds.push((variant, figure));
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

    /// How many times as fast one variant is as another, whichever way the unit counts: the median of the rounds' own ratios. What else
    /// the machine does changes from minute to minute; the turns of one round follow each other, so they share it.
    pub(crate) fn ratio(&self, of: Variant, to: Variant) -> Option<f64> {
        median(
            self.rounds(of)
                .into_iter()
                .zip(self.rounds(to))
                .map(|(of, to)| self.unit.times_as_fast(of, to))
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

    fn line(unit: Unit) -> Line {
        Line::new("work", Crowd::Clients(1), unit)
    }

    #[test]
    fn median_is_in_the_middle() {
        let mut line = line(Unit::PerSecond("calls"));
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
        let mut line = line(Unit::PerSecond("calls"));
        // The machine was ten times slower in the second round.
        for (native, peer) in [(200.0, 100.0), (20.0, 10.0), (180.0, 100.0)] {
            line.push(Variant::Native, native);
            line.push(Variant::Peer, peer);
        }
        assert_eq!(line.ratio(Variant::Native, Variant::Peer), Some(2.0));
    }

    #[test]
    fn half_the_time_is_twice_as_fast() {
        let mut line = line(Unit::Milliseconds);
        line.push(Variant::Native, 2.0);
        line.push(Variant::Peer, 4.0);
        assert_eq!(line.ratio(Variant::Native, Variant::Peer), Some(2.0));
    }

    #[test]
    fn figures_and_crowds_read_well() {
        let shown = [0.987_6, 12.345, 123.45].map(|figure| Unit::Milliseconds.show(figure));
        assert_eq!(shown, ["0.99", "12.3", "123"]);
        let crowds = [Crowd::Clients(1), Crowd::Sockets(1000)].map(|crowd| crowd.to_string());
        assert_eq!(crowds, ["1 client", "1000 sockets"]);
    }
}
