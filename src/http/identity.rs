//! Who sends a request over HTTP: by `Authorization: Bearer` (<https://www.rfc-editor.org/rfc/rfc6750>), or as the application says
//! that has mounted the routes.
//!
//! **Invariant:** nothing of a request is read before it is known who sends it, but what is needed to know it.

use std::fmt::Display;

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::Served;
use super::client::{ClientAddress, is_passed_on};
use super::error::HttpError;
use crate::access::{ActorKind, Caller, Denied, Identified};
use crate::code::Code;

/// For whom an agent acts.
const ON_BEHALF_OF: &str = "x-on-behalf-of";
/// The agent's run or the CI job.
const RUN_ID: &str = "x-run-id";
/// The longest name of somebody else, or of a run.
const LONGEST: usize = 255;

/// Who sends a request with these headers. An application that has put a [`Caller`] among the extensions has said it.
///
/// # Errors
/// When nobody is let in.
pub(super) async fn identify(
    served: &Served,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Identified, HttpError> {
    let mut identified = if let Some(caller) = extensions.get::<Caller>() {
        caller.clone().into()
    } else {
        match find(served, headers).await {
            Ok(identified) => identified,
            Err(denied) if denied.is_ours() => return Err(refuse(denied)),
            // Who tries again and again pays for it, and nobody who is known does: others may come from the same address.
            Err(denied) => {
                let client = extensions.get().copied().unwrap_or(ClientAddress(None));
                served.meter(None, client).map_err(HttpError::limited)?;
                return Err(refuse(denied));
            }
        }
    };
    let (on_behalf_of, run_id) = (text(headers, ON_BEHALF_OF)?, text(headers, RUN_ID)?);
    if on_behalf_of.is_some() && identified.caller.kind() != ActorKind::Agent {
        return Err(HttpError::bad_request("Only an agent acts for somebody else (x-on-behalf-of)."));
    }
    identified.caller = identified.caller.acting(on_behalf_of, run_id);
    Ok(identified)
}

async fn find(served: &Served, headers: &HeaderMap) -> Result<Identified, Denied> {
    let credential = credential(headers)?;
    let identified = served.authenticator.identify(credential).await?;
    // Whoever sits at the machine needs no proxy: what one has passed on may be anybody's.
    if credential.is_none() && is_passed_on(headers) { Err(Denied::PassedOn) } else { Ok(identified) }
}

/// What follows `Bearer`, if the header is there.
fn credential(headers: &HeaderMap) -> Result<Option<&str>, Denied> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Denied::Malformed);
    }
    bearer(value.to_str().map_err(|_| Denied::Malformed)?).map(Some)
}

/// The token of a text `Bearer TOKEN`.
fn bearer(text: &str) -> Result<&str, Denied> {
    let (scheme, token) = text.trim().split_once(' ').ok_or(Denied::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Denied::Malformed) }
}

/// Adds to the headers that a WebSocket was asked for with what its client says when it begins, since a browser sends no headers of a
/// page's own with it: fields of the payload, or of its `headers`, by the same names.
pub(super) fn add_headers(headers: &mut HeaderMap, mut payload: Map<String, Value>) {
    let nested = match payload.remove("headers") {
        Some(Value::Object(nested)) => nested,
        _ => Map::new(),
    };
    for (name, value) in nested.into_iter().chain(payload) {
        let known = [header::AUTHORIZATION.as_str(), ON_BEHALF_OF, RUN_ID];
        let known = known.into_iter().find(|known| known.eq_ignore_ascii_case(&name));
        let value = value.as_str().and_then(|text| HeaderValue::try_from(text).ok());
        if let (Some(known), Some(value)) = (known, value) {
            headers.insert(HeaderName::from_static(known), value);
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, HttpError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().ok().map(str::trim);
    match text.filter(|text| (1..=LONGEST).contains(&text.len())) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(HttpError::bad_request("x-on-behalf-of and x-run-id must have 1 to 255 visible ASCII characters.")),
    }
}

/// The answer to who is not let in: why, in words of ours.
fn refuse(denied: Denied) -> HttpError {
    let challenge = match denied {
        Denied::Database(error) => {
            tracing::error!(%error, "it could not be found out who sends a request");
            let code = Code::DatabaseUnavailable;
            return HttpError::new(StatusCode::SERVICE_UNAVAILABLE, code, code.constant_message().unwrap_or_default());
        }
        // The log knows it already.
        Denied::Issued(error) if error.is_ours() => {
            return HttpError::new(StatusCode::SERVICE_UNAVAILABLE, Code::IssuerUnavailable, sentence(&error));
        }
        Denied::Missing | Denied::PassedOn => r#"Bearer realm="throughline""#,
        _ => r#"Bearer realm="throughline", error="invalid_token""#,
    };
    tracing::debug!(%denied, "a request was refused");
    HttpError::new(StatusCode::UNAUTHORIZED, Code::Unauthenticated, sentence(&denied)).challenging(challenge)
}

/// A reason as a sentence by itself.
fn sentence(reason: &impl Display) -> String {
    let reason = reason.to_string();
    let mut letters = reason.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_one_bearer_token() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            credential(&headers).map(|token| token.map(str::to_owned)).map_err(|denied| denied.to_string())
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Bearer abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(read(&["bearer  abc "]), Ok(Some("abc".to_owned())));
        for wrong in [&["abc"][..], &["Basic abc"], &["Bearer"], &[""], &["Bearer a", "Bearer b"]] {
            assert_eq!(read(wrong), Err(Denied::Malformed.to_string()), "{wrong:?}");
        }
    }
}
