//! Reads the stored form of a `jsonb`, in place and with every access checked.
//!
//! The layout is Postgres's on-disk format since 9.4 (`utils/jsonb.h`, `numeric.c`), so it cannot change under us without a dump and
//! reload. A container is a header word, one entry word a child (an object has all its keys, then all its values), then the
//! children's bytes. Numbers and containers start at a multiple of four from where those bytes start.

use super::DigestError;
use super::number::Decimal;

const COUNT_MASK: u32 = 0x0FFF_FFFF;
const IS_SCALAR: u32 = 0x1000_0000;
const IS_OBJECT: u32 = 0x2000_0000;
const IS_ARRAY: u32 = 0x4000_0000;

const ENTRY_LENGTH_MASK: u32 = 0x0FFF_FFFF;
const ENTRY_KIND_MASK: u32 = 0x7000_0000;
const ENTRY_HAS_OFFSET: u32 = 0x8000_0000;

/// The two kinds of container; a bare value is stored as an array of one that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `[...]`
    Array,
    /// `{...}`
    Object,
    /// No container: its only child is the value.
    Bare,
}

/// One array or object.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    /// What it is.
    pub shape: Shape,
    /// How many elements, or pairs.
    pub len: usize,
    entries: &'a [[u8; 4]],
    data: &'a [u8],
}

/// Where one child lies in its container's bytes.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    kind: u32,
    start: u32,
    end: u32,
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The text's bytes, in the database's encoding.
    Text(&'a [u8]),
    /// A `numeric` as it is stored, header and all.
    Number(&'a [u8]),
    /// An array or object inside this one.
    Nested(Container<'a>),
}

impl<'a> Container<'a> {
    /// Reads the header of a container.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DigestError> {
        const DAMAGED: DigestError = DigestError::Damaged("container header");
        let (header, rest) = bytes.split_first_chunk::<4>().ok_or(DAMAGED)?;
        let header = u32::from_ne_bytes(*header);
        let len = (header & COUNT_MASK) as usize;
        let shape = match header & !COUNT_MASK {
            IS_ARRAY => Shape::Array,
            IS_OBJECT => Shape::Object,
            flags if flags == (IS_ARRAY | IS_SCALAR) && len == 1 => Shape::Bare,
            _ => return Err(DAMAGED),
        };
        let count = if shape == Shape::Object { len * 2 } else { len };
        let (entries, data) = rest.split_at_checked(count * 4).ok_or(DAMAGED)?;
        Ok(Self {
            shape,
            len,
            entries: entries.as_chunks().0,
            data,
        })
    }

    /// The places of all children in stored order; an object's keys come first.
    pub fn places(&self) -> Places<'a> {
        Places {
            entries: self.entries.iter(),
            start: 0,
        }
    }

    /// An object's keys and values, in stored order.
    pub fn members(self) -> impl Iterator<Item = Result<(&'a [u8], Value<'a>), DigestError>> {
        let (keys, values) = (self.places().take(self.len), self.places().skip(self.len));
        keys.zip(values)
            .map(move |(key, value)| Ok((self.bytes(key)?, self.value(value)?)))
    }

    /// An array's values.
    pub fn elements(self) -> impl Iterator<Item = Result<Value<'a>, DigestError>> {
        self.places().map(move |place| self.value(place))
    }

    /// The bytes of a child as they lie, for a key.
    pub fn bytes(&self, place: Place) -> Result<&'a [u8], DigestError> {
        self.data
            .get(place.start as usize..place.end as usize)
            .ok_or(DigestError::Damaged("entry"))
    }

    /// A child's value.
    pub fn value(&self, place: Place) -> Result<Value<'a>, DigestError> {
        match place.kind {
            0x0000_0000 => Ok(Value::Text(self.bytes(place)?)),
            0x1000_0000 => Ok(Value::Number(self.aligned(place)?)),
            0x2000_0000 => Ok(Value::Bool(false)),
            0x3000_0000 => Ok(Value::Bool(true)),
            0x4000_0000 => Ok(Value::Null),
            0x5000_0000 => Ok(Value::Nested(Container::parse(self.aligned(place)?)?)),
            _ => Err(DigestError::Damaged("entry kind")),
        }
    }

    fn aligned(&self, place: Place) -> Result<&'a [u8], DigestError> {
        let start = (place.start as usize).next_multiple_of(4);
        self.data
            .get(start..place.end as usize)
            .ok_or(DigestError::Damaged("entry"))
    }
}

/// See [`Container::places`]. An entry word holds its child's length, or, every so often, where the child ends.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    entries: std::slice::Iter<'a, [u8; 4]>,
    start: u32,
}

impl Iterator for Places<'_> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        let entry = u32::from_ne_bytes(*self.entries.next()?);
        let number = entry & ENTRY_LENGTH_MASK;
        let start = self.start;
        let end = if entry & ENTRY_HAS_OFFSET == 0 {
            start.saturating_add(number)
        } else {
            number
        };
        self.start = end;
        Some(Place {
            kind: entry & ENTRY_KIND_MASK,
            start,
            end,
        })
    }
}

/// A stored number: an integer that fits, or any decimal.
#[derive(Debug)]
pub enum Number<'a> {
    /// Below 10^16 in magnitude.
    Small {
        /// Whether it is below zero.
        is_negative: bool,
        /// Its absolute value.
        magnitude: u64,
    },
    /// Everything else; the digits are in the scratch space that the reader was given.
    Large(Decimal<'a>),
}

/// Reads a stored `numeric`: a length word, one or two header words, then digits of base 10,000.
pub fn read_number<'a>(bytes: &[u8], scratch: &'a mut Vec<u8>) -> Result<Number<'a>, DigestError> {
    const DAMAGED: DigestError = DigestError::Damaged("number");
    let (header, body) = bytes
        .get(4..)
        .and_then(<[u8]>::split_first_chunk::<2>)
        .ok_or(DAMAGED)?;
    let header = u16::from_ne_bytes(*header);
    let (is_negative, weight, body) = match header & 0xC000 {
        0x8000 => {
            let sign_extended = ((header & 0x7F) << 9).cast_signed() >> 9;
            (header & 0x2000 != 0, sign_extended, body)
        }
        // Not a number and the infinities have no place in JSON.
        0xC000 => return Err(DAMAGED),
        sign => {
            let (weight, body) = body.split_first_chunk::<2>().ok_or(DAMAGED)?;
            (sign == 0x4000, i16::from_ne_bytes(*weight), body)
        }
    };
    let groups = body.as_chunks::<2>().0;
    let group = |bytes: &[u8; 2]| u16::from_ne_bytes(*bytes);
    let before_point = usize::try_from(weight).map_or(0, |weight| weight + 1);
    if groups.len() <= before_point.min(4) && before_point <= 4 {
        let magnitude = groups
            .iter()
            .fold(0, |sum, bytes| sum * 10_000 + u64::from(group(bytes)));
        let missing = u32::try_from(before_point - groups.len()).unwrap_or(0);
        return Ok(Number::Small {
            is_negative,
            magnitude: magnitude * 10_000u64.pow(missing),
        });
    }

    scratch.clear();
    for bytes in groups {
        let mut left = group(bytes);
        for power in [1000, 100, 10, 1] {
            scratch.push(b'0' + (left / power % 10) as u8);
            left %= power;
        }
    }
    let leading = scratch.iter().take_while(|&&digit| digit == b'0').count();
    let trailing = scratch.iter().rev().take_while(|&&digit| digit == b'0').count();
    let digits = scratch.get(leading..scratch.len() - trailing).unwrap_or_default();
    let point = (i32::from(weight) + 1) * 4 - i32::try_from(leading).unwrap_or(0);
    Ok(Number::Large(Decimal {
        is_negative,
        digits,
        point,
    }))
}

/// Whether a stored `jsonb` is an object.
pub fn is_object(stored: &[u8]) -> bool {
    Container::parse(stored).is_ok_and(|container| container.shape == Shape::Object)
}

/// Whether a stored `numeric`, without its length word, is zero: it has no digits.
pub fn is_zero(stored: &[u8]) -> bool {
    match stored.split_first_chunk::<2>() {
        Some((header, digits)) if u16::from_ne_bytes(*header) & 0x8000 == 0 => digits.len() <= 2,
        Some((header, digits)) => u16::from_ne_bytes(*header) & 0xC000 == 0x8000 && digits.is_empty(),
        None => false,
    }
}
