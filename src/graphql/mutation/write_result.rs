//! What all payloads say of a write.

use std::borrow::Cow;
use std::sync::Arc;

use sea_orm::Value;
use uuid::Uuid;

use super::user_error::UserError;
use crate::batch::{AtHand, Declared, Object, One, OneNode, Reads};
use crate::write_transaction::{self as door, Receipt, Tables};

/// What became of a mutation.
pub(crate) struct WriteResult {
    pub(super) receipt: Receipt,
    /// Whether it had been carried out before.
    pub(crate) is_replay: bool,
    /// Whether nothing was written.
    pub(crate) is_dry_run: bool,
    /// Where the objects are read from: in a dry run, from within its transaction.
    pub(super) reads: Arc<Reads>,
    /// The rows that it has just written, or read to decide.
    rows: Option<Arc<dyn AtHand>>,
}

/// What a command left of a row is what its payload says: the row need not be read again.
impl AtHand for Tables {
    fn cells(&self, kind: &str, id: Uuid, columns: &[Cow<'static, str>]) -> Option<Vec<Value>> {
        Self::cells(self, kind, id, columns)
    }
}

impl WriteResult {
    /// It was carried out: now, where there are rows, or before.
    pub(super) fn done(receipt: Receipt, rows: Option<Box<Tables>>, reads: Arc<Reads>) -> Self {
        let is_replay = rows.is_none();
        let rows = rows.map(|rows| Arc::from(rows as Box<dyn AtHand>));
        Self { is_replay, rows, ..Self::of(receipt, reads) }
    }

    /// It could be carried out.
    pub(super) fn tried(receipt: Receipt, reads: Arc<Reads>) -> Self {
        Self { is_dry_run: true, ..Self::of(receipt, reads) }
    }

    /// It was refused.
    pub(super) fn refused(errors: Vec<door::UserError>, length: usize, reads: Arc<Reads>) -> Self {
        Self::of(Receipt { ids: vec![None; length], errors, ..Receipt::default() }, reads)
    }

    fn of(receipt: Receipt, reads: Arc<Reads>) -> Self {
        Self { receipt, is_replay: false, is_dry_run: false, reads, rows: None }
    }

    /// What the caller did wrong.
    pub(crate) fn user_errors(&self) -> Vec<UserError> {
        self.receipt.errors.iter().map(UserError::from).collect()
    }

    /// The version that the command gave the object of an item.
    pub(crate) fn version(&self, number: usize) -> Option<i32> {
        self.receipt.versions.get(number).copied().flatten()
    }

    /// How many items were carried out.
    pub(crate) fn carried_out(&self) -> usize {
        self.receipt.ids.iter().flatten().count()
    }

    /// How many objects were made.
    pub(crate) fn created(&self) -> usize {
        self.receipt.created
    }

    /// How many times an object was changed.
    pub(crate) fn changed(&self) -> usize {
        self.receipt.changed
    }

    /// The object of the only item: as it was written, or as it is where another version was expected.
    pub(crate) fn object<D: Declared>(&self) -> Option<One<D>> {
        let written = self.receipt.ids.first().copied().flatten();
        let id = written.or_else(|| conflict_of(self.receipt.errors.iter()).map(|conflict| conflict.id))?;
        Some(One::or_null(id, Arc::clone(&self.reads), self.rows.clone()))
    }

    /// The object of each item, and what is wrong with it, in the input's order.
    pub(crate) fn items<D: Declared>(&self) -> Vec<(Option<One<D>>, Vec<UserError>)> {
        self.each(|_, id| Some(One::or_null(id, Arc::clone(&self.reads), self.rows.clone())))
    }

    /// As [`WriteResult::items`], where the objects are of different types, which their kinds tell.
    pub(crate) fn nodes(&self, type_of: fn(&str) -> Option<&'static Object>) -> Vec<(Option<OneNode>, Vec<UserError>)> {
        self.each(|kind, id| Some(OneNode::or_null(type_of(kind)?, id, Arc::clone(&self.reads), self.rows.clone())))
    }

    /// The object of each item, from its kind and its id, and what is wrong with the item.
    fn each<T>(&self, object: impl Fn(&str, Uuid) -> Option<T>) -> Vec<(Option<T>, Vec<UserError>)> {
        // An error's place begins with the list's name and the item's number.
        let number = |error: &door::UserError| error.field.get(2).and_then(|number| number.parse::<usize>().ok());
        let mut by_item = vec![Vec::new(); self.receipt.ids.len()];
        for error in &self.receipt.errors {
            if let Some(own) = number(error).and_then(|number| by_item.get_mut(number)) {
                own.push(error);
            }
        }
        let items = self.receipt.ids.iter().zip(by_item).enumerate().map(|(number, (id, own))| {
            let kind = self.receipt.kinds.get(number).map_or("", String::as_str);
            let written = id.map(|id| (kind, id));
            let conflict = || conflict_of(own.iter().copied());
            let found = written.or_else(|| conflict().map(|conflict| (conflict.kind.as_str(), conflict.id)));
            (found.and_then(|(kind, id)| object(kind, id)), own.iter().copied().map(UserError::from).collect())
        });
        items.collect()
    }
}

/// What is in the way where another version was expected.
fn conflict_of<'e>(mut errors: impl Iterator<Item = &'e door::UserError>) -> Option<&'e door::Conflict> {
    errors.find_map(|error| error.conflict.as_deref())
}
