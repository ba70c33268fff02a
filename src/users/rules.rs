//! What a user may be.

use entity::user::{InstanceRole, UserKind};

use crate::access::{LOCAL_OWNER, PROGRAM};
use crate::closed_set::{UnknownWord, parse_word};
use crate::text::{Text, TextError};

/// A user's name: 1 to 255 characters, and none that the program goes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(Text<1, 255>);

/// Why a text is no user's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserNameError {
    /// Too short, too long, or with a NUL.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A name that the program goes by.
    #[error("must not be {LOCAL_OWNER:?} or {PROGRAM:?}, by which the program itself goes")]
    Reserved,
}

impl UserName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for UserName {
    type Error = UserNameError;

    fn try_from(text: String) -> Result<Self, UserNameError> {
        if text == LOCAL_OWNER || text == PROGRAM {
            return Err(UserNameError::Reserved);
        }
        Ok(Self(Text::try_from(text)?))
    }
}

/// # Errors
/// When the word names no kind of user.
pub fn parse_user_kind(word: &str) -> Result<UserKind, UnknownWord> {
    parse_word(word)
}

/// # Errors
/// When the word names no role on the instance.
pub fn parse_instance_role(word: &str) -> Result<InstanceRole, UnknownWord> {
    parse_word(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_cannot_go_by_a_name_of_the_program() {
        let name = |text: &str| UserName::try_from(text.to_owned());
        assert_eq!(name("ada").unwrap().as_str(), "ada");
        assert_eq!(name("local-owner"), Err(UserNameError::Reserved));
        assert_eq!(name("throughline"), Err(UserNameError::Reserved));
        assert!(matches!(name(""), Err(UserNameError::Text(_))));
    }
}
