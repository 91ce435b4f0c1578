//! From the samples of the turns to the lines of the table.

use crate::drive::Pace;
use crate::error::Error;
use crate::fanout::audience::Course;
use crate::fanout::board::Samples;
use crate::line::{Crowd, Line, Unit, Variant};
use crate::quantiles::{quantiles, to_f64};

/// A kind of line.
type Kind = (&'static str, Unit);

const COMMIT: [Kind; 2] = [
    ("commit to socket, median", Unit::Milliseconds),
    ("commit to socket, p99", Unit::Milliseconds),
];
const CALL: [Kind; 2] = [
    ("call to socket, median", Unit::Milliseconds),
    ("call to socket, p99", Unit::Milliseconds),
];
const ANSWER: Kind = ("call to answer, median", Unit::Milliseconds);
const BUSY: Kind = ("busy room", Unit::PerSecond("deliveries"));

/// The order of the table.
const KINDS: [Kind; 6] = [COMMIT[0], COMMIT[1], CALL[0], CALL[1], ANSWER, BUSY];

/// The lines so far.
#[derive(Debug)]
pub(crate) struct Figures {
    /// The kernel that runs.
    kernel: Variant,
    lines: Vec<Line>,
}

impl Figures {
    /// Without lines.
    pub(crate) fn new(kernel: Variant) -> Self {
        Self {
            kernel,
            lines: Vec::new(),
        }
    }

    /// Adds what one turn measured, and says it in short.
    pub(crate) fn add(
        &mut self,
        course: Course,
        sockets: usize,
        pace: Pace,
        samples: Samples,
    ) -> Result<String, Error> {
        let Samples {
            after_commit,
            after_call,
            calls,
            deliveries,
        } = samples;
        let mut entries = Vec::new();
        match course {
            Course::Ours => {
                entries.extend(COMMIT.into_iter().zip(quantiles(after_commit)?));
                entries.extend(CALL.into_iter().zip(quantiles(after_call)?));
                entries.extend([ANSWER].into_iter().zip(quantiles(calls)?));
            }
            Course::PeerCommit => entries.extend(COMMIT.into_iter().zip(quantiles(after_commit)?)),
            Course::Peer => {
                entries.extend(CALL.into_iter().zip(quantiles(after_call)?));
                entries.extend([ANSWER].into_iter().zip(quantiles(calls)?));
            }
            Course::Floor => {
                let quantiles = quantiles(after_call)?;
                entries.extend(COMMIT.into_iter().zip(quantiles));
                entries.extend(CALL.into_iter().zip(quantiles));
            }
            Course::OursBusy | Course::PeerBusy | Course::FloorBusy => {
                entries.push((BUSY, to_f64(deliveries) / pace.measured.as_secs_f64()));
            }
        }
        let variant = self.variant(course);
        let mut said = Vec::new();
        for (kind, figure) in entries {
            self.push(kind, sockets, variant, figure);
            let (what, unit) = kind;
            said.push(format!("{what} {}", unit.show(figure)));
        }
        Ok(said.join(", "))
    }

    fn variant(&self, course: Course) -> Variant {
        match course {
            Course::Ours | Course::OursBusy => self.kernel,
            Course::Peer | Course::PeerCommit | Course::PeerBusy => Variant::Peer,
            Course::Floor | Course::FloorBusy => Variant::Floor,
        }
    }

    /// Adds a figure to its line.
    fn push(&mut self, (what, unit): (&'static str, Unit), sockets: usize, variant: Variant, figure: f64) {
        let crowd = Crowd::Sockets(sockets);
        let known = self
            .lines
            .iter_mut()
            .find(|line| line.what == what && line.crowd == crowd);
        if let Some(line) = known {
            line.push(variant, figure);
        } else {
            let mut line = Line::new(what, crowd, unit);
            line.push(variant, figure);
            self.lines.push(line);
        }
    }

    /// All lines, one kind after the other.
    pub(crate) fn lines(self) -> Vec<Line> {
        KINDS
            .iter()
            .flat_map(|(kind, _)| self.lines.iter().filter(move |line| line.what == *kind).cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PACE: Pace = Pace {
        warm_up: Duration::ZERO,
        measured: Duration::from_secs(2),
        rounds: 1,
    };

    #[test]
    fn peer_with_a_commit_of_its_own_gives_only_the_time_from_the_commit() {
        let samples = || Samples {
            after_commit: vec![1_000_000],
            after_call: vec![2_000_000],
            calls: vec![3_000_000],
            deliveries: 10,
        };
        let mut figures = Figures::new(Variant::Portable);
        for course in Course::ALL {
            figures.add(course, 10, PACE, samples()).unwrap();
        }
        let lines = figures.lines();
        let medians =
            |variant| -> Vec<Option<f64>> { lines.iter().map(|line| line.median(variant)).collect() };
        let all = [1.0, 1.0, 2.0, 2.0, 3.0, 5.0].map(Some).to_vec();
        assert_eq!(medians(Variant::Portable), all);
        assert_eq!(medians(Variant::Peer), all);
        assert_eq!(
            medians(Variant::Floor),
            [2.0, 2.0, 2.0, 2.0, 0.0, 5.0].map(|figure| (figure > 0.0).then_some(figure))
        );
        assert_eq!(medians(Variant::Native), [None; 6]);
    }
}
