//! Who a request comes from, and with what rights.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::project_member::Role;
use entity::user::{InstanceRole, UserKind};
use uuid::Uuid;

use super::Rights;

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    id: String,
    kind: ActorKind,
    on_behalf_of: Option<String>,
    run_id: Option<String>,
    user: Option<Uuid>,
    rights: Arc<Rights>,
    expires_at: Option<DateTime<Utc>>,
}

/// What kind of actor someone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A human being.
    Person,
    /// A program that acts on its own judgement.
    Agent,
    /// A program that does one job: CI, an importer.
    Service,
}

impl ActorKind {
    /// The word that the tables hold.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Agent => "agent",
            Self::Service => "service",
        }
    }
}

impl From<UserKind> for ActorKind {
    fn from(kind: UserKind) -> Self {
        match kind {
            UserKind::Person => Self::Person,
            UserKind::Agent => Self::Agent,
            UserKind::Service => Self::Service,
        }
    }
}

impl From<ActorKind> for UserKind {
    fn from(kind: ActorKind) -> Self {
        match kind {
            ActorKind::Person => Self::Person,
            ActorKind::Agent => Self::Agent,
            ActorKind::Service => Self::Service,
        }
    }
}

impl Caller {
    /// A caller of this name, who has these rights until `expires_at`.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: ActorKind, rights: Rights) -> Self {
        let rights = Arc::new(rights);
        Self { id: id.into(), kind, on_behalf_of: None, run_id: None, user: None, rights, expires_at: None }
    }

    /// Whoever sits at the machine: sees and may do everything.
    #[must_use]
    pub fn local_owner() -> Self {
        Self::new(LOCAL_OWNER, ActorKind::Person, Rights::all())
    }

    /// A part of Throughline that does something by itself.
    #[must_use]
    pub fn service(id: &str) -> Self {
        Self::new(id, ActorKind::Service, Rights::all())
    }

    /// The program, which does something that nobody has asked for: sees and may do everything.
    #[must_use]
    pub fn program() -> Self {
        Self::service(PROGRAM)
    }

    /// The same, and the owner of these projects.
    #[must_use]
    pub fn owning(mut self, projects: &[Uuid]) -> Self {
        Arc::make_mut(&mut self.rights).projects.extend(projects.iter().map(|project| (*project, Role::Owner)));
        self
    }

    /// The same, reading the audit of what was done under its name.
    #[must_use]
    pub fn knowing_own_deeds(mut self) -> Self {
        Arc::make_mut(&mut self.rights).own_deeds = true;
        self
    }

    /// The same, known as this user.
    #[must_use]
    pub fn known_as(self, user: Uuid) -> Self {
        Self { user: Some(user), ..self }
    }

    /// The same, until then.
    #[must_use]
    pub fn until(self, expires_at: Option<DateTime<Utc>>) -> Self {
        Self { expires_at, ..self }
    }

    /// The same, acting for somebody else, or within a run. What the credential has said of it stays as it is.
    #[must_use]
    pub fn acting(self, on_behalf_of: Option<String>, run_id: Option<String>) -> Self {
        Self { on_behalf_of: self.on_behalf_of.or(on_behalf_of), run_id: self.run_id.or(run_id), ..self }
    }

    /// The actor's id, as the audit shows it: a user's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind of actor it is.
    #[must_use]
    pub fn kind(&self) -> ActorKind {
        self.kind
    }

    /// For whom an agent acts.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<&str> {
        self.on_behalf_of.as_deref()
    }

    /// The agent's run or the CI job.
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.run_id.as_deref()
    }

    /// The user's row, where there is one.
    #[must_use]
    pub fn user(&self) -> Option<Uuid> {
        self.user
    }

    /// When the credential ends, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expires_at
    }

    /// Whether the credential has ended by then.
    #[must_use]
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// What the caller may see and do.
    #[must_use]
    pub fn rights(&self) -> &Arc<Rights> {
        &self.rights
    }

    /// Whether the caller may see and do everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.rights.instance == InstanceRole::Admin
    }

    /// Whether the caller may read the audit of all that was ever done.
    #[must_use]
    pub fn reads_audit(&self) -> bool {
        matches!(self.rights.instance, InstanceRole::Admin | InstanceRole::Auditor)
    }

    /// Whether the caller has this role in the project, or a higher one.
    #[must_use]
    pub fn has(&self, role: Role, project: Uuid) -> bool {
        self.rights.has(role, project)
    }

    /// The projects in which the caller has this role, or a higher one.
    pub fn projects(&self, at_least: Role) -> impl Iterator<Item = Uuid> {
        self.rights.projects_with(at_least)
    }
}

/// The name of whoever sits at the machine.
pub const LOCAL_OWNER: &str = "local-owner";

/// The name under which the program does something by itself.
pub const PROGRAM: &str = "throughline";

#[cfg(test)]
mod tests {

    use super::*;

    fn rights(instance: InstanceRole, roles: &[(u128, Role)]) -> Rights {
        let projects = roles.iter().map(|(project, role)| (Uuid::from_u128(*project), *role)).collect();
        Rights { instance, everywhere: None, projects, makes_projects: false, own_deeds: true }
    }

    #[test]
    fn a_role_holds_the_lower_ones_in_its_project_alone() {
        let caller = Caller::new("ada", ActorKind::Person, rights(InstanceRole::Member, &[(1, Role::Contributor)]));
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(caller.has(Role::Viewer, own) && caller.has(Role::Contributor, own));
        assert!(!caller.has(Role::Maintainer, own) && !caller.has(Role::Viewer, other));
        assert_eq!(caller.projects(Role::Viewer).collect::<Vec<_>>(), [own]);
        assert_eq!(caller.projects(Role::Owner).count(), 0);
        assert!(Caller::local_owner().has(Role::Owner, other));
    }
}
