//! The query as a direction. What is wrong with it is said in pgvector's words, as the portable kernel lets pgvector say it.

/// Why there is nothing to search for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// Another number of dimensions than the vectors have.
    #[error("different dimensions: the query has {query}, the vectors have {vectors}")]
    Dimensions {
        /// Of the query.
        query: usize,
        /// Of the vectors.
        vectors: usize,
    },
    /// A table of numbers.
    #[error("array must be 1-D")]
    Nested,
    /// Something missing.
    #[error("array must not contain nulls")]
    Nulls,
    /// Not a number.
    #[error("NaN not allowed in vector")]
    NotANumber,
    /// Beyond all numbers.
    #[error("infinite value not allowed in vector")]
    Infinite,
    /// Squares that vanish or overflow.
    #[error("The query is all zeros, or its numbers are too small or too large to have a direction.")]
    NoDirection,
}

/// A query: its direction, and the sign of each dimension.
#[derive(Debug, PartialEq)]
pub struct Query {
    /// Of length one.
    pub unit: Vec<f32>,
    /// A bit a dimension, set where it is above zero, the first one highest. None where a few dimensions outweigh the others, as
    /// `parley.nearest_code` has it.
    pub code: Option<Vec<u8>>,
}

/// Of the root of the dimensions: the least sum of sizes, at length one, of a vector that has a code.
const EVEN: f64 = 0.7;

/// The `elemtype` and the rest of an array's header, before the dimensions.
const HEADER: usize = 12;

impl Query {
    /// Reads a `real[]` behind its length word; null is an array of none.
    pub fn parse(array: Option<&[u8]>, dimensions: usize) -> Result<Self, BadQuery> {
        let array = array.unwrap_or_default();
        let word = |at: usize| {
            array
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, i32::from_ne_bytes)
        };
        let axes = usize::try_from(word(0)).unwrap_or(0);
        let count = (0..axes)
            .map(|axis| usize::try_from(word(HEADER + 4 * axis)).unwrap_or(0))
            .product::<usize>();
        let query = if axes == 0 { 0 } else { count };
        if query != dimensions {
            return Err(BadQuery::Dimensions {
                query,
                vectors: dimensions,
            });
        }
        if axes != 1 {
            return Err(BadQuery::Nested);
        }
        // Where the numbers begin is said only where nulls come before them, and then there are nulls: Postgres leaves the map out else.
        if word(4) != 0 {
            return Err(BadQuery::Nulls);
        }
        let numbers = array.get(HEADER + 8..).unwrap_or_default();
        let numbers: Vec<f32> = numbers
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_ne_bytes(*bytes))
            .collect();
        Self::new(&numbers)
    }

    /// Checks the numbers in their order, as pgvector does.
    pub fn new(numbers: &[f32]) -> Result<Self, BadQuery> {
        for number in numbers {
            if number.is_nan() {
                return Err(BadQuery::NotANumber);
            }
            if number.is_infinite() {
                return Err(BadQuery::Infinite);
            }
        }
        let squares: f32 = numbers.iter().map(|number| number * number).sum();
        if squares == 0.0 || !squares.is_finite() {
            return Err(BadQuery::NoDirection);
        }
        let length = numbers
            .iter()
            .map(|number| f64::from(*number) * f64::from(*number))
            .sum::<f64>()
            .sqrt();
        let sizes: f64 = numbers.iter().map(|number| f64::from(number.abs())).sum();
        Ok(Self {
            unit: numbers
                .iter()
                .map(|number| narrow(f64::from(*number) / length))
                .collect(),
            code: (sizes >= EVEN * length * dimensions(numbers).sqrt()).then(|| code(numbers)),
        })
    }
}

fn code(numbers: &[f32]) -> Vec<u8> {
    numbers
        .chunks(8)
        .map(|eight| {
            eight.iter().zip((0..8).rev()).fold(0, |code, (number, place)| {
                code | (u8::from(*number > 0.0) << place)
            })
        })
        .collect()
}

fn dimensions(numbers: &[f32]) -> f64 {
    u32::try_from(numbers.len()).map_or(f64::INFINITY, f64::from)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to single precision is the point"
)]
fn narrow(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(axes: &[i32], has_nulls: bool, numbers: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [axes.len() as i32, i32::from(has_nulls), 700].iter().chain(axes) {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(axes.iter().flat_map(|_| 1i32.to_ne_bytes()));
        bytes.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
        bytes
    }

    #[test]
    fn a_query_is_a_direction_and_its_signs() {
        let query = Query::parse(Some(&array(&[3], false, &[3.0, -4.0, 0.0])), 3).unwrap();
        assert_eq!(query.unit, [0.6, -0.8, 0.0]);
        assert_eq!(query.code, Some(vec![0b1000_0000]));
        let query = Query::new(&[1.0; 11]).unwrap();
        assert_eq!(query.code, Some(vec![0xFF, 0b1110_0000]));
    }

    #[test]
    fn what_is_nearly_all_in_a_few_dimensions_has_no_code() {
        let mut numbers = [0.01; 48];
        assert!(Query::new(&numbers).unwrap().code.is_some());
        numbers[7] = 1.0;
        assert_eq!(Query::new(&numbers).unwrap().code, None);
        let mut numbers = [0.0; 48];
        numbers[..16].fill(-1.0);
        assert_eq!(Query::new(&numbers).unwrap().code, None);
    }

    #[test]
    fn what_has_no_direction_is_refused() {
        let parse = |axes: &[i32], has_nulls, numbers: &[f32]| {
            Query::parse(Some(&array(axes, has_nulls, numbers)), 2).unwrap_err()
        };
        let other = |query| BadQuery::Dimensions { query, vectors: 2 };
        assert_eq!(parse(&[3], false, &[1.0; 3]), other(3));
        assert_eq!(parse(&[], false, &[]), other(0));
        assert_eq!(Query::parse(None, 2).unwrap_err(), other(0));
        assert_eq!(parse(&[1, 2], false, &[1.0; 2]), BadQuery::Nested);
        assert_eq!(parse(&[2], true, &[1.0; 2]), BadQuery::Nulls);
        assert_eq!(parse(&[2], false, &[1.0, f32::NAN]), BadQuery::NotANumber);
        assert_eq!(
            parse(&[2], false, &[f32::NEG_INFINITY, f32::NAN]),
            BadQuery::Infinite
        );
        assert_eq!(parse(&[2], false, &[0.0, -0.0]), BadQuery::NoDirection);
        assert_eq!(parse(&[2], false, &[1e-30, 1e-30]), BadQuery::NoDirection);
        assert_eq!(parse(&[2], false, &[1e30, 1e30]), BadQuery::NoDirection);
    }
}
