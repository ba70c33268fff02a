//! Tokens in events: an object that says what it is, so that whoever shows an event hides it without knowing whose it is.
//!
//! **Invariant:** no other value of an event's payload is an object, and no client can make one: [`hide`] hides tokens and nothing else.
//! Whatever shows an event's payload to anybody passes it through [`hide`].

use serde_json::{Value as Json, json};

/// The only name of the object.
const NAME: &str = "fernet";

/// What stands in the place of a secret where it is told that there is one.
pub const HIDDEN: &str = "[secret]";

/// A token as an event holds it.
#[must_use]
pub fn to_json(token: &str) -> Json {
    json!({ NAME: token })
}

/// The token that an event holds.
#[must_use]
pub fn from_json(json: &Json) -> Option<&str> {
    let fields = json.as_object().filter(|fields| fields.len() == 1)?;
    fields.get(NAME)?.as_str()
}

/// The value as it may be shown: of a secret, that there is one.
#[must_use]
pub fn hide(value: Json) -> Json {
    if from_json(&value).is_some() { HIDDEN.into() } else { value }
}
