//! The schema, and the one way to run a request against it.
//!
//! **Invariants:** every request goes through [`Api::execute`] or [`Api::open`]; an answer's errors carry a code of [`Code`]; what
//! is our fault says nothing but that, and is logged once, here, under the request's id.

mod absent;
mod complete;
mod document;
mod errors;
mod explain;
mod introspection;
mod limits;
pub(crate) mod mutation;
mod persisted;
mod request;
mod respond;
mod schema;
mod settings;
mod subscription;
mod variables;

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::registry::Registry;
use async_graphql::{Name, SDLExportOptions, ServerError, Value, Variables};

use self::document::{Document, Documents, Operation};
pub(crate) use self::errors::{error_chain, refusal, rights_ended};
use self::errors::{finish_error, limited, no_subscription, refuse};
use self::explain::Explaining;
pub use self::limits::Limits;
use self::limits::cost::Cost;
use self::limits::introspection::SchemaSize;
use self::mutation::WriteContext;
use self::persisted::PersistedDocuments;
pub use self::persisted::{ManifestError, TrustedDocuments};
pub use self::request::Request;
pub use self::respond::Answer;
pub(crate) use self::respond::errors_to_json;
use self::schema::ThroughlineSchema;
pub use self::settings::Settings;
use self::subscription::Feeds;
pub use self::subscription::{Payload, Subscription};
use crate::access::Caller;
pub use crate::batch::PageLimits;
use crate::batch::{DeclaresRoot as _, Query, Reads};
use crate::code::Code;
use crate::database::Database;
use crate::encryption::KeyRing;
use crate::events::bus::Bus;
use crate::rate_limit::{self, Meter, RateLimits};
use crate::telemetry::{Observed, Outcome, Telemetry};

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
    feeds: Feeds,
    rate_limits: RateLimits,
    key_ring: Arc<KeyRing>,
}

/// What a request has led to.
pub enum Opened {
    /// It was answered.
    Answer(Answer),
    /// It asked to be answered again and again.
    Subscription(Box<Subscription>),
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
            feeds: Feeds::new(Bus::new(database.clone()), settings.max_subscriptions),
            database,
            rate_limits: RateLimits::new(settings.rate),
            settings: Arc::new(settings),
            telemetry: Telemetry::default(),
            key_ring: KeyRing::none(),
        }
    }

    /// The same, observed by `telemetry`.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry, ..self }
    }

    /// The same, with the keys that encrypt and open secrets.
    #[must_use]
    pub fn with_key_ring(self, key_ring: Arc<KeyRing>) -> Self {
        Self { key_ring, ..self }
    }

    /// What is observed of it.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// How much callers may ask for: what a [`Request`] is [paid with](Request::paid_with) comes from here.
    pub fn rate_limits(&self) -> &RateLimits {
        &self.rate_limits
    }

    /// The database that it is over.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// What encrypts and opens secrets.
    pub(crate) fn key_ring(&self) -> &Arc<KeyRing> {
        &self.key_ring
    }

    /// What tells of events.
    pub(crate) fn bus(&self) -> &Bus {
        self.feeds.bus()
    }

    /// The schema in GraphQL's schema definition language, as `schema.graphql` holds it.
    #[must_use]
    pub fn sdl() -> String {
        schema::build(true).sdl_with_options(SDLExportOptions::new().include_specified_by())
    }

    /// Runs one request for `caller`. The answer's errors name `request_id` where the log has more. A subscription is refused:
    /// see [`Api::open`].
    pub async fn execute(&self, request: Request, caller: Caller, request_id: String) -> Answer {
        match self.run(request, caller, request_id, false).await {
            Opened::Answer(answer) => answer,
            Opened::Subscription(_) => Answer::refused(vec![no_subscription()]).finish(1),
        }
    }

    /// Runs one request for `caller`, or begins a subscription.
    pub async fn open(&self, request: Request, caller: Caller, request_id: String) -> Opened {
        self.run(request, caller, request_id, true).await
    }

    async fn run(&self, request: Request, caller: Caller, request_id: String, may_subscribe: bool) -> Opened {
        let caller = Arc::new(caller);
        let pages = self.settings.pages;
        let observed = self.telemetry.begin();
        let mut database = self.database.observed_by(Arc::clone(&observed));
        let explaining = match request.tells.explanation.then(|| Explaining::begin(&caller)).transpose() {
            Ok(explaining) => explaining,
            Err(error) => {
                observed.end(Outcome::Refused, [Code::Forbidden]);
                return Opened::Answer(Answer::refused(vec![error]).finish(1));
            }
        };
        if let Some(explaining) = &explaining {
            database = explaining.record(&database);
        }
        let key_ring = Arc::clone(&self.key_ring);
        let reads = Reads::new(database.clone(), Arc::clone(&caller), pages).with_key_ring(Arc::clone(&key_ring));
        let reads = Arc::new(reads);
        let write = WriteContext { database, caller, request_id: request_id.clone(), limits: pages, key_ring };
        let ran = self.answer(request, reads, write, &observed, may_subscribe);
        let ran = match self.settings.timeout {
            Some(timeout) => tokio::time::timeout(timeout, ran).await,
            None => Ok(ran.await),
        };
        let mut answer = match ran.unwrap_or_else(|_| Err(vec![refuse(Code::RequestTimeout)])) {
            Ok(Opened::Subscription(subscription)) => {
                observed.end(Outcome::Ok, []);
                return Opened::Subscription(subscription);
            }
            Ok(Opened::Answer(answer)) => answer,
            Err(errors) => Answer::refused(errors),
        };
        for error in &mut answer.errors {
            finish_error(error, &request_id);
        }
        let (outcome, codes) = respond::outcome(&answer);
        observed.end(outcome, codes);
        if let Some(explaining) = explaining.filter(|_| answer.has_data) {
            // Boxed, since the future of every request would have room for it otherwise.
            let report = Box::pin(explaining.explain(&self.database, self.settings.timeout)).await;
            answer = answer.with_explanation(report);
        }
        Opened::Answer(answer.finish(self.settings.limits.errors))
    }

    async fn answer(
        &self,
        mut request: Request,
        reads: Arc<Reads>,
        write: WriteContext,
        observed: &Observed,
        may_subscribe: bool,
    ) -> Result<Opened, Vec<ServerError>> {
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
            if request.is_safe && operation.definition.ty == OperationType::Mutation {
                return Err(vec![refuse(Code::MethodNotAllowed)]);
            }
            variables::coerce(&self.types, operation.definition, &mut values)?;
        }
        let mut asked = async_graphql::Request::new("").variables(values);
        asked.operation_name = name.map(str::to_owned);
        let operation = match operation {
            Some(operation) if operation.definition.ty == OperationType::Query => operation,
            Some(operation) if operation.definition.ty == OperationType::Subscription => {
                if !may_subscribe {
                    return Err(vec![no_subscription()]);
                }
                let of = (&*document, &operation, found.text());
                let subscription = self.subscribe(of, &asked, (&request, write), observed).await?;
                self.keep(&found, &document, is_new);
                return Ok(Opened::Subscription(Box::new(subscription)));
            }
            _ => {
                let keep = || self.keep(&found, &document, is_new);
                let answer = self.change(&document, asked, &request, (reads, write), observed, keep).await;
                return answer.map(Opened::Answer);
            }
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
        let budget = self.budget(request.meter.as_ref());
        let cost = self.cost_of_query(&query, (&document, &operation, &asked), budget, observed);
        let cost = cost.map_err(|error| vec![error])?;
        pay(&request, cost)?;
        let mut introspection = IndexMap::default();
        if query.asks_for_the_schema() {
            if !self.settings.introspection {
                return Err(vec![refuse(Code::IntrospectionDisabled)]);
            }
            let size = self.schema_size.check(&document.executable, operation.definition);
            size.map_err(|error| vec![error])?;
            introspection = ask_schema(&self.schema, &document, &asked, Ask::OfItself).await?;
        }
        reads.database().read_from_replicas(request.min_position);
        let tells_source = request.tells.source;
        let data = rate_limit::metered(request.meter, query.run(&reads, &introspection, Answer::begin())).await;
        let cost = request.tells.cost.then_some((cost, data.objects));
        let source = tells_source.then(|| reads.database().read_from());
        Ok(Opened::Answer(Answer::of_query(data).with_cost(cost).with_source(source)))
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
        (document, operation, asked): (&Document, &Operation<'_>, &async_graphql::Request),
        budget: u64,
        observed: &Observed,
    ) -> Result<u64, ServerError> {
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

    /// The most that an operation may cost: never more than its caller has in a minute, since nobody could wait for that.
    fn budget(&self, meter: Option<&Meter>) -> u64 {
        self.settings.limits.cost.min(meter.map_or(u64::MAX, Meter::limit))
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
            cost = asked_for.check(self.budget(request.meter.as_ref())).map_err(|error| vec![error])?;
            pay(request, cost)?;
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
        // Once for all that it has committed; what it has met that was carried out before is not older.
        let answer = answer.with_position(objects.database().position().await);
        Ok(answer.with_cost(request.tells.cost.then(|| (cost, objects.objects()))))
    }
}

/// Pays for an operation before anything of it is done. What is explained is read twice, and costs as much, but never more than there is in
/// a minute.
fn pay(request: &Request, cost: u64) -> Result<(), Vec<ServerError>> {
    let cost_by =
        |meter: &Meter| if request.tells.explanation { cost.saturating_mul(2).min(meter.limit()) } else { cost };
    let paid = request.meter.as_ref().map(|meter| meter.pay(cost_by(meter))).transpose();
    paid.map(drop).map_err(|by| vec![limited(&by)])
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
fn to_be_checked(document: &Document, request: &async_graphql::Request) -> async_graphql::Request {
    let mut checked = async_graphql::Request::new("").variables(request.variables.clone());
    checked.operation_name.clone_from(&request.operation_name);
    checked.set_parsed_query(document.executable.clone());
    checked
}
