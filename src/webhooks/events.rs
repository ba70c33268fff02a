//! What a webhook's events give values to.

use entity::webhook::{Column, Entity, Model, WebhookStatus};
use uuid::Uuid;

use crate::clock::EPOCH;
use crate::events::{Aggregate, Field, FieldKind, Owner, Stamp};

const FIELDS: &[Field<Column>] = &[
    Field::new("projectId", Column::ProjectId, FieldKind::Id("project")),
    Field::new("url", Column::Url, FieldKind::Secret),
    Field::new("secret", Column::Secret, FieldKind::Secret),
    Field::new("types", Column::Types, FieldKind::Text),
    Field::new("status", Column::Status, FieldKind::Word),
];

impl Aggregate for Entity {
    const KIND: &'static str = "webhook";
    const VERBS: &'static [&'static str] = &["create", "update", "change_status", "redeliver", "delete"];

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
            project_id: Uuid::nil(),
            url: String::new(),
            secret: String::new(),
            types: None,
            status: WebhookStatus::Active,
            row_version: 0,
            created_at: EPOCH,
            updated_at: EPOCH,
        }
    }

    fn owner(row: &Model) -> Owner {
        Owner::Project(row.project_id)
    }
}
