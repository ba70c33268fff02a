//! What files say of projects, brought to the rows that are there.

use entity::project::{Entity, Model};
use sea_orm::Value;

use super::rules::ProjectName;
use crate::database::DatabaseError;
use crate::database::row_set::CellType;
use crate::events::Aggregate as _;
use crate::write_transaction::Session;
use crate::write_transaction::upsert::{self, Draft, Upserted};

/// Makes the projects that are not there yet, in their order. A file knows a project by its name alone, so that there is
/// nothing to change in one that is there. The names differ from each other.
///
/// # Errors
/// When the database does not answer.
pub async fn upsert(session: &mut Session<'_>, names: Vec<ProjectName>) -> Result<Vec<Upserted>, DatabaseError> {
    let drafts: Vec<ProjectDraft> = names.into_iter().map(ProjectDraft).collect();
    upsert::upsert(session, &drafts, "update").await
}

struct ProjectDraft(ProjectName);

impl Draft for ProjectDraft {
    type Table = Entity;
    type Key<'a> = &'a str;

    const LOOKUP: &'static [(&'static str, CellType)] = &[("name", CellType::Text)];

    fn lookup_values(&self) -> Vec<Value> {
        vec![self.0.as_str().into()]
    }

    fn key(&self) -> &str {
        self.0.as_str()
    }

    fn key_of(row: &Model) -> &str {
        &row.name
    }

    fn new_row(&self) -> Model {
        Model { name: self.0.as_str().to_owned(), ..Entity::blank() }
    }

    fn changed(&self, row: &Model) -> Model {
        row.clone()
    }
}
