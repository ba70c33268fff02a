//! What is loaded for the rows of a level: which rows belong to them, and the statements that bring them.

use std::sync::Arc;

use sea_orm::DbBackend;

use super::{Level, Plan};
use crate::access::Sight;
use crate::batch::arguments::RawArguments;
use crate::batch::column::Column;
use crate::batch::filter::Filtered;
use crate::batch::groups::Groups;
use crate::batch::loader::{Rows, Statement};
use crate::batch::object::{Field, Object};
use crate::batch::page::Page;
use crate::batch::search::Search;
use crate::batch::shape::Computed;
use crate::batch::source::Condition;
use crate::batch::statement::Slot;

/// A relation to be loaded for all rows of a level.
pub(crate) struct Load {
    /// The name of the field that leads to the rows.
    pub(crate) name: &'static str,
    /// The field and its arguments, where another one may share the load.
    pub(super) shared: Option<(&'static Field, Box<RawArguments>)>,
    pub(crate) keys: Keys,
    pub(crate) find: Find,
    /// The level of the rows that it brings.
    pub(crate) level: usize,
    /// The statement that brings the rows, where any are wanted.
    pub(crate) rows: Option<Arc<Statement>>,
    /// The statement that counts them, where that is wanted.
    pub(crate) count: Option<Arc<Statement>>,
}

/// Where the keys of a load come from.
#[derive(Clone, Copy)]
pub(crate) enum Keys {
    /// There are none: it is one list that belongs to nothing.
    None,
    /// From this cell of each of the level's rows.
    Cell(usize),
    /// From the arguments: the keys of one type of object.
    Given { given: usize, object: usize },
    /// From the hits of a search: those of one type.
    Member(usize),
}

/// Which rows belong to a key.
#[derive(Clone)]
pub(crate) enum Find {
    /// The row with this id; whether the id comes from a row that the caller may see, and not from the caller.
    One { from_visible: bool },
    /// The first row of a list, of those in which a column equals a value.
    First { by: &'static Column, page: Page, equal: Option<(&'static Column, Slot)> },
    /// The pages of lists that go on, each from a cursor of its own; whose lists they are.
    More { by: &'static Column, page: Page, wants: Wants, parent: &'static Object },
    /// The groups of a list.
    Groups {
        by: Option<&'static Column>,
        groups: &'static Groups,
        chosen: Vec<&'static Column>,
        filter: Option<Filtered>,
    },
    /// The hits of a search; what is searched for is filled in.
    Search { search: &'static Search, asked: usize, wants: Wants },
    /// What ordinary code computes from arguments that are filled in.
    Computed { computed: &'static Computed, asked: usize },
    /// A page of a list.
    Connection { by: Option<&'static Column>, page: Page, wants: Wants },
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

impl Load {
    pub(super) fn new(name: &'static str, keys: Keys, find: Find, level: usize) -> Self {
        Self { name, shared: None, keys, find, level, rows: None, count: None }
    }

    /// Lets fields with arguments that are written alike share the load.
    pub(super) fn shared_by(mut self, field: &'static Field, arguments: &RawArguments) -> Self {
        self.shared = Some((field, arguments.into()));
        self
    }

    /// Whether it brings the objects of one type that a search has found.
    pub(super) fn is_of_member(&self, place: usize) -> bool {
        matches!(self.keys, Keys::Member(known) if known == place)
    }

    /// What the load's statements bring: rows, and a count.
    fn wanted(&self) -> (Option<Rows<'_>>, Option<Rows<'_>>) {
        match &self.find {
            Find::One { from_visible } => (Some(Rows::One { from_visible: *from_visible }), None),
            Find::First { by, page, equal } => {
                let wants = Wants { rows: true, ..Wants::default() };
                (Some(Rows::Page { by: Some(by), page, wants, equal: *equal }), None)
            }
            Find::Search { .. } | Find::Computed { .. } => (None, None),
            Find::Groups { by, groups, chosen, filter } => {
                let all = groups.keys().map(|(_, _, column)| column).collect();
                (Some(Rows::Groups { by: *by, chosen, all, filter: filter.as_ref() }), None)
            }
            Find::More { by, page, wants, parent } => {
                let rows = Rows::More { by, page, wants: *wants, parent };
                (Some(rows), wants.total.then_some(Rows::Count { by: Some(by), page }))
            }
            Find::Connection { by, page, wants } => {
                let rows = Rows::Page { by: *by, page, wants: *wants, equal: None };
                let rows = page.needs_rows(*wants).then_some(rows);
                (rows, wants.total.then_some(Rows::Count { by: *by, page }))
            }
        }
    }
}

impl Plan {
    /// Writes the statements, now that nothing is added to the plan any more. Loads whose statements are alike share them, so
    /// that they are told to be one without a look at their text.
    pub(crate) fn complete(&mut self, conditions: Vec<Condition>, backend: DbBackend, sight: &Sight) {
        self.conditions = conditions;
        let mut written: Vec<Arc<Statement>> = Vec::new();
        let mut shares = false;
        let mut write = |level: &Level, rows: &Rows<'_>| {
            let statement = Statement::new(level, rows, backend, sight)?;
            let known = written.iter().find(|known| ***known == statement).cloned();
            shares |= known.is_some();
            Some(known.unwrap_or_else(|| {
                written.push(Arc::new(statement));
                Arc::clone(&written[written.len() - 1])
            }))
        };
        for level in 0..self.levels.len() {
            for load in 0..self.levels[level].loads.len() {
                let load_of = &self.levels[level].loads[load];
                let below = &self.levels[load_of.level];
                let (rows, count) = load_of.wanted();
                let rows = rows.and_then(|rows| write(below, &rows));
                let count = count.and_then(|count| write(below, &count));
                let load = &mut self.levels[level].loads[load];
                (load.rows, load.count) = (rows, count);
            }
        }
        self.shares = shares;
        self.length_of_sql = written.iter().map(|statement| statement.length()).sum();
    }
}
