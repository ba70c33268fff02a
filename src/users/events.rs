//! What a user's events give values to.

use entity::user::{Column, Entity, InstanceRole, Model, UserKind};
use uuid::Uuid;

use crate::clock::EPOCH;
use crate::events::{Aggregate, Field, FieldKind, Owner, Stamp};

const FIELDS: &[Field<Column>] = &[
    Field::new("name", Column::Name, FieldKind::Text),
    Field::new("kind", Column::Kind, FieldKind::Word),
    Field::new("instanceRole", Column::InstanceRole, FieldKind::Word),
];

impl Aggregate for Entity {
    const KIND: &'static str = "user";
    const VERBS: &'static [&'static str] = &["create", "update", "delete", "restore"];
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
            name: String::new(),
            kind: UserKind::Person,
            instance_role: InstanceRole::Member,
            deleted_at: None,
            row_version: 0,
            created_at: EPOCH,
            updated_at: EPOCH,
        }
    }

    fn owner(_: &Model) -> Owner {
        Owner::Instance
    }

    fn natural_key(row: &Model) -> Option<(Uuid, &str)> {
        Some((Uuid::nil(), &row.name))
    }
}
