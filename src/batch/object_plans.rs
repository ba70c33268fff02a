//! The plans of what is selected of objects that ordinary resolvers return: made once for a request, and kept with the document for those
//! to come.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::indexmap::IndexMap;
use async_graphql::{ContextSelectionSet, Name, PathSegment, Pos, ServerError, ServerResult, Value, Variables};
use uuid::Uuid;

use super::at_hand::AtHand;
use super::kept::Kept;
use super::load::Run;
use super::object::Object;
use super::plan::{Filled, Given, Plan, Planner};
use super::projection::{Part, Projected};
use super::reads::{Reads, Scope};
use super::source::Source;
use super::write::{Frame, Writer};
use crate::access::View;

/// What is selected of an object, as one request has it.
pub(super) struct ObjectPlan {
    shared: Arc<SharedPlan>,
    filled: Filled,
    /// Among those that are told of.
    number: usize,
}

/// The plan of a selection, and whom it is for.
struct SharedPlan {
    object: &'static Object,
    /// Where the field stands.
    position: Pos,
    view: View,
    /// The variables that are truth values: by these async-graphql has left out what is skipped, before anything is planned.
    flags: Vec<(Name, bool)>,
    plan: Plan,
    part: Part<Projected>,
}

/// The plans of one operation, for all requests that send it.
#[derive(Default)]
pub struct ObjectPlans(Kept<SharedPlan>);

/// The plans of one request, by their type and by the field's place.
pub(super) type RequestPlans = Mutex<HashMap<(&'static str, Pos), Arc<ObjectPlan>>>;

impl ObjectPlan {
    /// The plan of what is selected here.
    pub(super) fn of(
        reads: &Reads,
        ctx: &ContextSelectionSet<'_>,
        object: &'static Object,
        (position, nullable): (Pos, bool),
        path: &[PathSegment],
    ) -> ServerResult<Arc<Self>> {
        let mut plans = reads.object_plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = plans.get(&(object.fields.name, position)) {
            return Ok(Arc::clone(known));
        }
        let variables = &ctx.query_env.variables;
        let ObjectPlans(kept) = &*reads.kept_plans;
        let serve = |plan: &SharedPlan| plan.serve((object, position), variables, &reads.scope);
        let (shared, filled) = if let Some(known) = kept.find(serve) {
            known
        } else {
            let (made, filled) = SharedPlan::new(ctx, object, (position, nullable), &reads.scope)?;
            let made = Arc::new(made);
            if made.plan.is_worth_keeping() {
                kept.keep(&made, serve);
            }
            (made, filled)
        };
        let number = reads.database.recorder().map_or(0, |recorder| {
            recorder.add_plan(|number| shared.plan.fields_of(number, &joined(path), &shared.part.value))
        });
        let plan = Arc::new(Self { shared, filled, number });
        plans.insert((object.fields.name, position), Arc::clone(&plan));
        Ok(plan)
    }

    /// The JSON of the object with this key, and the errors of what is null in it.
    pub(super) async fn run(
        &self,
        (reads, at_hand): (&Reads, Option<&dyn AtHand>),
        key: Uuid,
    ) -> ServerResult<(Vec<u8>, Vec<ServerError>)> {
        let mut given = self.filled.given.clone();
        given[Planner::OBJECT_GIVEN] = Given::one(key);
        let filled = self.filled.with_given(given);
        let SharedPlan { plan, part, .. } = &*self.shared;
        let run = Run { plan, filled: &filled, reads, number: self.number, has_siblings: true, at_hand };
        let objects = run.load_root().await;
        let introspection = IndexMap::default();
        let mut writer = Writer::new(Vec::with_capacity(1024), &filled.given, &introspection, &reads.secrets);
        let frame = Frame { objects: &objects, place: 0, parent: None };
        let written = writer.whole(part, frame);
        reads.objects.fetch_add(writer.objects, Ordering::Relaxed);
        match written {
            Ok(()) => Ok((writer.out, writer.errors)),
            Err(raised) => Err(raised.into_error()),
        }
    }
}

impl SharedPlan {
    fn new(
        ctx: &ContextSelectionSet<'_>,
        object: &'static Object,
        (position, nullable): (Pos, bool),
        scope: &Scope,
    ) -> ServerResult<(Self, Filled)> {
        let source = Source::new(&ctx.query_env.fragments, &ctx.query_env.variables);
        let mut planner = Planner::new(&source, scope.limits);
        let projected = planner.plan_object(object, [&ctx.item.node]);
        let (mut plan, filled) = planner.finish().map_err(|(error, position)| error.to_server_error(position))?;
        plan.complete(source.into_conditions(), scope.backend, &scope.sight());
        let part = Part::of_whole(projected, position, nullable);
        let flags = flags(&ctx.query_env.variables).map(|(name, flag)| (name.clone(), flag)).collect();
        Ok((Self { object, position, view: scope.caller.view(), flags, plan, part }, filled))
    }

    /// What a request fills it with, if it is for the same object and for such a request.
    fn serve(
        &self,
        (object, position): (&'static Object, Pos),
        variables: &Variables,
        scope: &Scope,
    ) -> Option<Filled> {
        let decided = self.flags.iter().map(|(name, flag)| (name, *flag));
        let is_same = self.object == object && self.position == position && self.view == scope.caller.view();
        if is_same && decided.eq(flags(variables)) { self.plan.fill_for_object(variables, scope.limits) } else { None }
    }
}

/// The variables that are truth values, in the order of their names.
fn flags(variables: &Variables) -> impl Iterator<Item = (&Name, bool)> {
    variables.iter().filter_map(|(name, value)| match value {
        Value::Boolean(flag) => Some((name, *flag)),
        _ => None,
    })
}

/// The response keys of a path, with dots between them.
fn joined(path: &[PathSegment]) -> String {
    let keys = path.iter().filter_map(|segment| match segment {
        PathSegment::Field(key) => Some(key.as_str()),
        PathSegment::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}
