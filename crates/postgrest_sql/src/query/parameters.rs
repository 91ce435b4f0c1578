//! The whole query string.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use super::EmbedPath;
use super::filter::{Filter, parse_condition};
use super::logic::{self, Logic};
use super::names::{columns, tree_path};
use super::order::{self, OrderTerm};
use super::select::{Item, parse_select};
use crate::error::Error;
use crate::headers::Range;

/// Every parameter, parsed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) select: Vec<Item>,
    pub(crate) filters: Vec<(EmbedPath, Filter)>,
    pub(crate) logic: Vec<(EmbedPath, Logic)>,
    pub(crate) order: Vec<(EmbedPath, Vec<OrderTerm>)>,
    pub(crate) ranges: Vec<(EmbedPath, Range)>,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) on_conflict: Option<Vec<String>>,
    /// The arguments of a function that is called by GET.
    pub(crate) arguments: Vec<(String, String)>,
    /// Every parameter, sorted, percent-encoded.
    pub(crate) canonical: String,
}

/// The pairs of a form or a query, decoded; `+` is a space.
pub(crate) fn decode_pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

impl Parameters {
    /// Parses a query. `has_arguments` is whether what is no filter is an argument.
    pub(crate) fn parse(query: &str, has_arguments: bool) -> Result<Self, Error> {
        let pairs = decode_pairs(query);
        let mut parameters = Self {
            canonical: canonical(&pairs),
            ..Self::default()
        };
        let mut select = None;
        let mut ranges = RangeParameters::default();
        for (key, value) in &pairs {
            match key.as_str() {
                "select" => {
                    select.get_or_insert(value);
                }
                "columns" if parameters.columns.is_none() => {
                    parameters.columns = Some(columns("columns parameter", value)?);
                }
                "on_conflict" if parameters.on_conflict.is_none() => {
                    parameters.on_conflict = Some(columns("on_conflict parameter", value)?);
                }
                "columns" | "on_conflict" => {}
                _ => match key.rsplit('.').next().unwrap_or_default() {
                    "and" | "or" => parameters.logic.push(logic::parse(key, value)?),
                    "order" => parameters.order.push((tree_path(key)?.0, order::parse(value)?)),
                    "limit" => ranges.limit(tree_path(key)?.0, value),
                    "offset" => ranges.offset(tree_path(key)?.0, value),
                    _ => parameters.filter(key, value, has_arguments)?,
                },
            }
        }
        parameters.select = parse_select(select.map_or("*", String::as_str))?;
        parameters.ranges = ranges.finish()?;
        Ok(parameters)
    }

    fn filter(&mut self, key: &str, value: &str, has_arguments: bool) -> Result<(), Error> {
        let (path, field) = tree_path(key)?;
        match parse_condition(value) {
            Ok(condition) => self.filters.push((path, Filter { field, condition })),
            Err(_) if has_arguments => self.arguments.push((field.name, value.to_owned())),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The range of the resource itself.
    pub(crate) fn root_range(&self) -> Range {
        let found = self.ranges.iter().find(|(path, _)| path.is_empty());
        found.map(|(_, range)| *range).unwrap_or_default()
    }
}

/// `limit` and `offset` of each resource. What is no number is left out.
#[derive(Default)]
struct RangeParameters {
    found: HashMap<EmbedPath, (Option<i64>, Option<i64>)>,
}

impl RangeParameters {
    fn limit(&mut self, path: EmbedPath, value: &str) {
        if let Ok(limit) = value.trim().parse() {
            self.found.entry(path).or_default().0 = Some(limit);
        }
    }

    fn offset(&mut self, path: EmbedPath, value: &str) {
        if let Ok(offset) = value.trim().parse() {
            self.found.entry(path).or_default().1 = Some(offset);
        }
    }

    fn finish(self) -> Result<Vec<(EmbedPath, Range)>, Error> {
        let mut ranges: Vec<(EmbedPath, Range)> = Vec::new();
        for (path, (limit, offset)) in self.found {
            if limit.is_some_and(|limit| limit < 0) {
                return Err(Error::range("Limit should be greater than or equal to zero."));
            }
            let offset = offset.unwrap_or(0);
            ranges.push((path, Range { offset, limit }));
        }
        ranges.sort_by(|(one, _), (two, _)| one.cmp(two));
        Ok(ranges)
    }
}

fn canonical(pairs: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = pairs.iter().collect();
    sorted.sort_by(|one, two| one.0.cmp(&two.0));
    let encoded: Vec<String> = sorted
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect();
    encoded.join("&")
}

/// Percent-encodes all but letters, digits and `-_.~`.
pub(crate) fn encode(text: &str) -> String {
    const KEPT: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(text, &KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_told_apart_by_their_keys() {
        let query = "select=id&id=eq.1&films.year=gt.2000&or=(a.eq.1,b.eq.2)&films.order=year&films.limit=3&offset=2&columns=%22a%22,b&on_conflict=a";
        let parameters = Parameters::parse(query, false).unwrap();
        assert_eq!(parameters.filters.len(), 2);
        assert_eq!(parameters.filters[1].0, ["films"]);
        assert_eq!(parameters.logic.len(), 1);
        assert_eq!(parameters.order[0].0, ["films"]);
        assert_eq!(
            parameters.root_range(),
            Range {
                offset: 2,
                limit: None
            }
        );
        assert_eq!(parameters.columns.unwrap(), ["a", "b"]);
        assert_eq!(parameters.on_conflict.unwrap(), ["a"]);
    }

    #[test]
    fn plus_is_a_space_and_an_encoded_plus_stays_one() {
        assert_eq!(
            decode_pairs("a+b=c%2Bd+e&x"),
            [("a b".into(), "c+d e".into()), ("x".into(), String::new())]
        );
    }

    #[test]
    fn arguments_are_what_is_no_filter() {
        let parameters = Parameters::parse("a=1&id=eq.2&b=", true).unwrap();
        assert_eq!(
            parameters.arguments,
            [("a".into(), "1".into()), ("b".into(), String::new())]
        );
        assert_eq!(parameters.filters.len(), 1);
        assert_eq!(Parameters::parse("a=1", false).unwrap_err().code, "PGRST100");
    }

    #[test]
    fn limit_that_is_no_number_is_none_and_a_negative_one_is_refused() {
        assert!(Parameters::parse("limit=x", false).unwrap().root_range().is_all());
        let error = Parameters::parse("limit=-1", false).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (416, "PGRST103"));
    }

    #[test]
    fn canonical_query_is_sorted_and_encoded() {
        let parameters = Parameters::parse("b=eq.1&a=eq.x+y", false).unwrap();
        assert_eq!(parameters.canonical, "a=eq.x%20y&b=eq.1");
    }
}
