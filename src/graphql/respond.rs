//! Writes an answer: the data, then the errors, then what is told besides.

use async_graphql::{Response, ServerError, Value};
use serde_json::json;

use super::errors::{code_of, limited, retry_after_of};
use crate::batch::{Data, write_json};
use crate::code::Code;
use crate::database::WalPosition;
use crate::rate_limit::Limited;
use crate::telemetry::Outcome;

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole answer as JSON.
    pub body: Vec<u8>,
    /// Whether anything was run; a request that was refused before has no `data`.
    pub has_data: bool,
    /// Why the request was refused, where it was.
    pub refusal: Option<Code>,
    /// In how many seconds a request can be sent again that was refused since the caller has nothing left.
    pub retry_after_s: Option<u64>,
    /// What failed, until it is written.
    pub(super) errors: Vec<ServerError>,
    /// The objects that were asked for, and that came.
    cost: Option<(u64, u64)>,
    /// The number of the server that it was read from, and whether that is the primary.
    read_from: Option<(usize, bool)>,
    /// Up to where the operation has written.
    position: Option<WalPosition>,
}

impl Answer {
    /// Nothing is said yet.
    fn empty() -> Self {
        Self {
            body: Vec::new(),
            has_data: false,
            refusal: None,
            retry_after_s: None,
            errors: Vec::new(),
            cost: None,
            read_from: None,
            position: None,
        }
    }

    /// The beginning of an answer that has data.
    pub(super) fn begin() -> Vec<u8> {
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(b"{\"data\":");
        body
    }

    /// The answer of a query, whose data was appended to what [`Answer::begin`] gives.
    pub(super) fn of_query(Data { json, errors, .. }: Data) -> Self {
        Self { body: json, has_data: true, errors, ..Self::empty() }
    }

    /// The answer of an operation that async-graphql ran.
    pub(super) fn of(response: Response) -> Self {
        let ran = !response.errors.iter().any(|error| error.path.is_empty()) || response.data != Value::Null;
        if !ran {
            return Self::refused(response.errors);
        }
        let mut body = Self::begin();
        write_json(&response.data, &mut body);
        Self { body, has_data: true, errors: response.errors, ..Self::empty() }
    }

    /// The answer to a request that was not run.
    pub(super) fn refused(errors: Vec<ServerError>) -> Self {
        Self { body: b"{".to_vec(), errors, ..Self::empty() }
    }

    /// The answer to a request that its caller cannot pay for.
    #[must_use]
    pub fn limited(by: &Limited) -> Self {
        Self::refused(vec![limited(by)]).finish(1)
    }

    /// What failed, as JSON: a list of errors.
    #[must_use]
    pub fn errors_to_json(&self) -> String {
        errors_to_json(&self.errors)
    }

    /// Whether everything that was asked for came.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.has_data && self.errors.is_empty()
    }

    /// Lets the answer tell how many objects were asked for, and how many came.
    pub(super) fn with_cost(self, cost: Option<(u64, u64)>) -> Self {
        Self { cost, ..self }
    }

    /// Lets the answer tell where it was read.
    pub(super) fn with_source(self, read_from: Option<(usize, bool)>) -> Self {
        Self { read_from, ..self }
    }

    /// Lets the answer tell up to where the operation has written.
    pub(super) fn with_position(self, position: Option<WalPosition>) -> Self {
        Self { position, ..self }
    }

    /// Ends the answer with its errors, of which it tells at most so many.
    pub(super) fn finish(mut self, most_errors: usize) -> Self {
        // An answer without data has at least one.
        let most_errors = most_errors.max(1);
        let omitted = self.errors.len().saturating_sub(most_errors);
        self.errors.truncate(most_errors);
        if !self.has_data {
            self.refusal = self.errors.first().and_then(code_of);
            self.retry_after_s = self.errors.first().and_then(retry_after_of);
        }
        if !self.errors.is_empty() {
            self.body.extend_from_slice(if self.has_data { b",\"errors\":" } else { b"\"errors\":" });
            write_json(&self.errors, &mut self.body);
        }
        let mut extensions = serde_json::Map::new();
        if let Some((requested, actual)) = self.cost {
            extensions.insert("cost".to_owned(), json!({ "requested": requested, "actual": actual }));
        }
        if let Some(position) = self.position {
            extensions.insert("position".to_owned(), position.to_string().into());
        }
        if let Some((server, is_primary)) = self.read_from {
            let role = if is_primary { "primary" } else { "replica" };
            extensions.insert("readFrom".to_owned(), json!({ "role": role, "server": server }));
        }
        if omitted > 0 {
            extensions.insert("omittedErrors".to_owned(), omitted.into());
        }
        if !extensions.is_empty() {
            self.body.extend_from_slice(b",\"extensions\":");
            write_json(&extensions, &mut self.body);
        }
        self.body.push(b'}');
        self
    }
}

/// Errors as a list in JSON.
pub(crate) fn errors_to_json(errors: &[ServerError]) -> String {
    // An error always has a form in JSON.
    serde_json::to_string(errors).unwrap_or_default()
}

/// What the request came to, and the codes of its errors, for whoever counts them.
pub(super) fn outcome(answer: &Answer) -> (Outcome, Vec<Code>) {
    let codes: Vec<_> = answer.errors.iter().filter_map(code_of).collect();
    let is_ours = codes.iter().any(|code| code.is_ours());
    let outcome = match (answer.has_data, codes.is_empty()) {
        (true, true) => Outcome::Ok,
        (false, _) if !is_ours => Outcome::Refused,
        _ => Outcome::Error,
    };
    (outcome, codes)
}
