//! Runs a plan: loads the rows of a level, then every relation of all of them at once, and so on down.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use uuid::Uuid;

use super::BatchError;
use super::column::Column;
use super::dispatch::Dispatcher;
use super::loader::{Found, RowLoader, Rows, Shape};
use super::page::Page;
use super::plan::{Find, Load, Plan, Wants};
use super::row::Row;

/// The rows of a level, and what was loaded for them: one entry for each of the level's loads.
#[derive(Default)]
pub(crate) struct Objects {
    pub(crate) rows: Vec<Row>,
    pub(crate) loads: Vec<Result<Loaded, BatchError>>,
}

/// What a load brought, for each row of its level.
pub(crate) enum Loaded {
    /// At most one row each: its place among the rows.
    One { places: Vec<Option<usize>>, objects: Objects },
    /// A page each.
    Connection { pages: Vec<LoadedPage>, totals: Result<Vec<i64>, BatchError>, objects: Objects },
}

/// One parent's page.
pub(crate) struct LoadedPage {
    /// The page's place among the rows.
    pub(crate) rows: Range<usize>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
}

/// Loads for one request.
pub(crate) struct Run<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) dispatcher: &'r Dispatcher<RowLoader>,
}

impl Run<'_> {
    /// The rows with these ids, each with all that the plan loads below it.
    pub(crate) async fn load_ids(&self, level: usize, ids: &[Uuid]) -> Result<Loaded, BatchError> {
        self.load_one(level, ids.iter().copied().map(Some).collect(), false).await
    }

    /// One list that has no parent.
    pub(crate) async fn load_root(&self, level: usize, page: &Page, wants: Wants) -> Result<Loaded, BatchError> {
        self.load_connection(level, vec![Uuid::nil()], None, page, wants).await
    }

    /// Loads all that the plan wants for the rows of a level.
    fn load_below(&self, level: usize, rows: Vec<Row>) -> BoxFuture<'_, Objects> {
        async move {
            let loads = join_all(self.plan.levels[level].loads.iter().map(|load| self.load(load, &rows))).await;
            Objects { rows, loads }
        }
        .boxed()
    }

    async fn load(&self, load: &Load, rows: &[Row]) -> Result<Loaded, BatchError> {
        let keys = || rows.iter().map(|row| row[load.key].as_uuid());
        match &load.find {
            Find::One => self.load_one(load.level, keys().collect(), true).await,
            Find::First { by, page, narrowed } => {
                let rows = Rows::Page { page: page.clone(), wants: Wants { rows: true, ..Wants::default() } };
                let shape = Arc::new(Shape { narrowed: narrowed.clone(), ..self.shape(load.level, Some(by), rows) });
                let found = self.dispatcher.load(&shape, keys().flatten().collect()).await?;
                let mut children = Vec::with_capacity(found.len());
                let places = found.into_iter().map(|found| {
                    let row = found.rows.into_iter().next()?;
                    children.push(row);
                    Some(children.len() - 1)
                });
                let places = places.collect();
                Ok(Loaded::One { places, objects: self.load_below(load.level, children).await })
            }
            Find::Connection { by, page, wants } => {
                self.load_connection(load.level, keys().flatten().collect(), Some(by), page, *wants).await
            }
        }
    }

    /// The rows with these ids: each is loaded once, however often it is asked for.
    async fn load_one(&self, level: usize, keys: Vec<Option<Uuid>>, from_visible: bool) -> Result<Loaded, BatchError> {
        let mut distinct = Vec::new();
        let mut known = HashMap::new();
        let wanted: Vec<Option<usize>> = keys
            .into_iter()
            .map(|key| {
                key.map(|key| {
                    *known.entry(key).or_insert_with(|| {
                        distinct.push(key);
                        distinct.len() - 1
                    })
                })
            })
            .collect();
        let by = &self.plan.levels[level].object.table.id;
        let shape = Arc::new(Shape { from_visible, ..self.shape(level, Some(by), Rows::One) });
        let found = self.dispatcher.load(&shape, distinct).await?;
        let mut rows = Vec::with_capacity(found.len());
        let places: Vec<Option<usize>> = found
            .into_iter()
            .map(|found| {
                rows.push(found.rows.into_iter().next()?);
                Some(rows.len() - 1)
            })
            .collect();
        let places = wanted.into_iter().map(|wanted| places[wanted?]).collect();
        Ok(Loaded::One { places, objects: self.load_below(level, rows).await })
    }

    async fn load_connection(
        &self,
        level: usize,
        keys: Vec<Uuid>,
        by: Option<&'static Column>,
        page: &Page,
        wants: Wants,
    ) -> Result<Loaded, BatchError> {
        let rows = async {
            if !page.needs_rows(wants) {
                return Ok(keys.iter().map(|_| Found::default()).collect());
            }
            let filter = page.filter.clone();
            let shape = Shape { filter, ..self.shape(level, by, Rows::Page { page: page.clone(), wants }) };
            self.dispatcher.load(&Arc::new(shape), keys.clone()).await
        };
        let totals = async {
            if !wants.total {
                return Ok(Vec::new());
            }
            let filter = page.filter.clone();
            let shape = Shape { columns: Vec::new(), filter, ..self.shape(level, by, Rows::Count) };
            let found = self.dispatcher.load(&Arc::new(shape), keys.clone()).await?;
            Ok(found.into_iter().map(|found| found.count).collect())
        };
        let (found, totals) = futures_util::join!(rows, totals);
        let mut rows = Vec::new();
        let pages = found?.into_iter().map(|found| {
            let start = rows.len();
            rows.extend(found.rows);
            LoadedPage { rows: start..rows.len(), has_next: found.has_next, has_previous: found.has_previous }
        });
        let pages = pages.collect();
        Ok(Loaded::Connection { pages, totals, objects: self.load_below(level, rows).await })
    }

    /// The rows of a level whose column `by` holds the key; without it, the rows of a list that has no parent.
    fn shape(&self, level: usize, by: Option<&'static Column>, rows: Rows) -> Shape {
        let level = &self.plan.levels[level];
        let columns = level.columns.clone();
        Shape { object: level.object, columns, by, narrowed: None, filter: None, from_visible: by.is_some(), rows }
    }
}
