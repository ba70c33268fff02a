//! What a test case's events give values to.

use entity::test_case::{Column, Entity, Model, TestStatus};
use uuid::Uuid;

use crate::clock::EPOCH;
use crate::events::{Aggregate, Field, FieldKind, Owner, Stamp};

const FIELDS: &[Field<Column>] = &[
    Field::new("featureId", Column::FeatureId, FieldKind::Id("feature")),
    Field::new("name", Column::Name, FieldKind::Text),
    Field::new("status", Column::Status, FieldKind::Word),
    Field::new("durationMs", Column::DurationMs, FieldKind::Int),
    Field::new("message", Column::Message, FieldKind::Text),
];

impl Aggregate for Entity {
    const KIND: &'static str = "test_case";
    const VERBS: &'static [&'static str] = &["create", "adopt", "update", "record_run", "delete"];

    fn fields() -> &'static [Field<Column>] {
        FIELDS
    }

    fn stamp(row: &Model) -> Stamp {
        let Model { id, row_version: version, created_at, updated_at, .. } = *row;
        Stamp { id, version, created_at, updated_at, deleted_at: None }
    }

    fn set_stamp(row: &mut Model, stamp: Stamp) {
        (row.id, row.row_version) = (stamp.id, stamp.version);
        (row.created_at, row.updated_at) = (stamp.created_at, stamp.updated_at);
    }

    fn blank() -> Model {
        Model {
            id: Uuid::nil(),
            feature_id: Uuid::nil(),
            name: String::new(),
            status: TestStatus::Pending,
            duration_ms: None,
            message: None,
            row_version: 0,
            created_at: EPOCH,
            updated_at: EPOCH,
        }
    }

    fn owner(row: &Model) -> Owner {
        Owner::Feature(row.feature_id)
    }

    fn natural_key(row: &Model) -> Option<(Uuid, &str)> {
        Some((row.feature_id, &row.name))
    }
}
