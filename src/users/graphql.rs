//! Users as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::{project_member, user};

use super::reads;
use crate::audit::graphql::{ActorKind, with_audit_logs};
use crate::batch::{Declared, Fields, Kind, LeafType, Object, RootField};
use crate::events::graphql::with_history;
use crate::project_members;

/// What a user may do on the whole instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "user::InstanceRole")]
pub enum InstanceRole {
    /// What the user's memberships say.
    Member,
    /// Also read the audit of all that was ever done.
    Auditor,
    /// Everything.
    Admin,
}

impl LeafType for InstanceRole {
    const KIND: Kind = Kind::Enum;
}

/// Stands for the object type `User` in payloads.
pub struct User;

impl Declared for User {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `User`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

/// What the query root says of users.
pub fn root_fields() -> Vec<RootField> {
    vec![
        RootField::object("user", "One user; null where there is none, or the caller may not see it.", object),
        RootField::connection(
            "users",
            "The caller, and the members of the projects that the caller may see; for an admin, all.",
            object,
        ),
    ]
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of("User", "Somebody who may be a member of projects: a person, an agent or a service.")
        .ordered_leaf::<String>(
            "name",
            "The name, unique and for ever: how events and the audit name the user.",
            column(user::Column::Name),
            "NAME",
        )
        .leaf::<ActorKind>("kind", "What kind of actor it is.", column(user::Column::Kind))
        .leaf::<InstanceRole>(
            "instanceRole",
            "What the user may do on the whole instance, besides what memberships say.",
            column(user::Column::InstanceRole),
        )
        .connection(
            "memberships",
            "The user's memberships in projects that the caller may see.",
            (project_member::Entity, project_member::Column::UserId),
            project_members::graphql::object,
        )
        .leaf::<i32>("rowVersion", "Counts the changes to the user, from 1.", column(user::Column::RowVersion))
        .ordered_leaf::<DateTime<Utc>>(
            "createdAt",
            "When the user was made.",
            column(user::Column::CreatedAt),
            "CREATED_AT",
        )
        .leaf::<DateTime<Utc>>("updatedAt", "When the user was last changed.", column(user::Column::UpdatedAt));
    with_history(with_audit_logs(fields)).stored_in(reads::table())
}
