//! The one loader of rows: pages, single rows and counts, for all parents of a level, by one statement.

use std::sync::Arc;

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait as _, Func, Order, SelectStatement};
use sea_orm::{ConnectionTrait as _, QueryResult};
use uuid::Uuid;

use super::BatchError;
use super::column::{Column, Join};
use super::dispatch::Loader;
use super::filter::Bound;
use super::object::Object;
use super::page::{Flags, Page};
use super::plan::Wants;
use super::row::Row;
use crate::access::Caller;
use crate::database::{Database, dialect};

/// Reads rows for one request.
pub(super) struct RowLoader {
    database: Database,
    caller: Arc<Caller>,
}

/// What the rows of one statement have in common.
#[derive(Clone)]
pub(super) struct Shape {
    pub(crate) object: &'static Object,
    /// The cells of each row.
    pub(crate) columns: Vec<&'static Column>,
    /// The column that holds the key; nothing where the rows belong to no parent.
    pub(crate) by: Option<&'static Column>,
    /// What else must hold for the rows of the relation.
    pub(crate) narrowed: Option<Expr>,
    /// Which of them the client wants.
    pub(crate) filter: Option<Bound>,
    /// Whether the keys come from rows that the caller may see, and not from the caller.
    pub(crate) from_visible: bool,
    pub(crate) rows: Rows,
}

/// Which of the rows that belong to a key are loaded.
#[derive(Clone, PartialEq)]
pub(crate) enum Rows {
    /// All of them; there is at most one.
    One,
    Page {
        page: Page,
        wants: Wants,
    },
    /// None; they are counted.
    Count,
}

/// What was found for one key.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(crate) rows: Vec<Row>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
    pub(crate) count: i64,
}

/// The most keys of one statement. A level with more takes several.
const LARGEST_BATCH: usize = 10_000;

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &&Column, b: &&Column| std::ptr::eq(*a, *b);
        std::ptr::eq(self.object, other.object)
            && self.columns.len() == other.columns.len()
            && self.columns.iter().zip(&other.columns).all(|(a, b)| same(a, b))
            && self.by.map(std::ptr::from_ref) == other.by.map(std::ptr::from_ref)
            && self.narrowed == other.narrowed
            && self.filter == other.filter
            && self.from_visible == other.from_visible
            && self.rows == other.rows
    }
}

impl RowLoader {
    /// A loader that sees what `caller` may see.
    #[must_use]
    pub(super) fn new(database: Database, caller: Arc<Caller>) -> Self {
        Self { database, caller }
    }

    async fn load_batch(&self, shape: &Shape, keys: &[Uuid]) -> Result<Vec<Found>, BatchError> {
        let statement = self.statement(shape, keys);
        let results = self.database.reader().query_all(&statement).await?;
        let mut found: Vec<Found> = keys.iter().map(|_| Found::default()).collect();
        let flags = shape.flags();
        for result in &results {
            let position: i32 = result.try_get_by_index(0)?;
            let found = usize::try_from(position).ok().and_then(|position| found.get_mut(position));
            if let Some(found) = found {
                shape.read(result, flags, found)?;
            }
        }
        for found in &mut found {
            shape.finish(found);
        }
        Ok(found)
    }

    fn statement(&self, shape: &Shape, keys: &[Uuid]) -> SelectStatement {
        let backend = self.database.backend();
        let table = &shape.object.table;
        let list = || {
            let mut list = (table.visible)(&self.caller);
            let walked = shape.walked();
            if let Some(by) = shape.by {
                // Said of one table only, or PostgreSQL takes it for two conditions that few rows fulfil.
                let along = walked.first().filter(|_| shape.is_walked());
                let repeated = along.and_then(|join| join.repeated(&by.expr));
                list.and_where(repeated.unwrap_or(&by.expr).clone().eq(dialect::current_key()));
            }
            for (place, join) in walked.iter().enumerate() {
                if place == 0 && shape.is_walked() {
                    dialect::walk_along(&mut list, backend, &table.name, &join.table, join.on());
                } else {
                    list.inner_join(join.table.clone(), join.on());
                }
            }
            if let Some(condition) = table.vouched_for.filter(|_| !shape.from_visible) {
                list.and_where(condition(&self.caller));
            }
            if let Some(narrowed) = &shape.narrowed {
                list.and_where(narrowed.clone());
            }
            if let Some(filter) = &shape.filter {
                list.and_where(filter.condition(&self.caller, backend));
            }
            list
        };
        if let (None, Rows::Page { page, wants }) = (shape.by, &shape.rows)
            && !shape.flags().any()
        {
            // A list of no parent's, of which nothing is asked but its rows, needs no table of keys to be joined to.
            let mut statement = page.select(list(), page.edges(*wants).limit);
            statement.expr(Expr::cust("0"));
            statement.exprs(shape.columns.iter().map(|column| column.select(&self.caller)));
            shape.join_tables(&mut statement, &shape.walked());
            return statement;
        }
        let mut statement = dialect::select_from_keys(backend, shape.by.map(|_| keys));
        match &shape.rows {
            Rows::Count => {
                statement.expr(subquery(list().expr(Func::count(Expr::col(Asterisk))).take()));
            }
            Rows::One => {
                statement.exprs(shape.columns.iter().map(|column| column.select(&self.caller)));
                dialect::join_rows(&mut statement, backend, &table.name, list(), false);
                shape.join_tables(&mut statement, &[]);
            }
            Rows::Page { page, wants } => {
                let (edges, optional) = (page.edges(*wants), shape.flags().any());
                statement.exprs(edges.conditions(list, page));
                if optional {
                    statement.expr(table.id.expr.clone());
                }
                statement.exprs(shape.columns.iter().map(|column| column.select(&self.caller)));
                let rows = page.select(list(), edges.limit);
                dialect::join_rows(&mut statement, backend, &table.name, rows, optional);
                shape.join_tables(&mut statement, &[]);
                statement.order_by_expr(dialect::current_position(), Order::Asc);
                page.direction().apply(&mut statement, |sorted| dialect::sorted_as_joined(backend, sorted));
            }
        }
        statement
    }
}

impl Loader for RowLoader {
    type Arguments = Arc<Shape>;
    type Key = Uuid;
    type Value = Found;

    async fn load(&self, shape: Arc<Shape>, keys: Vec<Uuid>) -> Result<Vec<Found>, BatchError> {
        if shape.by.is_none() {
            // Without a parent every key stands for the same list; two fields that ask for equal lists share it.
            let mut found = self.load_batch(&shape, &[Uuid::nil()]).await?;
            found.resize_with(1, Found::default);
            let list = found.swap_remove(0);
            return Ok(vec![list; keys.len()]);
        }
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(LARGEST_BATCH) {
            found.append(&mut self.load_batch(&shape, keys).await?);
        }
        Ok(found)
    }
}

impl Shape {
    /// The tables along which the rows are sorted, besides their own.
    fn walked(&self) -> Vec<Join> {
        match &self.rows {
            Rows::Page { page, .. } => page.ordering.joins(),
            Rows::One | Rows::Count => Vec::new(),
        }
    }

    /// Whether the index of the first of these tables has the rows in their order.
    fn is_walked(&self) -> bool {
        matches!(&self.rows, Rows::Page { page, .. } if page.ordering.is_along_join())
    }

    /// Joins the tables that some of the columns stand in, or that the rows are sorted by, each once; but those that
    /// are `joined`.
    fn join_tables(&self, statement: &mut SelectStatement, joined: &[Join]) {
        let mut joined: Vec<_> = joined.iter().map(|join| join.table.clone()).collect();
        let selected = self.columns.iter().filter_map(|column| column.join.map(|join| join()));
        for join in self.walked().into_iter().chain(selected) {
            if !joined.contains(&join.table) {
                joined.push(join.table.clone());
                statement.left_join(join.table.clone(), join.on());
            }
        }
    }

    /// Takes one row of the answer, whose cells stand in the order in which [`RowLoader::statement`] selects them.
    fn read(&self, result: &QueryResult, flags: Flags, found: &mut Found) -> Result<(), BatchError> {
        if self.rows == Rows::Count {
            found.count = result.try_get_by_index(1)?;
            return Ok(());
        }
        let mut index = 1;
        if flags.previous {
            found.has_previous = result.try_get_by_index(index)?;
            index += 1;
        }
        if flags.next {
            found.has_next = result.try_get_by_index(index)?;
            index += 1;
        }
        if flags.any() {
            // The key has this row to carry its flags, whether it has rows of its own or not.
            if result.try_get_by_index::<Option<Uuid>>(index)?.is_none() {
                return Ok(());
            }
            index += 1;
        }
        let cells = self.columns.iter().enumerate().map(|(at, column)| column.kind.read(result, index + at));
        found.rows.push(cells.collect::<Result<_, _>>()?);
        Ok(())
    }

    fn flags(&self) -> Flags {
        match &self.rows {
            Rows::Page { page, wants } => page.edges(*wants).flags(),
            Rows::One | Rows::Count => Flags::default(),
        }
    }

    /// Cuts off the row that only tells that there are more, and puts a page that was read from the end in order.
    fn finish(&self, found: &mut Found) {
        let Rows::Page { page, .. } = &self.rows else { return };
        if found.rows.len() > page.size as usize {
            found.rows.truncate(page.size as usize);
            *(if page.backward { &mut found.has_previous } else { &mut found.has_next }) = true;
        }
        if page.backward {
            found.rows.reverse();
        }
    }
}

fn subquery(statement: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(statement.into()))
}
