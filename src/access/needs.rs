//! What a command asks of who sends it.

use entity::project_member::Role;
use sea_orm::ActiveEnum as _;

/// What a command asks of who sends it. An admin has it always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// This role, or a higher one, in the project that the command changes something of.
    Role(Role),
    /// That the caller may make projects.
    NewProject,
    /// To be an admin.
    Admin,
}

impl Needs {
    /// What is missing, for who does not have it.
    #[must_use]
    pub fn missing(self) -> String {
        match self {
            Self::Role(role) => format!("this needs the role {} in the project", role.to_value().to_uppercase()),
            Self::NewProject => {
                "this needs a user who may make projects: the token is limited, or there is no such user".to_owned()
            }
            Self::Admin => "this needs an admin of the instance".to_owned(),
        }
    }
}
