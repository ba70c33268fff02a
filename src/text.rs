//! Text with a length: the one shape of every name that the product stores.
//!
//! **Invariant:** a [`Text`] has a length that the migrations' CHECKs allow, counted in characters as the databases
//! count, and no NUL, which PostgreSQL refuses. Any module may use it; the slices' `rules` give it its names.

use std::fmt;
use std::str::FromStr;

/// Text of `MIN` to `MAX` characters (Unicode code points), none of them NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// Text of any length without NUL: descriptions and messages.
pub type FreeText = Text<0, { usize::MAX }>;

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Too few characters, or too many.
    #[error("must have {min} to {max} characters, has {actual}")]
    Length {
        /// The fewest characters allowed.
        min: usize,
        /// The most characters allowed.
        max: usize,
        /// How many there are.
        actual: usize,
    },
    /// There is a NUL.
    #[error("must not hold the NUL character, which stands at character {position}")]
    Nul {
        /// Where the first one stands, from 1.
        position: usize,
    },
}

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, given away.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl FreeText {
    /// The text, of which NULs are left out.
    #[must_use]
    pub fn without_nul(text: &str) -> Self {
        Self(text.replace('\0', ""))
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Text<MIN, MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        if let Some(nul) = text.find('\0') {
            return Err(TextError::Nul { position: text[..nul].chars().count() + 1 });
        }
        // A text has at most as many characters as bytes, so that short text need not be counted.
        let fits = text.len() <= MAX && (MIN == 0 || (MIN == 1 && !text.is_empty()));
        let actual = if fits { MIN } else { text.chars().count() };
        if (MIN..=MAX).contains(&actual) {
            Ok(Self(text))
        } else {
            Err(TextError::Length { min: MIN, max: MAX, actual })
        }
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::try_from(text.to_owned())
    }
}

impl<const MIN: usize, const MAX: usize> AsRef<str> for Text<MIN, MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Short = Text<1, 3>;

    #[test]
    fn counts_characters_not_bytes() {
        assert_eq!("äöü".parse::<Short>().unwrap().as_str(), "äöü");
        let error = "äöüß".parse::<Short>().unwrap_err();
        assert_eq!(error.to_string(), "must have 1 to 3 characters, has 4");
        assert_eq!("".parse::<Short>().unwrap_err(), TextError::Length { min: 1, max: 3, actual: 0 });
    }

    #[test]
    fn refuses_nul() {
        let error = "ä\0".parse::<Short>().unwrap_err();
        assert_eq!(error.to_string(), "must not hold the NUL character, which stands at character 2");
        assert_eq!("\0".parse::<FreeText>().unwrap_err(), TextError::Nul { position: 1 });
    }

    #[test]
    fn free_text_may_be_empty() {
        assert_eq!("".parse::<FreeText>().unwrap().as_str(), "");
    }
}
