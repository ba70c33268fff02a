//! Ids as clients see them: `feature_01h455vb4pex5vsknk084sn02q`, a UUID v7 that says what it names.
//!
//! The format is TypeID 0.3 (<https://github.com/jetify-com/typeid>): a prefix, an underscore, and the UUID in
//! Crockford's base 32.

use std::borrow::Cow;

use type_safe_id::{Type, TypeSafeId};
use uuid::Uuid;

use super::BatchError;

/// What the UUID names; the prefix is one of ours, never a client's text.
struct Prefix(&'static str);

impl Type for Prefix {
    fn try_from_type_prefix(_: &str) -> Result<Self, Cow<'static, str>> {
        Ok(Self("any"))
    }

    fn to_type_prefix(&self) -> &str {
        self.0
    }
}

/// Appends the id's text. Every row of an answer has one, and the crate's way through a formatter takes ten times as long.
pub(crate) fn write(prefix: &'static str, uuid: Uuid, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut text = [b'_'; 27];
    let mut rest = uuid.as_u128();
    for digit in text[1..].iter_mut().rev() {
        *digit = DIGITS[(rest & 31) as usize];
        rest >>= 5;
    }
    out.extend_from_slice(prefix.as_bytes());
    out.extend_from_slice(&text);
}

/// The id's text.
#[must_use]
pub fn format(prefix: &'static str, uuid: Uuid) -> String {
    TypeSafeId::from_type_and_uuid(Prefix(prefix), uuid).to_string()
}

/// Reads an id of one of the types in `prefixes`, and says which.
///
/// # Errors
/// [`BatchError::InvalidId`] for anything else.
pub fn parse<'p>(argument: &str, text: &str, prefixes: &[&'p str]) -> Result<(&'p str, Uuid), BatchError> {
    let invalid = |reason: String| BatchError::InvalidId { argument: argument.to_owned(), reason };
    let expected = || prefixes.iter().map(|prefix| format!("{prefix}_…")).collect::<Vec<_>>().join(" or ");
    let Some((prefix, _)) = text.rsplit_once('_') else {
        return Err(invalid(format!("is not an id; expected {}", expected())));
    };
    let Some(known) = prefixes.iter().find(|known| **known == prefix) else {
        return Err(invalid(format!("names something else; expected {}", expected())));
    };
    match text.parse::<TypeSafeId<Prefix>>() {
        Ok(id) => Ok((known, id.uuid())),
        Err(_) => Err(invalid(format!("starts as {known}_… but its rest is not 26 characters of base 32"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let uuid = Uuid::now_v7();
        let text = format("test_case", uuid);
        assert_eq!(parse("id", &text, &["feature", "test_case"]).unwrap(), ("test_case", uuid));
    }

    #[test]
    fn refuses_everything_else() {
        let zeros = "0".repeat(26);
        for text in [
            String::new(),
            "feature".to_owned(),
            "feature_".to_owned(),
            format!("project_{zeros}"),
            format!("_{zeros}"),
            format!("Feature_{zeros}"),
            format!("feature_{}", "8".repeat(26)),
            format!("feature_{}é", "0".repeat(25)),
            format!("feature_{}", "u".repeat(26)),
            "é".repeat(100),
            format!("{}_{zeros}", "x".repeat(100_000)),
            "\0_\0".to_owned(),
        ] {
            assert!(parse("id", &text, &["feature"]).is_err(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn writes_what_the_crate_writes(number: u128) {
            let mut text = Vec::new();
            write("test_case", Uuid::from_u128(number), &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), format("test_case", Uuid::from_u128(number)));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = parse("id", &text, &["feature"]);
            let _ = parse("id", &format!("feature_{text}"), &["feature"]);
        }
    }
}
