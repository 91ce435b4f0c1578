//! Where a link of a mail may lead, and how the result is told there.

use axum::http::HeaderMap;
use axum::http::header::REFERER;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::error::AuthError;
use crate::project;

/// RFC 3986's unreserved characters stay.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The page that a request names, in its query, a header, or as the page it came from; else the site's own.
pub(super) fn target(settings: &project::Auth, named: Option<&str>, headers: &HeaderMap) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    [named, header("redirect_to"), header(REFERER.as_str())]
        .into_iter()
        .flatten()
        .find(|page| is_allowed(settings, page))
        .unwrap_or(&settings.site_url)
        .to_owned()
}

/// The same host as the site, this machine, or a page of `additional_redirect_urls`.
fn is_allowed(settings: &project::Auth, page: &str) -> bool {
    let Ok(url) = Url::parse(page) else {
        return false;
    };
    let is_web = matches!(url.scheme(), "http" | "https");
    let site = Url::parse(&settings.site_url).ok();
    let is_site = is_web
        && site
            .as_ref()
            .is_some_and(|site| url.host_str().is_some() && site.host_str() == url.host_str());
    let is_here = is_web
        && url
            .host_str()
            .and_then(|host| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok())
            .is_some_and(|address| address.is_loopback());
    let without_fragment = page.split('#').next().unwrap_or_default();
    is_site
        || is_here
        || settings
            .additional_redirect_urls
            .iter()
            .any(|pattern| fits(pattern.as_bytes(), without_fragment.as_bytes()))
}

/// `**` stands for anything, `*` for anything without a dot or a slash, `?` for one character.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => {
            (0..=text.len()).any(|skipped| text.get(skipped..).is_some_and(|text| fits(rest, text)))
        }
        [b'*', rest @ ..] => {
            let end = text
                .iter()
                .position(|byte| matches!(byte, b'.' | b'/'))
                .unwrap_or(text.len());
            (0..=end).any(|skipped| text.get(skipped..).is_some_and(|text| fits(rest, text)))
        }
        [b'?', rest @ ..] => text.split_first().is_some_and(|(_, text)| fits(rest, text)),
        [byte, rest @ ..] => text
            .split_first()
            .is_some_and(|(first, text)| first == byte && fits(rest, text)),
    }
}

/// The page with parameters behind `#`, which no server sees.
pub(super) fn with_fragment(page: &str, parameters: &[(&str, String)]) -> String {
    let page = page.split('#').next().unwrap_or_default();
    format!("{page}#{}", encoded(parameters))
}

/// The page with parameters in its query.
pub(super) fn with_query(page: &str, parameters: &[(&str, String)]) -> String {
    let (page, fragment) = page
        .split_once('#')
        .map_or((page, None), |(page, end)| (page, Some(end)));
    let mark = if page.contains('?') { '&' } else { '?' };
    let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
    format!("{page}{mark}{}{fragment}", encoded(parameters))
}

/// What a page is told of a refusal.
pub(super) fn parameters_of(error: &AuthError) -> Vec<(&'static str, String)> {
    let kind = match error.status().as_u16() {
        400 => "invalid_request",
        401 => "unauthorized_client",
        403 => "access_denied",
        503 => "temporarily_unavailable",
        _ => "server_error",
    };
    vec![
        ("error", kind.to_owned()),
        ("error_code", error.code().to_owned()),
        ("error_description", error.to_string()),
    ]
}

pub(super) fn encoded(parameters: &[(&str, String)]) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, UNRESERVED)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> project::Auth {
        project::Auth {
            site_url: "https://app.example/home".to_owned(),
            additional_redirect_urls: vec![
                "https://*.preview.example/**".to_owned(),
                "myapp://callback".to_owned(),
            ],
            ..project::Auth::default()
        }
    }

    #[test]
    fn pages_that_nobody_allowed_are_replaced_by_the_site() {
        let settings = settings();
        let target = |page| target(&settings, Some(page), &HeaderMap::new());
        for page in [
            "https://app.example/other?x=1",
            "http://127.0.0.1:5173/",
            "http://[::1]:1/x",
            "https://a.preview.example/x/y.html",
            "myapp://callback",
        ] {
            assert_eq!(target(page), page);
        }
        for page in [
            "https://evil.example",
            "https://app.example.evil.example",
            "https://a.b.preview.example/",
            "javascript://app.example/%0aalert(1)",
            "myapp://other",
            "nonsense",
            "http://10.0.0.1/",
            "",
        ] {
            assert_eq!(target(page), "https://app.example/home", "{page}");
        }
    }

    #[test]
    fn parameters_are_put_where_they_belong() {
        let error = parameters_of(&AuthError::OtpExpired("Email link is invalid or has expired"));
        assert_eq!(
            with_fragment("https://a.example/#old", &error),
            "https://a.example/#error=access_denied&error_code=otp_expired&error_description=Email%20link%20is%20invalid%20or%20has%20expired"
        );
        let code = [("code", "x y".to_owned())];
        assert_eq!(
            with_query("https://a.example/?a=1#b", &code),
            "https://a.example/?a=1&code=x%20y#b"
        );
        assert_eq!(
            with_query("https://a.example", &code),
            "https://a.example?code=x%20y"
        );
    }
}
