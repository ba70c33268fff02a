//! Where async-graphql hands a field over to the engine: the value of an ordinary resolver that returns a [`One`].

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Pos, Positioned, ServerError, ServerResult, Value};
use uuid::Uuid;

use super::BatchError;
use super::at_hand::AtHand;
use super::object::Object;
use super::object_plans::ObjectPlan;
use super::reads::Reads;
use super::sdl::{register_node, register_object};

/// An object by its key, for ordinary resolvers: selected, it is read as deep as a query, and batched with its siblings.
pub struct One<D> {
    key: Uuid,
    /// What it is read with, if that is not the request's own.
    reads: Option<Arc<Reads>>,
    /// What need not be read.
    at_hand: Option<Arc<dyn AtHand>>,
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
        Self { key, reads: None, at_hand: None, nullable: false, declared: PhantomData }
    }

    /// The object with this key, read by `reads`; it must exist.
    #[must_use]
    pub fn read_by(key: Uuid, reads: Arc<Reads>) -> Self {
        Self { reads: Some(reads), ..Self::new(key) }
    }

    /// The object with this key, read by `reads` but for what is at hand; null where there is none.
    #[must_use]
    pub fn or_null(key: Uuid, reads: Arc<Reads>, at_hand: Option<Arc<dyn AtHand>>) -> Self {
        Self { at_hand, nullable: true, ..Self::read_by(key, reads) }
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
        resolve((reads, self.at_hand.as_deref()), ctx, (D::object(), self.key), (field.pos, self.nullable)).await
    }
}

/// An object of any type, by its key: what an ordinary resolver returns as a `Node`. Read as a [`One`] is; null where there is
/// none.
pub struct OneNode {
    object: &'static Object,
    key: Uuid,
    reads: Arc<Reads>,
    at_hand: Option<Arc<dyn AtHand>>,
}

impl OneNode {
    /// The `object` with this key, read by `reads` but for what is at hand.
    #[must_use]
    pub fn or_null(object: &'static Object, key: Uuid, reads: Arc<Reads>, at_hand: Option<Arc<dyn AtHand>>) -> Self {
        Self { object, key, reads, at_hand }
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
        resolve((&self.reads, self.at_hand.as_deref()), ctx, (self.object, self.key), (field.pos, true)).await
    }
}

/// Reads what is selected of the object with this key.
async fn resolve(
    (reads, at_hand): (&Reads, Option<&dyn AtHand>),
    ctx: &ContextSelectionSet<'_>,
    (object, key): (&'static Object, Uuid),
    (position, nullable): (Pos, bool),
) -> ServerResult<Value> {
    // The path itself is not to be had, but every error gets it.
    let path = ctx.set_error_path(ServerError::new("", None)).path;
    let with_path = |mut error: ServerError| {
        error.path.splice(0..0, path.iter().cloned());
        error
    };
    let plan = ObjectPlan::of(reads, ctx, object, (position, nullable), &path).map_err(with_path)?;
    let (json, errors) = plan.run((reads, at_hand), key).await.map_err(with_path)?;
    if let Ok(mut all) = ctx.query_env.errors.lock() {
        all.extend(errors.into_iter().map(with_path));
    }
    serde_json::from_slice(&json)
        .map_err(|_| with_path(BatchError::Broken("what was written is no JSON").to_server_error(position)))
}
