//! Writes many rows with few statements: what is there is read in one go and compared in memory, and only rows that are
//! new or have changed are written.
//!
//! **Invariants:** the number of statements depends on the number of rows by a factor of about a thousandth, never by
//! one each; a row that says the same already is not touched, so that `row_version` and `updated_at` mean something.
//! The slices' `writes` use it, each for its own table.

use std::collections::HashMap;
use std::hash::Hash;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, OnConflict, Query, ValueTuple};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoSimpleExpr, Iterable, ModelTrait, QueryFilter,
    Statement, Value,
};
use uuid::Uuid;

use super::DatabaseError;

/// The most rows of one statement. Ten columns a row stay far below SQLite's limit of 32,766 parameters.
const MOST_ROWS: usize = 1024;

/// What a writer says of one row, and how it finds the row that is there already.
pub trait Draft: 'static {
    /// The table. Besides its own columns it has `id`, `row_version` and `updated_at`.
    type Entity: EntityTrait;
    /// What tells one row of the table from another for whoever writes the file: a name, not an id.
    type Key<'a>: Eq + Hash;

    /// The columns by which rows are looked up; together they find every row whose key may be a draft's.
    fn lookup_columns() -> Vec<Column<Self>>;
    /// This draft's values of [`Draft::lookup_columns`].
    fn lookup_values(&self) -> Vec<Value>;
    /// False where the row cannot be there, since its owner is new: nothing is looked up then.
    fn may_exist(&self) -> bool {
        true
    }
    /// The draft's key.
    fn key(&self) -> Self::Key<'_>;
    /// A row's key.
    fn key_of(row: &Row<Self>) -> Self::Key<'_>;
    /// A row's id.
    fn id_of(row: &Row<Self>) -> Uuid;
    /// Whether the row is deleted softly. It stays so.
    fn is_deleted(_row: &Row<Self>) -> bool {
        false
    }
    /// The columns that [`Draft::changed`] may change.
    fn changing_columns() -> Vec<Column<Self>>;
    /// A row that says what the draft says.
    fn new_row(&self, id: Uuid, now: DateTime<Utc>) -> Row<Self>;
    /// The row as the draft wants it; nothing where it is so already.
    fn changed(&self, row: &Row<Self>) -> Option<Row<Self>>;
}

/// A row of a draft's table.
pub type Row<D> = <<D as Draft>::Entity as EntityTrait>::Model;
/// A column of a draft's table.
pub type Column<D> = <<D as Draft>::Entity as EntityTrait>::Column;

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was no such row.
    Created,
    /// The row was changed.
    Updated,
    /// The row was changed but is deleted softly, which it still is.
    UpdatedDeleted,
    /// The row said the same already.
    Left,
}

/// The row of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upserted {
    /// The row's id.
    pub id: Uuid,
    /// What became of the draft.
    pub outcome: Outcome,
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
        Self { id: upserted.id, is_new: upserted.outcome == Outcome::Created }
    }
}

/// Brings the rows of `drafts`, whose keys differ from each other, to what they say: the answer has the drafts' order,
/// and so have the ids of new rows.
///
/// # Errors
/// When a statement fails; the transaction must be rolled back then.
pub async fn upsert<D: Draft>(
    connection: &DatabaseTransaction,
    drafts: &[D],
    now: DateTime<Utc>,
) -> Result<Vec<Upserted>, DatabaseError> {
    let rows = select_rows(connection, drafts).await?;
    let mut by_key = HashMap::with_capacity(rows.len());
    for row in &rows {
        by_key.entry(D::key_of(row)).or_insert(row);
    }
    let mut written = Vec::new();
    let mut upserted = Vec::with_capacity(drafts.len());
    for draft in drafts {
        upserted.push(match by_key.get(&draft.key()) {
            None => {
                let id = Uuid::now_v7();
                written.push(draft.new_row(id, now));
                Upserted { id, outcome: Outcome::Created }
            }
            Some(row) => {
                let changed = draft.changed(row);
                let outcome = match &changed {
                    None => Outcome::Left,
                    Some(_) if D::is_deleted(row) => Outcome::UpdatedDeleted,
                    Some(_) => Outcome::Updated,
                };
                written.extend(changed);
                Upserted { id: D::id_of(row), outcome }
            }
        });
    }
    for piece in pieces(&written) {
        write_rows::<D>(connection, piece, now).await?;
    }
    Ok(upserted)
}

/// The rows that may be the drafts', the oldest first.
async fn select_rows<D: Draft>(connection: &DatabaseTransaction, drafts: &[D]) -> Result<Vec<Row<D>>, DatabaseError> {
    let mut wanted: Vec<ValueTuple> =
        drafts.iter().filter(|draft| draft.may_exist()).map(|draft| ValueTuple::Many(draft.lookup_values())).collect();
    // Drafts of one owner follow each other; where the owner is the lookup, it is asked for once.
    wanted.dedup();
    let columns = || Expr::tuple(D::lookup_columns().into_iter().map(IntoSimpleExpr::into_simple_expr));
    let mut rows = Vec::new();
    for piece in wanted.chunks(MOST_ROWS) {
        let select = Query::select().column(Asterisk).from_values(padded(piece), "wanted").take();
        rows.extend(D::Entity::find().filter(columns().in_subquery(select)).all(connection).await?);
    }
    rows.sort_by_key(D::id_of);
    Ok(rows)
}

async fn write_rows<D: Draft>(
    connection: &DatabaseTransaction,
    rows: &[Row<D>],
    now: DateTime<Utc>,
) -> Result<(), DatabaseError> {
    let mut insert = Query::insert();
    insert.into_table(D::Entity::default()).columns(Column::<D>::iter());
    for row in rows {
        insert
            .values(Column::<D>::iter().map(|column| Expr::val(row.get(column))))
            .map_err(|error| sea_orm::DbErr::Custom(error.to_string()))?;
    }
    insert.on_conflict(
        OnConflict::column("id")
            .update_columns(D::changing_columns())
            .value("row_version", Expr::col((D::Entity::default(), "row_version")).add(1))
            .value("updated_at", now)
            .to_owned(),
    );
    connection.execute(&insert).await?;
    Ok(())
}

/// Cuts rows into pieces whose lengths are powers of two: a connection keeps the statements that it has prepared, and
/// this way each table has eleven of them rather than a thousand.
fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << rows.len().min(MOST_ROWS).checked_ilog2()?;
        let (piece, rest) = rows.split_at(length);
        rows = rest;
        Some(piece)
    })
}

/// Values asked for, the last one repeated until their number is a power of two, so that a connection prepares few
/// statements of different lengths.
#[must_use]
pub fn padded<T: Clone>(values: &[T]) -> Vec<T> {
    let missing = values.len().next_power_of_two() - values.len();
    let mut padded = values.to_vec();
    padded.extend(values.last().into_iter().cycle().take(missing).cloned());
    padded
}

/// Lets one import at a time write: two that bring the same new names would meet in a unique constraint. SQLite's
/// transaction has the write lock from its beginning; on PostgreSQL the lock goes when the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn exclude_other_imports(connection: &DatabaseTransaction) -> Result<(), DatabaseError> {
    if connection.get_database_backend() == DbBackend::Postgres {
        let lock = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_advisory_xact_lock($1)",
            [IMPORT_LOCK.into()],
        );
        // As long as SQLite waits for a writer of another process.
        connection.execute_unprepared("SET LOCAL lock_timeout = '5s'").await?;
        connection.execute_raw(lock).await?;
    }
    Ok(())
}

/// The advisory lock of imports. The number is arbitrary and ours.
const IMPORT_LOCK: i64 = 0x7468_726f_7567_696d;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_powers_of_two_and_lose_nothing() {
        let rows: Vec<usize> = (0..2500).collect();
        let lengths: Vec<usize> = pieces(&rows).map(<[usize]>::len).collect();
        assert_eq!(lengths, [1024, 1024, 256, 128, 64, 4]);
        assert_eq!(pieces(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        assert_eq!(pieces::<u8>(&[]).count(), 0);
    }

    #[test]
    fn padding_repeats_the_last() {
        assert_eq!(padded(&[1, 2, 3, 4, 5]), [1, 2, 3, 4, 5, 5, 5, 5]);
        assert_eq!(padded(&[7]), [7]);
    }
}
