//! `throughline user`: who there is.

use std::collections::HashMap;

use anyhow::Context as _;
use clap::Subcommand;
use entity::user::{InstanceRole, UserKind};
use entity::{project_member, user};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::carry_out;
use crate::app;
use crate::config::{DEFAULT_FILE, DatabaseSettings};
use crate::database::Database;
use crate::users::rules::{UserName, parse_instance_role, parse_user_kind};
use crate::users::writes::{CreateUser, DeleteUser, RestoreUser, UpdateUser};

/// Say who there is: people, agents and services
#[derive(clap::Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a user
    Create {
        /// The name, for ever; where users come with JWTs, their subject
        name: String,
        /// person, agent or service
        #[arg(long, default_value = "person", value_parser = parse_user_kind)]
        kind: UserKind,
        /// What the user may do on the whole instance: member (what memberships say), auditor or admin
        #[arg(long, value_name = "ROLE", default_value = "member", value_parser = parse_instance_role)]
        instance_role: InstanceRole,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// List users, with how many projects they are members of
    List {
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Give a user another role on the instance: member, auditor or admin
    SetRole {
        /// The user's name
        name: String,
        #[arg(value_name = "ROLE", value_parser = parse_instance_role)]
        instance_role: InstanceRole,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Let nobody in as this user any more
    Delete {
        /// The user's name
        name: String,
        #[command(flatten)]
        database: DatabaseSettings,
    },
    /// Let a user in again that was deleted
    Restore {
        /// The user's name
        name: String,
        #[command(flatten)]
        database: DatabaseSettings,
    },
}

impl UserCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let settings = match &self.action {
            Action::Create { database, .. }
            | Action::List { database }
            | Action::SetRole { database, .. }
            | Action::Delete { database, .. }
            | Action::Restore { database, .. } => database,
        };
        let database = app::open(&settings.url_or(DEFAULT_FILE), &settings.pool()).await?;
        let done = act(&database, self.action).await;
        database.close().await?;
        done
    }
}

async fn act(database: &Database, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Create { name, kind, instance_role, .. } => {
            create(database, &name, kind, instance_role).await?;
        }
        Action::List { .. } => return list(database).await,
        Action::SetRole { name, instance_role, .. } => {
            let id = id_of(database, &name).await?;
            carry_out(database, UpdateUser { id, expected_version: None, instance_role }).await?;
        }
        Action::Delete { name, .. } => {
            let id = id_of(database, &name).await?;
            carry_out(database, DeleteUser { id, expected_version: None }).await?;
        }
        Action::Restore { name, .. } => {
            let id = id_of(database, &name).await?;
            carry_out(database, RestoreUser { id, expected_version: None }).await?;
        }
    }
    Ok(())
}

/// Makes a user: its id.
pub(super) async fn create(
    database: &Database,
    name: &str,
    kind: UserKind,
    instance_role: InstanceRole,
) -> anyhow::Result<Uuid> {
    let id = Uuid::now_v7();
    let name = UserName::try_from(name.to_owned()).context("the user's name")?;
    carry_out(database, CreateUser { id, name: name.clone(), kind, instance_role }).await?;
    eprintln!("Made the user {:?}: {}, {}.", name.as_str(), kind.to_value(), instance_role.to_value());
    Ok(id)
}

/// The user of this name, deleted or not.
pub(super) async fn find(database: &Database, name: &str) -> anyhow::Result<Option<user::Model>> {
    Ok(user::Entity::find().filter(user::Column::Name.eq(name)).one(database.reader()).await?)
}

async fn id_of(database: &Database, name: &str) -> anyhow::Result<Uuid> {
    Ok(find(database, name).await?.with_context(|| format!("there is no user {name:?}"))?.id)
}

async fn list(database: &Database) -> anyhow::Result<()> {
    let users = user::Entity::find().order_by_asc(user::Column::Name).all(database.reader()).await?;
    let counts = project_member::Entity::find()
        .select_only()
        .column(project_member::Column::UserId)
        .column_as(project_member::Column::Id.count(), "projects")
        .group_by(project_member::Column::UserId);
    let counts: Vec<(Uuid, i64)> = counts.into_tuple().all(database.reader()).await?;
    let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
    for user in users {
        let projects = counts.get(&user.id).copied().unwrap_or_default();
        let state = if user.deleted_at.is_some() { ", deleted" } else { "" };
        super::print(&format!(
            "{}  {}, {}, member of {projects} projects{state}\n",
            user.name,
            user.kind.to_value(),
            user.instance_role.to_value(),
        ))?;
    }
    Ok(())
}
