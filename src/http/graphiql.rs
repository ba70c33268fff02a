//! `GET /graphql` in a browser: GraphiQL, from the binary itself.
//!
//! **Invariant:** the page needs no other host, and a content security policy lets it ask none; where the program was built
//! without the bundle (`graphiql/build` makes it), the page says so and runs nothing.

use std::io::Read as _;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use super::accept::ContentCoding;
use super::error::HttpError;

/// A file of the bundle, as it is sent to whom knows the coding.
struct Asset {
    path: &'static str,
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// What `graphiql/dist` held when the program was built: nothing, or a page and its assets.
static BUNDLE: &[Asset] = include!(concat!(env!("OUT_DIR"), "/graphiql.rs"));

/// Where the assets are: beside GraphQL, so that their addresses within the page are relative ones.
pub(super) const ASSETS_PATH: &str = "/graphiql/{name}";

/// The page of a program without the bundle.
const PAGE_WITHOUT_BUNDLE: &str = include_str!("graphiql.html");

/// The editor writes style sheets and style attributes, and its style sheet holds pictures as `data:`. To connect to `'self'`
/// takes in its WebSocket.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; \
    font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn page(sent: &HeaderMap) -> Response {
    page_of(BUNDLE, sent)
}

pub(super) async fn asset(Path(name): Path<String>, sent: HeaderMap) -> Result<Response, HttpError> {
    asset_of(BUNDLE, &name, &sent).ok_or_else(HttpError::not_found)
}

fn page_of(bundle: &[Asset], sent: &HeaderMap) -> Response {
    let mut response = match bundle.iter().find(|asset| asset.path == "index.html") {
        Some(page) => page.respond(sent),
        None => PAGE_WITHOUT_BUNDLE.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // It names the assets of this build.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    response
}

fn asset_of(bundle: &[Asset], name: &str, sent: &HeaderMap) -> Option<Response> {
    let asset = bundle.iter().find(|asset| asset.path.strip_prefix("graphiql/") == Some(name))?;
    let mut response = asset.respond(sent);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    // Its name holds its hash.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Some(response)
}

impl Asset {
    /// The content in the smallest form that the client knows.
    fn respond(&self, sent: &HeaderMap) -> Response {
        let vary = (header::VARY, HeaderValue::from_static("accept-encoding"));
        let encoded = |coding, content| {
            ([vary.clone(), (header::CONTENT_ENCODING, HeaderValue::from_static(coding))], content).into_response()
        };
        match ContentCoding::wanted(sent) {
            ContentCoding::Brotli => encoded("br", self.brotli),
            ContentCoding::Gzip => encoded("gzip", self.gzip),
            ContentCoding::Identity => ([vary.clone()], decompress(self.gzip)).into_response(),
        }
    }
}

/// What `graphiql/build` has compressed. That it is whole was decided when the program was built.
fn decompress(gzip: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    if let Err(error) = GzDecoder::new(gzip).read_to_end(&mut content) {
        tracing::error!(%error, "an asset of GraphiQL is damaged");
    }
    content
}

/// By the end of the name; a bundle has no other kinds.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::StatusCode;

    use super::*;

    async fn text_of(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn without_a_bundle_the_page_says_how_to_get_one() {
        let page = page_of(&[], &HeaderMap::new());
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(page.headers()[header::CONTENT_SECURITY_POLICY], PAGE_POLICY);
        let text = text_of(page).await;
        assert!(text.contains("graphiql/build") && !text.contains("<script"), "{text}");
        assert!(asset_of(&[], "index.js", &HeaderMap::new()).is_none());
    }
}
