//! Resolves one field through the engine: plan, load, write. Root fields come here, and ordinary resolvers that return
//! a [`One`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use async_graphql::parser::types::{Field, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextBase, ContextSelectionSet, ID, Name, OutputType, PathSegment, Pos, Positioned, QueryEnv,
    ServerError, ServerResult, Value,
};
use futures_util::future::join_all;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::arguments::Arguments;
use super::dispatch::Dispatcher;
use super::load::{Loaded, Run};
use super::loader::RowLoader;
use super::object::Object;
use super::page::PageLimits;
use super::plan::{NODE, Planner, RootConnection};
use super::projection::Projection;
use super::root::{Root, RootField, RootKind};
use super::sdl::register_object;
use super::selection::{Selected, collect};
use super::write::{Frame, Raised, Writer};
use super::{BatchError, id};
use crate::access::Caller;
use crate::database::Database;

/// What the reads of one request share; put it into the request's data as an [`Arc`]. Nothing of it is shared between requests.
pub struct Reads {
    dispatcher: Dispatcher<RowLoader>,
    limits: PageLimits,
    /// Whether root fields travel as JSON bytes.
    spliced: bool,
    /// Root fields that are selected more than once, and whether they have been resolved.
    repeated: HashMap<Name, OnceCell<()>>,
}

impl Reads {
    /// Reads for `caller`.
    #[must_use]
    pub fn new(database: Database, caller: Arc<Caller>, limits: PageLimits) -> Self {
        let dispatcher = Dispatcher::new(RowLoader::new(database, caller));
        Self { dispatcher, limits, spliced: false, repeated: HashMap::new() }
    }

    /// Lets root fields answer as [`Value::Binary`] that holds JSON, for a responder that splices it in.
    #[must_use]
    pub fn spliced(mut self) -> Self {
        self.spliced = true;
        self
    }

    /// Names the response keys that the operation selects more than once at its root. async-graphql would resolve each
    /// selection by itself and merge the values in the order in which they are done; this way they are one field.
    #[must_use]
    pub fn merging(mut self, repeated: impl IntoIterator<Item = Name>) -> Self {
        self.repeated = repeated.into_iter().map(|key| (key, OnceCell::new())).collect();
        self
    }
}

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
        // async-graphql leaves the field out; whoever answers says that there is no data.
        Err(error) => Err(error),
    }
}

/// What is at hand while one field is resolved.
struct Engine<'c> {
    reads: &'c Reads,
    request: &'c QueryEnv,
    /// The field's own path.
    path: Vec<PathSegment>,
}

impl<'c> Engine<'c> {
    fn of<T>(ctx: &ContextBase<'c, T>) -> ServerResult<Self> {
        let reads = ctx.data_opt::<Arc<Reads>>();
        let reads =
            reads.ok_or_else(|| BatchError::Broken("the request has no reads").to_server_error(Pos::default()))?;
        // The path itself is not to be had, but every error gets it.
        let path = ctx.set_error_path(ServerError::new("", None)).path;
        Ok(Self { reads, request: ctx.query_env, path })
    }

    async fn write_root(
        &self,
        root: &'static Root,
        field: &RootField,
        selected: &Selected<'_>,
    ) -> ServerResult<Written> {
        let position = selected.field().pos;
        if let Some(conflict) = selected.conflict() {
            return Err(self.error(&BatchError::FieldConflict { key: selected.key.to_string() }, conflict.pos));
        }
        let arguments = Arguments::of(&selected.field().node, self.request);
        let sets: Vec<_> = selected.selection_sets().collect();
        match field.kind {
            RootKind::Object(target) => {
                let key = arguments
                    .get::<ID>("id")
                    .and_then(|text| id::parse("id", &text, &[target().table.prefix]).map(|(_, key)| key));
                let key = key.map_err(|error| self.error(&error, position))?;
                self.write_objects(&[Ok((target(), key))], &sets, position, Wanted::Maybe).await
            }
            RootKind::Connection(target) => self.write_connection(target(), selected).await,
            RootKind::Node => {
                let key = arguments.get::<ID>("id").and_then(|text| root.find("id", &text));
                let key = key.map_err(|error| self.error(&error, position))?;
                self.write_objects(&[Ok(key)], &sets, position, Wanted::Maybe).await
            }
            RootKind::Nodes => {
                let ids = arguments.get::<Vec<ID>>("ids").and_then(|ids| self.reads.limits.check_count("ids", ids));
                let ids = ids.map_err(|error| self.error(&error, position))?;
                let find = |(index, text): (usize, &ID)| root.find(&format!("ids[{index}]"), text);
                let keys: Vec<_> = ids.iter().enumerate().map(find).collect();
                self.write_objects(&keys, &sets, position, Wanted::List).await
            }
        }
    }

    /// Writes objects of any types by their keys.
    async fn write_objects(
        &self,
        keys: &[Result<(&'static Object, Uuid), BatchError>],
        sets: &[&SelectionSet],
        position: Pos,
        wanted: Wanted,
    ) -> ServerResult<Written> {
        let mut planner = Planner::new(self.request, self.reads.limits);
        let mut groups: Vec<Group> = Vec::new();
        let entries: Vec<_> = keys
            .iter()
            .map(|key| {
                let (object, key) = key.as_ref()?;
                let group = groups.iter().position(|group| std::ptr::eq(group.object, *object));
                let group = group.unwrap_or_else(|| {
                    let level = planner.add_root(object);
                    let projection = planner.project_object(level, sets.iter().copied(), NODE);
                    groups.push(Group { object, level, projection, keys: Vec::new() });
                    groups.len() - 1
                });
                groups[group].keys.push(*key);
                Ok::<_, &BatchError>((group, groups[group].keys.len() - 1))
            })
            .collect();
        self.check(&planner)?;
        let run = Run { plan: &planner.plan, dispatcher: &self.reads.dispatcher };
        let loaded = join_all(groups.iter().map(|group| run.load_ids(group.level, &group.keys))).await;

        let mut writer = Writer::new(&planner.plan);
        let mut entries = entries.into_iter();
        let result = match wanted {
            Wanted::List => writer.list(entries, |writer, entry| {
                writer.or_null(|writer| write_entry(writer, &groups, &loaded, entry, position).map(drop));
                Ok(())
            }),
            Wanted::One | Wanted::Maybe => {
                entries.try_for_each(|entry| match write_entry(&mut writer, &groups, &loaded, entry, position)? {
                    Entry::Nothing if wanted == Wanted::One => Err(writer.raise(&BatchError::Vanished, position)),
                    Entry::Nothing | Entry::Object => Ok(()),
                })
            }
        };
        self.written(writer, result)
    }

    async fn write_connection(&self, object: &'static Object, selected: &Selected<'_>) -> ServerResult<Written> {
        let position = selected.field().pos;
        let mut planner = Planner::new(self.request, self.reads.limits);
        let connection = planner.project_root_connection(object, selected);
        let RootConnection { page, wants, level, parts } = connection.map_err(|error| self.error(&error, position))?;
        self.check(&planner)?;
        let run = Run { plan: &planner.plan, dispatcher: &self.reads.dispatcher };
        let loaded = run.load_root(level, &page, wants).await;
        let loaded = loaded.map_err(|error| self.error(&error, position))?;
        let mut writer = Writer::new(&planner.plan);
        let result = writer.connection(&parts, &loaded, level, 0, None);
        self.written(writer, result)
    }

    /// Refuses a selection that has no answer.
    fn check(&self, planner: &Planner<'_>) -> ServerResult<()> {
        planner.refused.as_ref().map_or(Ok(()), |(error, position)| Err(self.error(error, *position)))
    }

    fn written(&self, writer: Writer<'_>, result: Result<(), Raised>) -> ServerResult<Written> {
        match result {
            Ok(()) => Ok(Written { json: writer.out, errors: writer.errors }),
            Err(raised) => Err(self.with_path(raised.into_error())),
        }
    }

    /// The value as whoever asked wants it: JSON bytes, or values made of them.
    fn finish(&self, written: Written) -> Value {
        if !written.errors.is_empty()
            && let Ok(mut errors) = self.request.errors.lock()
        {
            errors.extend(written.errors.into_iter().map(|error| self.with_path(error)));
        }
        match self.path.as_slice() {
            [_] if self.reads.spliced => Value::Binary(written.json.into()),
            _ => serde_json::from_slice(&written.json).unwrap_or_default(),
        }
    }

    /// The error, with the field's own path before the path inside of it.
    fn with_path(&self, mut error: ServerError) -> ServerError {
        error.path.splice(0..0, self.path.iter().cloned());
        error
    }

    fn error(&self, error: &BatchError, position: Pos) -> ServerError {
        self.with_path(error.to_server_error(position))
    }
}

/// What a field makes of the objects that it asks for by id.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    /// One, which must be there.
    One,
    /// One, or null.
    Maybe,
    /// A list, with null for each that is not there.
    List,
}

/// What was written for an id.
enum Entry {
    Object,
    Nothing,
}

/// Objects of one type among those that are asked for by id.
struct Group {
    object: &'static Object,
    level: usize,
    projection: Projection,
    keys: Vec<Uuid>,
}

/// Writes one of the objects that are asked for by id: its group and its place in it, or why it has none.
fn write_entry<'p>(
    writer: &mut Writer<'p>,
    groups: &'p [Group],
    loaded: &[Result<Loaded, BatchError>],
    entry: Result<(usize, usize), &BatchError>,
    position: Pos,
) -> Result<Entry, Raised> {
    let (group, place) = entry.map_err(|error| writer.raise(error, position))?;
    let Loaded::One { places, objects } = loaded[group].as_ref().map_err(|error| writer.raise(error, position))? else {
        return Err(writer.raise(&BatchError::Broken("what was loaded is not what the plan says"), position));
    };
    let Group { level, projection, .. } = &groups[group];
    let Some(place) = places[place] else {
        writer.null();
        return Ok(Entry::Nothing);
    };
    writer.object(projection, Frame { level: *level, objects, place, parent: None }).map(|()| Entry::Object)
}

/// A written field: its JSON, and the errors of what is null in it.
struct Written {
    json: Vec<u8>,
    errors: Vec<ServerError>,
}

impl Root {
    /// What an id of any type names.
    fn find(&self, argument: &str, text: &str) -> Result<(&'static Object, Uuid), BatchError> {
        let prefixes: Vec<_> = self.objects.iter().map(|object| object().table.prefix).collect();
        let (prefix, key) = id::parse(argument, text, &prefixes)?;
        let object = self.objects.iter().find(|object| object().table.prefix == prefix);
        object.map(|object| (object(), key)).ok_or(BatchError::Broken("an id names no object type"))
    }
}
