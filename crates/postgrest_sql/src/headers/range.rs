//! Which rows are wanted: `limit`, `offset` and the `Range` header.

use crate::error::Error;

/// Rows from `offset` on, `limit` of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) offset: i64,
    pub(crate) limit: Option<i64>,
}

impl Range {
    /// Whether it leaves nothing out.
    pub(crate) fn is_all(self) -> bool {
        self == Self::default()
    }

    /// The `Range` header: `0-9`, `5-`. Anything else means all rows.
    pub(crate) fn of_header(text: &str) -> Result<Self, Error> {
        let Some((low, high)) = text.split_once('-') else {
            return Ok(Self::default());
        };
        let (Ok(low), is_open) = (low.parse::<u32>(), high.is_empty()) else {
            return Ok(Self::default());
        };
        let low = i64::from(low);
        if is_open {
            return Ok(Self {
                offset: low,
                limit: None,
            });
        }
        match high.parse::<u32>().map(i64::from) {
            Ok(high) if high < low => Err(Error::range(
                "The lower boundary must be lower than or equal to the upper boundary in the Range header.",
            )),
            Ok(high) => Ok(Self {
                offset: low,
                limit: Some(high - low + 1),
            }),
            Err(_) => Ok(Self::default()),
        }
    }

    /// What both ranges contain.
    pub(crate) fn within(self, other: Self) -> Self {
        let offset = self.offset.max(other.offset);
        let end = |range: Self| range.limit.map(|limit| range.offset.saturating_add(limit));
        let end = match (end(self), end(other)) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            offset,
            limit: end.map(|end| end.saturating_sub(offset).max(0)),
        }
    }

    /// At most `rows` of it.
    pub(crate) fn at_most(self, rows: Option<i64>) -> Self {
        let limit = match (self.limit, rows) {
            (Some(limit), Some(rows)) => Some(limit.min(rows)),
            (limit, rows) => limit.or(rows),
        };
        Self { limit, ..self }
    }

    /// Status and `Content-Range` of `rows` rows out of `total`.
    pub(crate) fn content(self, rows: i64, total: Option<i64>) -> (u16, String) {
        let last = self.offset.saturating_add(rows).saturating_sub(1);
        let status = match total {
            Some(total) if self.offset > total => 416,
            Some(total) if rows < total => 206,
            _ => 200,
        };
        (status, content_range(self.offset, last, total))
    }
}

/// The value of `Content-Range`.
pub(crate) fn content_range(first: i64, last: i64, total: Option<i64>) -> String {
    let total_text = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
    if total != Some(0) && first <= last {
        format!("{first}-{last}/{total_text}")
    } else {
        format!("*/{total_text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_read_and_nonsense_means_all() {
        let range = |text| Range::of_header(text).unwrap();
        assert_eq!(
            range("2-4"),
            Range {
                offset: 2,
                limit: Some(3)
            }
        );
        assert_eq!(
            range("7-"),
            Range {
                offset: 7,
                limit: None
            }
        );
        for text in ["", "items=0-1", "-5", "a-b", "1"] {
            assert!(range(text).is_all(), "{text}");
        }
        assert_eq!(Range::of_header("5-2").unwrap_err().code, "PGRST103");
    }

    #[test]
    fn header_and_parameters_meet_in_what_both_contain() {
        let all = Range::default();
        let page = Range {
            offset: 5,
            limit: Some(10),
        };
        assert_eq!(all.within(page), page);
        assert_eq!(
            Range {
                offset: 0,
                limit: Some(8)
            }
            .within(page),
            Range {
                offset: 5,
                limit: Some(3)
            }
        );
        assert_eq!(
            Range {
                offset: 20,
                limit: None
            }
            .within(page)
            .limit,
            Some(0)
        );
    }

    #[test]
    fn status_says_whether_there_is_more() {
        let page = Range {
            offset: 0,
            limit: Some(2),
        };
        assert_eq!(page.content(2, None), (200, "0-1/*".to_owned()));
        assert_eq!(page.content(2, Some(5)), (206, "0-1/5".to_owned()));
        assert_eq!(page.content(0, Some(0)), (200, "*/0".to_owned()));
        assert_eq!(
            Range {
                offset: 9,
                limit: None
            }
            .content(0, Some(3)),
            (416, "*/3".to_owned())
        );
    }
}
