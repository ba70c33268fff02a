//! Brings many rows to what drafts say of them, whether they are there already or not: what files and CI jobs send.
//!
//! **Invariants:** what is there is read with one statement and compared in memory; a row that says the same already is not
//! touched, so that its version and its time mean something. The slices' `writes` use it, each for its own table.

use std::collections::HashMap;
use std::hash::Hash;

use sea_orm::Value;
use uuid::Uuid;

use super::Session;
use super::records::Written;
use crate::database::DatabaseError;
use crate::database::row_set::{CellType, RowSet};

/// What a writer says of one row, and how it finds the row that is there already.
pub trait Draft {
    /// The table.
    type Table: Written;
    /// What tells one row of the table from another for whoever writes the file: a name, not an id.
    type Key<'a>: Eq + Hash
    where
        Self: 'a;

    /// The columns by which rows are looked up; together they find every row whose key may be a draft's.
    const LOOKUP: &'static [(&'static str, CellType)];

    /// This draft's values of [`Draft::LOOKUP`].
    fn lookup_values(&self) -> Vec<Value>;
    /// False where the row cannot be there, since its owner is new: nothing is looked up then.
    fn may_exist(&self) -> bool {
        true
    }
    /// The draft's key.
    fn key(&self) -> Self::Key<'_>;
    /// A row's key.
    fn key_of(row: &Row<Self>) -> Self::Key<'_>;
    /// A row that says what the draft says.
    fn new_row(&self) -> Row<Self>;
    /// The row as the draft wants it.
    fn changed(&self, row: &Row<Self>) -> Row<Self>;
}

/// A row of a draft's table.
pub type Row<D> = <<D as Draft>::Table as sea_orm::EntityTrait>::Model;

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// There was no such row.
    Created,
    /// The row was changed.
    Updated,
    /// The row was changed but is hidden, which it still is.
    UpdatedHidden,
    /// The row said the same already.
    Left,
}

/// The row of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upserted {
    /// The row's id.
    pub id: Uuid,
    /// What became of the draft.
    pub upsert: Upsert,
}

/// The row that other rows belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Its id.
    pub id: Uuid,
    /// Whether this transaction made it, so that it owned nothing before.
    pub is_new: bool,
}

impl From<Upserted> for Owner {
    fn from(upserted: Upserted) -> Self {
        Self { id: upserted.id, is_new: upserted.upsert == Upsert::Created }
    }
}

/// Brings the rows of `drafts`, whose keys differ from each other, to what they say: the answer has the drafts' order,
/// and so have the ids of new rows. What changes a row is called `verb`.
///
/// # Errors
/// When the database does not answer.
pub async fn upsert<D: Draft>(
    session: &mut Session<'_>,
    drafts: &[D],
    verb: &str,
) -> Result<Vec<Upserted>, DatabaseError> {
    session.load_where::<D::Table>(lookup(drafts.iter())).await?;
    let existing = existing_rows(session, drafts);
    drafts.iter().zip(existing).map(|(draft, existing)| upsert_one(session, draft, existing, verb)).collect()
}

/// The row of each draft among those that were read: the oldest counts where two are alike.
fn existing_rows<D: Draft>(session: &Session<'_>, drafts: &[D]) -> Vec<Option<Uuid>> {
    let mut rows: Vec<&Row<D>> = session.rows::<D::Table>().collect();
    rows.sort_unstable_by_key(|row| stamp::<D>(row).id);
    let mut by_key = HashMap::with_capacity(rows.len());
    for row in rows {
        by_key.entry(D::key_of(row)).or_insert_with(|| stamp::<D>(row).id);
    }
    drafts.iter().map(|draft| by_key.get(&draft.key()).copied()).collect()
}

/// Makes the row of a draft, or brings the existing one, which was read, to what the draft says.
///
/// # Errors
/// When the row is not what its own events say: a fault of ours.
pub fn upsert_one<D: Draft>(
    session: &mut Session<'_>,
    draft: &D,
    existing: Option<Uuid>,
    verb: &str,
) -> Result<Upserted, DatabaseError> {
    let Some(row) = existing.and_then(|id| session.get_hidden::<D::Table>(id)) else {
        return Ok(Upserted { id: session.create::<D::Table>(&draft.new_row())?, upsert: Upsert::Created });
    };
    let stamp = stamp::<D>(row);
    let changed = draft.changed(row);
    let upsert = match (session.update::<D::Table>(verb, &changed)?, stamp.deleted_at) {
        (false, _) => Upsert::Left,
        (true, None) => Upsert::Updated,
        (true, Some(_)) => Upsert::UpdatedHidden,
    };
    Ok(Upserted { id: stamp.id, upsert })
}

fn stamp<D: Draft>(row: &Row<D>) -> crate::events::Stamp {
    <D::Table as crate::events::Aggregate>::stamp(row)
}

/// What finds the rows that may be the drafts'.
pub fn lookup<'d, D: Draft + 'd>(drafts: impl Iterator<Item = &'d D>) -> RowSet {
    let wanted = drafts.filter(|draft| draft.may_exist()).map(Draft::lookup_values);
    let mut wanted: Vec<Vec<Value>> = wanted.collect();
    // Drafts of one owner follow each other; where the owner is the lookup, it is asked for once.
    wanted.dedup();
    let mut rows = RowSet::new(D::LOOKUP.to_vec());
    for values in wanted {
        rows.push(values);
    }
    rows
}
