//! What HTTP tells of budgets: the fields `RateLimit` and `RateLimit-Policy` as the draft of the IETF has them
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>, its tenth version), and `Retry-After` with a refusal.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use super::client::ClientAddress;
use super::graphql::respond;
use super::{Served, cache};
use crate::access::Caller;
use crate::code::Code;
use crate::graphql::Answer;
use crate::http::accept::ResponseType;
use crate::rate_limit::{Limited, Meter, Payer, Standing, whole_seconds};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl Served {
    /// Pays for the beginning of an operation, before anything of it is read: with the caller's budget, or with the address's where nobody
    /// knows who calls.
    ///
    /// # Errors
    /// Where nothing is left.
    pub(super) fn meter(&self, caller: Option<&Caller>, client: ClientAddress) -> Result<Option<Meter>, Limited> {
        let identity = caller.map(|caller| Payer::Identity(caller.id().to_owned()));
        self.api.rate_limits().begin(identity.unwrap_or_else(|| Payer::at(client.0)))
    }
}

/// The answer to a request that cannot be paid for, of which nothing was read.
pub(super) fn refuse(limited: &Limited, response_type: ResponseType) -> Response {
    let mut response = cache::forbid(respond(Answer::limited(limited), response_type));
    tell(&mut response, &limited.standing);
    // For whoever counts: the schema never sees it.
    response.extensions_mut().insert(Code::RateLimited);
    response
}

/// Tells what is left.
pub(super) fn tell(response: &mut Response, standing: &Standing) {
    let Standing { of, limit, remaining, full_after, .. } = standing;
    let (policy, left) =
        (format!("\"{of}\";q={limit};w=60"), format!("\"{of}\";r={remaining};t={}", whole_seconds(*full_after)));
    for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// Tells how long to wait.
pub(super) fn tell_wait(response: &mut Response, seconds: u64) {
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
}
