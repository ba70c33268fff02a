//! Callers whom another issuer names: what a JWT says, and what memberships say of a user of that name.
//!
//! **Invariant:** nobody goes by a name that is the program's own, and a user who is deleted here is not let in, whatever an issuer says.

use std::collections::BTreeMap;

use entity::user::InstanceRole;

use super::identity::KnownUser;
use super::jwt::Claims;
use super::{Caller, Denied, Rights};
use crate::batch::id;
use crate::users::rules::UserName;

/// The caller of a token that was found right, and of the user of that name, if there is one.
///
/// # Errors
/// When nobody is let in by it.
pub(super) fn caller_of(claims: &Claims, user: Option<&KnownUser>) -> Result<Caller, Denied> {
    let name = UserName::try_from(claims.subject.clone()).map_err(|_| Denied::Unknown)?;
    if user.is_some_and(|user| user.is_deleted) {
        return Err(Denied::Unknown);
    }
    let own = user.map_or_else(Rights::none, |user| user.rights.clone());
    let kind = claims.kind.or(user.map(|user| user.kind.into())).unwrap_or(super::ActorKind::Person);
    let caller = Caller::new(name.as_str(), kind, with_claims(own, claims)).until(Some(claims.expires_at));
    let caller = caller.acting(claims.on_behalf_of.clone(), claims.run_id.clone());
    Ok(match user {
        Some(user) => caller.known_as(user.id),
        None => caller,
    })
}

/// What a user may do, with what a token adds to it. A project that there is not is nobody's.
fn with_claims(own: Rights, claims: &Claims) -> Rights {
    let instance = match own.instance {
        _ if claims.is_admin => InstanceRole::Admin,
        InstanceRole::Member if claims.is_auditor => InstanceRole::Auditor,
        other => other,
    };
    let (mut everywhere, mut projects) = (own.everywhere, BTreeMap::new());
    for (place, role) in &claims.roles {
        if place == "*" {
            everywhere = everywhere.max(Some(*role));
        } else if let Ok((_, project)) = id::parse("project", place, &["project"]) {
            projects.insert(project, *role);
        }
    }
    for (project, role) in own.projects {
        let claimed = projects.get(&project).copied();
        projects.insert(project, claimed.map_or(role, |claimed| claimed.max(role)));
    }
    // What an issuer says adds to what a user may do, and limits nothing.
    Rights { instance, everywhere, projects, makes_projects: own.makes_projects, own_deeds: true }
}

#[cfg(test)]
mod tests {
    use entity::user::UserKind;
    use uuid::Uuid;

    use super::*;
    use crate::access::Role;
    use crate::clock;

    fn claims(subject: &str, roles: &[(&str, Role)]) -> Claims {
        Claims {
            subject: subject.to_owned(),
            kind: None,
            name: None,
            is_admin: false,
            is_auditor: false,
            roles: roles.iter().map(|(place, role)| ((*place).to_owned(), *role)).collect(),
            on_behalf_of: None,
            run_id: None,
            expires_at: clock::now(),
        }
    }

    #[test]
    fn what_a_token_and_memberships_say_adds_up() {
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut rights = Rights { makes_projects: true, ..Rights::none() };
        rights.projects.insert(own, Role::Owner);
        let mut user = KnownUser {
            id: Uuid::from_u128(9),
            name: "ci".to_owned(),
            kind: UserKind::Service,
            is_deleted: false,
            rights,
        };
        let (first, second) = (id::format("project", own), id::format("project", other));
        let said = claims("ci", &[(&first, Role::Viewer), (&second, Role::Contributor), ("none", Role::Owner)]);
        let caller = caller_of(&said, Some(&user)).unwrap();
        assert!(
            caller.has(Role::Owner, own) && caller.has(Role::Contributor, other) && !caller.has(Role::Owner, other)
        );
        assert_eq!(
            (caller.user(), caller.kind(), caller.id()),
            (Some(user.id), super::super::ActorKind::Service, "ci")
        );
        let unknown = caller_of(&claims("eve", &[("*", Role::Viewer)]), None).unwrap();
        assert!(unknown.has(Role::Viewer, other) && !unknown.has(Role::Contributor, other));
        assert!(!unknown.rights().makes_projects && !unknown.is_admin());
        user.is_deleted = true;
        assert!(caller_of(&said, Some(&user)).is_err());
        assert!(caller_of(&claims("local-owner", &[]), None).is_err(), "a name of the program's own");
    }
}
