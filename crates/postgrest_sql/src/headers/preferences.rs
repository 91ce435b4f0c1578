//! The `Prefer` header (RFC 7240), as PostgREST reads it.

use crate::request::Request;

/// `return=`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Representation {
    Full,
    HeadersOnly,
    Minimal,
}

/// `resolution=`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    Merge,
    Ignore,
}

/// `count=`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    Exact,
    Planned,
    Estimated,
}

/// Every preference of a request. The first of a kind counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preferences {
    pub(crate) resolution: Option<Resolution>,
    pub(crate) representation: Option<Representation>,
    pub(crate) count: Option<Count>,
    /// `tx=rollback` is true, `tx=commit` false.
    pub(crate) rolls_back: Option<bool>,
    /// `missing=default` is true, `missing=null` false.
    pub(crate) missing_default: Option<bool>,
    /// `handling=strict` is true, `handling=lenient` false.
    pub(crate) is_strict: Option<bool>,
    pub(crate) timezone: Option<String>,
    pub(crate) max_affected: Option<i64>,
    pub(crate) invalid: Vec<String>,
}

impl Preferences {
    /// Reads all `Prefer` headers. `tx` is looked at only where it may be chosen.
    pub(crate) fn of(request: &Request<'_>, allows_tx: bool) -> Self {
        let mut preferences = Self::default();
        let headers = request.headers.iter().filter(|(name, _)| name == "prefer");
        for preference in headers.flat_map(|(_, value)| value.split(',')) {
            preferences.take(preference.trim());
        }
        if !allows_tx {
            preferences.rolls_back = None;
        }
        preferences
    }

    fn take(&mut self, text: &str) {
        fn first<T>(slot: &mut Option<T>, value: T) {
            slot.get_or_insert(value);
        }
        match text {
            "resolution=merge-duplicates" => first(&mut self.resolution, Resolution::Merge),
            "resolution=ignore-duplicates" => first(&mut self.resolution, Resolution::Ignore),
            "return=representation" => first(&mut self.representation, Representation::Full),
            "return=headers-only" => first(&mut self.representation, Representation::HeadersOnly),
            "return=minimal" => first(&mut self.representation, Representation::Minimal),
            "count=exact" => first(&mut self.count, Count::Exact),
            "count=planned" => first(&mut self.count, Count::Planned),
            "count=estimated" => first(&mut self.count, Count::Estimated),
            "tx=commit" => first(&mut self.rolls_back, false),
            "tx=rollback" => first(&mut self.rolls_back, true),
            "missing=default" => first(&mut self.missing_default, true),
            "missing=null" => first(&mut self.missing_default, false),
            "handling=strict" => first(&mut self.is_strict, true),
            "handling=lenient" => first(&mut self.is_strict, false),
            _ => {
                if let Some(zone) = text.strip_prefix("timezone=") {
                    first(&mut self.timezone, zone.to_owned());
                } else if let Some(number) = text.strip_prefix("max-affected=") {
                    if let Ok(number) = number.parse() {
                        first(&mut self.max_affected, number);
                    }
                } else if !text.is_empty() {
                    self.invalid.push(text.to_owned());
                }
            }
        }
    }

    /// The most rows that may be affected, where that is to be kept.
    pub(crate) fn strict_max_affected(&self) -> Option<i64> {
        self.max_affected.filter(|_| self.is_strict == Some(true))
    }

    /// Whether the exact number of rows is wanted, at least as long as there are few.
    pub(crate) fn counts(&self) -> bool {
        matches!(self.count, Some(Count::Exact | Count::Estimated))
    }

    /// The value of `Preference-Applied`; `None` when there is nothing to say.
    pub(crate) fn applied(&self) -> Option<String> {
        let choose = |value: Option<bool>, yes: &'static str, no: &'static str| {
            value.map(|is| if is { yes } else { no })
        };
        let fixed = [
            self.resolution.map(|resolution| match resolution {
                Resolution::Merge => "resolution=merge-duplicates",
                Resolution::Ignore => "resolution=ignore-duplicates",
            }),
            choose(self.missing_default, "missing=default", "missing=null"),
            self.representation.map(|representation| match representation {
                Representation::Full => "return=representation",
                Representation::HeadersOnly => "return=headers-only",
                Representation::Minimal => "return=minimal",
            }),
            self.count.map(|count| match count {
                Count::Exact => "count=exact",
                Count::Planned => "count=planned",
                Count::Estimated => "count=estimated",
            }),
            choose(self.rolls_back, "tx=rollback", "tx=commit"),
            choose(self.is_strict, "handling=strict", "handling=lenient"),
        ];
        let mut all: Vec<String> = fixed.into_iter().flatten().map(str::to_owned).collect();
        all.extend(self.timezone.iter().map(|zone| format!("timezone={zone}")));
        all.extend(
            self.strict_max_affected()
                .map(|number| format!("max-affected={number}")),
        );
        (!all.is_empty()).then(|| all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Preferences {
        let headers: Vec<(String, String)> = values
            .iter()
            .map(|value| ("prefer".to_owned(), (*value).to_owned()))
            .collect();
        let request = Request {
            method: "GET",
            path: "/",
            query: "",
            headers: &headers,
            body: b"",
        };
        Preferences::of(&request, true)
    }

    #[test]
    fn first_of_a_kind_counts_and_several_headers_are_one() {
        let preferences = read(&["return=minimal, count=exact", "return=representation,tx=rollback"]);
        assert_eq!(preferences.representation, Some(Representation::Minimal));
        assert_eq!(
            (preferences.count, preferences.rolls_back),
            (Some(Count::Exact), Some(true))
        );
        assert_eq!(
            preferences.applied().unwrap(),
            "return=minimal, count=exact, tx=rollback"
        );
    }

    #[test]
    fn max_affected_binds_only_when_handling_is_strict() {
        assert_eq!(read(&["max-affected=5"]).strict_max_affected(), None);
        let strict = read(&["handling=strict, max-affected=5"]);
        assert_eq!(strict.strict_max_affected(), Some(5));
        assert_eq!(strict.applied().unwrap(), "handling=strict, max-affected=5");
    }

    #[test]
    fn unknown_preferences_are_kept_for_those_who_want_strictness() {
        assert_eq!(
            read(&["foo, timezone=UTC , return=none"]).invalid,
            ["foo", "return=none"]
        );
        assert_eq!(read(&[]).applied(), None);
    }
}
