//! The table, and the figures as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::database::project;
use crate::drive::Pace;
use crate::error::Error;
use crate::line::{Unit, Variant};

/// Above this a call grows with what is beside it.
const MOST: f64 = 1.5;

/// A call on a kernel: its time at each size.
#[derive(Debug)]
pub(crate) struct Row {
    what: &'static str,
    kernel: Variant,
    figures: Vec<(u32, f64)>,
}

impl Row {
    /// Without figures.
    pub(crate) fn new(what: &'static str, kernel: Variant) -> Self {
        Self {
            what,
            kernel,
            figures: Vec::new(),
        }
    }

    /// Whether it is this call's on this kernel.
    pub(crate) fn is_of(&self, what: &str, kernel: Variant) -> bool {
        self.what == what && self.kernel == kernel
    }

    /// Adds the figure of one round at a size.
    pub(crate) fn push(&mut self, size: u32, figure: f64) {
        self.figures.push((size, figure));
    }

    /// The median at a size, in milliseconds.
    fn median(&self, size: u32) -> Option<f64> {
        let mut figures: Vec<f64> = self
            .figures
            .iter()
            .filter(|(of, _)| *of == size)
            .map(|(_, figure)| *figure)
            .collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    }

    /// How many times as long it takes at the largest size as at the smallest.
    fn ratio(&self, sizes: &[u32]) -> Option<f64> {
        Some(self.median(*sizes.last()?)? / self.median(*sizes.first()?)?)
    }
}

/// Prints the table and writes `bench/results/growth.json` and `.md`.
pub(crate) fn publish(sizes: &[u32], facts: &Value, pace: Pace, rows: &[Row]) -> Result<(), Error> {
    let page = markdown(sizes, facts, pace, rows);
    println!("\n{page}");
    let folder = project().join("bench/results");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    for (name, text) in [
        ("growth.md", page),
        (
            "growth.json",
            format!("{:#}\n", document(sizes, facts, pace, rows)),
        ),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(Error::file(&path))?;
    }
    println!("written: bench/results/growth.json, growth.md");
    Ok(())
}

fn markdown(sizes: &[u32], facts: &Value, pace: Pace, rows: &[Row]) -> String {
    let mut page = format!(
        "# growth\n\nms a call, by how many messages are in the room, rooms of the mood, and calls of the demo. Medians of {} rounds of {} calls \
         after {} that do not count. The last column is the time at the most over the time at the least: {MOST} is what it may be.\n\n| what | kernel |",
        pace.rounds,
        super::TIMES,
        super::WARM_UP
    );
    // Writing to a string cannot fail.
    for size in sizes {
        let _ = write!(page, " {size} |");
    }
    let _ = writeln!(page, " ratio |\n|{}", " --- |".repeat(sizes.len() + 3));
    for row in rows {
        let _ = write!(page, "| {} | {} |", row.what, row.kernel);
        for size in sizes {
            let _ = write!(page, " {} |", show(row.median(*size)));
        }
        let ratio = row.ratio(sizes).unwrap_or_default();
        let mark = if ratio > MOST { " (!)" } else { "" };
        let _ = writeln!(page, " {ratio:.2}{mark} |");
    }
    let settings: Vec<String> = facts
        .get("postgres")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or_default()))
        .collect();
    let _ = writeln!(
        page,
        "\nMachine: {} cores, {}. PostgreSQL: {}.",
        facts.get("cores").and_then(Value::as_u64).unwrap_or_default(),
        facts.get("server").and_then(Value::as_str).unwrap_or_default(),
        settings.join(", ")
    );
    page
}

fn show(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| Unit::Milliseconds.show(figure))
}

fn document(sizes: &[u32], facts: &Value, pace: Pace, rows: &[Row]) -> Value {
    let lines: Vec<Value> = rows
        .iter()
        .map(|row| {
            let milliseconds: Map<String, Value> = sizes
                .iter()
                .filter_map(|size| Some((size.to_string(), row.median(*size).map(rounded)?.into())))
                .collect();
            json!({
                "what": row.what, "kernel": row.kernel.name(), "milliseconds": milliseconds, "ratio": row.ratio(sizes).map(rounded),
            })
        })
        .collect();
    json!({
        "suite": "growth",
        "at": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "machine": facts,
        "rounds": pace.rounds,
        "lines": lines,
    })
}

fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_is_of_the_medians_at_the_ends() {
        let mut row = Row::new("call", Variant::Native);
        for (size, figure) in [(10, 1.0), (10, 9.0), (10, 2.0), (100, 50.0), (1000, 3.0)] {
            row.push(size, figure);
        }
        assert_eq!(row.ratio(&[10, 100, 1000]), Some(1.5));
        assert_eq!(row.ratio(&[10, 1]), None);
    }
}
