//! The form of an answer, by what the client says that it reads.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The media types of a GraphQL response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseType {
    /// `application/graphql-response+json`: the status tells whether the request could be run.
    GraphqlResponse,
    /// `application/json`, for clients that name nothing newer: the status is 200 whenever the answer is GraphQL.
    Json,
}

impl ResponseType {
    /// What the client likes best; `application/json` where it likes both as much or says nothing of either, since it
    /// may be older than the other.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let named = quality_of(headers, |range| range == "application/graphql-response+json");
        let plain = quality_of(headers, |range| matches!(range, "application/json" | "application/*" | "*/*"));
        match named {
            Some(named) if named > 0.0 && named >= plain.unwrap_or(0.0) => Self::GraphqlResponse,
            _ => Self::Json,
        }
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }
}

/// Whether a browser asks for a page. What takes anything, as command-line clients do, is no browser.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let page = quality_of(headers, |range| range == "text/html").unwrap_or(0.0);
    let json = quality_of(headers, |range| matches!(range, "application/json" | "application/graphql-response+json"));
    page > json.unwrap_or(0.0)
}

/// Whether the client reads server-sent events, or says nothing of what it reads.
pub(super) fn takes_events(headers: &HeaderMap) -> bool {
    let quality = quality_of(headers, |range| matches!(range, "text/event-stream" | "text/*" | "*/*"));
    quality.map_or(!headers.contains_key(header::ACCEPT), |quality| quality > 0.0)
}

/// The codings in which an answer that is kept compressed can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentCoding {
    Brotli,
    Gzip,
    Identity,
}

impl ContentCoding {
    /// The smallest of those that the client names.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let takes = |coding| {
            quality_in(headers, &header::ACCEPT_ENCODING, |name| name == coding).is_some_and(|quality| quality > 0.0)
        };
        match (takes("br"), takes("gzip")) {
            (true, _) => Self::Brotli,
            (false, true) => Self::Gzip,
            (false, false) => Self::Identity,
        }
    }
}

fn quality_of(headers: &HeaderMap, fits: impl Fn(&str) -> bool) -> Option<f32> {
    quality_in(headers, &header::ACCEPT, fits)
}

/// The highest quality (RFC 9110, section 12.4.2) among what fits; nothing where nothing fits.
fn quality_in(headers: &HeaderMap, header: &HeaderName, fits: impl Fn(&str) -> bool) -> Option<f32> {
    let ranges = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    ranges
        .flat_map(|value| value.split(','))
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?.to_ascii_lowercase();
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            fits(&name).then(|| quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0)))
        })
        .max_by(f32::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(accept: &str) -> HeaderMap {
        [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn the_newer_type_is_for_those_who_name_it() {
        assert_eq!(ResponseType::wanted(&HeaderMap::new()), ResponseType::Json);
        for (accept, expected) in [
            ("*/*", ResponseType::Json),
            ("application/json", ResponseType::Json),
            ("text/html", ResponseType::Json),
            ("application/graphql-response+json", ResponseType::GraphqlResponse),
            ("Application/GraphQL-Response+JSON;charset=utf-8", ResponseType::GraphqlResponse),
            ("application/graphql-response+json, application/json;q=0.9", ResponseType::GraphqlResponse),
            ("application/graphql-response+json, application/json, */*", ResponseType::GraphqlResponse),
            ("application/graphql-response+json;q=0.5, application/json", ResponseType::Json),
            ("application/graphql-response+json;q=0", ResponseType::Json),
            ("application/graphql-response+json;q=x", ResponseType::Json),
        ] {
            assert_eq!(ResponseType::wanted(&accepting(accept)), expected, "{accept}");
        }
    }

    #[test]
    fn the_smallest_coding_is_for_those_who_know_it() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", ContentCoding::Brotli),
            ("GZIP;q=1.0, br;q=0.1", ContentCoding::Brotli),
            ("gzip, br;q=0", ContentCoding::Gzip),
            ("deflate, *", ContentCoding::Identity),
            ("", ContentCoding::Identity),
        ] {
            let headers = [(header::ACCEPT_ENCODING, accept.parse().unwrap())].into_iter().collect();
            assert_eq!(ContentCoding::wanted(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn only_browsers_get_a_page() {
        assert!(wants_page(&accepting("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")));
        for accept in ["*/*", "application/json", "text/html;q=0", "", ";;,;q=,", "application/json, text/html;q=0.1"] {
            assert!(!wants_page(&accepting(accept)), "{accept}");
        }
    }
}
