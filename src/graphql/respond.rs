//! Writes an answer: the data, then the errors.

use async_graphql::{Response, ServerError, Value};

use crate::batch::{Data, write_json};
use crate::code::Code;
use crate::telemetry::Outcome;

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The whole answer as JSON.
    pub body: Vec<u8>,
    /// Whether anything was run; a request that was refused before has no `data`.
    pub has_data: bool,
    /// What failed, until it is written.
    pub(super) errors: Vec<ServerError>,
}

impl Answer {
    /// The beginning of an answer that has data.
    pub(super) fn begin() -> Vec<u8> {
        let mut body = Vec::with_capacity(1024);
        body.extend_from_slice(b"{\"data\":");
        body
    }

    /// The answer of a query, whose data was appended to what [`Answer::begin`] gives.
    pub(super) fn of_query(Data { json, errors }: Data) -> Self {
        Self { body: json, has_data: true, errors }
    }

    /// The answer of an operation that async-graphql ran.
    pub(super) fn of(response: Response) -> Self {
        let ran = !response.errors.iter().any(|error| error.path.is_empty()) || response.data != Value::Null;
        if !ran {
            return Self::refused(response.errors);
        }
        let mut body = Self::begin();
        write_json(&response.data, &mut body);
        Self { body, has_data: true, errors: response.errors }
    }

    /// The answer to a request that was not run.
    pub(super) fn refused(errors: Vec<ServerError>) -> Self {
        Self { body: b"{".to_vec(), has_data: false, errors }
    }

    /// Ends the answer with its errors.
    pub(super) fn finish(mut self) -> Self {
        if !self.errors.is_empty() {
            self.body.extend_from_slice(if self.has_data { b",\"errors\":" } else { b"\"errors\":" });
            write_json(&self.errors, &mut self.body);
        }
        self.body.push(b'}');
        self
    }
}

/// What the request came to, and the codes of its errors, for whoever counts them.
pub(super) fn outcome(answer: &Answer) -> (Outcome, Vec<Code>) {
    let codes: Vec<_> = answer.errors.iter().filter_map(code_of).collect();
    let is_ours = codes.iter().any(|code| code.constant_message().is_some());
    let outcome = match (answer.has_data, codes.is_empty()) {
        (true, true) => Outcome::Ok,
        (false, _) if !is_ours => Outcome::Refused,
        _ => Outcome::Error,
    };
    (outcome, codes)
}

fn code_of(error: &ServerError) -> Option<Code> {
    let Some(Value::String(code)) = error.extensions.as_ref()?.get("code") else { return None };
    Code::ALL.into_iter().find(|known| known.as_str() == code)
}
