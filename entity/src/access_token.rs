//! Table `access_tokens`: secrets that let users in.

use sea_orm::entity::prelude::*;

/// One token. What it lets its holder do is what its user may, within its project and up to its role where it has them.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_tokens")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whom it lets in.
    pub user_id: Uuid,
    /// What it is for, as who made it says.
    pub name: String,
    /// SHA-256 of the secret: the secret itself is stored nowhere.
    pub secret_hash: Vec<u8>,
    /// The only project that it is good for, if it is limited to one.
    pub project_id: Option<Uuid>,
    /// The most that it is good for, if it is limited.
    pub role: Option<super::project_member::Role>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it ends, if it does.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was taken back, if it was.
    pub revoked_at: Option<DateTimeUtc>,
    /// When it last let somebody in, to the minute.
    pub last_used_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
