//! Writes the statement that brings rows, or counts them, for all parents of a level.

use sea_orm::DbBackend;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait as _, Func, JoinType, NullOrdering, Order, SelectStatement};
use uuid::Uuid;

use super::Found;
use crate::access::Sight;
use crate::batch::column::{Column, Join};
use crate::batch::filter::Filtered;
use crate::batch::object::{Object, Table};
use crate::batch::page::Page;
use crate::batch::plan::{Level, Wants};
use crate::batch::statement::{Slot, Text};
use crate::batch::together::Together;
use crate::database::dialect::{self, KeyTable};

/// What a statement brings for each key.
pub(crate) enum Rows<'p> {
    /// The row with this id; whether the id comes from a row that the caller may see, and not from the caller.
    One { from_visible: bool },
    /// A page of the rows whose column `by` holds the key (of all, where there is none), of those whose column equals a
    /// value.
    Page { by: Option<&'static Column>, page: &'p Page, wants: Wants, equal: Option<(&'static Column, Slot)> },
    /// A page of each of the lists that go on, from a cursor beside each key; whose lists they are.
    More { by: &'static Column, page: &'p Page, wants: Wants, parent: &'static Object },
    /// An entry for each group of the rows whose column `by` holds the key.
    Groups {
        by: Option<&'static Column>,
        chosen: &'p [&'static Column],
        all: Vec<&'static Column>,
        filter: Option<&'p Filtered>,
    },
    /// The number of the list's rows.
    Count { by: Option<&'static Column>, page: &'p Page },
}

/// A statement in its two forms, and where its cells are.
pub(crate) struct Statement {
    /// For any number of keys; for none at all where the rows belong to nothing.
    pub(crate) many: Text,
    /// For one key, of which the database makes a simpler plan.
    pub(crate) single: Option<Text>,
    pub(crate) layout: Layout,
    /// Who asks by it at this time, where it brings single rows.
    pub(crate) together: Option<Together<Uuid, Found>>,
}

/// Which cell of a row holds what. The level's columns come first.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Layout {
    /// Whether the rows belong to keys.
    pub(crate) has_keys: bool,
    /// The place of the key among the keys.
    pub(crate) position: Option<usize>,
    /// Whether rows precede the page.
    pub(crate) previous: Option<usize>,
    /// Whether rows follow the page.
    pub(crate) next: Option<usize>,
    /// The row's id: nothing where the key has this row to carry what is said of it, and no rows of its own.
    pub(crate) own: Option<usize>,
    /// Whether there is an object with this key.
    pub(crate) known: Option<usize>,
    /// The number of rows.
    pub(crate) count: Option<usize>,
    /// The most rows that the page has; one more tells that there are more.
    pub(crate) size: Option<usize>,
    /// Whether the page is read from its end.
    pub(crate) backward: bool,
}

impl Statement {
    /// The statement for the rows of `level`; nothing where the level has none.
    pub(crate) fn new(level: &Level, rows: &Rows<'_>, backend: DbBackend, sight: &Sight) -> Option<Self> {
        let compose = Compose { level, object: level.object?, rows, backend, sight };
        let by = match rows {
            Rows::One { .. } => Some(&compose.object.table.id),
            Rows::More { by, .. } => Some(*by),
            Rows::Page { by, .. } | Rows::Groups { by, .. } | Rows::Count { by, .. } => *by,
        };
        let beside = match rows {
            Rows::More { page, .. } => page.beside(),
            _ => Vec::new(),
        };
        let text = |keys| {
            let (statement, layout) = compose.select(by, keys);
            (Text::of(&statement, backend), layout)
        };
        if by.is_none() {
            let (many, layout) = text(KeyTable::None);
            return Some(Self { many, single: None, layout, together: None });
        }
        let single = beside.is_empty().then(|| text(KeyTable::Single(Slot::Keys.expr())).0);
        let (many, layout) = text(KeyTable::Many { keys: Slot::Keys.expr(), beside });
        let together = matches!(rows, Rows::One { .. }).then(Together::default);
        Some(Self { many, single, layout, together })
    }
}

/// Who asks is no part of what a statement is.
impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        (&self.many, &self.single, self.layout) == (&other.many, &other.single, other.layout)
    }
}

impl Statement {
    /// The characters of its texts.
    pub(crate) fn length(&self) -> usize {
        self.many.sql.len() + self.single.as_ref().map_or(0, |single| single.sql.len())
    }
}

struct Compose<'s> {
    level: &'s Level,
    object: &'static Object,
    rows: &'s Rows<'s>,
    backend: DbBackend,
    sight: &'s Sight,
}

impl Compose<'_> {
    fn select(&self, by: Option<&Column>, keys: KeyTable) -> (SelectStatement, Layout) {
        let mut layout = Layout { has_keys: by.is_some(), ..Layout::default() };
        let table = &self.object.table;
        // Where nothing is said of a key but its rows, the rows of a single key need no table of keys.
        let alone = match &keys {
            KeyTable::Single(key) => Some(key.clone()),
            KeyTable::None | KeyTable::Many { .. } => None,
        };
        match self.rows {
            Rows::Count { .. } => {
                let mut statement = dialect::select_from_keys(self.backend, keys);
                let count = self.list(by, dialect::current_key()).expr(Func::count(Expr::col(Asterisk))).take();
                statement.expr(Expr::SubQuery(None, Box::new(count.into())));
                statement.expr(dialect::current_position());
                (layout.count, layout.position) = (Some(0), Some(1));
                (statement, layout)
            }
            Rows::One { .. } => {
                layout.position = Some(self.level.columns.len());
                if let Some(key) = alone {
                    return (self.rows_alone(self.list(by, key), true), layout);
                }
                let mut statement = dialect::select_from_keys(self.backend, keys);
                self.add_columns(&mut statement);
                let rows = self.list(by, dialect::current_key());
                dialect::join_rows(&mut statement, self.backend, &table.name, rows, false);
                self.join_tables(&mut statement, &[]);
                statement.expr(dialect::current_position());
                (statement, layout)
            }
            Rows::Groups { chosen, all, .. } => {
                let mut statement = self.list(None, dialect::current_key());
                let cells = self.level.columns.iter().map(|column| {
                    let is_left_out = all.contains(column) && !chosen.contains(column);
                    if is_left_out { Expr::cust("NULL") } else { column.select(self.sight) }
                });
                statement.exprs(cells);
                match by {
                    Some(by) => {
                        let on = by.expr.clone().eq(dialect::current_key());
                        dialect::join_keys(&mut statement, self.backend, keys, &table.name, on);
                        statement.expr(dialect::current_position()).add_group_by([dialect::current_position()]);
                        statement.order_by_expr(dialect::current_position(), Order::Asc);
                        layout.position = Some(self.level.columns.len());
                    }
                    None if self.level.columns.is_empty() => {
                        statement.expr(Expr::cust("0"));
                    }
                    None => {}
                }
                let columns = self.level.columns.iter().chain(*chosen).copied();
                join_each(&mut statement, joins_of(columns), &[]);
                for column in *chosen {
                    statement.add_group_by([column.expr.clone()]);
                    statement.order_by_expr_with_nulls(column.expr.clone(), Order::Asc, NullOrdering::First);
                }
                (statement, layout)
            }
            Rows::Page { page, wants, .. } | Rows::More { page, wants, .. } => {
                let parent = match self.rows {
                    Rows::More { parent, .. } => Some(*parent),
                    _ => None,
                };
                let edges = page.edges(*wants);
                (layout.size, layout.backward) = (Some(page.size as usize), page.backward);
                let optional = edges.flags().any() || parent.is_some();
                if !optional && (by.is_none() || alone.is_some()) {
                    layout.position = by.map(|_| self.level.columns.len());
                    let list = self.list(by, alone.unwrap_or_else(dialect::current_key));
                    return (self.rows_alone(page.select(list, edges.limit), by.is_some()), layout);
                }
                let rows = page.select(self.list(by, dialect::current_key()), edges.limit);
                let mut statement = dialect::select_from_keys(self.backend, keys);
                let columns = self.add_columns(&mut statement);
                dialect::join_rows(&mut statement, self.backend, &table.name, rows, optional);
                self.join_tables(&mut statement, &[]);
                let [previous, next] = edges.conditions(|| self.list(by, dialect::current_key()), page);
                let known = parent.map(|parent| is_known(parent, self.sight));
                let own = optional.then(|| table.id.expr.clone());
                let mut places = columns..;
                let added = [Some(dialect::current_position()), previous, next, known, own].map(|expr| {
                    statement.expr(expr?);
                    places.next()
                });
                [layout.position, layout.previous, layout.next, layout.known, layout.own] = added;
                statement.order_by_expr(dialect::current_position(), Order::Asc);
                page.direction().apply(&mut statement, |sorted| dialect::sorted_as_joined(self.backend, sorted));
                (statement, layout)
            }
        }
    }

    /// The level's columns of one list, and the only key's position where there is one.
    fn rows_alone(&self, mut list: SelectStatement, has_key: bool) -> SelectStatement {
        if self.add_columns(&mut list) == 0 || has_key {
            list.expr(Expr::cust("0"));
        }
        self.join_tables(&mut list, &self.walked());
        list
    }

    /// All rows that belong to a key, and that the caller may see.
    fn list(&self, by: Option<&Column>, key: Expr) -> SelectStatement {
        let table = &self.object.table;
        let mut list = (table.visible)(self.sight);
        let walked = self.walked();
        if let Some(by) = by {
            // Said of one table only, or PostgreSQL takes it for two conditions that few rows fulfil.
            let along = walked.first().filter(|_| self.is_walked());
            let repeated = along.and_then(|join| join.repeated(&by.expr));
            list.and_where(repeated.unwrap_or(&by.expr).clone().eq(key));
        }
        for (place, join) in walked.iter().enumerate() {
            if place == 0 && self.is_walked() {
                dialect::walk_along(&mut list, self.backend, &table.name, &join.table, join.on());
            } else {
                list.inner_join(join.table.clone(), join.on());
            }
        }
        let vouched = match self.rows {
            Rows::One { from_visible } => *from_visible,
            // Whether there is such a parent is asked once for all of its rows, and the rows of others are dropped.
            Rows::More { .. } => true,
            Rows::Groups { by, .. } => by.is_some(),
            Rows::Page { .. } | Rows::Count { .. } => by.is_some(),
        };
        if let Some(condition) = table.vouched_for.filter(|_| !vouched) {
            list.and_where(condition(self.sight));
        }
        if let Rows::Page { equal: Some((column, value)), .. } = self.rows {
            list.and_where(column.expr.clone().eq(value.expr()));
        }
        if let Some(filter) = self.filter() {
            list.and_where(filter.condition(self.sight, self.backend));
        }
        list
    }

    fn filter(&self) -> Option<&Filtered> {
        match self.rows {
            Rows::One { .. } => None,
            Rows::Groups { filter, .. } => *filter,
            Rows::Page { page, .. } | Rows::More { page, .. } | Rows::Count { page, .. } => page.filter.as_ref(),
        }
    }

    /// The tables along which the rows are sorted, besides their own.
    fn walked(&self) -> Vec<Join> {
        match self.rows {
            Rows::Page { page, .. } | Rows::More { page, .. } => page.ordering.joins(),
            Rows::One { .. } | Rows::Groups { .. } | Rows::Count { .. } => Vec::new(),
        }
    }

    /// Whether the index of the first table of [`Self::walked`] has the rows in their order.
    fn is_walked(&self) -> bool {
        match self.rows {
            Rows::Page { page, .. } | Rows::More { page, .. } => page.ordering.is_along_join(),
            Rows::One { .. } | Rows::Groups { .. } | Rows::Count { .. } => false,
        }
    }

    /// Selects the level's columns, and says how many they are.
    fn add_columns(&self, statement: &mut SelectStatement) -> usize {
        statement.exprs(self.level.columns.iter().map(|column| column.select(self.sight)));
        self.level.columns.len()
    }

    /// Joins the rows that stand beside the level's, and the tables that some of the columns stand in or that the rows are
    /// sorted by, each once; but those that are `joined`.
    fn join_tables(&self, statement: &mut SelectStatement, joined: &[Join]) {
        for joined in &self.level.joins {
            let Table { name, visible, id, .. } = &joined.target.table;
            let alias = name.sea_orm_table().clone();
            let rows = visible(self.sight).column((alias.clone(), Asterisk)).take();
            statement.join_subquery(JoinType::LeftJoin, rows, alias, id.expr.clone().eq(joined.key.expr.clone()));
        }
        let walked = self.walked().into_iter();
        join_each(statement, walked.chain(joins_of(self.level.columns.iter().copied())), joined);
    }
}

/// The tables that some of the columns stand in.
fn joins_of<'c>(columns: impl Iterator<Item = &'c Column>) -> impl Iterator<Item = Join> {
    columns.filter_map(|column| column.join.map(|join| join()))
}

fn join_each(statement: &mut SelectStatement, joins: impl Iterator<Item = Join>, joined: &[Join]) {
    let mut known: Vec<_> = joined.iter().map(|join| join.table.clone()).collect();
    for join in joins {
        if !known.contains(&join.table) {
            known.push(join.table.clone());
            statement.left_join(join.table.clone(), join.on());
        }
    }
}

/// Whether there is an object with the current key that the caller may see.
fn is_known(object: &Object, sight: &Sight) -> Expr {
    let table = &object.table;
    let mut own = (table.visible)(sight);
    own.expr(Expr::cust("1")).and_where(table.id.expr.clone().eq(dialect::current_key()));
    if let Some(condition) = table.vouched_for {
        own.and_where(condition(sight));
    }
    Expr::exists(own)
}
