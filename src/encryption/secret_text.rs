//! A text on its way into the record.

use serde_json::Value as Json;

use crate::text::FreeText;

/// A text that is to be stored encrypted. Nothing shows it but [`SecretText::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(FreeText);

impl SecretText {
    /// The text of what has no NUL, as an address: one would be left out.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(FreeText::without_nul(text))
    }

    /// The text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }
}

impl From<FreeText> for SecretText {
    fn from(text: FreeText) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText")
    }
}

/// The fields of inputs that hold secrets, by their names: what is remembered of such an input must not tell a guess to be right.
const SECRET_INPUTS: &[&str] = &["confidentialNotes", "secret", "url"];

/// Whether an input holds a secret, and the input without any.
pub(crate) fn holds_secret(input: &mut Json) -> bool {
    match input {
        Json::Object(fields) => fields.iter_mut().fold(false, |holds, (name, value)| {
            let is_secret = value.is_string() && SECRET_INPUTS.contains(&name.as_str());
            if is_secret {
                *value = Json::Null;
            }
            is_secret | holds_secret(value) | holds
        }),
        Json::Array(items) => items.iter_mut().fold(false, |holds, item| holds_secret(item) | holds),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        let mut input =
            json!({ "steps": [{ "name": "a" }, { "change": { "x": { "confidentialNotes": "s", "name": "n" } } }] });
        assert!(holds_secret(&mut input));
        let without =
            json!({ "steps": [{ "name": "a" }, { "change": { "x": { "confidentialNotes": null, "name": "n" } } }] });
        assert_eq!(input, without);
        assert!(!holds_secret(&mut input), "null is none");
        assert!(!holds_secret(&mut json!({ "name": "confidentialNotes" })));
    }
}
