//! The engine: makes a plan of what one field selects, loads it, writes it.

use std::sync::Arc;

use async_graphql::parser::types::SelectionSet;
use async_graphql::{ContextBase, ID, PathSegment, Pos, QueryEnv, ServerError, ServerResult, Value};
use futures_util::future::join_all;
use uuid::Uuid;

use super::arguments::Arguments;
use super::load::{Loaded, Run};
use super::object::Object;
use super::plan::{NODE, Planner, RootConnection};
use super::projection::Projection;
use super::reads::Reads;
use super::root::{Root, RootField, RootKind};
use super::selection::Selected;
use super::write::{Frame, Raised, Writer};
use super::{BatchError, id};

/// What is at hand while one field is resolved.
pub(super) struct Engine<'c> {
    pub(super) reads: &'c Reads,
    request: &'c QueryEnv,
    /// The field's own path.
    path: Vec<PathSegment>,
}

impl<'c> Engine<'c> {
    pub(super) fn of<T>(ctx: &ContextBase<'c, T>) -> ServerResult<Self> {
        let reads = ctx.data_opt::<Arc<Reads>>();
        let reads =
            reads.ok_or_else(|| BatchError::Broken("the request has no reads").to_server_error(Pos::default()))?;
        // The path itself is not to be had, but every error gets it.
        let path = ctx.set_error_path(ServerError::new("", None)).path;
        Ok(Self { reads, request: ctx.query_env, path })
    }

    pub(super) async fn write_root(
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
    pub(super) async fn write_objects(
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

        let mut writer = Writer::new();
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
        let mut writer = Writer::new();
        let result = writer.connection(&parts, &loaded, 0, None);
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
    pub(super) fn finish(&self, written: Written) -> Value {
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
pub(super) enum Wanted {
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
    let projection = &groups[group].projection;
    let Some(place) = places[place] else {
        writer.null();
        return Ok(Entry::Nothing);
    };
    writer.object(projection, Frame { objects, place, parent: None }).map(|()| Entry::Object)
}

/// A written field: its JSON, and the errors of what is null in it.
pub(super) struct Written {
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
