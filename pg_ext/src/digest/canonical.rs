//! The walk over a stored `jsonb` in canonical order. Iterative: depth costs memory of ours, never stack.

use super::DigestError;
use super::number::{write_decimal, write_integer};
use super::sink::Sink;
use super::stored::{Container, Number, Place, Places, Shape, Value, read_number};
use super::text::{compare_keys, write_string};

/// How many arrays and objects may lie around one value. The portable kernel recurses, so it needs the limit; both have the same one.
pub const MAX_DEPTH: usize = 256;

/// One member of an object: its key's place and its value's.
type Member = (Place, Place);

/// A container that is being written.
struct Level<'a> {
    container: Container<'a>,
    rest: Rest<'a>,
    is_first: bool,
}

/// What is left of it. An object's members lie on the shared pile from `first` to `end`, sorted.
enum Rest<'a> {
    Elements(Places<'a>),
    Members { first: usize, next: usize, end: usize },
}

/// Writes the canonical form of a stored `jsonb` (without its length word).
pub fn write_canonical(stored: &[u8], out: &mut impl Sink) -> Result<(), DigestError> {
    Walk::inside(0).run(Container::parse(stored)?, out)
}

/// Writes the canonical form of a part that will have so many arrays and objects around it.
pub fn write_part(part: Value<'_>, outer: usize, out: &mut impl Sink) -> Result<(), DigestError> {
    let mut walk = Walk::inside(outer);
    match part {
        Value::Nested(container) => walk.run(container, out),
        scalar => walk.write_value(&scalar, out),
    }
}

struct Walk<'a> {
    outer: usize,
    levels: Vec<Level<'a>>,
    members: Vec<Member>,
    digits: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn inside(outer: usize) -> Self {
        Self {
            outer,
            levels: Vec::new(),
            members: Vec::new(),
            digits: Vec::new(),
        }
    }

    fn run(&mut self, root: Container<'a>, out: &mut impl Sink) -> Result<(), DigestError> {
        if root.shape == Shape::Bare {
            let place = root.places().next().ok_or(DigestError::Damaged("bare value"))?;
            return self.write_value(&root.value(place)?, out);
        }
        self.enter(root, out)?;
        while let Some(level) = self.levels.last_mut() {
            let child = match &mut level.rest {
                Rest::Elements(places) => places.next().map(|value| (None, value)),
                Rest::Members { next, end, .. } if next == end => None,
                Rest::Members { next, .. } => {
                    *next += 1;
                    self.members
                        .get(*next - 1)
                        .map(|(key, value)| (Some(*key), *value))
                }
            };
            let Some((key, value)) = child else {
                self.leave(out);
                continue;
            };
            if !std::mem::replace(&mut level.is_first, false) {
                out.put(b",");
            }
            if let Some(key) = key {
                write_string(level.container.bytes(key)?, out);
                out.put(b":");
            }
            match level.container.value(value)? {
                Value::Nested(container) => self.enter(container, out)?,
                scalar => self.write_value(&scalar, out)?,
            }
        }
        Ok(())
    }

    fn enter(&mut self, container: Container<'a>, out: &mut impl Sink) -> Result<(), DigestError> {
        if self.outer + self.levels.len() >= MAX_DEPTH {
            return Err(DigestError::TooDeep);
        }
        let rest = match container.shape {
            Shape::Array => {
                out.put(b"[");
                Rest::Elements(container.places())
            }
            Shape::Object => {
                out.put(b"{");
                let first = self.members.len();
                self.sort_members(container);
                Rest::Members {
                    first,
                    next: first,
                    end: self.members.len(),
                }
            }
            Shape::Bare => return Err(DigestError::Damaged("bare value inside another")),
        };
        self.levels.push(Level {
            container,
            rest,
            is_first: true,
        });
        Ok(())
    }

    fn leave(&mut self, out: &mut impl Sink) {
        match self.levels.pop() {
            Some(Level {
                rest: Rest::Members { first, .. },
                ..
            }) => {
                self.members.truncate(first);
                out.put(b"}");
            }
            _ => out.put(b"]"),
        }
    }

    /// Puts an object's members on the pile in the order of their keys. Postgres stores them by length first.
    fn sort_members(&mut self, container: Container<'a>) {
        let first = self.members.len();
        let keys = container.places().take(container.len);
        let values = container.places().skip(container.len);
        self.members.extend(keys.zip(values));
        let bytes = |member: &Member| container.bytes(member.0).unwrap_or_default();
        self.members
            .get_mut(first..)
            .unwrap_or_default()
            .sort_unstable_by(|left, right| compare_keys(bytes(left), bytes(right)));
    }

    fn write_value(&mut self, value: &Value<'_>, out: &mut impl Sink) -> Result<(), DigestError> {
        match value {
            Value::Null => out.put(b"null"),
            Value::Bool(true) => out.put(b"true"),
            Value::Bool(false) => out.put(b"false"),
            Value::Text(bytes) => write_string(bytes, out),
            Value::Number(stored) => match read_number(stored, &mut self.digits)? {
                Number::Small {
                    is_negative,
                    magnitude,
                } => write_integer(is_negative, magnitude, out),
                Number::Large(decimal) => write_decimal(&decimal, out),
            },
            Value::Nested(_) => return Err(DigestError::Damaged("container where a scalar is")),
        }
        Ok(())
    }
}
