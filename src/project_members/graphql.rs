//! Memberships as clients see them.

use std::sync::LazyLock;

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::project_member;

use super::reads;
use crate::audit::graphql::with_audit_logs;
use crate::batch::{Declared, Fields, Kind, LeafType, Object};
use crate::events::graphql::with_history;
use crate::{projects, users};

/// What someone may do in a project. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "project_member::Role")]
pub enum ProjectRole {
    /// See the project and all that belongs to it.
    Viewer,
    /// Plan and report: make and change features, tests and deployments.
    Contributor,
    /// Change the project, delete and restore, read confidential notes, and say who else is a viewer or contributor.
    Maintainer,
    /// Delete the project, and say who else maintains or owns it.
    Owner,
}

impl LeafType for ProjectRole {
    const KIND: Kind = Kind::Enum;
}

/// Stands for the object type `ProjectMember` in payloads.
pub struct ProjectMember;

impl Declared for ProjectMember {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `ProjectMember`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(declare);
    &OBJECT
}

fn declare() -> Object {
    let column = reads::column;
    let fields = Fields::of("ProjectMember", "A user in a project, and what the user may do there.")
        .ordered_leaf::<ProjectRole>(
            "role",
            "What the user may do there. As an order: the value's name, alphabetically.",
            column(project_member::Column::Role),
            "ROLE",
        )
        .one(
            "project",
            "The project.",
            (project_member::Entity, project_member::Column::ProjectId),
            projects::graphql::object,
        )
        .one_or_null(
            "user",
            "The user; null where the user is deleted, and so has no use of the membership.",
            (project_member::Entity, project_member::Column::UserId),
            users::graphql::object,
        )
        .leaf::<i32>(
            "rowVersion",
            "Counts the changes to the membership, from 1.",
            column(project_member::Column::RowVersion),
        )
        .leaf::<DateTime<Utc>>(
            "createdAt",
            "Since when the user is a member.",
            column(project_member::Column::CreatedAt),
        )
        .leaf::<DateTime<Utc>>(
            "updatedAt",
            "When the membership was last changed.",
            column(project_member::Column::UpdatedAt),
        );
    with_history(with_audit_logs(fields)).stored_in(reads::table())
}
