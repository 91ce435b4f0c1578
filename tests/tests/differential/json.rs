//! Generated JSON that knows its own spellings, and that it stands for a value which another library can canonicalise.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};

use crate::numbers;

/// A JSON value as it is written.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Where UTF-16 order and UTF-8 order differ, where escapes begin and end, and what the portable kernel uses as marks.
const CHARACTERS: [char; 40] = [
    'a',
    'b',
    'Z',
    '0',
    ' ',
    '"',
    '\\',
    '/',
    '\'',
    '\u{1}',
    '\u{2}',
    '\u{8}',
    '\t',
    '\n',
    '\u{b}',
    '\u{c}',
    '\r',
    '\u{1f}',
    '\u{7f}',
    '\u{80}',
    'ö',
    'é',
    '\u{301}',
    '€',
    '\u{2028}',
    '\u{d7ff}',
    '\u{e000}',
    '\u{e001}',
    '\u{f8ff}',
    '\u{fb33}',
    '\u{fffd}',
    '\u{fffe}',
    '\u{ffff}',
    '\u{10000}',
    '😀',
    '\u{1d11e}',
    '\u{ffffe}',
    '\u{10fffd}',
    '\u{10fffe}',
    '\u{10ffff}',
];

impl Json {
    /// A value of at most this many levels; `number` writes its numbers.
    pub(crate) fn generate(random: &mut StdRng, depth: u32, number: fn(&mut StdRng) -> String) -> Self {
        match random.random_range(0..if depth == 0 { 5 } else { 9 }) {
            0 => Self::Null,
            1 => Self::Bool(random.random()),
            2 | 3 => Self::Number(number(random)),
            4 => Self::Text(text(random)),
            5 | 6 => Self::Array(
                (0..random.random_range(0..5))
                    .map(|_| Self::generate(random, depth - 1, number))
                    .collect(),
            ),
            _ => {
                let mut members: Vec<(String, Self)> = Vec::new();
                for _ in 0..random.random_range(0..7) {
                    let (key, value) = (text(random), Self::generate(random, depth - 1, number));
                    if !members.iter().any(|(taken, _)| *taken == key) {
                        members.push((key, value));
                    }
                }
                Self::Object(members)
            }
        }
    }

    /// The plain spelling.
    pub(crate) fn write(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.clone(),
            Self::Text(text) => quote(text),
            Self::Array(values) => format!(
                "[{}]",
                values.iter().map(Self::write).collect::<Vec<_>>().join(",")
            ),
            Self::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{}:{}", quote(key), value.write()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// Another spelling of the same value: members in another order, numbers and strings spelled otherwise, keys said twice.
    pub(crate) fn respell(&self, random: &mut StdRng) -> String {
        match self {
            Self::Number(number) => numbers::respell(number, random),
            Self::Text(text) => escape(text, random),
            Self::Array(values) => {
                format!(
                    "[ {} ]",
                    values
                        .iter()
                        .map(|value| value.respell(random))
                        .collect::<Vec<_>>()
                        .join(" ,\n")
                )
            }
            Self::Object(members) => {
                let mut written: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{} : {}", escape(key, random), value.respell(random)))
                    .collect();
                written.shuffle(random);
                // Of members with one key the last one counts, so this one does not.
                written.splice(
                    0..0,
                    members
                        .first()
                        .map(|(key, _)| format!("{}: \"earlier\"", quote(key))),
                );
                format!("{{ {} }}", written.join(","))
            }
            scalar => scalar.write(),
        }
    }

    /// The same value for another library; numbers are doubles.
    pub(crate) fn value(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            // The standard library reads to the nearest double; the reader of the JSON library may miss by one.
            Self::Number(number) => number.parse::<f64>().map_or(serde_json::Value::Null, Into::into),
            Self::Text(text) => text.clone().into(),
            Self::Array(values) => values.iter().map(Self::value).collect(),
            Self::Object(members) => serde_json::Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), value.value()))
                    .collect(),
            ),
        }
    }
}

fn text(random: &mut StdRng) -> String {
    (0..random.random_range(0..6))
        .filter_map(|_| CHARACTERS.choose(random))
        .collect()
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// With some characters as `\uXXXX`, in pairs beyond the basic plane.
fn escape(text: &str, random: &mut StdRng) -> String {
    let mut written = String::from("\"");
    for character in text.chars() {
        if random.random_bool(0.5) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                written.push_str(&format!("\\u{unit:04X}"));
            }
        } else {
            let quoted = quote(&character.to_string());
            written.push_str(
                quoted
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                    .unwrap_or_default(),
            );
        }
    }
    written.push('"');
    written
}

/// An SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
