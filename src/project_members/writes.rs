//! What can happen to a membership.

use entity::project_member::Role;
use entity::{project, project_member, user};
use uuid::Uuid;

use super::rules::role_to_change;
use crate::access::Needs;
use crate::database::DatabaseError;
use crate::database::row_set::RowSet;
use crate::events::Aggregate as _;
use crate::users::rules::UserName;
use crate::users::writes::named;
use crate::write_transaction::items::{Change, Place, Target, check_parent, find, not_found};
use crate::write_transaction::{Refusal, Session, UserError, UserErrorCode};

/// Makes a user a member of a project.
#[derive(Clone, Debug)]
pub struct AddProjectMember {
    /// The id that the membership will have.
    pub id: Uuid,
    /// The project.
    pub project: Uuid,
    /// The user, by name.
    pub user: UserName,
    /// What the user may do there.
    pub role: Role,
}

impl Change for AddProjectMember {
    const NAME: &'static str = "project_member.create";
    const NEEDS: Needs = Needs::Role(Role::Maintainer);
    /// Who else is a member must stay so.
    const LOCKS: bool = true;

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        let projects: Vec<Uuid> = items.iter().map(|item| item.project).collect();
        session.load::<project::Entity>(projects.clone()).await?;
        session.load_where::<user::Entity>(named(items.iter().map(|item| item.user.as_str()))).await?;
        load_members(session, projects).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        Refusal::of_any(
            check_parent::<project::Entity>(session, self.project, &place.at("projectId")).into_iter().collect(),
        )?;
        check_change(session, self.project, (None, Some(self.role)), &place.at("role"))?;
        let user =
            session.named::<user::Entity>(Uuid::nil(), self.user.as_str()).filter(|user| user.deleted_at.is_none());
        let Some(user) = user.map(|user| user.id) else {
            return Err(not_found::<user::Entity>(&place.at("userName")).into());
        };
        if members(session, self.project).any(|member| member.user_id == user) {
            let message = "the user is a member of the project already; change the role instead";
            return Err(place.at("userName").error(UserErrorCode::Duplicate, message).into());
        }
        Ok(join(session, self.id, self.project, (user, self.role))?)
    }
}

/// Makes a user a member.
///
/// # Errors
/// When the row is not what its own events say: a fault of ours.
pub fn join(
    session: &mut Session<'_>,
    id: Uuid,
    project: Uuid,
    (user, role): (Uuid, Role),
) -> Result<Uuid, DatabaseError> {
    let row = project_member::Model { id, project_id: project, user_id: user, role, ..project_member::Entity::blank() };
    session.create::<project_member::Entity>(&row)
}

/// Gives a member another role.
#[derive(Clone, Debug)]
pub struct ChangeProjectRole {
    /// The membership.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// The role from now on.
    pub role: Role,
}

impl Change for ChangeProjectRole {
    const NAME: &'static str = "project_member.change_role";
    const NEEDS: Needs = Needs::Role(Role::Maintainer);
    /// The owners that are left must stay so.
    const LOCKS: bool = true;

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        load_with_others(session, items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let row = find::<project_member::Entity>(session, self.id, self.expected_version, place)?;
        check_change(session, row.project_id, (Some(row.role), Some(self.role)), &place.at("role"))?;
        if self.role != Role::Owner {
            check_owner_is_left(session, &row, place)?;
        }
        session.update::<project_member::Entity>("change_role", &project_member::Model { role: self.role, ..row })?;
        Ok(self.id)
    }
}

/// Ends a membership. Everybody may end their own, with a credential that is good for all that the membership is.
#[derive(Clone, Debug)]
pub struct RemoveProjectMember {
    /// The membership.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for RemoveProjectMember {
    const NAME: &'static str = "project_member.delete";
    const NEEDS: Needs = Needs::Role(Role::Viewer);
    /// The owners that are left must stay so.
    const LOCKS: bool = true;

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        load_with_others(session, items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let row = find::<project_member::Entity>(session, self.id, self.expected_version, place)?;
        // A token that is limited to less does not give up what it does not have.
        let is_own = session.caller().user() == Some(row.user_id) && session.role_in(row.project_id) >= Some(row.role);
        if !is_own {
            check_change(session, row.project_id, (Some(row.role), None), &place.at("id"))?;
        }
        check_owner_is_left(session, &row, place)?;
        session.mark::<project_member::Entity>("delete", self.id)?;
        Ok(self.id)
    }
}

/// Reads memberships, all others of their projects, and the users who own these.
async fn load_with_others(session: &mut Session<'_>, ids: Vec<Uuid>) -> Result<(), DatabaseError> {
    session.load::<project_member::Entity>(ids.clone()).await?;
    let projects = ids.iter().filter_map(|id| session.get::<project_member::Entity>(*id)).map(|row| row.project_id);
    let projects: Vec<Uuid> = projects.collect();
    load_members(session, projects.clone()).await?;
    let read = &*session;
    let others = projects.iter().flat_map(|project| members(read, *project));
    let owners = others.filter(|member| member.role == Role::Owner).map(|owner| owner.user_id).collect();
    session.load::<user::Entity>(owners).await
}

/// Reads all members of projects.
///
/// # Errors
/// When the database does not answer.
pub async fn load_members(session: &mut Session<'_>, mut projects: Vec<Uuid>) -> Result<(), DatabaseError> {
    projects.sort_unstable();
    projects.dedup();
    session.load_where::<project_member::Entity>(RowSet::of_ids("project_id", projects)).await
}

/// The members of a project, which were read.
pub fn members<'s>(session: &'s Session<'_>, project: Uuid) -> impl Iterator<Item = &'s project_member::Model> {
    session.rows::<project_member::Entity>().filter(move |member| member.project_id == project)
}

/// That the caller may not say who has these roles.
fn check_change(
    session: &Session<'_>,
    project: Uuid,
    (before, after): (Option<Role>, Option<Role>),
    place: &Place,
) -> Result<(), UserError> {
    let needed = role_to_change(before, after);
    if session.role_in(project) >= Some(needed) {
        return Ok(());
    }
    Err(place.error(UserErrorCode::Forbidden, Needs::Role(needed).missing()))
}

/// That the member is the project's last owner. One who is deleted gets in no more, and owns nothing until restored.
fn check_owner_is_left(session: &Session<'_>, member: &project_member::Model, place: &Place) -> Result<(), UserError> {
    let gets_in = |user: Uuid| session.get::<user::Entity>(user).is_some();
    let is_other_owner =
        |other: &project_member::Model| other.role == Role::Owner && other.id != member.id && gets_in(other.user_id);
    if member.role != Role::Owner || members(session, member.project_id).any(is_other_owner) {
        return Ok(());
    }
    let message = "the project would have no owner any more; make somebody else an owner first";
    Err(place.at("id").error(UserErrorCode::LastOwner, message))
}
