//! What a feature's events give values to.

use entity::feature::{Column, Entity, FeatureStatus, Model};
use uuid::Uuid;

use crate::clock::EPOCH;
use crate::events::{Aggregate, Field, FieldKind, Owner, Stamp};

const FIELDS: &[Field<Column>] = &[
    Field::new("projectId", Column::ProjectId, FieldKind::Id("project")),
    Field::new("name", Column::Name, FieldKind::Text),
    Field::new("description", Column::Description, FieldKind::Text),
    Field::new("priority", Column::Priority, FieldKind::Int),
    Field::new("status", Column::Status, FieldKind::Word),
    Field::new("confidentialNotes", Column::ConfidentialNotes, FieldKind::Secret),
];

impl Aggregate for Entity {
    const KIND: &'static str = "feature";
    const VERBS: &'static [&'static str] =
        &["create", "adopt", "update", "change_status", "delete", "restore", "purge"];
    const IS_HIDDEN_BY_DELETE: bool = true;

    fn fields() -> &'static [Field<Column>] {
        FIELDS
    }

    fn stamp(row: &Model) -> Stamp {
        let Model { id, row_version: version, created_at, updated_at, deleted_at, .. } = *row;
        Stamp { id, version, created_at, updated_at, deleted_at }
    }

    fn set_stamp(row: &mut Model, stamp: Stamp) {
        (row.id, row.row_version) = (stamp.id, stamp.version);
        (row.created_at, row.updated_at, row.deleted_at) = (stamp.created_at, stamp.updated_at, stamp.deleted_at);
    }

    fn blank() -> Model {
        Model {
            id: Uuid::nil(),
            project_id: Uuid::nil(),
            name: String::new(),
            description: None,
            priority: 0,
            status: FeatureStatus::NotStarted,
            deleted_at: None,
            row_version: 0,
            created_at: EPOCH,
            updated_at: EPOCH,
            confidential_notes: None,
        }
    }

    fn owner(row: &Model) -> Owner {
        Owner::Project(row.project_id)
    }

    fn natural_key(row: &Model) -> Option<(Uuid, &str)> {
        Some((row.project_id, &row.name))
    }
}
