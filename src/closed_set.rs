//! Words of a closed set: the `snake_case` text of the entities' enums, as files and forms write it.
//!
//! **Invariant:** the words are those that the database stores, since both come from the one enum. The slices' `rules`
//! give each enum its own function.

use sea_orm::{ActiveEnum, Iterable};

/// A word that is none of the set's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}, is {word:?}", allowed.join(", "))]
pub struct UnknownWord {
    /// The word, cut after 40 characters.
    pub word: String,
    /// The words of the set, in its order.
    pub allowed: Vec<String>,
}

/// The member that `word` names.
///
/// # Errors
/// When it names none; upper case and spaces around it count.
pub fn parse_word<E>(word: &str) -> Result<E, UnknownWord>
where
    E: ActiveEnum<Value = String> + Iterable,
{
    E::iter().find(|member| member.to_value() == word).ok_or_else(|| UnknownWord {
        word: word.chars().take(40).collect(),
        allowed: E::iter().map(|member| member.to_value()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use entity::test_case::TestStatus;

    use super::*;

    #[test]
    fn names_the_words_that_are_allowed() {
        assert_eq!(parse_word::<TestStatus>("skipped").unwrap(), TestStatus::Skipped);
        let error = parse_word::<TestStatus>("Passed").unwrap_err();
        assert_eq!(error.to_string(), r#"must be one of pending, passed, failed, skipped, is "Passed""#);
    }
}
