//! What clients can let happen to users.

use async_graphql::{ID, InputObject};
use uuid::Uuid;

use super::graphql::{InstanceRole, User};
use super::rules::UserName;
use super::writes::{CreateUser, DeleteUser, RestoreUser, UpdateUser};
use crate::audit::graphql::ActorKind;
use crate::graphql::mutation::{Checks, ParseChange, mutations, payload};
use crate::write_transaction::items::Place;

mutations! {
    UserMutations {
        /// Makes a user. It gets in by a JWT whose subject is its name, or by a token that `throughline token create` makes. Only for
        /// admins.
        create_user(CreateUserInput) -> UserPayload;

        /// Says what a user may do on the whole instance. Only for admins.
        update_user(UpdateUserInput) -> UserPayload;

        /// Deletes a user: nothing lets it in any more, until it is restored. A project that has an owner keeps one. Only for admins.
        delete_user(DeleteUserInput) -> UserPayload;

        /// Lets a user in again that was deleted. Only for admins.
        restore_user(RestoreUserInput) -> UserPayload;
    }
}

payload! {
    /// What became of a mutation of one user.
    UserPayload {
        /// The user as it is now: null where it was deleted, or nothing was written. Where another version was expected, the user as
        /// it is.
        user: User
    }
}

/// A user to be made.
#[derive(InputObject)]
pub(crate) struct CreateUserInput {
    /// The name, new among users and for ever: 1 to 255 characters. Where users come with JWTs, their subject.
    name: String,
    /// What kind of actor it is.
    #[graphql(default_with = "ActorKind::Person")]
    kind: ActorKind,
    /// What it may do on the whole instance.
    #[graphql(default_with = "InstanceRole::Member")]
    instance_role: InstanceRole,
}

impl ParseChange for CreateUserInput {
    type Change = CreateUser;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<CreateUser> {
        let name = checks.value(&place.at("name"), UserName::try_from(self.name))?;
        let kind = crate::access::ActorKind::from(self.kind).into();
        Some(CreateUser { id: Uuid::now_v7(), name, kind, instance_role: self.instance_role.into() })
    }
}

/// A user who is to have another role on the instance.
#[derive(InputObject)]
pub(crate) struct UpdateUserInput {
    /// The user.
    id: ID,
    /// The version that the user must have; any, if it is left out.
    expected_version: Option<i32>,
    /// What the user may do on the whole instance.
    instance_role: InstanceRole,
}

impl ParseChange for UpdateUserInput {
    type Change = UpdateUser;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<UpdateUser> {
        let id = checks.id(&place.at("id"), "user", &self.id)?;
        let expected_version = self.expected_version;
        Some(UpdateUser { id, expected_version, instance_role: self.instance_role.into() })
    }
}

/// A user to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteUserInput {
    /// The user.
    id: ID,
    /// The version that the user must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for DeleteUserInput {
    type Change = DeleteUser;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<DeleteUser> {
        let id = checks.id(&place.at("id"), "user", &self.id)?;
        Some(DeleteUser { id, expected_version: self.expected_version })
    }
}

/// A user to be restored.
#[derive(InputObject)]
pub(crate) struct RestoreUserInput {
    /// The user.
    id: ID,
    /// The version that the user must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for RestoreUserInput {
    type Change = RestoreUser;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<RestoreUser> {
        let id = checks.id(&place.at("id"), "user", &self.id)?;
        Some(RestoreUser { id, expected_version: self.expected_version })
    }
}
