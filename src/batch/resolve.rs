//! Where async-graphql hands a field over to the engine: a root field, or the value of an ordinary resolver that returns a
//! [`One`].

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use uuid::Uuid;

use super::engine::{Engine, Wanted};
use super::object::Object;
use super::root::{Root, RootField};
use super::sdl::register_object;
use super::selection::{Selected, collect};

/// An object by its key, for ordinary resolvers: selected, it is read as deep as a query, and batched with its siblings.
pub struct One<D> {
    key: Uuid,
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
        Self { key, declared: PhantomData }
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
        let engine = Engine::of(ctx)?;
        let key = [Ok((D::object(), self.key))];
        let written = engine.write_objects(&key, &[&ctx.item.node], field.pos, Wanted::One).await?;
        Ok(engine.finish(written))
    }
}

/// Resolves a field of the query root.
pub(crate) async fn resolve_root(ctx: &Context<'_>, root: &'static Root, field: &RootField) -> ServerResult<Value> {
    let engine = Engine::of(ctx)?;
    let key = &ctx.item.node.response_key().node;
    let Some(resolved) = engine.reads.repeated.get(key) else {
        return resolve_selected(ctx, &engine, root, field, &Selected { key, fields: vec![ctx.item] }).await;
    };
    // The first one to come resolves all that is selected under the key. The others wait: async-graphql keeps the value
    // that is there, and drops their null.
    let mut value = Ok(Value::Null);
    let all = async {
        let set = &ctx.query_env.operation.node.selection_set.node;
        let selected = collect([set], &["Query"], ctx.query_env).into_iter().find(|selected| selected.key == key);
        let selected = selected.unwrap_or(Selected { key, fields: vec![ctx.item] });
        value = resolve_selected(ctx, &engine, root, field, &selected).await;
    };
    resolved.get_or_init(|| all).await;
    value
}

async fn resolve_selected(
    ctx: &Context<'_>,
    engine: &Engine<'_>,
    root: &'static Root,
    field: &RootField,
    selected: &Selected<'_>,
) -> ServerResult<Value> {
    match engine.write_root(root, field, selected).await {
        Ok(written) => Ok(engine.finish(written)),
        Err(error) if field.nullable() => {
            ctx.add_error(error);
            Ok(Value::Null)
        }
        // async-graphql leaves the field out, or takes the null of one that waited; whoever answers says that there is no
        // data.
        Err(error) => {
            engine.reads.without_data.store(true, Ordering::Relaxed);
            Err(error)
        }
    }
}
