//! Ids, written independently: TypeID 0.3, a prefix, an underscore and the UUID in Crockford's base 32.

use async_graphql::Error;
use uuid::Uuid;

use super::page::refuse;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The id's text.
pub(super) fn write(prefix: &str, id: Uuid) -> String {
    let number = id.as_u128();
    let digits = (0..26).rev().map(|place| ALPHABET[(number >> (5 * place)) as usize % 32]);
    format!("{prefix}_{}", digits.map(char::from).collect::<String>())
}

/// Which of the `prefixes` the text has, and the UUID.
pub(super) fn read<'p>(argument: &str, text: &str, prefixes: &[&'p str]) -> Result<(&'p str, Uuid), Error> {
    let refused = |reason: String| Err(refuse("INVALID_ID", format!("{argument} {reason}")));
    let expected = prefixes.iter().map(|prefix| format!("{prefix}_…")).collect::<Vec<_>>().join(" or ");
    let Some(underscore) = text.rfind('_') else {
        return refused(format!("is not an id; expected {expected}"));
    };
    let (prefix, digits) = (&text[..underscore], &text.as_bytes()[underscore + 1..]);
    let Some(prefix) = prefixes.iter().find(|known| **known == prefix) else {
        return refused(format!("names something else; expected {expected}"));
    };
    let values: Option<Vec<_>> = digits.iter().map(|digit| ALPHABET.iter().position(|known| known == digit)).collect();
    match values {
        Some(values) if values.len() == 26 && values[0] < 8 => {
            Ok((prefix, Uuid::from_u128(values.iter().fold(0, |number, value| number << 5 | *value as u128))))
        }
        _ => refused(format!("starts as {prefix}_… but its rest is not 26 characters of base 32")),
    }
}
