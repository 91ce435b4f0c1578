//! The figures as a picture: bars on logarithmic scales, one group a line. Rates and durations have a panel each, with a scale of its own.

use std::fmt::Write as _;

use crate::line::{Line, Unit, Variant};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 290.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 70.0;
const BAR: f64 = 13.0;
const GAP: f64 = 12.0;
/// Below a panel: the numbers of its scale, and some air.
const FOOT: f64 = 44.0;

/// An SVG document.
pub(crate) fn draw(title: &str, lines: &[Line]) -> String {
    let mut panels = String::new();
    let mut y = TOP;
    for (caption, of) in [
        ("a second, more is better", is_rate as fn(&Line) -> bool),
        ("ms, less is better", |line| !is_rate(line)),
    ] {
        let lines: Vec<&Line> = lines.iter().filter(|line| of(line)).collect();
        if !lines.is_empty() {
            y = panel(&mut panels, caption, &lines, y);
        }
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{y}\" viewBox=\"0 0 {WIDTH} {y}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"16\">{}</text>\n",
        escape(title)
    );
    legend(&mut svg);
    svg.push_str(&panels);
    svg.push_str("</svg>\n");
    svg
}

fn is_rate(line: &Line) -> bool {
    matches!(line.unit, Unit::PerSecond(_))
}

/// The lines of one kind on one scale; where the next panel may begin.
fn panel(svg: &mut String, caption: &str, lines: &[&Line], top: f64) -> f64 {
    let figures: Vec<f64> = lines
        .iter()
        .flat_map(|line| Variant::ALL.into_iter().filter_map(|v| line.median(v)))
        .collect();
    let scale = Scale::over(&figures);
    let mut bars = String::new();
    let mut y = top;
    for line in lines {
        y = group(&mut bars, line, &scale, y) + GAP;
    }
    scale.grid(svg, top, y);
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<text x=\"16\" y=\"{:.1}\" fill=\"#6b7280\">{caption}; logarithmic</text>",
        y + 16.0
    );
    svg.push_str(&bars);
    y + FOOT
}

fn colour(variant: Variant) -> &'static str {
    match variant {
        Variant::Native => "#0f766e",
        Variant::Portable => "#5eb5a8",
        Variant::Peer => "#d97706",
        Variant::Floor => "#cbd5e1",
    }
}

/// A power of ten is a fixed distance.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    fn over(figures: &[f64]) -> Self {
        let logs = || {
            figures
                .iter()
                .filter(|figure| **figure > 0.0)
                .map(|figure| figure.log10())
        };
        let least = logs().fold(f64::INFINITY, f64::min).floor();
        let most = logs().fold(f64::NEG_INFINITY, f64::max).ceil();
        if least < most {
            Self { least, most }
        } else {
            Self {
                least: 0.0,
                most: 1.0,
            }
        }
    }

    fn x(&self, figure: f64) -> f64 {
        let part = (figure.max(f64::MIN_POSITIVE).log10() - self.least) / (self.most - self.least);
        LEFT + part.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn grid(&self, svg: &mut String, top: f64, bottom: f64) {
        let mut power = self.least;
        while power <= self.most {
            let figure = 10_f64.powf(power);
            let x = self.x(figure);
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#e5e7eb\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#6b7280\">{figure}</text>",
                bottom + 16.0
            );
            power += 1.0;
        }
    }
}

fn legend(svg: &mut String) {
    let mut x = LEFT;
    for variant in Variant::ALL {
        let name = match variant {
            Variant::Native => "ours (native)",
            Variant::Portable => "ours (portable)",
            Variant::Peer => "peer",
            Variant::Floor => "floor",
        };
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"42\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{}\" y=\"52\">{name}</text>",
            colour(variant),
            x + 18.0
        );
        x += 130.0;
    }
}

/// The bars of one line; where the next group may begin.
fn group(svg: &mut String, line: &Line, scale: &Scale, top: f64) -> f64 {
    let label = format!("{}, {}", line.what, line.crowd);
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        LEFT - 10.0,
        top + BAR,
        escape(&label)
    );
    let mut y = top;
    for variant in Variant::ALL {
        if let Some(figure) = line.median(variant) {
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"#374151\">{}</text>",
                scale.x(figure) - LEFT,
                BAR - 2.0,
                colour(variant),
                scale.x(figure) + 5.0,
                y + BAR - 4.0,
                line.unit.show(figure)
            );
            y += BAR;
        }
    }
    y
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Crowd;

    #[test]
    fn rates_and_durations_have_a_panel_each() {
        let mut rate = Line::new("rate", Crowd::Clients(1), Unit::PerSecond("calls"));
        rate.push(Variant::Native, 10_000.0);
        let mut duration = Line::new("duration", Crowd::Sockets(10), Unit::Milliseconds);
        duration.push(Variant::Native, 0.5);
        let both = draw("t", &[duration.clone(), rate.clone()]);
        assert!(both.contains("more is better") && both.contains("less is better"));
        // A scale that had to hold both would be crossed by lines that neither needs.
        assert!(!both.contains(">100</text>"));
        assert!(!draw("t", &[rate]).contains("less is better"));
    }

    #[test]
    fn ten_times_as_much_is_one_step_further() {
        let scale = Scale::over(&[10.0, 5000.0]);
        let step = scale.x(100.0) - scale.x(10.0);
        assert!((scale.x(1000.0) - scale.x(100.0) - step).abs() < 1e-6);
        assert!((scale.x(10.0) - LEFT).abs() < 1e-6);
    }

    #[test]
    fn names_cannot_break_the_picture() {
        let mut line = Line::new("a < b & c", Crowd::Clients(1), Unit::PerSecond("calls"));
        line.push(Variant::Native, 10.0);
        let svg = draw("t", &[line]);
        assert!(svg.contains("a &lt; b &amp; c") && svg.ends_with("</svg>\n"));
    }
}
