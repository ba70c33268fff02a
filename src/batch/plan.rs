//! Compiles an operation into a plan: what to load, level by level, and how to write what was loaded.
//!
//! A [`Level`] is all rows that one relation brings, for however many parents; the first level is the query root, which has
//! no rows. Selecting a field adds columns to its level, or a load of a further level; two fields that need the same load
//! share it, whatever they select of it. What each field writes is a [`Projection`] over the level.
//!
//! A to-one relation that leads back to where the level came from (`project { features { project } }`) loads nothing: the
//! parent's row is at hand. One from a row that is asked for by its id is joined to it.
//!
//! **Invariant:** a plan holds no value of a request: it is kept and serves every request that decides the same
//! ([`Plan::fill`]).

use async_graphql::parser::types::SelectionSet;
use async_graphql::{Pos, Variables};

use super::BatchError;
use super::arguments::RawArguments;
use super::column::Column;
use super::groups::Groups;
use super::object::{Field, FieldKind, Fields, Object};
use super::order::Ordering;
use super::page::{Page, PageLimits};
use super::projection::{Part, Projected, Projection};
use super::selection::{Selected, collect, equal_arguments};
use super::source::{Condition, Source};

pub(crate) use self::connection::Cursor;
use self::fill::{Binder, Bound, Fill};
pub(crate) use self::fill::{Filled, Given, MorePage};
pub(crate) use self::load::{Find, Keys, Load, Wants};

mod connection;
mod describe;
mod fields;
mod fill;
mod load;
mod root;
mod search;
mod shape;

/// What an operation loads, and what it writes of it.
pub(crate) struct Plan {
    /// The first one is the query root.
    pub(crate) levels: Vec<Level>,
    pub(crate) projection: Projection,
    fills: Vec<Fill>,
    conditions: Vec<Condition>,
    /// Whether it serves this request only, since some of its arguments are wrong.
    only_once: bool,
    /// Whether two of its loads have one statement, so that they may be one.
    pub(crate) shares: bool,
    /// The characters of its statements.
    length_of_sql: usize,
}

/// The most characters of SQL in a plan that is kept: some hundred statements.
const LONGEST_SQL: usize = 64 * 1024;

/// All rows that one relation brings.
#[derive(Default)]
pub(crate) struct Level {
    /// What the rows are; the query root is none.
    pub(crate) object: Option<&'static Object>,
    /// What the level's statement selects, in this order.
    pub(crate) columns: Vec<&'static Column>,
    /// The to-one relations whose rows stand beside the level's.
    pub(crate) joins: Vec<Joined>,
    pub(crate) loads: Vec<Load>,
    /// What this level's rows belong to, and the column that says to which row.
    parent: Option<(Node, &'static Column)>,
    /// Whether its rows are asked for by their ids, so that a to-one relation repeats nothing when it is joined.
    by_id: bool,
}

/// A row that stands beside a level's.
pub(crate) struct Joined {
    /// The column that holds its id.
    pub(crate) key: &'static Column,
    pub(crate) target: &'static Object,
}

/// The objects of one type in the rows of a level: the rows themselves, or what is joined to them.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    level: usize,
    object: &'static Object,
}

impl Plan {
    /// What a request with these variables fills the plan with; nothing where it would decide otherwise.
    pub(crate) fn fill(&self, variables: &Variables, limits: PageLimits) -> Option<Filled> {
        self.fill_after(Filled::default(), variables, limits)
    }

    /// The same for the plan of an object, whose key is given first, when it is run.
    pub(crate) fn fill_for_object(&self, variables: &Variables, limits: PageLimits) -> Option<Filled> {
        let key = Filled { given: vec![Given::default()], ..Filled::default() };
        self.fill_after(key, variables, limits)
    }

    fn fill_after(&self, mut filled: Filled, variables: &Variables, limits: PageLimits) -> Option<Filled> {
        if !self.conditions.iter().all(|condition| condition.holds(variables)) {
            return None;
        }
        self.fills.iter().try_for_each(|fill| fill.again(variables, limits, &mut filled))?;
        Some(filled)
    }

    /// Whether it may serve other requests, and takes no more room than a plan may.
    pub(crate) fn is_worth_keeping(&self) -> bool {
        !self.only_once && self.length_of_sql <= LONGEST_SQL
    }

    /// A level of hits, which are no objects.
    fn add_hits(&mut self) -> usize {
        self.levels.push(Level::default());
        self.levels.len() - 1
    }

    fn add_level(&mut self, object: &'static Object, parent: Option<(Node, &'static Column)>, by_id: bool) -> usize {
        self.levels.push(Level { object: Some(object), parent, by_id, ..Level::default() });
        self.levels.len() - 1
    }
}

/// Compiles one operation.
pub(crate) struct Planner<'p, 'd> {
    plan: Plan,
    filled: Filled,
    source: &'p Source<'d>,
    limits: PageLimits,
    /// The first thing that makes the selection one that has no answer, and where it stands.
    refused: Option<(BatchError, Pos)>,
}

impl<'p, 'd> Planner<'p, 'd> {
    pub(crate) fn new(source: &'p Source<'d>, limits: PageLimits) -> Self {
        let plan = Plan {
            levels: vec![Level::default()],
            projection: Projection { parts: Vec::new() },
            fills: Vec::new(),
            conditions: Vec::new(),
            only_once: false,
            shares: false,
            length_of_sql: 0,
        };
        Self { plan, filled: Filled::default(), source, limits, refused: None }
    }

    /// The plan, and what this request fills it with.
    ///
    /// # Errors
    /// Where the selection has no answer, and the place.
    pub(crate) fn finish(self) -> Result<(Plan, Filled), (BatchError, Pos)> {
        self.refused.map_or(Ok((self.plan, self.filled)), Err)
    }

    /// Collects what `sets` select on a type with these names, and looks for fields that cannot share their key.
    fn collect(&mut self, sets: impl IntoIterator<Item = &'d SelectionSet>, names: &[&str]) -> Vec<Selected<'d>> {
        let collected = collect(sets, names, self.source);
        if self.refused.is_none() {
            let conflict = collected.iter().find_map(|selected| Some((selected.key, selected.conflict()?)));
            self.refused = conflict.map(|(key, field)| (BatchError::FieldConflict { key: key.to_string() }, field.pos));
        }
        collected
    }

    /// Reads a field's arguments, and remembers how for the requests to come.
    fn bind(&mut self, binder: Binder, selected: &Selected<'_>) -> Result<Bound, BatchError> {
        let arguments = &selected.field().node.arguments;
        match Fill::new(binder, arguments, self.source.variables, self.limits, &mut self.filled) {
            Ok(fill) => {
                let bound = fill.bound.clone();
                self.plan.fills.push(fill);
                Ok(bound)
            }
            Err(error) => {
                self.plan.only_once = true;
                Err(error)
            }
        }
    }

    /// Where the rows of `level` hold `column`.
    fn cell(&mut self, level: usize, column: &'static Column) -> usize {
        let columns = &mut self.plan.levels[level].columns;
        columns.iter().position(|known| std::ptr::eq(*known, column)).unwrap_or_else(|| {
            columns.push(column);
            columns.len() - 1
        })
    }

    /// What `sets` select on the objects of `node`, which also go by the names of their interfaces and unions.
    fn project_object(&mut self, node: Node, sets: impl IntoIterator<Item = &'d SelectionSet>) -> Projection {
        let fields = &node.object.fields;
        let names: Vec<_> = std::iter::once(fields.name).chain(node.object.abstract_types()).collect();
        self.project(node, fields, sets, &names)
    }

    fn project(
        &mut self,
        node: Node,
        fields: &'static Fields,
        sets: impl IntoIterator<Item = &'d SelectionSet>,
        names: &[&str],
    ) -> Projection {
        let selected = self.collect(sets, names);
        let parts = selected.iter().filter_map(|selected| {
            if selected.field().node.name.node == "__typename" {
                return Some(Part::new(selected, false, Projected::TypeName(fields.name)));
            }
            let field = fields.field(&selected.field().node.name.node)?;
            Some(Part::new(selected, field.nullable, self.project_field(node, field, selected)))
        });
        Projection { parts: parts.collect() }
    }

    fn project_field(&mut self, node: Node, field: &'static Field, selected: &Selected<'d>) -> Projected {
        let Node { level, object } = node;
        match &field.kind {
            FieldKind::Id => {
                let id = &object.table.id;
                Projected::Leaf { cell: self.cell(level, id), kind: id.kind }
            }
            FieldKind::Leaf { column, .. } => Projected::Leaf { cell: self.cell(level, column), kind: column.kind },
            FieldKind::Secret(column) => Projected::Secret { cell: self.cell(level, column) },
            FieldKind::Words(column) => Projected::Words { cell: self.cell(level, column) },
            FieldKind::Reference { key, of, prefixes } => {
                Projected::Reference { cell: self.cell(level, key), of: self.cell(level, of), prefixes }
            }
            FieldKind::Entries { column, entries, shape } => Projected::Entries {
                cell: self.cell(level, column),
                entries: *entries,
                parts: self.project_shape(shape(), selected),
            },
            FieldKind::Embedded(part) => {
                Projected::Embedded(self.project(node, part, selected.selection_sets(), &[part.name]))
            }
            FieldKind::Cursor(listing) => Projected::Cursor(self.listed_cursor(level, listing)),
            FieldKind::One { key, target } => self.project_one(node, field, key, target(), selected),
            FieldKind::First { by, target, order, equal } => {
                let load = self.load(node, field, by, target(), selected, |planner| {
                    let terms = order.iter().map(|(name, direction)| (*name, *direction, None));
                    let page = Page::first(Ordering::new(target(), terms)?);
                    let equal = match equal {
                        Some(equal) => {
                            planner.bind(Binder::Equal(&equal.argument), selected)?.into_equal(&equal.column)
                        }
                        None => None,
                    };
                    Ok(Find::First { by, page, equal })
                });
                match load {
                    Ok(load) => {
                        let below = Node { level: self.plan.levels[level].loads[load].level, object: target() };
                        Projected::One { load, projection: self.project_object(below, selected.selection_sets()) }
                    }
                    Err(error) => Projected::Failed(error),
                }
            }
            FieldKind::Groups { by, groups } => {
                let keys = Keys::Cell(self.cell(level, &object.table.id));
                self.project_groups((level, field.name), keys, Some(by), groups, selected)
            }
            FieldKind::Connection { by, target, order } => {
                let load = self.load(node, field, by, target(), selected, |planner| {
                    let page = planner.bind(Binder::Page(target(), order), selected)?.into_page()?;
                    Ok(Find::Connection { by: Some(by), page, wants: Wants::default() })
                });
                load.map_or_else(Projected::Failed, |load| self.project_connection(level, load, selected))
            }
        }
    }

    fn project_one(
        &mut self,
        node: Node,
        field: &'static Field,
        key: &'static Column,
        target: &'static Object,
        selected: &Selected<'d>,
    ) -> Projected {
        if let Some(parent) = self.parent_behind(node, key, target) {
            return Projected::Parent(self.project_object(parent, selected.selection_sets()));
        }
        if !field.nullable && self.plan.levels[node.level].join(key, target) {
            let joined = Node { level: node.level, object: target };
            let cell = self.cell(node.level, &target.table.id);
            return Projected::Joined { cell, projection: self.project_object(joined, selected.selection_sets()) };
        }
        let arguments = &selected.field().node.arguments;
        let load = self.plan.levels[node.level].find_load(field, arguments).unwrap_or_else(|| {
            let cell = self.cell(node.level, key);
            let below = self.plan.add_level(target, None, false);
            // What may be null may also be a row of something that is hidden.
            let find = Find::One { from_visible: !field.nullable };
            let load = Load::new(field.name, Keys::Cell(cell), find, below).shared_by(field, arguments);
            self.plan.levels[node.level].add_load(load)
        });
        let below = Node { level: self.plan.levels[node.level].loads[load].level, object: target };
        Projected::One { load, projection: self.project_object(below, selected.selection_sets()) }
    }

    /// The groups of the rows that belong to the objects of `level`, for the field of this name.
    fn project_groups(
        &mut self,
        (level, name): (usize, &'static str),
        keys: Keys,
        by: Option<&'static Column>,
        groups: &'static Groups,
        selected: &Selected<'d>,
    ) -> Projected {
        let (chosen, filter) = match self.bind(Binder::Groups(groups), selected).and_then(Bound::into_groups) {
            Ok(bound) => bound,
            Err(error) => return Projected::Failed(error),
        };
        let object = (groups.target)();
        let below = self.plan.add_level(object, None, false);
        let load = Load::new(name, keys, Find::Groups { by, groups, chosen, filter }, below);
        let load = self.plan.levels[level].add_load(load);
        let node = Node { level: below, object };
        let entry = self.project(node, &groups.entry, selected.selection_sets(), &[groups.entry.name]);
        Projected::List { load, entry }
    }

    /// The parent's objects, where the to-one relation over `key` leads back to them.
    fn parent_behind(&self, node: Node, key: &Column, target: &'static Object) -> Option<Node> {
        let (parent, by) = self.plan.levels[node.level].parent?;
        let own = self.plan.levels[node.level].object.is_some_and(|object| std::ptr::eq(object, node.object));
        (own && by.expr == key.expr && std::ptr::eq(parent.object, target)).then_some(parent)
    }

    /// The load of the rows that belong to the objects of `node`, shared with an equal one.
    fn load(
        &mut self,
        node: Node,
        field: &'static Field,
        by: &'static Column,
        target: &'static Object,
        selected: &Selected<'d>,
        find: impl FnOnce(&mut Self) -> Result<Find, BatchError>,
    ) -> Result<usize, BatchError> {
        let arguments = &selected.field().node.arguments;
        if let Some(known) = self.plan.levels[node.level].find_load(field, arguments) {
            return Ok(known);
        }
        let find = find(self)?;
        let cell = self.cell(node.level, &node.object.table.id);
        let below = self.plan.add_level(target, Some((node, by)), false);
        let load = Load::new(field.name, Keys::Cell(cell), find, below).shared_by(field, arguments);
        Ok(self.plan.levels[node.level].add_load(load))
    }
}

impl Level {
    /// The load of `field` with arguments that are written alike.
    fn find_load(&self, field: &'static Field, arguments: &RawArguments) -> Option<usize> {
        let equal = |load: &Load| {
            let shared = load.shared.as_ref();
            shared.is_some_and(|(known, given)| std::ptr::eq(*known, field) && equal_arguments(given, arguments))
        };
        self.loads.iter().position(equal)
    }

    fn add_load(&mut self, load: Load) -> usize {
        self.loads.push(load);
        self.loads.len() - 1
    }

    /// Puts the row of `target` that `key` names beside each row, if that repeats nothing and no table is met twice.
    fn join(&mut self, key: &'static Column, target: &'static Object) -> bool {
        if self.joins.iter().any(|joined| std::ptr::eq(joined.key, key)) {
            return true;
        }
        let mut present = self.object.into_iter().chain(self.joins.iter().map(|joined| joined.target));
        let can = self.by_id && present.all(|object| object.table.name != target.table.name);
        if can {
            self.joins.push(Joined { key, target });
        }
        can
    }
}
