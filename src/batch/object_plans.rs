//! The plans of what is selected of objects that ordinary resolvers return: made once for a request, and kept with the document for those
//! to come.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_graphql::indexmap::IndexMap;
use async_graphql::{ContextSelectionSet, PathSegment, Pos, ServerError, ServerResult, Variables};
use uuid::Uuid;

use super::at_hand::AtHand;
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
    made: Arc<Made>,
    filled: Filled,
    /// Among those that are told of.
    number: usize,
}

/// The plan of a selection, and whom it is for.
struct Made {
    object: &'static Object,
    /// Where the field stands.
    position: Pos,
    view: View,
    plan: Plan,
    part: Part<Projected>,
}

/// The plans of one operation, for all requests that send it.
#[derive(Default)]
pub struct ObjectPlans(RwLock<Vec<Arc<Made>>>);

/// The plans of one request, by their type and by the field's place.
pub(super) type RequestPlans = Mutex<HashMap<(&'static str, Pos), Arc<ObjectPlan>>>;

/// More than operations select, and than variables decide. What exceeds it is planned for each request.
const MOST_PLANS: usize = 32;

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
        let kept = reads.kept_plans.find(object, position, variables, &reads.scope);
        let (made, filled) = if let Some(kept) = kept {
            kept
        } else {
            let (made, filled) = Made::new(ctx, object, (position, nullable), &reads.scope)?;
            let made = Arc::new(made);
            reads.kept_plans.keep(&made);
            (made, filled)
        };
        let number = reads.database.recorder().map_or(0, |recorder| {
            recorder.add_plan(|number| made.plan.fields_of(number, &joined(path), &made.part.value))
        });
        let plan = Arc::new(Self { made, filled, number });
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
        let Made { plan, part, .. } = &*self.made;
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

impl Made {
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
        Ok((Self { object, position, view: scope.caller.view(), plan, part }, filled))
    }
}

impl ObjectPlans {
    /// The plan that another request has made of the same, and what this one fills it with.
    fn find(
        &self,
        object: &'static Object,
        position: Pos,
        variables: &Variables,
        scope: &Scope,
    ) -> Option<(Arc<Made>, Filled)> {
        let view = scope.caller.view();
        let plans = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut same = plans
            .iter()
            .filter(|made| std::ptr::eq(made.object, object) && made.position == position && made.view == view);
        same.find_map(|made| Some((Arc::clone(made), made.plan.fill_for_object(variables, scope.limits)?)))
    }

    fn keep(&self, made: &Arc<Made>) {
        let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if made.plan.is_worth_keeping() && plans.len() < MOST_PLANS {
            plans.push(Arc::clone(made));
        }
    }
}

/// The response keys of a path, with dots between them.
fn joined(path: &[PathSegment]) -> String {
    let keys = path.iter().filter_map(|segment| match segment {
        PathSegment::Field(key) => Some(key.as_str()),
        PathSegment::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}
