//! Where async-graphql hands a field over to the engine: the value of an ordinary resolver that returns a [`One`].

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, PathSegment, Pos, Positioned, ServerError, ServerResult, Value};
use uuid::Uuid;

use super::BatchError;
use super::load::Run;
use super::object::Object;
use super::plan::{Filled, Given, Plan, Planner};
use super::projection::{Part, Projected};
use super::reads::Reads;
use super::sdl::{register_node, register_object};
use super::source::Source;
use super::write::{Frame, Writer};

/// An object by its key, for ordinary resolvers: selected, it is read as deep as a query, and batched with its siblings.
pub struct One<D> {
    key: Uuid,
    /// What it is read with, if that is not the request's own.
    reads: Option<Arc<Reads>>,
    /// Whether it is null where there is none.
    nullable: bool,
    declared: PhantomData<D>,
}

/// A Rust type that stands for a declared object type.
pub trait Declared: Send + Sync + 'static {
    /// The declaration.
    fn object() -> &'static Object;
}

impl<D: Declared> One<D> {
    /// The object with this key; it must exist.
    #[must_use]
    pub fn new(key: Uuid) -> Self {
        Self { key, reads: None, nullable: false, declared: PhantomData }
    }

    /// The object with this key, read by `reads`; it must exist.
    #[must_use]
    pub fn read_by(key: Uuid, reads: Arc<Reads>) -> Self {
        Self { reads: Some(reads), ..Self::new(key) }
    }

    /// The object with this key, read by `reads`; null where there is none.
    #[must_use]
    pub fn or_null(key: Uuid, reads: Arc<Reads>) -> Self {
        Self { key, reads: Some(reads), nullable: true, declared: PhantomData }
    }
}

impl<D: Declared> OutputType for One<D> {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed(D::object().fields.name)
    }

    fn create_type_info(registry: &mut Registry) -> String {
        format!("{}!", register_object(registry, D::object()))
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let reads = self.reads.as_ref().or_else(|| ctx.data_opt::<Arc<Reads>>());
        let reads =
            reads.ok_or_else(|| BatchError::Broken("the request has no reads").to_server_error(Pos::default()))?;
        resolve(reads, ctx, D::object(), self.key, (field.pos, self.nullable)).await
    }
}

/// An object of any type, by its key: what an ordinary resolver returns as a `Node`. Read as a [`One`] is; null where there is
/// none.
pub struct OneNode {
    object: &'static Object,
    key: Uuid,
    reads: Arc<Reads>,
}

impl OneNode {
    /// The `object` with this key, read by `reads`.
    #[must_use]
    pub fn or_null(object: &'static Object, key: Uuid, reads: Arc<Reads>) -> Self {
        Self { object, key, reads }
    }
}

impl OutputType for OneNode {
    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("Node")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        format!("{}!", register_node(registry))
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        resolve(&self.reads, ctx, self.object, self.key, (field.pos, true)).await
    }
}

/// Reads what is selected of the object with this key.
async fn resolve(
    reads: &Reads,
    ctx: &ContextSelectionSet<'_>,
    object: &'static Object,
    key: Uuid,
    (position, nullable): (Pos, bool),
) -> ServerResult<Value> {
    // The path itself is not to be had, but every error gets it.
    let path = ctx.set_error_path(ServerError::new("", None)).path;
    let with_path = |mut error: ServerError| {
        error.path.splice(0..0, path.iter().cloned());
        error
    };
    let plan = object_plan(reads, ctx, object, (position, nullable), &path).map_err(with_path)?;
    let (json, errors) = plan.run(reads, key).await.map_err(with_path)?;
    if let Ok(mut all) = ctx.query_env.errors.lock() {
        all.extend(errors.into_iter().map(with_path));
    }
    serde_json::from_slice(&json)
        .map_err(|_| with_path(BatchError::Broken("what was written is no JSON").to_server_error(position)))
}

/// What is selected of an object that an ordinary resolver returns.
pub(super) struct ObjectPlan {
    plan: Plan,
    filled: Filled,
    part: Part<Projected>,
    /// Among those that are told of.
    number: usize,
}

/// The plan of a selection, which is made once for a request.
fn object_plan(
    reads: &Reads,
    ctx: &ContextSelectionSet<'_>,
    object: &'static Object,
    (position, nullable): (Pos, bool),
    path: &[PathSegment],
) -> ServerResult<Arc<ObjectPlan>> {
    let mut plans = reads.object_plans.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = plans.get(&(object.fields.name, position)) {
        return Ok(Arc::clone(known));
    }
    let source = Source::new(&ctx.query_env.fragments, &ctx.query_env.variables);
    let mut planner = Planner::new(&source, reads.scope.limits);
    let projected = planner.plan_object(object, [&ctx.item.node]);
    let (mut plan, filled) = planner.finish().map_err(|(error, position)| error.to_server_error(position))?;
    plan.complete(source.into_conditions(), reads.scope.backend, &reads.scope.sight());
    let recorder = reads.database.recorder();
    let number =
        recorder.map_or(0, |recorder| recorder.add_plan(|number| plan.fields_of(number, &joined(path), &projected)));
    let plan = Arc::new(ObjectPlan { plan, filled, part: Part::of_whole(projected, position, nullable), number });
    plans.insert((object.fields.name, position), Arc::clone(&plan));
    Ok(plan)
}

/// The response keys of a path, with dots between them.
fn joined(path: &[PathSegment]) -> String {
    let keys = path.iter().filter_map(|segment| match segment {
        PathSegment::Field(key) => Some(key.as_str()),
        PathSegment::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}

impl ObjectPlan {
    /// The JSON of the object with this key, and the errors of what is null in it.
    async fn run(&self, reads: &Reads, key: Uuid) -> ServerResult<(Vec<u8>, Vec<ServerError>)> {
        let mut given = self.filled.given.clone();
        given[Planner::OBJECT_GIVEN] = Given::one(key);
        let filled = self.filled.with_given(given);
        let run = Run { plan: &self.plan, filled: &filled, reads, number: self.number, has_siblings: true };
        let objects = run.load_root().await;
        let introspection = IndexMap::default();
        let mut writer = Writer::new(Vec::with_capacity(1024), &filled.given, &introspection, &reads.secrets);
        let frame = Frame { objects: &objects, place: 0, parent: None };
        let written = writer.whole(&self.part, frame);
        reads.objects.fetch_add(writer.objects, Ordering::Relaxed);
        match written {
            Ok(()) => Ok((writer.out, writer.errors)),
            Err(raised) => Err(raised.into_error()),
        }
    }
}
