//! Every statement that changes the table `projects`.

use chrono::{DateTime, Utc};
use entity::project::{Column, Entity, Model};
use sea_orm::{DatabaseTransaction, Value};
use uuid::Uuid;

use super::rules::ProjectName;
use crate::database::DatabaseError;
use crate::database::bulk::{self, Draft, Upserted};

/// Makes the projects that are not there yet, in their order. A file knows a project by its name alone, so that there is
/// nothing to change in one that is there. The names differ from each other.
///
/// # Errors
/// When a statement fails; the transaction must be rolled back then.
pub async fn upsert(
    connection: &DatabaseTransaction,
    names: Vec<ProjectName>,
    now: DateTime<Utc>,
) -> Result<Vec<Upserted>, DatabaseError> {
    let drafts: Vec<ProjectDraft> = names.into_iter().map(ProjectDraft).collect();
    bulk::upsert(connection, &drafts, now).await
}

struct ProjectDraft(ProjectName);

impl Draft for ProjectDraft {
    type Entity = Entity;
    type Key<'a> = &'a str;

    fn lookup_columns() -> Vec<Column> {
        vec![Column::Name]
    }

    fn lookup_values(&self) -> Vec<Value> {
        vec![self.0.as_str().into()]
    }

    fn key(&self) -> &str {
        self.0.as_str()
    }

    fn key_of(row: &Model) -> &str {
        &row.name
    }

    fn id_of(row: &Model) -> Uuid {
        row.id
    }

    fn changing_columns() -> Vec<Column> {
        Vec::new()
    }

    fn new_row(&self, id: Uuid, now: DateTime<Utc>) -> Model {
        Model {
            id,
            name: self.0.as_str().to_owned(),
            description: None,
            row_version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn changed(&self, _row: &Model) -> Option<Model> {
        None
    }
}
