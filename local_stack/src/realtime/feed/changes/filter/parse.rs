//! Reads filters as the Realtime server does: commas between conditions, not inside parentheses or quotes.

use super::{Filter, Operator};

/// Reads all conditions. An empty text has none.
pub(in crate::realtime::feed::changes) fn parse(text: &str) -> Result<Vec<Filter>, String> {
    match text.trim() {
        "" => Ok(Vec::new()),
        trimmed => split(trimmed).iter().map(|segment| condition(segment)).collect(),
    }
}

/// A quote opens only where a value begins; elsewhere it is a character like any other.
fn split(text: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let mut current = String::new();
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let mut previous = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let mut last = Some(character);
        match character {
            '\\' if is_quoted => {
                current.push(character);
                let Some(escaped) = characters.next() else { break };
                last = Some(escaped);
                current.push(escaped);
                previous = last;
                continue;
            }
            '"' if is_quoted => is_quoted = false,
            _ if is_quoted => {}
            '"' if matches!(previous, Some('.' | '(' | ',')) => is_quoted = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                segments.push(std::mem::take(&mut current));
                previous = None;
                continue;
            }
            _ => {}
        }
        current.push(character);
        previous = last;
    }
    segments.push(current);
    segments
}

fn condition(segment: &str) -> Result<Filter, String> {
    let segment = segment.trim();
    if segment.is_empty() {
        return Err("filter must not contain empty segments (check for extra commas)".to_owned());
    }
    let (column, rest) = segment
        .split_once('=')
        .ok_or_else(|| format!("{:?}", [segment]))?;
    let (is_negated, rest) = match rest.strip_prefix("not.") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (name, value) = rest.split_once('.').ok_or_else(|| format!("{:?}", [rest]))?;
    let operator = Operator::named(name).ok_or_else(|| format!("{:?}", [name, value]))?;
    Ok(Filter {
        column: column.to_owned(),
        operator,
        value: operand(operator, value)?,
        is_negated,
    })
}

fn operand(operator: Operator, value: &str) -> Result<String, String> {
    if operator != Operator::In {
        return Ok(unquoted(value).unwrap_or_else(|| value.to_owned()));
    }
    value
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .map(|items| format!("{{{items}}}"))
        .ok_or_else(|| "`in` filter value must be wrapped by parentheses".to_owned())
}

/// `None` unless the whole value is one quoted text.
fn unquoted(value: &str) -> Option<String> {
    let mut characters = value.strip_prefix('"')?.chars();
    let mut plain = String::new();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(plain),
            '\\' => plain.push(characters.next()?),
            character => plain.push(character),
        }
    }
}
