//! The engine: finds the plan of an operation, fills it, loads it, writes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::{Name, ServerError, Value, Variables};

use super::kept::Kept;
use super::load::Run;
use super::plan::{Filled, Plan, Planner};
use super::projection::Projected;
use super::reads::{Reads, Scope};
use super::root::Root;
use super::source::Source;
use super::write::{Frame, Writer};
use crate::access::View;

/// The plans of one operation: one for each way in which the variables of its requests decide it.
#[derive(Default)]
pub struct Plans(Kept<PlanOf>);

/// A plan, and whom it is for: what a caller may see is part of its statements.
struct PlanOf {
    view: View,
    plan: Plan,
    /// How long the last answer was: the next one will be about as long, and need not grow there.
    length: AtomicUsize,
    /// What it costs, once that is known to be the same for all requests.
    cost: OnceLock<u64>,
}

/// What an operation reads for one request.
pub struct Query {
    plan: Arc<PlanOf>,
    filled: Filled,
}

/// The data of an answer, and its errors.
pub struct Data {
    /// JSON. `null` where a field failed that cannot be null.
    pub json: Vec<u8>,
    /// What failed, each with its path.
    pub errors: Vec<ServerError>,
    /// How many objects it holds; a connection is one together with its page info, an edge with its node.
    pub objects: u64,
}

impl Plans {
    /// The operation for one request, from a plan that is there or a new one.
    ///
    /// # Errors
    /// Where fields cannot share a response key.
    pub fn query(
        &self,
        root: &'static Root,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        scope: &Scope,
    ) -> Result<Query, ServerError> {
        let serve = |known: &PlanOf| known.serve(variables, scope);
        if let Some((plan, filled)) = self.0.find(serve) {
            return Ok(Query { plan, filled });
        }
        let source = Source::new(&document.fragments, variables);
        let mut planner = Planner::new(&source, scope.limits);
        planner.plan_operation(root, &operation.selection_set.node);
        let made = planner.finish();
        let (mut plan, filled) = made.map_err(|(error, position)| error.to_server_error(position))?;
        plan.complete(source.into_conditions(), scope.backend, &scope.sight());
        let plan =
            Arc::new(PlanOf { view: scope.caller.view(), plan, length: AtomicUsize::new(0), cost: OnceLock::new() });
        if plan.plan.is_worth_keeping() {
            self.0.keep(&plan, serve);
        }
        Ok(Query { plan, filled })
    }
}

impl PlanOf {
    /// What a request fills it with, if it is for such a one.
    fn serve(&self, variables: &Variables, scope: &Scope) -> Option<Filled> {
        if self.view == scope.caller.view() { self.plan.fill(variables, scope.limits) } else { None }
    }
}

impl Query {
    /// Whether it selects `__schema` or `__type`.
    pub fn asks_for_the_schema(&self) -> bool {
        let parts = &self.plan.plan.projection.parts;
        parts.iter().any(|part| matches!(part.value, Projected::Introspection))
    }

    /// What the operation costs, if that was remembered with its plan.
    pub fn known_cost(&self) -> Option<u64> {
        self.plan.cost.get().copied()
    }

    /// Remembers what the operation costs whenever the plan serves a request.
    pub fn remember_cost(&self, cost: u64) {
        let _ = self.plan.cost.set(cost);
    }

    /// The plan, for a person to read.
    pub fn describe(&self) -> String {
        self.plan.plan.to_string()
    }

    /// Reads the operation's data and appends it to `out`. What it asks of the schema itself is given.
    pub async fn run(&self, reads: &Reads, introspection: &IndexMap<Name, Value>, mut out: Vec<u8>) -> Data {
        let plan = &self.plan.plan;
        let run = Run { plan, filled: &self.filled, reads, number: 0, has_siblings: false, at_hand: None };
        if let Some(recorder) = reads.database.recorder() {
            recorder.add_plan(|number| plan.fields(number));
            run.tell_what_is_alike(recorder);
        }
        let objects = run.load_root().await;
        let start = out.len();
        let length = self.plan.length.load(Ordering::Relaxed);
        out.reserve(length + length / 8);
        let mut writer = Writer::new(out, &self.filled.given, introspection, &reads.secrets);
        writer.data(&plan.projection, Frame { objects: &objects, place: 0, parent: None });
        let Writer { out: json, errors, objects, .. } = writer;
        self.plan.length.store(json.len() - start, Ordering::Relaxed);
        Data { json, errors, objects }
    }
}
