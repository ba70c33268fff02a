//! The schema, and the one way to run a request against it.
//!
//! **Invariants:** every request goes through [`Api::execute`]; an answer's errors carry a code of [`Code`]; what
//! is our fault says nothing but that, and is logged once, here, under the request's id.

mod document;
mod respond;
mod schema;

use std::sync::Arc;

use async_graphql::{Request, ServerError};

use self::document::Document;
pub use self::respond::Answer;
use self::schema::ThroughlineSchema;
use crate::access::Caller;
pub use crate::batch::PageLimits;
use crate::batch::{BatchError, Reads};
use crate::code::Code;
use crate::database::Database;

/// The GraphQL API over one database. Cloning is cheap.
#[derive(Clone)]
pub struct Api {
    schema: ThroughlineSchema,
    database: Database,
    limits: PageLimits,
}

impl Api {
    /// The API over `database`, with pages of these sizes.
    #[must_use]
    pub fn new(database: Database, limits: PageLimits) -> Self {
        Self { schema: schema::build(), database, limits }
    }

    /// The schema in GraphQL's schema definition language, as `schema.graphql` holds it.
    #[must_use]
    pub fn sdl() -> String {
        schema::build().sdl()
    }

    /// Runs one request for `caller`. The answer's errors name `request_id` where the log has more.
    pub async fn execute(&self, request: Request, caller: Caller, request_id: String) -> Answer {
        let document = match Document::prepare(request) {
            Ok(document) => document,
            Err(errors) => return Answer::refused(&errors),
        };
        let Document { request, keys, repeated } = document;
        let reads = Reads::new(self.database.clone(), Arc::new(caller), self.limits).spliced().merging(repeated);
        let reads = Arc::new(reads);
        let mut response = self.schema.execute(request.data(Arc::clone(&reads))).await;
        for error in &mut response.errors {
            finish_error(error, &request_id);
        }
        Answer::new(response, &keys, reads.are_without_data())
    }
}

/// Gives an error its code, and logs what is our fault.
fn finish_error(error: &mut ServerError, request_id: &str) {
    let extensions = error.extensions.get_or_insert_with(Default::default);
    if extensions.get("code").is_none() {
        // The engine's errors have a code, and every field is the engine's: this comes from validation.
        extensions.set("code", Code::ValidationFailed.as_str());
    }
    let source = error.source.as_ref().and_then(|source| source.downcast_ref::<BatchError>());
    if let Some(source) = source.filter(|source| source.code().constant_message().is_some()) {
        extensions.set("requestId", request_id);
        let path = serde_json::to_string(&error.path).unwrap_or_default();
        tracing::error!(request_id, path, error = %error_chain(source), "a field failed");
    }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
