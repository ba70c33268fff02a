//! Table `users`: who may be a member of projects, and hold access tokens.

use sea_orm::entity::prelude::*;

/// One user. A user is deleted softly: `deleted_at` is set, nothing lets the user in any more, and the name stays taken.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// UUID v7, so that ids sort by creation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Unique, 1 to 255 characters: how events and the audit name the user, so that it never changes. The subject of a JWT.
    #[sea_orm(unique)]
    pub name: String,
    /// What kind of actor it is.
    pub kind: UserKind,
    /// What the user may do on the whole instance.
    pub instance_role: InstanceRole,
    /// Set when the user was deleted.
    pub deleted_at: Option<DateTimeUtc>,
    /// Counts the changes to this row, from 1.
    pub row_version: i32,
    /// When the row was made.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    #[sea_orm(has_many)]
    pub memberships: HasMany<super::project_member::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What kind of actor a user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum UserKind {
    /// A human being.
    Person,
    /// A program that acts on its own judgement.
    Agent,
    /// A program that does one job: CI, an importer.
    Service,
}

/// What a user may do on the whole instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
pub enum InstanceRole {
    /// What the user's memberships say.
    Member,
    /// Also read the audit of all that was ever done.
    Auditor,
    /// Everything.
    Admin,
}
