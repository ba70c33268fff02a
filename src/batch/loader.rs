//! The one loader of rows: pages, single rows and counts, for all parents of a level, by one statement.

use std::pin::pin;
use std::sync::Arc;

use sea_orm::{Value, Values};
use tracing::Instrument as _;
use uuid::Uuid;

use super::BatchError;
use super::dispatch::Loader;
use super::plan::Filled;
use super::statement::{Parameter, Slot, Text};
use super::together::FEW;
use crate::access::Caller;
use crate::database::{Database, Row, dialect};
use crate::explain::Place;

pub(crate) use self::compose::{Layout, Rows, Statement};

mod compose;

/// Runs the statements of one request.
pub(super) struct RowLoader {
    database: Database,
    caller: Arc<Caller>,
}

/// A statement with what a request fills in, but for the keys. Two that are equal are one, with the keys of both.
#[derive(Clone)]
pub(super) struct Ask {
    /// The name of the field that asks first, under which it is counted.
    loader: &'static str,
    /// Which load that is.
    place: Place,
    statement: Arc<Statement>,
    /// The values of the statement's slots, in the order of its parameters.
    values: Arc<[Value]>,
    /// What stands beside the keys: then they are all of the statement's keys.
    beside: Option<Arc<Vec<Vec<Value>>>>,
}

/// What was found for one key.
#[derive(Default)]
pub(super) struct Found {
    pub(crate) rows: Vec<Row>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
    pub(crate) count: i64,
    /// That there is no object with this key which the caller may see.
    pub(crate) is_unknown: bool,
}

/// The most keys of one statement. A level with more takes several.
pub(crate) const LARGEST_BATCH: u32 = 10_000;

impl Ask {
    pub(super) fn new(
        loader: &'static str,
        place: Place,
        statement: &Arc<Statement>,
        filled: &Filled,
    ) -> Result<Self, BatchError> {
        let slots = statement.many.parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Slot(Slot::Given(place)) => Some(filled.slots.get(usize::from(*place)).cloned()),
            Parameter::Slot(_) | Parameter::Fixed(_) => None,
        });
        let values = slots.collect::<Option<_>>().ok_or(BatchError::Broken("a slot was not filled"))?;
        Ok(Self { loader, place, statement: Arc::clone(statement), values, beside: None })
    }

    /// Which load asks.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn with_beside(mut self, beside: Option<&Arc<Vec<Vec<Value>>>>) -> Self {
        self.beside = beside.cloned();
        self
    }

    fn beside(&self) -> &[Vec<Value>] {
        self.beside.as_ref().map_or(&[], |beside| beside.as_slice())
    }
}

impl PartialEq for Ask {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.statement, &other.statement) || self.statement == other.statement)
            && self.values == other.values
            && self.beside.is_none()
            && other.beside.is_none()
    }
}

impl RowLoader {
    pub(super) fn new(database: Database, caller: Arc<Caller>) -> Self {
        Self { database, caller }
    }

    /// Few single rows are asked for together with those of other requests, where the statement goes to a server.
    async fn load_batch(&self, ask: &Ask, keys: &[Uuid]) -> Result<Vec<Found>, BatchError> {
        let Statement { many, together, .. } = &*ask.statement;
        let together = together.as_ref().filter(|_| keys.len() <= FEW && self.database.shares_statements());
        let Some(together) = together else { return self.run(ask, keys).await };
        let besides_keys = self.values(ask, many, &|| Value::Bool(None));
        together.ask(besides_keys, keys, |keys| async move { self.run(ask, &keys).await }).await
    }

    async fn run(&self, ask: &Ask, keys: &[Uuid]) -> Result<Vec<Found>, BatchError> {
        let Statement { many, single, layout, .. } = &*ask.statement;
        let single = single.as_ref().filter(|_| keys.len() == 1 && ask.beside.is_none());
        let text = single.unwrap_or(many);
        let values = || {
            self.values(ask, text, &|| match single {
                Some(_) => keys[0].into(),
                None => dialect::list_keys(self.database.backend(), keys, ask.beside()),
            })
        };
        let recorded = self.database.reading_at(ask.place);
        let database = recorded.as_deref().unwrap_or(&self.database);
        let rows = database.read_for(ask.loader, keys.len(), &text.sql, &values).await?;
        let mut found: Vec<Found> = std::iter::repeat_with(Found::default).take(keys.len()).collect();
        if let ([only], None) = (&mut *found, layout.position) {
            only.rows = rows;
        } else {
            for row in rows {
                layout.put(row, &mut found)?;
            }
        }
        for found in &mut found {
            layout.finish(found);
        }
        Ok(found)
    }

    /// What a text is given, with this for its keys.
    fn values(&self, ask: &Ask, text: &Text, keys: &dyn Fn() -> Value) -> Values {
        let backend = self.database.backend();
        let mut given = ask.values.iter();
        text.values(&mut |slot| match slot {
            Slot::Keys => keys(),
            Slot::Projects(role) => dialect::list_keys(backend, &self.caller.projects(role).collect::<Vec<_>>(), &[]),
            Slot::Caller => self.caller.id().into(),
            Slot::Beside(list) => dialect::list_beside(ask.beside().get(usize::from(list)).map_or(&[], Vec::as_slice)),
            // A text's slots come in the order in which their values were put together.
            Slot::Given(_) => given.next().map_or(Value::Bool(None), |value| dialect::to_parameter(backend, value)),
        })
    }
}

impl Loader for RowLoader {
    type Arguments = Ask;
    type Key = Uuid;
    type Value = Found;

    async fn load(&self, ask: Ask, keys: Vec<Uuid>) -> Result<Vec<Found>, BatchError> {
        let span = tracing::debug_span!("load", loader = ask.loader, keys = keys.len());
        pin!(self.load_all(ask, keys)).instrument(span).await
    }
}

impl RowLoader {
    async fn load_all(&self, ask: Ask, keys: Vec<Uuid>) -> Result<Vec<Found>, BatchError> {
        if !ask.statement.layout.has_keys {
            return self.load_list(&ask, keys.len()).await;
        }
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(LARGEST_BATCH as usize) {
            found.append(&mut self.load_batch(&ask, keys).await?);
        }
        Ok(found)
    }

    /// One list that belongs to nothing, for several fields that ask for it: they share its count, and each has its rows.
    async fn load_list(&self, ask: &Ask, times: usize) -> Result<Vec<Found>, BatchError> {
        let mut found = self.load_batch(ask, &[Uuid::nil()]).await?;
        while found.len() < times {
            match ask.statement.layout.count {
                Some(_) => found.push(Found { count: found[0].count, ..Found::default() }),
                None => found.append(&mut self.load_batch(ask, &[Uuid::nil()]).await?),
            }
        }
        Ok(found)
    }
}

impl Layout {
    /// Puts a row to the key that it belongs to.
    fn put(&self, row: Row, found: &mut [Found]) -> Result<(), BatchError> {
        let position = self.position.map(|cell| row.long(cell)).transpose()?.flatten();
        let position = position.and_then(|position| usize::try_from(position).ok());
        let Some(found) = position.and_then(|position| found.get_mut(position)) else {
            return Err(BatchError::Broken("a row belongs to no key"));
        };
        if let Some(cell) = self.count {
            found.count = row.long(cell)?.unwrap_or_default();
            return Ok(());
        }
        if let Some(cell) = self.previous {
            found.has_previous = row.flag(cell)?;
        }
        if let Some(cell) = self.next {
            found.has_next = row.flag(cell)?;
        }
        if let Some(cell) = self.known {
            found.is_unknown = !row.flag(cell)?;
        }
        if !found.is_unknown && self.own.is_none_or(|cell| !row.is_null(cell)) {
            found.rows.push(row);
        }
        Ok(())
    }

    /// Cuts off the row that only tells that there are more, and puts a page that was read from the end in order.
    fn finish(&self, found: &mut Found) {
        let Some(size) = self.size else { return };
        if found.rows.len() > size {
            found.rows.truncate(size);
            *(if self.backward { &mut found.has_previous } else { &mut found.has_next }) = true;
        }
        if self.backward {
            found.rows.reverse();
        }
    }
}
