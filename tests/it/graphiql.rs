//! The page that a browser gets, and the files that it is made of.

use std::path::Path;

use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, VARY};

use crate::http::{BROWSER, Client};

/// Whether `graphiql/build` was run before the program was built.
fn is_bundled() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("graphiql/dist/index.html.br").exists()
}

/// The addresses of the files that the page names.
fn assets_of(page: &str) -> Vec<&str> {
    let attributes = page.split('"').skip(1).step_by(2);
    attributes.filter(|value| value.starts_with("./") || value.starts_with('/') || value.contains("://")).collect()
}

#[tokio::test]
async fn a_browser_gets_a_page_that_needs_no_other_host() {
    let client = Client::new().await;
    let page = client.send("GET", "/graphql", &[BROWSER], "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(page.headers[CACHE_CONTROL], "no-cache");
    let vary: Vec<_> = page.headers.get_all(VARY).iter().collect();
    assert!(vary.contains(&&"accept".parse().unwrap()), "the same address answers JSON: {vary:?}");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for loose in ["http", "*", "unsafe-eval", "blob:"] {
        assert!(!policy.contains(loose), "{policy}");
    }
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");

    // No script stands in the page.
    assert_eq!(
        page.text.matches("<script").count(),
        page.text.matches("<script type=\"module\" crossorigin src=\"./").count()
    );
    assert_eq!(page.text.contains("<script"), is_bundled(), "{}", page.text);
    assert_eq!(page.text.contains("graphiql/build"), !is_bundled(), "{}", page.text);

    let answer = client.send("GET", "/", &[BROWSER], "").await;
    assert_eq!(
        (answer.status, &answer.headers[LOCATION]),
        (StatusCode::TEMPORARY_REDIRECT, &"/graphql".parse().unwrap())
    );
}

#[tokio::test]
async fn assets_are_sent_as_small_as_the_client_can_read_them_and_kept_for_ever() {
    let client = Client::new().await;
    let page = client.send("GET", "/graphql", &[BROWSER], "").await.text;
    // The page of a program without it leads elsewhere, for a person to follow.
    let assets = if is_bundled() { assets_of(&page) } else { Vec::new() };
    assert_eq!(assets.is_empty(), !is_bundled(), "{page}");
    for asset in assets {
        let path = asset.strip_prefix('.').unwrap_or_else(|| panic!("not below the page: {asset}"));
        let plain = client.send("GET", path, &[], "").await;
        assert_eq!(plain.status, StatusCode::OK, "{path}");
        assert!(!plain.headers.contains_key(CONTENT_ENCODING) && !plain.text.is_empty(), "{path}");
        let content_type = match path.rsplit_once('.').unwrap().1 {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("the page names a .{other}"),
        };
        let mut lengths = Vec::from([plain.text.len()]);
        for (accepted, coding) in [("gzip, deflate", "gzip"), ("gzip, deflate, br, zstd", "br")] {
            let answer = client.send("GET", path, &[("accept-encoding", accepted)], "").await;
            assert_eq!(answer.headers[CONTENT_ENCODING], coding, "{path}");
            assert_eq!(answer.headers[CONTENT_TYPE], content_type, "{path}");
            assert_eq!(answer.headers[CACHE_CONTROL], "public, max-age=31536000, immutable");
            assert_eq!(answer.headers[VARY], "accept-encoding");
            assert_eq!(answer.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            lengths.push(answer.headers["content-length"].to_str().unwrap().parse().unwrap());
        }
        assert!(lengths.is_sorted_by(|larger, smaller| larger > smaller), "{path}: {lengths:?}");
        let head = client.send("HEAD", path, &[], "").await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""), "{path}");
    }
    for path in ["/graphiql/index.html", "/graphiql/SECRET.js", "/graphiql/..%2findex.html", "/graphiql/", "/graphiql"]
    {
        client.send("GET", path, &[], "").await.refuses(404, "NOT_FOUND");
    }
}
