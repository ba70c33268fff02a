//! The data keys of projects, as a command uses them: read with what it decides on, made where there is none yet, and written with it.
//!
//! **Invariant:** what a command encrypts can be read when it commits: a key that is new was made by nobody else meanwhile, and one that is
//! used was not erased. Otherwise the command is run again. The key itself is the only one that a project has.

use std::collections::HashMap;

use sea_orm::{DbBackend, Value};
use uuid::Uuid;

use super::commit::insert;
use super::session::Session;
use crate::database::row_set::{CellType, RowSet};
use crate::database::{Batch, DatabaseError, Parameters};
use crate::encryption::{DataKey, SecretError, SecretText, Wrapped};

/// The data keys that a session has read or made.
#[derive(Debug, Default)]
pub(super) struct DataKeys(HashMap<Uuid, Known>);

/// What is known of a project's data key.
#[derive(Debug)]
struct Known {
    /// How many keys the project has had.
    generation: i32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// It is stored so.
    Stored(String),
    /// It is stored, and something was encrypted with it.
    Used(DataKey),
    /// It was erased.
    Erased,
    /// It is new.
    Made(DataKey, Wrapped),
}

impl Session<'_> {
    /// Reads the data keys of projects for whose objects something is to be encrypted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn load_data_keys(&mut self, projects: impl IntoIterator<Item = Uuid>) -> Result<(), DatabaseError> {
        let mut unknown: Vec<Uuid> = projects.into_iter().filter(|id| !self.data_keys.0.contains_key(id)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(());
        }
        // Who erases it waits for the end of the transaction.
        let locking = if self.connection.locks() { " ORDER BY k.project_id FOR KEY SHARE OF k" } else { "" };
        let statement = Parameters::statement(self.connection.backend(), |parameters| {
            let wanted = parameters.add_rows(RowSet::of_ids("project_id", unknown));
            format!(
                "SELECT k.project_id, k.generation, k.wrapped_key FROM {wanted} \
                 JOIN data_keys k ON k.project_id = d.project_id{locking}"
            )
        });
        for row in self.connection.query_all(statement).await? {
            let state = row.try_get_by_index::<Option<String>>(2)?.map_or(State::Erased, State::Stored);
            let known = Known { generation: row.try_get_by_index(1)?, state };
            self.data_keys.0.insert(row.try_get_by_index(0)?, known);
        }
        Ok(())
    }

    /// Encrypts a text with the project's data key, which is made if there is none.
    ///
    /// # Errors
    /// When the keys that are set neither open the one that is there nor wrap a new one.
    pub fn encrypt(&mut self, project: Uuid, text: &SecretText) -> Result<String, SecretError> {
        Ok(self.data_key(project)?.encrypt(text))
    }

    /// Whether a token of the project is of this text.
    #[must_use]
    pub fn is_token_of(&mut self, project: Uuid, token: &str, text: &SecretText) -> bool {
        let present = self.data_key(project).and_then(|key| key.decrypt(token));
        present.is_ok_and(|present| present == text.reveal())
    }

    fn data_key(&mut self, project: Uuid) -> Result<&DataKey, SecretError> {
        let known = self.data_keys.0.entry(project).or_insert(Known { generation: 0, state: State::Erased });
        match &known.state {
            State::Stored(wrapped) => known.state = State::Used(self.key_ring.unwrap(wrapped)?),
            State::Erased => {
                let key = DataKey::generate();
                let wrapped = self.key_ring.wrap(&key).ok_or(SecretError::KeyMissing)?;
                (known.generation, known.state) = (known.generation + 1, State::Made(key, wrapped));
            }
            State::Used(_) | State::Made(..) => {}
        }
        match &known.state {
            State::Used(key) | State::Made(key, _) => Ok(key),
            State::Stored(_) | State::Erased => Err(SecretError::KeyMissing),
        }
    }
}

/// Writes the keys that were made, sees to it that those that were used are still there, and ends those of projects that end.
pub(super) fn write(batch: &mut Batch, session: &Session<'_>) {
    let ended = |project: &Uuid| session.tables.projects.record(*project).is_some_and(|record| record.now.is_none());
    let mut known: Vec<_> = session.data_keys.0.iter().filter(|(project, _)| !ended(project)).collect();
    known.sort_unstable_by_key(|(project, _)| **project);
    let columns = [
        ("project_id", CellType::Id),
        ("generation", CellType::Integer),
        ("wrapped_key", CellType::Text),
        ("key_id", CellType::Text),
        ("created_at", CellType::Time),
    ];
    let (mut new, mut renewed) = (RowSet::new(columns.to_vec()), RowSet::new(columns.to_vec()));
    let mut used = RowSet::new(columns[..2].to_vec());
    for (project, Known { generation, state }) in known {
        match state {
            State::Made(_, Wrapped { text, key_id }) => {
                let values: [Value; 5] = [
                    (*project).into(),
                    (*generation).into(),
                    text.as_str().into(),
                    key_id.as_str().into(),
                    session.now.into(),
                ];
                if *generation == 1 { &mut new } else { &mut renewed }.push(values);
            }
            State::Used(_) => used.push([(*project).into(), (*generation).into()]),
            State::Stored(_) | State::Erased => {}
        }
    }
    // Two that make the first key meet in the primary key.
    insert(batch, "data_keys", new);
    renew(batch, renewed);
    expect_used(batch, used);
}

/// Gives projects whose key was erased another one.
fn renew(batch: &mut Batch, rows: RowSet) {
    if rows.is_empty() {
        return;
    }
    batch.add_expecting(rows.len(), |parameters| {
        let source = parameters.add_rows(rows);
        format!(
            "UPDATE data_keys SET generation = d.generation, wrapped_key = d.wrapped_key, key_id = d.key_id, \
             created_at = d.created_at, rotated_at = NULL FROM {source} WHERE data_keys.project_id = d.project_id \
             AND data_keys.generation = d.generation - 1 AND data_keys.wrapped_key IS NULL RETURNING data_keys.project_id"
        )
    });
}

/// Fails where a key was erased since it was read. SQLite's writer is alone since then.
fn expect_used(batch: &mut Batch, rows: RowSet) {
    if rows.is_empty() || batch.backend() != DbBackend::Postgres {
        return;
    }
    batch.add_expecting(rows.len(), |parameters| {
        let source = parameters.add_rows(rows);
        format!(
            "SELECT k.project_id FROM data_keys k JOIN {source} ON k.project_id = d.project_id \
             WHERE k.generation = d.generation AND k.wrapped_key IS NOT NULL ORDER BY k.project_id FOR KEY SHARE OF k"
        )
    });
}
