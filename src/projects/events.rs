//! What a project's events give values to.

use entity::project::{Column, Entity, Model};

use crate::clock::EPOCH;
use crate::events::{Aggregate, Field, FieldKind, Owner, Stamp};

const FIELDS: &[Field<Column>] = &[
    Field::new("name", Column::Name, FieldKind::Text),
    Field::new("description", Column::Description, FieldKind::Text),
];

impl Aggregate for Entity {
    const KIND: &'static str = "project";
    const VERBS: &'static [&'static str] = &["create", "adopt", "update", "delete"];

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
        let name = String::new();
        Model { id: uuid::Uuid::nil(), name, description: None, row_version: 0, created_at: EPOCH, updated_at: EPOCH }
    }

    fn owner(_: &Model) -> Owner {
        Owner::Nothing
    }

    fn natural_key(row: &Model) -> Option<(uuid::Uuid, &str)> {
        Some((uuid::Uuid::nil(), &row.name))
    }
}
