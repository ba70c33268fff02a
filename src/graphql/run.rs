//! One request, from its document to its answer.
//!
//! **Invariants:** nothing is read, and nothing is changed, before the document was found right and what it asks for was paid for; a query
//! runs as its plan says, everything else as async-graphql does.

use std::pin::pin;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::OperationType;
use async_graphql::{ServerError, Value, Variables};

use super::document::{Document, Operation};
use super::errors::{finish_error, no_subscription, refuse};
use super::explain::Explaining;
use super::framework::{self, Ask};
use super::mutation::WriteContext;
use super::{Answer, Api, Opened, Request, absent, charge, complete, persisted, respond, schema, variables};
use crate::access::Caller;
use crate::batch::{DeclaresRoot as _, Reads};
use crate::code::Code;
use crate::rate_limit;
use crate::telemetry::{Observed, Outcome};

impl Api {
    pub(super) async fn run(
        &self,
        request: Request,
        caller: Caller,
        request_id: String,
        may_subscribe: bool,
    ) -> Opened {
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
        let reads = Reads::new(database, caller, pages).with_key_ring(Arc::clone(&self.key_ring));
        let ran = pin!(self.answer(request, reads, &request_id, &observed, may_subscribe));
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
        reads: Reads,
        request_id: &str,
        observed: &Observed,
        may_subscribe: bool,
    ) -> Result<Opened, Vec<ServerError>> {
        let mut values = std::mem::take(&mut request.variables);
        let found = self.persisted.find(&request).map_err(|error| vec![error])?;
        let kept = self.documents.find(found.text());
        let is_new = kept.is_none();
        let document = match kept {
            Some(document) => document,
            None => Arc::new(self.parse(found.text(), found.is_trusted).map_err(|error| vec![error])?),
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
        let write = || WriteContext {
            database: reads.database().clone(),
            caller: Arc::clone(&reads.scope.caller),
            request_id: request_id.to_owned(),
            limits: reads.scope.limits,
            key_ring: Arc::clone(&self.key_ring),
        };
        let operation = match operation {
            Some(operation) if operation.definition.ty == OperationType::Query => operation,
            Some(operation) if operation.definition.ty == OperationType::Subscription => {
                if !may_subscribe {
                    return Err(vec![no_subscription()]);
                }
                let of = (&*document, &operation, found.text());
                // Boxed, as all is that a query does not need: its future would have room for it otherwise.
                let subscription = Box::pin(self.subscribe(of, &asked, (&request, write()), observed)).await?;
                self.keep(&found, &document, is_new);
                return Ok(Opened::Subscription(Box::new(subscription)));
            }
            _ => {
                let keep = || self.keep(&found, &document, is_new);
                let write = write();
                let change = self.change(&document, asked, &request, (reads, write), observed, keep);
                return Box::pin(change).await.map(Opened::Answer);
            }
        };
        if is_new {
            Box::pin(framework::ask(&self.schema, &document, &asked, Ask::Nothing)).await?;
            self.keep(&found, &document, is_new);
        }
        let query = operation
            .plans
            .query
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
        charge::pay(&request, cost)?;
        let mut introspection = IndexMap::default();
        if query.asks_for_the_schema() {
            if !self.settings.introspection {
                return Err(vec![refuse(Code::IntrospectionDisabled)]);
            }
            let size = self.schema_size.check(&document.executable, operation.definition);
            size.map_err(|error| vec![error])?;
            introspection = Box::pin(framework::ask(&self.schema, &document, &asked, Ask::OfItself)).await?;
        }
        reads.database().read_from_replicas(request.min_position);
        let tells_source = request.tells.source;
        let data = rate_limit::metered(request.meter, query.run(&reads, &introspection, Answer::begin())).await;
        let cost = request.tells.cost.then_some((cost, data.objects));
        let source = tells_source.then(|| reads.database().read_from());
        Ok(Opened::Answer(Answer::of_query(data).with_cost(cost).with_source(source)))
    }

    /// Runs an operation that is no query.
    async fn change(
        &self,
        document: &Document,
        mut asked: async_graphql::Request,
        request: &Request,
        (mut reads, write): (Reads, WriteContext),
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
            charge::pay(request, cost)?;
            let is_whole = !absent::leave_out(&mut executable, asked.operation_name.as_deref(), &asked.variables);
            // What is planned without some of its arguments is for this request alone.
            if is_whole {
                reads = reads.with_plans(&operation.plans.payloads);
            }
        }
        asked.set_parsed_query(executable);
        let reads = Arc::new(reads);
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

    /// Parses a document, within the limits. A trusted one was written with care, however large it is.
    fn parse(&self, text: &str, is_trusted: bool) -> Result<Document, ServerError> {
        if is_trusted { Document::parse(text) } else { Document::parse_within(text, &self.settings.limits) }
    }

    /// Keeps a document that was found right.
    fn keep(&self, found: &persisted::Found<'_>, document: &Arc<Document>, is_new: bool) {
        if is_new {
            self.documents.keep(found.text(), document);
        }
        self.persisted.register(found);
    }
}
