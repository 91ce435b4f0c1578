//! Which rules of a style sheet are for a screen: conditional groups are taken out of it or opened.

/// The window of the reader, in pixels, and a letter's size in it.
const WIDTH: f64 = 1280.0;
const HEIGHT: f64 = 800.0;
const LETTER: f64 = 16.0;

/// Groups in groups; deeper ones are left out.
const DEEPEST: usize = 16;

/// The rules that count, one after the other.
pub(super) fn on_screen(css: &str) -> String {
    let mut rules = String::with_capacity(css.len());
    open(&without_comments(css), &mut rules, 0);
    rules
}

fn without_comments(css: &str) -> String {
    // The marks of old browsers for comments count as nothing.
    let css = css.replace("<!--", " ").replace("-->", " ");
    let mut rest = css.as_str();
    let mut kept = String::with_capacity(rest.len());
    while let Some((before, behind)) = rest.split_once("/*") {
        kept.push_str(before);
        kept.push(' ');
        rest = behind.split_once("*/").map_or("", |(_, behind)| behind);
    }
    kept.push_str(rest);
    kept
}

fn open(css: &str, rules: &mut String, depth: usize) {
    let mut rest = css;
    while let Some(at) = rest.find('@') {
        let (before, group) = rest.split_at(at);
        rules.push_str(before);
        // Of a group the block, of a statement all up to its end.
        let Some(end_of_head) = group.find(['{', ';']) else {
            return;
        };
        let (head, body) = group.split_at(end_of_head);
        if body.starts_with(';') {
            rest = body.get(1..).unwrap_or_default();
            continue;
        }
        let (block, behind) = block(body);
        let (name, condition) = head.split_at(
            head.find(|sign: char| sign.is_whitespace() || sign == '(')
                .unwrap_or(head.len()),
        );
        let counts = match name.to_ascii_lowercase().as_str() {
            "@media" => is_screen(condition),
            "@supports" | "@layer" | "@scope" => true,
            _ => false,
        };
        if counts && depth < DEEPEST {
            open(block, rules, depth + 1);
            rules.push(' ');
        }
        rest = behind;
    }
    rules.push_str(rest);
}

/// What is in the braces that this begins with, and what is behind them.
fn block(css: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    for (at, sign) in css.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return (
                css.get(1..at).unwrap_or_default(),
                css.get(at + 1..).unwrap_or_default(),
            );
        }
    }
    (css.get(1..).unwrap_or_default(), "")
}

pub(super) fn is_screen(queries: &str) -> bool {
    queries.to_ascii_lowercase().split(',').any(is_true)
}

fn is_true(query: &str) -> bool {
    let query = query.trim();
    if let Some(query) = query.strip_prefix("not ") {
        return !is_true(query);
    }
    let query = query.strip_prefix("only ").unwrap_or(query);
    query.split(" and ").all(|part| {
        let part = part.trim();
        match part.strip_prefix('(').and_then(|part| part.strip_suffix(')')) {
            Some(feature) => has(feature),
            None => matches!(part, "" | "screen" | "all"),
        }
    })
}

/// Whether the window has it. What is not known here is not there.
fn has(feature: &str) -> bool {
    let Some((name, value)) = feature.split_once(':') else {
        return matches!(feature.trim(), "color" | "hover" | "width" | "height");
    };
    let (name, value) = (name.trim(), value.trim());
    match (name, pixels(value)) {
        ("min-width" | "min-device-width", Some(pixels)) => WIDTH >= pixels,
        ("max-width" | "max-device-width", Some(pixels)) => WIDTH <= pixels,
        ("min-height", Some(pixels)) => HEIGHT >= pixels,
        ("max-height", Some(pixels)) => HEIGHT <= pixels,
        _ => matches!(
            (name, value),
            ("orientation", "landscape")
                | ("hover", "hover")
                | ("pointer", "fine")
                | ("prefers-color-scheme", "light")
        ),
    }
}

fn pixels(value: &str) -> Option<f64> {
    let (number, unit) = value.split_at(
        value
            .find(|sign: char| sign.is_ascii_alphabetic())
            .unwrap_or(value.len()),
    );
    let number: f64 = number.trim().parse().ok()?;
    match unit {
        "px" => Some(number),
        "em" | "rem" => Some(number * LETTER),
        "" if number == 0.0 => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_for_a_screen_of_this_width_are_left_and_no_others() {
        for (css, is_there) in [
            ("x", true),
            ("@media screen { x }", true),
            ("@media all and (min-width: 48em) { x }", true),
            ("@MEDIA only screen and (max-width:600px){x}", false),
            ("@media print { x }", false),
            ("@media not print { x }", true),
            ("@media print, screen { x }", true),
            (
                "@media (min-width: 600px) { @media (max-width: 2000px) { x } }",
                true,
            ),
            ("@supports (display: grid) { x }", true),
            ("@media (unheard-of: 1) { x }", false),
            ("@font-face { x }", false),
            ("@import url(x); y", false),
            ("@import url(y); x", true),
            ("/* x */ <!-- y -->", false),
            ("/* @media print { */ x", true),
            ("@media print { a { b } } x", true),
            ("@media print { x", false),
        ] {
            assert_eq!(
                on_screen(css).contains('x'),
                is_there,
                "{css}: {}",
                on_screen(css)
            );
        }
    }
}
