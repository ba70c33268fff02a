//! What the schema answers about itself, without a server: the query that client tools begin with.

use async_graphql::ServerError;

use super::{Api, schema};

/// What graphql-js asks for where all that it knows of is wanted.
const INTROSPECTION_QUERY: &str = include_str!("introspection.graphql");

impl Api {
    /// The answer to the introspection query, as JSON: `{"data": {"__schema": …}}`.
    ///
    /// # Errors
    /// Where the schema does not answer, which is our fault.
    pub async fn introspection() -> Result<serde_json::Value, ServerError> {
        let response = schema::build(true).execute(INTROSPECTION_QUERY).await;
        match response.errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(serde_json::json!({ "data": response.data })),
        }
    }
}
