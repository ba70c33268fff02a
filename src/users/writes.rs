//! What can happen to a user.

use std::collections::HashSet;

use entity::project_member::Role;
use entity::user::{InstanceRole, UserKind};
use entity::{project_member, user};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::rules::UserName;
use crate::access::Needs;
use crate::batch::id;
use crate::database::DatabaseError;
use crate::database::row_set::{CellType, RowSet};
use crate::events::Aggregate as _;
use crate::write_transaction::items::{Change, Place, Target, check_allowed, find, restore};
use crate::write_transaction::{Refusal, Session, UserError, UserErrorCode};

/// Makes a user.
#[derive(Clone, Debug)]
pub struct CreateUser {
    /// The id that it will have.
    pub id: Uuid,
    /// Its name.
    pub name: UserName,
    /// What kind of actor it is.
    pub kind: UserKind,
    /// What it may do on the whole instance.
    pub instance_role: InstanceRole,
}

impl Change for CreateUser {
    const NAME: &'static str = "user.create";
    const NEEDS: Needs = Needs::Admin;

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Name(Uuid::nil(), self.name.as_str()))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load_where::<user::Entity>(named(items.iter().map(|item| item.name.as_str()))).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        check_allowed(session, place)?;
        if let Some(other) = session.named::<user::Entity>(Uuid::nil(), self.name.as_str()) {
            let message = match other.deleted_at {
                Some(_) => "a deleted user has this name; restore it, or take another name",
                None => "another user has this name",
            };
            return Err(place.at("name").error(UserErrorCode::NameTaken, message).into());
        }
        let row = user::Model {
            id: self.id,
            name: self.name.as_str().to_owned(),
            kind: self.kind,
            instance_role: self.instance_role,
            ..user::Entity::blank()
        };
        Ok(session.create::<user::Entity>(&row)?)
    }
}

/// The users that have these names, to be looked up.
pub fn named<'n>(names: impl Iterator<Item = &'n str>) -> RowSet {
    let mut wanted = RowSet::new(vec![("name", CellType::Text)]);
    names.for_each(|name| wanted.push([name.into()]));
    wanted
}

/// Says what a user may do on the whole instance.
#[derive(Clone, Debug)]
pub struct UpdateUser {
    /// The user.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// What it may do on the whole instance.
    pub instance_role: InstanceRole,
}

impl Change for UpdateUser {
    const NAME: &'static str = "user.update";
    const NEEDS: Needs = Needs::Admin;

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<user::Entity>(items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        // Before it is looked up, so that who may not learns nothing of who there is.
        check_allowed(session, place)?;
        let row = find::<user::Entity>(session, self.id, self.expected_version, place)?;
        session.update::<user::Entity>("update", &user::Model { instance_role: self.instance_role, ..row })?;
        Ok(self.id)
    }
}

/// Lets nobody in as this user any more, until it is restored. Its memberships stay, and so does its name in what it did. Where it is the
/// last owner of a project who gets in, it is refused.
#[derive(Clone, Debug)]
pub struct DeleteUser {
    /// The user.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for DeleteUser {
    const NAME: &'static str = "user.delete";
    const NEEDS: Needs = Needs::Admin;
    /// The owners that are left must stay so.
    const LOCKS: bool = true;

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        if session.missing().is_some() {
            return Ok(());
        }
        let ids: Vec<Uuid> = items.iter().map(|item| item.id).collect();
        session.load::<user::Entity>(ids.clone()).await?;
        load_other_owners(session, &ids).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        check_allowed(session, place)?;
        find::<user::Entity>(session, self.id, self.expected_version, place)?;
        check_owners_are_left(session, self.id, place)?;
        session.mark::<user::Entity>("delete", self.id)?;
        Ok(self.id)
    }
}

/// Lets a user in again that was deleted.
#[derive(Clone, Debug)]
pub struct RestoreUser {
    /// The user.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for RestoreUser {
    const NAME: &'static str = "user.restore";
    const NEEDS: Needs = Needs::Admin;

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<user::Entity>(items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        check_allowed(session, place)?;
        restore::<user::Entity>(session, self.id, self.expected_version, place)
    }
}

/// Reads what users own, and who else owns it: no other members, of whom there may be many.
async fn load_other_owners(session: &mut Session<'_>, users: &[Uuid]) -> Result<(), DatabaseError> {
    let owner = || Role::Owner.to_value();
    let mut wanted = RowSet::new(vec![("user_id", CellType::Id), ("role", CellType::Text)]);
    for user in users {
        wanted.push([(*user).into(), owner().into()]);
    }
    session.load_where::<project_member::Entity>(wanted).await?;
    let mut projects: Vec<Uuid> = owners(session).map(|member| member.project_id).collect();
    projects.sort_unstable();
    projects.dedup();
    let mut wanted = RowSet::new(vec![("project_id", CellType::Id), ("role", CellType::Text)]);
    for project in projects {
        wanted.push([project.into(), owner().into()]);
    }
    session.load_where::<project_member::Entity>(wanted).await?;
    let users = owners(session).map(|member| member.user_id).collect();
    session.load::<user::Entity>(users).await
}

fn owners<'s>(session: &'s Session<'_>) -> impl Iterator<Item = &'s project_member::Model> {
    session.rows::<project_member::Entity>().filter(|member| member.role == Role::Owner)
}

/// That a project would have no owner any more who gets in.
fn check_owners_are_left(session: &Session<'_>, user: Uuid, place: &Place) -> Result<(), UserError> {
    let gets_in = |other: Uuid| other != user && session.get::<user::Entity>(other).is_some();
    let left: HashSet<Uuid> =
        owners(session).filter(|owner| gets_in(owner.user_id)).map(|owner| owner.project_id).collect();
    let mut own = owners(session).filter(|owner| owner.user_id == user).map(|owner| owner.project_id);
    let Some(project) = own.find(|project| !left.contains(project)) else { return Ok(()) };
    let message =
        format!("{} would have no owner any more; make somebody else an owner first", id::format("project", project));
    Err(place.at("id").error(UserErrorCode::LastOwner, message))
}
