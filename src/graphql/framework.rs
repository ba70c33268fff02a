//! What is asked of async-graphql about a query: whether it is right, and what the schema says of itself. It runs none of our fields.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, ServerError, Value};

use super::document::Document;
use super::schema::ThroughlineSchema;

/// What async-graphql answers of a query, once it has checked it.
pub(super) enum Ask {
    Nothing,
    /// What is asked of the schema itself.
    OfItself,
}

/// Lets async-graphql check a query. It runs none of our fields.
pub(super) async fn ask(
    schema: &ThroughlineSchema,
    document: &Document,
    request: &async_graphql::Request,
    ask: Ask,
) -> Result<IndexMap<Name, Value>, Vec<ServerError>> {
    let checked = to_be_checked(document, request);
    let checked = match ask {
        Ask::Nothing => checked.disable_introspection(),
        Ask::OfItself => checked,
    };
    let response = schema.execute(checked).await;
    match response.data {
        _ if !response.errors.is_empty() => Err(response.errors),
        Value::Object(fields) => Ok(fields),
        _ => Ok(IndexMap::default()),
    }
}

/// The request as async-graphql checks it: with the document that was parsed already.
pub(super) fn to_be_checked(document: &Document, request: &async_graphql::Request) -> async_graphql::Request {
    let mut checked = async_graphql::Request::new("").variables(request.variables.clone());
    checked.operation_name.clone_from(&request.operation_name);
    checked.set_parsed_query(document.executable.clone());
    checked
}
