//! Errors as clients see them: with a code, and with nothing of how we work inside.

use async_graphql::{ErrorExtensionValues, Pos, ServerError, Value};

use crate::batch::BatchError;
use crate::code::Code;
use crate::rate_limit::Limited;

/// The most characters of an error's message.
const LONGEST_MESSAGE: usize = 400;

/// An error with a code.
pub(crate) fn refusal(code: Code, message: impl Into<String>, position: Option<Pos>) -> ServerError {
    let mut error = ServerError::new(message, position);
    extensions(&mut error).set("code", code.as_str());
    error
}

/// An error that has nothing to say but its code's text.
pub(super) fn refuse(code: Code) -> ServerError {
    refusal(code, code.constant_message().unwrap_or_default(), None)
}

/// That a caller has nothing left, or too little.
pub(super) fn limited(by: &Limited) -> ServerError {
    let (Limited { standing, .. }, seconds) = (by, by.retry_after_s());
    let message = format!(
        "{} of {} points of this minute are left, which is too little; send it again in {seconds} s",
        standing.remaining, standing.limit
    );
    let mut error = refusal(Code::RateLimited, message, None);
    extensions(&mut error).set(RETRY_AFTER, seconds);
    error
}

/// In how many seconds to try again, where an error tells.
pub(super) fn retry_after_of(error: &ServerError) -> Option<u64> {
    let Some(Value::Number(seconds)) = error.extensions.as_ref()?.get(RETRY_AFTER) else { return None };
    seconds.as_u64()
}

const RETRY_AFTER: &str = "retryAfter";

/// That a subscription came in a way that has one answer.
pub(super) fn no_subscription() -> ServerError {
    let message = "a subscription has many answers: send it over WebSocket to /graphql/ws, or for server-sent events to \
                   /graphql/stream";
    refusal(Code::BadRequest, message, None)
}

/// That a subscription ends since the caller's credential has, or lets the caller do less than when it began.
pub(crate) fn rights_ended() -> ServerError {
    refuse(Code::Unauthenticated)
}

/// What an error tells besides its message.
pub(super) fn extensions(error: &mut ServerError) -> &mut ErrorExtensionValues {
    error.extensions.get_or_insert_default()
}

/// The code that an error carries.
pub(super) fn code_of(error: &ServerError) -> Option<Code> {
    let Some(Value::String(code)) = error.extensions.as_ref()?.get("code") else { return None };
    Code::ALL.into_iter().find(|known| known.as_str() == code)
}

/// Gives an error its code, and logs what is our fault.
pub(super) fn finish_error(error: &mut ServerError, request_id: &str) {
    // What quotes the request may be as long as it.
    if let Some((end, _)) = error.message.char_indices().nth(LONGEST_MESSAGE) {
        error.message.replace_range(end.., "…");
    }
    if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
        // The engine's errors have a code, and every field is the engine's: this comes from async-graphql's check.
        extensions(error).set("code", Code::ValidationFailed.as_str());
    }
    if code_of(error).is_some_and(Code::is_ours) {
        extensions(error).set("requestId", request_id);
        let source = error.source.as_ref().and_then(|source| source.downcast_ref::<BatchError>());
        let cause = source.map_or_else(|| error.message.clone(), |source| error_chain(source));
        let path = serde_json::to_string(&error.path).unwrap_or_default();
        tracing::error!(request_id, path, error = %cause, "a field failed");
    }
}

/// An error with its causes, for the log alone.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
