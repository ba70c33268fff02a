//! What clients can let happen to memberships.

use async_graphql::{ID, InputObject};
use uuid::Uuid;

use super::graphql::{ProjectMember, ProjectRole};
use super::writes::{AddProjectMember, ChangeProjectRole, RemoveProjectMember};
use crate::graphql::mutation::{Checks, ParseChange, mutations, payload};
use crate::users::rules::UserName;
use crate::write_transaction::items::Place;

mutations! {
    ProjectMemberMutations {
        /// Makes a user a member of a project. Maintainers say who views and contributes, owners also who maintains and owns.
        add_project_member(AddProjectMemberInput) -> ProjectMemberPayload;

        /// Gives a member another role. A project that has an owner keeps one.
        change_project_role(ChangeProjectRoleInput) -> ProjectMemberPayload;

        /// Ends a membership: what follows the project as this member ends within seconds. Everybody may end their own,
        /// with a token that is good for all that it is; a project that has an owner keeps one.
        remove_project_member(RemoveProjectMemberInput) -> ProjectMemberPayload;
    }
}

payload! {
    /// What became of a mutation of one membership.
    ProjectMemberPayload {
        /// The membership as it is now: null where it was ended, or nothing was written. Where another version was expected, the
        /// membership as it is.
        project_member: ProjectMember
    }
}

/// A member to be.
#[derive(InputObject)]
pub(crate) struct AddProjectMemberInput {
    /// The project.
    project_id: ID,
    /// The user's name.
    user_name: String,
    /// What the user may do in the project.
    role: ProjectRole,
}

impl ParseChange for AddProjectMemberInput {
    type Change = AddProjectMember;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<AddProjectMember> {
        let project = checks.id(&place.at("projectId"), "project", &self.project_id);
        let user = checks.value(&place.at("userName"), UserName::try_from(self.user_name));
        Some(AddProjectMember { id: Uuid::now_v7(), project: project?, user: user?, role: self.role.into() })
    }
}

/// A member who is to have another role.
#[derive(InputObject)]
pub(crate) struct ChangeProjectRoleInput {
    /// The membership.
    id: ID,
    /// The version that the membership must have; any, if it is left out.
    expected_version: Option<i32>,
    /// What the user may do in the project from now on.
    role: ProjectRole,
}

impl ParseChange for ChangeProjectRoleInput {
    type Change = ChangeProjectRole;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<ChangeProjectRole> {
        let id = checks.id(&place.at("id"), "project_member", &self.id)?;
        Some(ChangeProjectRole { id, expected_version: self.expected_version, role: self.role.into() })
    }
}

/// A membership to be ended.
#[derive(InputObject)]
pub(crate) struct RemoveProjectMemberInput {
    /// The membership.
    id: ID,
    /// The version that the membership must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for RemoveProjectMemberInput {
    type Change = RemoveProjectMember;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<RemoveProjectMember> {
        let id = checks.id(&place.at("id"), "project_member", &self.id)?;
        Some(RemoveProjectMember { id, expected_version: self.expected_version })
    }
}
