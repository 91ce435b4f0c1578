//! Query strings, from what supabase-js sends to what Postrust reads.

use percent_encoding::percent_decode_str;

/// The query with spaces as `%20` and plain names in `columns`.
///
/// Browsers and Node write a space as `+`; PostgREST reads it so, Postrust takes it for a plus. supabase-js sends
/// `columns="a","b"` with bulk inserts; Postrust knows names without quotes only. A name that needs its quotes keeps them, and
/// Postrust answers as it does.
pub(super) fn translated(query: &str) -> String {
    let query = query.replace('+', "%20");
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.strip_prefix("columns=").and_then(unquote) {
            Some(names) => format!("columns={names}"),
            None => pair.to_owned(),
        })
        .collect();
    pairs.join("&")
}

fn unquote(value: &str) -> Option<String> {
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    if !decoded.contains('"') {
        return None;
    }
    let names: Option<Vec<&str>> = decoded
        .split(',')
        .map(
            |name| match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
                Some(inner) => is_plain(inner).then_some(inner),
                None => is_plain(name).then_some(name),
            },
        )
        .collect();
    names.map(|names| names.join(","))
}

/// Names that mean the same in a URL with and without quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_$-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn quotes_of_plain_names_go() {
        assert_eq!(
            translated("columns=%22a%22%2C%22b_c%22&select=*"),
            "columns=a,b_c&select=*"
        );
        assert_eq!(translated("x=1&columns=\"a\",b"), "x=1&columns=a,b");
    }

    #[test]
    fn plus_is_a_space_and_an_encoded_plus_stays_one() {
        assert_eq!(translated("name=eq.a+b%2Bc"), "name=eq.a%20b%2Bc");
    }

    #[test]
    fn everything_else_stays() {
        for query in [
            "columns=a,b",
            "select=%22a%22",
            "columns=%22a%20b%22",
            "columns=%22a%22%22b%22",
            "",
        ] {
            assert_eq!(translated(query), query);
        }
    }
}
