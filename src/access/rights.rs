//! What a caller may see and do.

use std::collections::BTreeMap;

use entity::project_member::Role;
use entity::user::InstanceRole;
use uuid::Uuid;

/// What a caller may see and do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rights {
    /// What the caller may do on the whole instance.
    pub instance: InstanceRole,
    /// What the caller may do in every project, if anything.
    pub everywhere: Option<Role>,
    /// What the caller may do in some projects, where that is more.
    pub projects: BTreeMap<Uuid, Role>,
    /// Whether the caller may make projects, and owns them then.
    pub makes_projects: bool,
    /// Whether the caller reads the audit of what was done under its name, in whatever project that was.
    pub own_deeds: bool,
}

impl Rights {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self {
            instance: InstanceRole::Admin,
            everywhere: Some(Role::Owner),
            projects: BTreeMap::new(),
            makes_projects: true,
            own_deeds: true,
        }
    }

    /// Nothing at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            instance: InstanceRole::Member,
            everywhere: None,
            projects: BTreeMap::new(),
            makes_projects: false,
            own_deeds: false,
        }
    }

    /// Whether they are all that `other` are, and maybe more.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        let has_instance = match other.instance {
            InstanceRole::Member => true,
            wanted => self.instance == wanted || self.instance == InstanceRole::Admin,
        };
        has_instance
            && (self.makes_projects || !other.makes_projects)
            && (self.own_deeds || !other.own_deeds)
            && (self.instance == InstanceRole::Admin || self.everywhere >= other.everywhere)
            && other.projects.iter().all(|(project, role)| self.has(*role, *project))
    }

    /// The projects that are named in which they are this role, or a higher one, in the order of their ids.
    pub fn projects_with(&self, at_least: Role) -> impl Iterator<Item = Uuid> {
        self.projects.iter().filter(move |(_, role)| **role >= at_least).map(|(project, _)| *project)
    }

    /// Whether what belongs to a project is seen, or what belongs to none.
    #[must_use]
    pub fn see(&self, project: Option<Uuid>) -> bool {
        match project {
            Some(project) => self.role_in(project).is_some(),
            None => self.instance == InstanceRole::Admin,
        }
    }

    /// What they allow in a project; none where it is not even seen.
    #[must_use]
    pub fn role_in(&self, project: Uuid) -> Option<Role> {
        if self.instance == InstanceRole::Admin {
            return Some(Role::Owner);
        }
        self.everywhere.max(self.projects.get(&project).copied())
    }

    pub(super) fn has(&self, role: Role, project: Uuid) -> bool {
        self.role_in(project) >= Some(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(instance: InstanceRole, roles: &[(u128, Role)]) -> Rights {
        let projects = roles.iter().map(|(project, role)| (Uuid::from_u128(*project), *role)).collect();
        Rights { instance, everywhere: None, projects, makes_projects: false, own_deeds: true }
    }

    #[test]
    fn rights_that_shrank_do_not_cover_what_they_were() {
        let before = rights(InstanceRole::Member, &[(1, Role::Viewer), (2, Role::Owner)]);
        assert!(before.cover(&before) && Rights::all().cover(&before) && before.cover(&Rights::none()));
        assert!(!rights(InstanceRole::Auditor, &[(1, Role::Viewer)]).cover(&before), "a membership is gone");
        assert!(
            !rights(InstanceRole::Member, &[(1, Role::Owner), (2, Role::Viewer)]).cover(&before),
            "a role is lower"
        );
        assert!(!before.cover(&rights(InstanceRole::Auditor, &[])) && !before.cover(&Rights::all()));
    }
}
