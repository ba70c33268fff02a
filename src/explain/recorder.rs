//! Keeps what one request reads, while it does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::Values;

use super::field::{Field, Place};

/// Keeps what one request reads.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Record>);

/// What a request has read.
#[derive(Debug, Default)]
pub struct Record {
    /// How many plans it had.
    pub plans: usize,
    /// The fields that they bring.
    pub fields: Vec<Field>,
    /// Places whose loads may have been one statement, since they ask alike.
    pub alike: Vec<(Place, Place)>,
    /// For how many keys each place has asked.
    pub asked: HashMap<Place, usize>,
    /// What was run, in the order in which it ended.
    pub statements: Vec<Recorded>,
}

/// A statement that was run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Who asked for it, if a plan did.
    pub place: Option<Place>,
    /// Under which name it is counted.
    pub loader: &'static str,
    /// For how many keys.
    pub keys: usize,
    /// Its text.
    pub sql: Arc<str>,
    /// Its parameters.
    pub values: Values,
    /// The rows that came, where that is known; nothing where it failed.
    pub rows: Option<usize>,
    /// Whether it failed.
    pub failed: bool,
    /// How long it took, with the wait for a connection.
    pub took: Duration,
}

impl Recorder {
    /// Keeps the fields of a plan, and gives its number: 0 for the first.
    pub fn add_plan(&self, fields: impl FnOnce(usize) -> Vec<Field>) -> usize {
        let mut record = self.record();
        let number = record.plans;
        record.plans += 1;
        record.fields.extend(fields(number));
        number
    }

    /// Keeps that two places ask alike.
    pub fn add_alike(&self, one: Place, other: Place) {
        self.record().alike.push((one, other));
    }

    /// Keeps that a place asks for so many keys.
    pub fn asks(&self, place: Place, keys: usize) {
        // For none, nothing is run.
        if keys == 0 {
            return;
        }
        *self.record().asked.entry(place).or_default() += keys;
    }

    /// Keeps a statement.
    pub fn add(&self, statement: Recorded) {
        self.record().statements.push(statement);
    }

    /// All that was kept.
    pub fn take(&self) -> Record {
        std::mem::take(&mut self.record())
    }

    /// No code panics while it holds the lock; if one did, the value would still be whole.
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// The statements that were run for a place, by their numbers: its own, or those of places that ask alike, whose batch it has joined.
    pub(super) fn statements_of(&self, place: Place) -> Vec<usize> {
        let of = |wanted: &dyn Fn(Place) -> bool| {
            let numbered = self.statements.iter().enumerate();
            let wanted = numbered.filter(|(_, statement)| statement.place.is_some_and(wanted));
            wanted.map(|(number, _)| number).collect::<Vec<_>>()
        };
        let own = of(&|known| known == place);
        if !own.is_empty() || !self.asked.contains_key(&place) {
            return own;
        }
        of(&|known| self.alike.contains(&(known, place)) || self.alike.contains(&(place, known)))
    }
}
