//! Rows for people.

use std::io::{self, Write};

/// Writes rows under their titles, the columns as wide as they need; the last one ends where it ends.
pub(super) fn write<const COLUMNS: usize>(
    out: &mut impl Write,
    titles: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> io::Result<()> {
    let titles = titles.map(str::to_owned);
    let mut widths = [0; COLUMNS];
    for row in rows.iter().chain([&titles]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in [&titles].into_iter().chain(rows) {
        let cells = row.iter().zip(widths);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

/// One line of at most so many characters. What the texts of others do to a terminal is taken out.
pub(super) fn line(text: &str, most: usize) -> String {
    let mut line: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(most)
        .collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let mut out = Vec::new();
        let rows = [["1", "für"], ["1000", "a"]].map(|row| row.map(str::to_owned));
        write(&mut out, ["ID", "WHAT"], &rows).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ID    WHAT\n1     für\n1000  a\n"
        );
    }

    #[test]
    fn texts_of_others_stay_on_their_line() {
        assert_eq!(line("a\u{1b}[31mb\nc", 10), "a [31mb c");
        assert_eq!(line("abcdef", 3), "abc…");
        assert_eq!(line("abc", 3), "abc");
    }
}
