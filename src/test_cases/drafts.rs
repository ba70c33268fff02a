//! What files and CI jobs say of test cases, brought to the rows that are there.

use entity::test_case::{Entity, Model};
use sea_orm::Value;
use uuid::Uuid;

use super::rules::TestValues;
use crate::database::DatabaseError;
use crate::database::row_set::CellType;
use crate::events::Aggregate as _;
use crate::write_transaction::Session;
use crate::write_transaction::upsert::{self, Draft, Owner, Upserted};

/// A test case to be made or brought up to date, known by its feature and name.
#[derive(Clone, Debug)]
pub struct TestDraft {
    /// The feature.
    pub feature: Owner,
    /// What the test case and its latest run say.
    pub values: TestValues,
}

/// Makes the test cases that are not there and brings the others up to date. The latest run is replaced as a whole: a
/// duration or a message that the new run does not have goes.
///
/// # Errors
/// When the database does not answer.
pub async fn upsert(session: &mut Session<'_>, drafts: &[TestDraft]) -> Result<Vec<Upserted>, DatabaseError> {
    upsert::upsert(session, drafts, "record_run").await
}

impl Draft for TestDraft {
    type Table = Entity;
    type Key<'a> = (Uuid, &'a str);

    const LOOKUP: &'static [(&'static str, CellType)] = &[("feature_id", CellType::Id), ("name", CellType::Text)];

    fn lookup_values(&self) -> Vec<Value> {
        vec![self.feature.id.into(), self.values.name.as_str().into()]
    }

    fn may_exist(&self) -> bool {
        !self.feature.is_new
    }

    fn key(&self) -> (Uuid, &str) {
        (self.feature.id, self.values.name.as_str())
    }

    fn key_of(row: &Model) -> (Uuid, &str) {
        (row.feature_id, &row.name)
    }

    fn new_row(&self) -> Model {
        self.values.put_into(&Model { feature_id: self.feature.id, ..Entity::blank() })
    }

    fn changed(&self, row: &Model) -> Model {
        self.values.put_into(row)
    }
}
