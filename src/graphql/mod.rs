//! The schema, and the one way to run a request against it.
//!
//! **Invariants:** every request goes through [`Api::execute`]; an answer's errors carry a code of [`Code`]; what
//! is our fault says nothing but that, and is logged once, here, under the request's id.

mod absent;
mod document;
pub(crate) mod mutation;
mod order;
mod respond;
mod schema;
mod variables;

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::registry::Registry;
use async_graphql::{Name, Request, Response, ServerError, Value};

use self::document::{Document, Documents};
use self::mutation::WriteContext;
pub use self::respond::Answer;
use self::schema::ThroughlineSchema;
use crate::access::Caller;
pub use crate::batch::PageLimits;
use crate::batch::{BatchError, DeclaresRoot as _, Reads, Scope};
use crate::code::Code;
use crate::database::Database;
use crate::telemetry::{Observed, Telemetry};

/// The GraphQL API over one database. Cloning is cheap.
#[derive(Clone)]
pub struct Api {
    schema: ThroughlineSchema,
    /// The schema's types, to check variables by.
    types: Arc<Registry>,
    documents: Documents,
    database: Database,
    limits: PageLimits,
    telemetry: Telemetry,
}

impl Api {
    /// The API over `database`, with pages of these sizes.
    #[must_use]
    pub fn new(database: Database, limits: PageLimits) -> Self {
        let types = Arc::new(schema::types());
        Self {
            schema: schema::build(),
            types,
            documents: Documents::new(),
            database,
            limits,
            telemetry: Telemetry::default(),
        }
    }

    /// The same, observed by `telemetry`.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry, ..self }
    }

    /// What is observed of it.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The database that it is over.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The schema in GraphQL's schema definition language, as `schema.graphql` holds it.
    #[must_use]
    pub fn sdl() -> String {
        schema::build().sdl()
    }

    /// Runs one request for `caller`. The answer's errors name `request_id` where the log has more.
    pub async fn execute(&self, request: Request, caller: Caller, request_id: String) -> Answer {
        let caller = Arc::new(caller);
        let observed = self.telemetry.begin();
        let database = self.database.observed_by(Arc::clone(&observed));
        let reads = Arc::new(Reads::new(database.clone(), Arc::clone(&caller), self.limits));
        let write = WriteContext { database, caller, request_id: request_id.clone(), limits: self.limits };
        let mut answer = self.answer(request, reads, write, &observed).await.unwrap_or_else(Answer::refused);
        for error in &mut answer.errors {
            finish_error(error, &request_id);
        }
        let (outcome, codes) = respond::outcome(&answer);
        observed.end(outcome, codes);
        answer.finish()
    }

    async fn answer(
        &self,
        mut request: Request,
        reads: Arc<Reads>,
        write: WriteContext,
        observed: &Observed,
    ) -> Result<Answer, Vec<ServerError>> {
        let kept = self.documents.find(&request.query);
        let is_new = kept.is_none();
        let document = match kept {
            Some(document) => document,
            None => Arc::new(Document::parse(&request.query).map_err(|error| vec![error])?),
        };
        let operation = document.operation(request.operation_name.as_deref());
        if let Some(operation) = &operation {
            observed.asks_for(operation.definition.ty, operation.name);
            variables::coerce(&self.types, operation.definition, &mut request.variables)?;
        }
        let Some(operation) = operation.filter(|operation| operation.definition.ty == OperationType::Query) else {
            return Ok(Answer::of(self.run(&document, request.data(reads).data(write)).await));
        };
        let mut introspection = None;
        if is_new {
            introspection = Some(check(&self.schema, &document, &request).await?);
            self.documents.keep(&request.query, &document);
        }
        let query = operation
            .plans
            .query(
                schema::QueryRoot::root(),
                &document.executable,
                operation.definition,
                &request.variables,
                &reads.scope,
            )
            .map_err(|error| vec![error])?;
        if introspection.is_none() && query.asks_for_the_schema() {
            introspection = Some(check(&self.schema, &document, &request).await?);
        }
        let data = query.run(&reads, &introspection.unwrap_or_default(), Answer::begin()).await;
        Ok(Answer::of_query(data))
    }

    /// How a query is read on a kind of database, for a person to read: its loads, level by level, and their statements.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub async fn explain(mut request: Request, scope: &Scope) -> Result<String, Vec<ServerError>> {
        let document = Document::parse(&request.query).map_err(|error| vec![error])?;
        let operation = document.operation(request.operation_name.as_deref());
        if let Some(operation) = &operation {
            variables::coerce(&schema::types(), operation.definition, &mut request.variables)?;
        }
        let operation = operation.filter(|operation| operation.definition.ty == OperationType::Query);
        let Some(operation) = operation else {
            return Err(vec![ServerError::new("the document has no query of this name to explain", None)]);
        };
        check(&schema::build(), &document, &request).await?;
        let root = schema::QueryRoot::root();
        let query = operation.plans.query(root, &document.executable, operation.definition, &request.variables, scope);
        Ok(query.map_err(|error| vec![error])?.describe())
    }

    /// Runs an operation that is no query.
    async fn run(&self, document: &Document, mut request: Request) -> Response {
        let mut executable = document.executable.clone();
        let operation = document.operation(request.operation_name.as_deref());
        // Where no operation can be told, nothing is run, and the answer is about the document as it is.
        if operation.is_some() {
            absent::leave_out(&mut executable, request.operation_name.as_deref(), &request.variables);
        }
        request.set_parsed_query(executable);
        let mut response = self.schema.execute(request).await;
        if let Some(operation) = operation {
            let set = &operation.definition.selection_set.node;
            order::sort_fields(&document.executable, set, &mut response.data);
        }
        response
    }
}

/// Lets async-graphql check a query. It runs none of our fields, but answers what is asked of the schema itself.
async fn check(
    schema: &ThroughlineSchema,
    document: &Document,
    request: &Request,
) -> Result<IndexMap<Name, Value>, Vec<ServerError>> {
    let mut checked = Request::new("").variables(request.variables.clone());
    checked.operation_name.clone_from(&request.operation_name);
    checked.set_parsed_query(document.executable.clone());
    let response = schema.execute(checked).await;
    match response.data {
        _ if !response.errors.is_empty() => Err(response.errors),
        Value::Object(fields) => Ok(fields),
        _ => Ok(IndexMap::default()),
    }
}

/// Gives an error its code, and logs what is our fault.
fn finish_error(error: &mut ServerError, request_id: &str) {
    let extensions = error.extensions.get_or_insert_with(Default::default);
    if extensions.get("code").is_none() {
        // The engine's errors have a code, and every field is the engine's: this comes from async-graphql's check.
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
