//! The audit as clients see it.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::audit_log::{Column, Entity};

use super::reads;
use crate::access;
use crate::batch::{Declared, Entries, Fields, Kind, LeafType, Object, RootField, Shape};
use crate::events::KINDS;

/// What kind of actor someone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "access::ActorKind")]
pub enum ActorKind {
    /// A human being.
    Person,
    /// A program that acts on its own judgement.
    Agent,
    /// A program that does one job: CI, an importer.
    Service,
}

impl LeafType for ActorKind {
    const KIND: Kind = Kind::Enum;
}

/// Stands for the object type `AuditLog` in payloads.
pub struct AuditLog;

impl Declared for AuditLog {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `AuditLog`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

/// What the query root says of the audit.
pub fn root_fields() -> Vec<RootField> {
    vec![RootField::connection(
        "auditLogs",
        "Who changed what, and when: all that was ever done, also to what is deleted. Ask for one object by `entityId`.",
        object,
    )]
}

/// Gives an object type the connection `auditLogs`.
#[must_use]
pub fn with_audit_logs(fields: Fields) -> Fields {
    fields.connection(
        "auditLogs",
        "What was done to it, by whom, in the order in which it was done.",
        (Entity, Column::EntityId),
        object,
    )
}

/// A field whose value is another one now.
pub fn field_change() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of("FieldChange", "A field that was given another value.")
            .leaf::<String>("field", "The field, as the API calls it.")
            .json("before", "The value before; null where there was none.")
            .json("after", "The value after; null where there is none.")
    });
    &SHAPE
}

fn declare() -> Object {
    let column = reads::column;
    Fields::of("AuditLog", "What one command did to one object, and who sent it.")
        .leaf::<String>("actorId", "Who did it.", column(Column::ActorId))
        .leaf::<ActorKind>("actorKind", "What kind of actor that is.", column(Column::ActorKind))
        .leaf::<Option<String>>(
            "onBehalfOf",
            "For whom an agent acted; null where it acted for nobody else.",
            column(Column::OnBehalfOf),
        )
        .leaf::<Option<String>>(
            "runId",
            "The agent's run or the CI job; null where none was named.",
            column(Column::RunId),
        )
        .leaf::<String>("action", "What was done: `feature.update`.", column(Column::Action))
        .leaf::<String>("entityType", "What kind of object was changed: `feature`.", column(Column::EntityType))
        .reference(
            "entityId",
            "The object that was changed, which may be deleted by now.",
            (Entity, Column::EntityId),
            (Entity, Column::EntityType),
            KINDS,
        )
        .leaf::<String>("requestId", "The request that did it, as the log names it.", column(Column::RequestId))
        .entries(
            "changes",
            "The fields that have another value since, with both values.",
            reads::changes(),
            (Entries::List, field_change),
        )
        .leaf::<DateTime<Utc>>("createdAt", "When it was done.", column(Column::CreatedAt))
        .order_by_id("CREATED_AT", "When it was done.")
        .stored_in(reads::table())
}
