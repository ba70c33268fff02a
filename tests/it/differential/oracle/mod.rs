//! The oracle: the product's schema once more, made of plain, unbatched async-graphql resolvers over rows in memory.
//!
//! **Invariant:** it shares no code with the engine. It is naive on purpose: one object at a time, filtered by closures,
//! sorted by comparing all terms. `spec.rs` and `prepare.rs` are where async-graphql's own executor is mended.

#![allow(clippy::too_many_arguments, reason = "a resolver takes what its field does")]

mod children;
mod connection;
mod counts;
pub(crate) mod filter;
pub(crate) mod filter_types;
mod id;
mod inputs;
mod more;
mod objects;
mod page;
mod prepare;
mod query;
mod search;
mod spec;
pub(crate) mod summaries;
mod variables;

use std::sync::Arc;

use async_graphql::{EmptyMutation, EmptySubscription, PathSegment, Request, Schema, ServerError, Value};

use self::query::Root;
use self::variables::Types;
use super::world::World;

/// Answers from rows in memory.
pub(crate) struct Oracle {
    schema: Schema<Root, EmptyMutation, EmptySubscription>,
    types: Types,
}

impl Oracle {
    /// Answers from these rows.
    pub(crate) fn new(world: Arc<World>) -> Self {
        let schema = Schema::new(Root(world), EmptyMutation, EmptySubscription);
        Self { types: Types::of(&schema.sdl()), schema }
    }

    /// The schema in words, with `Root` above the product's root.
    pub(crate) fn sdl() -> String {
        let rows = Arc::new(World::default());
        Self::new(rows).schema.sdl()
    }

    /// The whole answer, as the product would send it.
    pub(crate) async fn answer(&self, request: Request) -> String {
        let document = match async_graphql::parser::parse_query(&request.query) {
            Ok(document) => document,
            Err(error) => panic!("what is generated can be parsed: {error}\n{}", request.query),
        };
        let request = match prepare::prepare(request, document, &self.types) {
            Ok(request) => request,
            Err(errors) => return refused(errors),
        };
        let response = self.schema.execute(request).await;
        let Value::Object(mut data) = response.data else { return refused(response.errors) };
        let errors = finish(response.errors);
        let data = serde_json::to_string(&data.swap_remove(prepare::ORACLE)).unwrap();
        if errors.is_empty() {
            return format!(r#"{{"data":{data}}}"#);
        }
        format!(r#"{{"data":{data},"errors":{}}}"#, serde_json::to_string(&errors).unwrap())
    }
}

/// The answer to a request that was not run.
fn refused(errors: Vec<ServerError>) -> String {
    format!(r#"{{"errors":{}}}"#, serde_json::to_string(&finish(errors)).unwrap())
}

/// Errors without the root's own step in their paths; what has no code comes from validation.
fn finish(mut errors: Vec<ServerError>) -> Vec<ServerError> {
    for error in &mut errors {
        if error.path.first() == Some(&PathSegment::Field(prepare::ORACLE.to_owned())) {
            error.path.remove(0);
        }
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", "GRAPHQL_VALIDATION_FAILED");
        }
    }
    errors
}
