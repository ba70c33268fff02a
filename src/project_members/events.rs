//! What a membership's events give values to.

use entity::project_member::{Column, Entity, Model, Role};
use uuid::Uuid;

use crate::clock::EPOCH;
use crate::events::{Aggregate, Field, FieldKind, Owner, Stamp};

const FIELDS: &[Field<Column>] = &[
    Field::new("projectId", Column::ProjectId, FieldKind::Id("project")),
    Field::new("userId", Column::UserId, FieldKind::Id("user")),
    Field::new("role", Column::Role, FieldKind::Word),
];

impl Aggregate for Entity {
    const KIND: &'static str = "project_member";
    const VERBS: &'static [&'static str] = &["create", "change_role", "delete"];

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
            user_id: Uuid::nil(),
            role: Role::Viewer,
            row_version: 0,
            created_at: EPOCH,
            updated_at: EPOCH,
        }
    }

    fn owner(row: &Model) -> Owner {
        Owner::Project(row.project_id)
    }
}
