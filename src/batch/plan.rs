//! Compiles a selection into a plan: what to load, level by level, and how to write what was loaded.
//!
//! A [`Level`] is all rows that one relation brings, for however many parents. Selecting a field adds columns to its level,
//! or a load of a further level; two fields that need the same load share it, whatever they select of it. What each field
//! writes is a [`Projection`] over the level.
//!
//! A to-one relation that leads back to where the level came from (`project { features { project } }`) loads nothing: the
//! parent's row is at hand.

use async_graphql::parser::types::SelectionSet;
use async_graphql::{Pos, QueryEnv};

use super::BatchError;
use super::arguments::Arguments;
use super::column::Column;
use super::object::{Field, FieldKind, Fields, Object};
use super::order::Ordering;
use super::page::{Page, PageLimits};
use super::projection::{Part, Projected, Projection};
use super::selection::{Selected, collect};

pub(crate) use self::connection::{Cursor, RootConnection};

mod connection;

/// What a selection loads; the first level is the root's.
pub(crate) struct Plan {
    pub(crate) levels: Vec<Level>,
}

/// All rows that one relation brings.
pub(crate) struct Level {
    pub(crate) object: &'static Object,
    /// What the level's statement selects, in this order.
    pub(crate) columns: Vec<&'static Column>,
    pub(crate) loads: Vec<Load>,
    /// The level whose rows this level's belong to, and the column that says to which.
    parent: Option<(usize, &'static Column)>,
}

/// A relation to be loaded for all rows of a level.
pub(crate) struct Load {
    field: &'static Field,
    arguments: Arguments,
    /// Where the level's row holds the key.
    pub(crate) key: usize,
    pub(crate) find: Find,
    /// The level of the rows that it brings.
    pub(crate) level: usize,
}

/// Which rows belong to a key.
#[derive(Clone)]
pub(crate) enum Find {
    /// The row with this id.
    One,
    /// The first row of a list.
    First { by: &'static Column, page: Page, narrowed: Option<sea_orm::sea_query::Expr> },
    /// A page of a list.
    Connection { by: &'static Column, page: Page, wants: Wants },
}

/// Which parts of a connection are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each part of a connection is selected or not")]
pub(crate) struct Wants {
    pub(crate) rows: bool,
    pub(crate) total: bool,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
}

impl Wants {
    /// Wants what either wants.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows |= other.rows;
        self.total |= other.total;
        self.has_next |= other.has_next;
        self.has_previous |= other.has_previous;
    }
}

/// Compiles what one field selects.
pub(crate) struct Planner<'d> {
    pub(crate) plan: Plan,
    request: &'d QueryEnv,
    limits: PageLimits,
    /// The first thing that makes the selection one that has no answer, and where it stands.
    pub(crate) refused: Option<(BatchError, Pos)>,
}

impl<'d> Planner<'d> {
    pub(crate) fn new(request: &'d QueryEnv, limits: PageLimits) -> Self {
        Self { plan: Plan { levels: Vec::new() }, request, limits, refused: None }
    }

    /// Adds a level that no relation leads to.
    pub(crate) fn add_root(&mut self, object: &'static Object) -> usize {
        self.add_level(object, None)
    }

    fn add_level(&mut self, object: &'static Object, parent: Option<(usize, &'static Column)>) -> usize {
        self.plan.levels.push(Level { object, columns: Vec::new(), loads: Vec::new(), parent });
        self.plan.levels.len() - 1
    }

    /// Collects what `sets` select on a type with these names, and looks for fields that cannot share their key.
    fn collect<'s>(&mut self, sets: impl IntoIterator<Item = &'s SelectionSet>, names: &[&str]) -> Vec<Selected<'s>>
    where
        'd: 's,
    {
        let collected = collect(sets, names, self.request);
        if self.refused.is_none() {
            let conflict = collected.iter().find_map(|selected| Some((selected.key, selected.conflict()?)));
            self.refused = conflict.map(|(key, field)| (BatchError::FieldConflict { key: key.to_string() }, field.pos));
        }
        collected
    }

    /// Where the rows of `level` hold `column`.
    fn cell(&mut self, level: usize, column: &'static Column) -> usize {
        let columns = &mut self.plan.levels[level].columns;
        columns.iter().position(|known| std::ptr::eq(*known, column)).unwrap_or_else(|| {
            columns.push(column);
            columns.len() - 1
        })
    }

    /// What `sets` select on the objects of `level`, which also go by the names of their `interfaces`.
    pub(crate) fn project_object<'s>(
        &mut self,
        level: usize,
        sets: impl IntoIterator<Item = &'s SelectionSet>,
        interfaces: &[&str],
    ) -> Projection
    where
        'd: 's,
    {
        let fields = &self.plan.levels[level].object.fields;
        let mut names = vec![fields.name];
        names.extend_from_slice(interfaces);
        self.project(level, fields, sets, &names)
    }

    fn project<'s>(
        &mut self,
        level: usize,
        fields: &'static Fields,
        sets: impl IntoIterator<Item = &'s SelectionSet>,
        names: &[&str],
    ) -> Projection
    where
        'd: 's,
    {
        let selected = self.collect(sets, names);
        let parts = selected.iter().filter_map(|selected| {
            if selected.field().node.name.node == "__typename" {
                return Some(Part::new(selected, false, Projected::TypeName(fields.name)));
            }
            let field = fields.field(&selected.field().node.name.node)?;
            Some(Part::new(selected, field.nullable, self.project_field(level, field, selected)))
        });
        Projection { parts: parts.collect() }
    }

    fn project_field(&mut self, level: usize, field: &'static Field, selected: &Selected<'_>) -> Projected {
        match &field.kind {
            FieldKind::Id => {
                let id = &self.plan.levels[level].object.table.id;
                Projected::Leaf { cell: self.cell(level, id), kind: id.kind }
            }
            FieldKind::Leaf { column, .. } => Projected::Leaf { cell: self.cell(level, column), kind: column.kind },
            FieldKind::Embedded(part) => {
                Projected::Embedded(self.project(level, part, selected.selection_sets(), &[part.name]))
            }
            FieldKind::One { key, target } => {
                if let Some(parent) = self.parent_behind(level, key, target()) {
                    return Projected::Parent(self.project_object(parent, selected.selection_sets(), NODE));
                }
                let relation = Relation { field, key, target: target(), by: None };
                self.project_one(level, &relation, selected, |_| Ok(Find::One))
            }
            FieldKind::First { by, target, order, narrow } => {
                let key = &self.plan.levels[level].object.table.id;
                let relation = Relation { field, key, target: target(), by: Some(by) };
                self.project_one(level, &relation, selected, |arguments| {
                    let terms = order.iter().map(|(name, direction)| (*name, *direction, None));
                    let page = Page::first(Ordering::new(target(), terms)?);
                    let narrowed = narrow.map(|narrow| narrow(arguments)).transpose()?.flatten();
                    Ok(Find::First { by, page, narrowed })
                })
            }
            FieldKind::Connection { by, target } => {
                let key = &self.plan.levels[level].object.table.id;
                let relation = Relation { field, key, target: target(), by: Some(by) };
                let limits = self.limits;
                let load = self.load(level, &relation, selected, |arguments| {
                    let page = Page::of(arguments, target(), limits)?;
                    Ok(Find::Connection { by, page, wants: Wants::default() })
                });
                load.map_or_else(Projected::Failed, |load| self.project_connection(level, load, selected))
            }
        }
    }

    fn project_one(
        &mut self,
        level: usize,
        relation: &Relation,
        selected: &Selected<'_>,
        find: impl FnOnce(&Arguments) -> Result<Find, BatchError>,
    ) -> Projected {
        match self.load(level, relation, selected, find) {
            Ok(load) => {
                let below = self.plan.levels[level].loads[load].level;
                let projection = self.project_object(below, selected.selection_sets(), NODE);
                Projected::One { load, projection }
            }
            Err(error) => Projected::Failed(error),
        }
    }

    /// The parent level, where the to-one relation over `key` leads back to it.
    fn parent_behind(&self, level: usize, key: &Column, target: &'static Object) -> Option<usize> {
        let (parent, by) = self.plan.levels[level].parent?;
        let back = by.expr == key.expr && std::ptr::eq(self.plan.levels[parent].object, target);
        back.then_some(parent)
    }

    /// The load of a relation with the selected arguments, shared with an equal one.
    fn load(
        &mut self,
        level: usize,
        relation: &Relation,
        selected: &Selected<'_>,
        find: impl FnOnce(&Arguments) -> Result<Find, BatchError>,
    ) -> Result<usize, BatchError> {
        let Relation { field, key, target, by } = *relation;
        let arguments = Arguments::of(&selected.field().node, self.request);
        let loads = &self.plan.levels[level].loads;
        let equal = |load: &Load| std::ptr::eq(load.field, field) && load.arguments == arguments;
        if let Some(known) = loads.iter().position(equal) {
            return Ok(known);
        }
        let find = find(&arguments)?;
        let key = self.cell(level, key);
        let below = self.add_level(target, by.map(|by| (level, by)));
        self.plan.levels[level].loads.push(Load { field, arguments, key, find, level: below });
        Ok(self.plan.levels[level].loads.len() - 1)
    }
}

/// A field that leads to other rows.
struct Relation {
    field: &'static Field,
    /// The column of this level that holds the key.
    key: &'static Column,
    /// What the other rows are.
    target: &'static Object,
    /// Their column that holds this row's id, where they belong to it.
    by: Option<&'static Column>,
}

/// The interface that every object type implements.
pub(crate) const NODE: &[&str] = &["Node"];
