//! The table, the figures as JSON, and the plot.

use serde_json::{Map, Value, json};

use crate::database::project;
use crate::drive::Pace;
use crate::error::Error;
use crate::line::{Line, Variant};
use crate::plot;

/// Prints the table and writes `bench/results/<suite>.json`, `.md` and `.svg`.
pub(crate) fn publish(
    suite: &str,
    title: &str,
    facts: &Value,
    pace: Pace,
    lines: &[Line],
) -> Result<(), Error> {
    println!("\n{suite}: {title}\n");
    print!("{}", table(lines));
    let folder = project().join("bench/results");
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    let figures = folder.join(format!("{suite}.json"));
    let text = format!("{:#}\n", document(suite, facts, pace, lines));
    std::fs::write(&figures, text).map_err(Error::file(&figures))?;
    let page = folder.join(format!("{suite}.md"));
    std::fs::write(&page, markdown(suite, title, facts, pace, lines)).map_err(Error::file(&page))?;
    let picture = folder.join(format!("{suite}.svg"));
    std::fs::write(&picture, plot::draw(&format!("{suite}: {title}"), lines))
        .map_err(Error::file(&picture))?;
    println!("\nwritten: bench/results/{suite}.json, {suite}.md, {suite}.svg");
    Ok(())
}

/// The columns of ratios. They say how many times as fast the first is as the second, whether the figures are rates or durations.
const RATIOS: [(&str, Variant, Variant); 4] = [
    ("native/peer", Variant::Native, Variant::Peer),
    ("portable/peer", Variant::Portable, Variant::Peer),
    ("native/floor", Variant::Native, Variant::Floor),
    ("portable/floor", Variant::Portable, Variant::Floor),
];

/// What, with how many at once, in which unit: before the figures.
const TEXT_COLUMNS: usize = 3;

/// Medians and ratios.
fn table(lines: &[Line]) -> String {
    let mut rows = vec![header()];
    rows.extend(lines.iter().map(row));
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len))
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(String::len)
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column < TEXT_COLUMNS {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        text.push_str(&cells.join("  "));
        text.push('\n');
    }
    text
}

/// The table as a page that README links to, so that no figure is copied by hand.
fn markdown(suite: &str, title: &str, facts: &Value, pace: Pace, lines: &[Line]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let header = header();
    let rule = line(header.iter().map(|_| "---".to_owned()).collect());
    let rows: String = lines.iter().map(|measured| line(row(measured))).collect();
    let settings: Vec<String> = facts
        .get("postgres")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or_default()))
        .collect();
    let fact = |name: &str| facts.get(name).and_then(Value::as_str);
    let peer = fact("peer")
        .map(|peer| format!(" Peer: {peer}."))
        .unwrap_or_default();
    let proof = fact("proof")
        .map(|proof| format!(" Proof: {proof}."))
        .unwrap_or_default();
    format!(
        "# {suite}\n\n{title}. Medians of {} rounds of {} s; each ratio is the median of the rounds' ratios and says how many times as fast: \
         above 1 is faster, in rates and in durations.\n\n{}{rule}{rows}\n\
         Machine: {} cores, {}. PostgreSQL: {}.{peer}{proof}\n\n![{suite}]({suite}.svg)\n",
        pace.rounds,
        pace.measured.as_secs_f64(),
        line(header),
        facts.get("cores").and_then(Value::as_u64).unwrap_or_default(),
        facts.get("server").and_then(Value::as_str).unwrap_or_default(),
        settings.join(", "),
    )
}

fn header() -> Vec<String> {
    let variants = ["ours (native)", "ours (portable)", "peer", "floor"];
    let ratios = RATIOS.map(|(name, ..)| name);
    ["what", "at once", "unit"]
        .into_iter()
        .chain(variants)
        .chain(ratios)
        .map(str::to_owned)
        .collect()
}

fn row(line: &Line) -> Vec<String> {
    let show = |figure: Option<f64>, how: &dyn Fn(f64) -> String| figure.map_or_else(|| "-".to_owned(), how);
    let medians = Variant::ALL.map(|variant| show(line.median(variant), &|figure| line.unit.show(figure)));
    let ratios = RATIOS.map(|(_, of, to)| show(line.ratio(of, to), &|ratio| format!("{ratio:.2}")));
    [
        line.what.to_owned(),
        line.crowd.to_string(),
        line.unit.to_string(),
    ]
    .into_iter()
    .chain(medians)
    .chain(ratios)
    .collect()
}

fn document(suite: &str, facts: &Value, pace: Pace, lines: &[Line]) -> Value {
    json!({
        "suite": suite,
        "at": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "machine": facts,
        "warm_up_seconds": pace.warm_up.as_secs_f64(),
        "measured_seconds": pace.measured.as_secs_f64(),
        "rounds": pace.rounds,
        "lines": lines.iter().map(describe).collect::<Vec<_>>(),
    })
}

fn describe(line: &Line) -> Value {
    let mut variants = Map::new();
    for variant in Variant::ALL {
        if let Some(median) = line.median(variant) {
            variants.insert(variant.name().to_owned(), json!({ "median": round(median), "rounds": line.rounds(variant).into_iter().map(round).collect::<Vec<_>>() }));
        }
    }
    let ratios: Map<String, Value> = RATIOS
        .into_iter()
        .filter_map(|(name, of, to)| Some((name.to_owned(), round(line.ratio(of, to)?).into())))
        .collect();
    let (count, crowd) = line.crowd.parts();
    json!({ "what": line.what, crowd: count, "unit": line.unit.to_string(), "variants": variants, "ratios": ratios })
}

fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}
