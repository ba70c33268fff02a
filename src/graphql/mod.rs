//! The schema, and the one way to run a request against it.
//!
//! **Invariants:** every request goes through [`Api::execute`]; an answer's errors carry a code of [`Code`]; what
//! is our fault says nothing but that, and is logged once, here, under the request's id.

mod absent;
mod complete;
mod document;
mod limits;
pub(crate) mod mutation;
mod persisted;
mod request;
mod respond;
mod schema;
mod settings;
mod variables;

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::registry::Registry;
use async_graphql::{Name, ServerError, Value, Variables};

use self::document::{Document, Documents, Operation};
pub use self::limits::Limits;
use self::limits::cost::Cost;
use self::limits::introspection::SchemaSize;
use self::mutation::WriteContext;
use self::persisted::PersistedDocuments;
pub use self::persisted::{ManifestError, TrustedDocuments};
pub use self::request::Request;
pub use self::respond::Answer;
use self::schema::ThroughlineSchema;
pub use self::settings::Settings;
use crate::access::Caller;
pub use crate::batch::PageLimits;
use crate::batch::{BatchError, DeclaresRoot as _, Query, Reads, Scope};
use crate::code::Code;
use crate::database::Database;
use crate::telemetry::{Observed, Telemetry};

/// The GraphQL API over one database. Cloning is cheap.
#[derive(Clone)]
pub struct Api {
    schema: ThroughlineSchema,
    /// The schema's types, to check variables by.
    types: Arc<Registry>,
    schema_size: Arc<SchemaSize>,
    documents: Documents,
    persisted: PersistedDocuments,
    database: Database,
    settings: Arc<Settings>,
    telemetry: Telemetry,
}

impl Api {
    /// The API over `database`.
    #[must_use]
    pub fn new(database: Database, settings: impl Into<Settings>) -> Self {
        let mut settings = settings.into();
        let types = Arc::new(schema::types());
        Self {
            schema: schema::build(settings.suggestions),
            schema_size: Arc::new(SchemaSize::of(&types)),
            types,
            documents: Documents::new(),
            persisted: PersistedDocuments::new(std::mem::take(&mut settings.trusted)),
            database,
            settings: Arc::new(settings),
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
        schema::build(true).sdl()
    }

    /// Runs one request for `caller`. The answer's errors name `request_id` where the log has more.
    pub async fn execute(&self, request: Request, caller: Caller, request_id: String) -> Answer {
        let caller = Arc::new(caller);
        let pages = self.settings.pages;
        let observed = self.telemetry.begin();
        let database = self.database.observed_by(Arc::clone(&observed));
        let reads = Arc::new(Reads::new(database.clone(), Arc::clone(&caller), pages));
        let write = WriteContext { database, caller, request_id: request_id.clone(), limits: pages };
        let answer = self.answer(request, reads, write, &observed);
        let answer = match self.settings.timeout {
            Some(timeout) => tokio::time::timeout(timeout, answer).await,
            None => Ok(answer.await),
        };
        let answer = answer.unwrap_or_else(|_| Err(vec![refusal(Code::RequestTimeout)]));
        let mut answer = answer.unwrap_or_else(Answer::refused);
        for error in &mut answer.errors {
            finish_error(error, &request_id);
        }
        let (outcome, codes) = respond::outcome(&answer);
        observed.end(outcome, codes);
        answer.finish(self.settings.limits.errors)
    }

    async fn answer(
        &self,
        mut request: Request,
        reads: Arc<Reads>,
        write: WriteContext,
        observed: &Observed,
    ) -> Result<Answer, Vec<ServerError>> {
        let mut values = std::mem::take(&mut request.variables);
        let found = self.persisted.find(&request).map_err(|error| vec![error])?;
        let kept = self.documents.find(found.text());
        let is_new = kept.is_none();
        let document = match kept {
            Some(document) => document,
            None => Arc::new(self.read(found.text(), found.is_trusted).map_err(|error| vec![error])?),
        };
        let name = request.operation_name.as_deref();
        let operation = document.operation(name);
        if let Some(operation) = &operation {
            observed.asks_for(operation.definition.ty, operation.name);
            if request.is_safe && operation.definition.ty != OperationType::Query {
                return Err(vec![refusal(Code::MethodNotAllowed)]);
            }
            variables::coerce(&self.types, operation.definition, &mut values)?;
        }
        let mut asked = async_graphql::Request::new("").variables(values);
        asked.operation_name = name.map(str::to_owned);
        let Some(operation) = operation.filter(|operation| operation.definition.ty == OperationType::Query) else {
            return self
                .change(&document, asked, &request, (reads, write), observed, || self.keep(&found, &document, is_new))
                .await;
        };
        if is_new {
            ask_schema(&self.schema, &document, &asked, Ask::Nothing).await?;
            self.keep(&found, &document, is_new);
        }
        let query = operation
            .plans
            .query(
                schema::QueryRoot::root(),
                &document.executable,
                operation.definition,
                &asked.variables,
                &reads.scope,
            )
            .map_err(|error| vec![error])?;
        let cost = self.cost_of_query(&query, &document, &operation, &asked, observed).map_err(|error| vec![error])?;
        let mut introspection = IndexMap::default();
        if query.asks_for_the_schema() {
            if !self.settings.introspection {
                return Err(vec![refusal(Code::IntrospectionDisabled)]);
            }
            let size = self.schema_size.check(&document.executable, operation.definition);
            size.map_err(|error| vec![error])?;
            introspection = ask_schema(&self.schema, &document, &asked, Ask::OfItself).await?;
        }
        let data = query.run(&reads, &introspection, Answer::begin()).await;
        let cost = request.tells_cost.then_some((cost, data.objects));
        Ok(Answer::of_query(data).with_cost(cost))
    }

    /// Parses a document, within the limits. A trusted one was written with care, however large it is.
    fn read(&self, text: &str, is_trusted: bool) -> Result<Document, ServerError> {
        if is_trusted { Document::parse(text) } else { read_within(text, &self.settings.limits) }
    }

    /// Keeps a document that was found right.
    fn keep(&self, found: &persisted::Found<'_>, document: &Arc<Document>, is_new: bool) {
        if is_new {
            self.documents.keep(found.text(), document);
        }
        self.persisted.register(found);
    }

    /// What a query costs, within the budget. It is the same whenever a plan serves, but for how long lists of ids are.
    fn cost_of_query(
        &self,
        query: &Query,
        document: &Document,
        operation: &Operation<'_>,
        asked: &async_graphql::Request,
        observed: &Observed,
    ) -> Result<u64, ServerError> {
        let budget = self.settings.limits.cost;
        if let Some(cost) = query.known_cost().filter(|cost| *cost <= budget) {
            observed.costs(cost);
            return Ok(cost);
        }
        let cost = self.cost(document, operation, asked);
        observed.costs(cost.total);
        if !cost.varies {
            query.remember_cost(cost.total);
        }
        cost.check(budget)
    }

    fn cost(&self, document: &Document, operation: &Operation<'_>, asked: &async_graphql::Request) -> Cost {
        let Operation { definition, .. } = operation;
        Cost::of(&self.types, &document.executable, definition, &asked.variables, self.settings.pages)
    }

    /// Runs an operation that is no query.
    async fn change(
        &self,
        document: &Document,
        mut asked: async_graphql::Request,
        request: &Request,
        (reads, write): (Arc<Reads>, WriteContext),
        observed: &Observed,
        keep: impl FnOnce(),
    ) -> Result<Answer, Vec<ServerError>> {
        let mut executable = document.executable.clone();
        let operation = document.operation(asked.operation_name.as_deref());
        let mut cost = 0;
        // Where no operation can be told, nothing is run, and the answer is about the document as it is.
        if let Some(operation) = &operation {
            let asked_for = self.cost(document, operation, &asked);
            observed.costs(asked_for.total);
            cost = asked_for.check(self.settings.limits.cost).map_err(|error| vec![error])?;
            absent::leave_out(&mut executable, asked.operation_name.as_deref(), &asked.variables);
        }
        asked.set_parsed_query(executable);
        let objects = Arc::clone(&reads);
        // What is left out is decided by truth values alone; the rest may be megabytes.
        let mut variables = Variables::default();
        let flags = asked.variables.iter().filter(|(_, value)| matches!(value, Value::Boolean(_)));
        variables.extend(flags.map(|(name, value)| (name.clone(), value.clone())));
        let mut response = self.schema.execute(asked.data(reads).data(write)).await;
        if let Some(Operation { definition, .. }) = &operation
            && response.errors.iter().all(|error| !error.path.is_empty())
        {
            let data = std::mem::take(&mut response.data);
            response.data = complete::complete(&self.types, &document.executable, definition, &variables, data);
        }
        let answer = Answer::of(response);
        if answer.has_data {
            keep();
        }
        Ok(answer.with_cost(request.tells_cost.then(|| (cost, objects.objects()))))
    }

    /// How a query is read on a kind of database, for a person to read: its loads, level by level, and their statements.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub async fn explain(mut request: Request, scope: &Scope) -> Result<String, Vec<ServerError>> {
        let document = Document::parse(request.query.as_deref().unwrap_or_default()).map_err(|error| vec![error])?;
        let operation = document.operation(request.operation_name.as_deref());
        if let Some(operation) = &operation {
            variables::coerce(&schema::types(), operation.definition, &mut request.variables)?;
        }
        let operation = operation.filter(|operation| operation.definition.ty == OperationType::Query);
        let Some(operation) = operation else {
            return Err(vec![ServerError::new("the document has no query of this name to explain", None)]);
        };
        let mut asked = async_graphql::Request::new("").variables(request.variables);
        asked.operation_name = request.operation_name;
        ask_schema(&schema::build(true), &document, &asked, Ask::Nothing).await?;
        let root = schema::QueryRoot::root();
        let query = operation.plans.query(root, &document.executable, operation.definition, &asked.variables, scope);
        Ok(query.map_err(|error| vec![error])?.describe())
    }
}

/// Checks what a document is refused for before it is validated: where it is not GraphQL, or beyond a limit. What passes may
/// still ask for fields that there are not, and cost too much. It is for who writes a manifest, and for the fuzzer.
///
/// # Errors
/// What the server would answer.
pub fn check_document(text: &str, limits: &Limits) -> Result<(), ServerError> {
    read_within(text, limits).map(drop)
}

fn read_within(text: &str, limits: &Limits) -> Result<Document, ServerError> {
    limits::check_text(text, limits)?;
    let document = Document::parse(text)?;
    limits::check_document(&document.executable, limits)?;
    Ok(document)
}

/// What async-graphql answers of a query, once it has checked it.
enum Ask {
    Nothing,
    /// What is asked of the schema itself.
    OfItself,
}

/// Lets async-graphql check a query. It runs none of our fields.
async fn ask_schema(
    schema: &ThroughlineSchema,
    document: &Document,
    request: &async_graphql::Request,
    ask: Ask,
) -> Result<IndexMap<Name, Value>, Vec<ServerError>> {
    let mut checked = async_graphql::Request::new("").variables(request.variables.clone());
    checked.operation_name.clone_from(&request.operation_name);
    checked.set_parsed_query(document.executable.clone());
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

/// The most characters of an error's message.
const LONGEST_MESSAGE: usize = 400;

/// A refusal that has nothing to say but its code's text.
fn refusal(code: Code) -> ServerError {
    let mut error = ServerError::new(code.constant_message().unwrap_or_default(), None);
    error.extensions.get_or_insert_default().set("code", code.as_str());
    error
}

/// Gives an error its code, and logs what is our fault.
fn finish_error(error: &mut ServerError, request_id: &str) {
    // What quotes the request may be as long as it.
    if let Some((end, _)) = error.message.char_indices().nth(LONGEST_MESSAGE) {
        error.message.replace_range(end.., "…");
    }
    if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
        // The engine's errors have a code, and every field is the engine's: this comes from async-graphql's check.
        extend(error, "code", Code::ValidationFailed.as_str());
    }
    if respond::code_of(error).is_some_and(Code::is_ours) {
        extend(error, "requestId", request_id);
        let source = error.source.as_ref().and_then(|source| source.downcast_ref::<BatchError>());
        let cause = source.map_or_else(|| error.message.clone(), |source| error_chain(source));
        let path = serde_json::to_string(&error.path).unwrap_or_default();
        tracing::error!(request_id, path, error = %cause, "a field failed");
    }
}

fn extend(error: &mut ServerError, name: &str, value: &str) {
    error.extensions.get_or_insert_default().set(name, value);
}

/// An error with its causes, for the log alone.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
