//! What a membership may be, and who may change it.

use entity::project_member::Role;

use crate::closed_set::{UnknownWord, parse_word};

/// # Errors
/// When the word names no role.
pub fn parse_role(word: &str) -> Result<Role, UnknownWord> {
    parse_word(word)
}

/// The role that it takes to make somebody `after` who was `before`: nothing stands for no member.
#[must_use]
pub fn role_to_change(before: Option<Role>, after: Option<Role>) -> Role {
    let highest = before.max(after);
    if highest >= Some(Role::Maintainer) { Role::Owner } else { Role::Maintainer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_says_who_maintains_and_owns() {
        use Role::{Contributor, Maintainer, Owner, Viewer};
        for (before, after, needed) in [
            (None, Some(Viewer), Maintainer),
            (None, Some(Contributor), Maintainer),
            (Some(Viewer), Some(Contributor), Maintainer),
            (Some(Contributor), None, Maintainer),
            (None, Some(Maintainer), Owner),
            (Some(Maintainer), None, Owner),
            (Some(Contributor), Some(Owner), Owner),
            (Some(Owner), Some(Viewer), Owner),
        ] {
            assert_eq!(role_to_change(before, after), needed, "{before:?} to {after:?}");
        }
    }
}
