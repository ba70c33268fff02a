//! How large a document may be, and how much work: what is over is refused before it costs anything.
//!
//! Each limit is checked as early as it can be: [`text`] before the document is parsed, [`document`] before async-graphql
//! validates it, [`cost`] before anything is read or written. They stand here and not in async-graphql's own limits because
//! those come too late: fragments that spread each other twice double what validation does with each of them, and no timeout
//! can end it there.
//!
//! **Invariants:** a check takes time in proportion to the document's length, whatever stands in it; a refusal says which limit,
//! how much it allows and how much was found, and repeats nothing of the document but the names of fields.

pub(super) mod cost;
mod document;
pub(super) mod introspection;
mod text;

use async_graphql::{Pos, ServerError};

use super::errors::{extensions, refusal};
use crate::code::Code;

/// The limits of a document and of what it costs to answer it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most tokens of a document; a comment is one, white space and commas are none.
    pub tokens: usize,
    /// How deep brackets of any kind may stand in each other.
    pub nesting: usize,
    /// How deep fields may stand in each other. What GraphiQL asks the schema is 15 deep.
    pub depth: usize,
    /// The most aliases of an operation, each counted as often as its fragment is spread.
    pub aliases: usize,
    /// The most fields at the root of an operation.
    pub root_fields: usize,
    /// The most directives of an operation, each counted as often as its fragment is spread.
    pub directives: usize,
    /// The most operations of a document.
    pub operations: usize,
    /// The most fields and spreads of a document, once all fragments are put in where they are spread.
    pub selections: usize,
    /// The most objects that an operation may ask for: see [`cost`].
    pub cost: u64,
    /// The most errors that an answer tells.
    pub errors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tokens: 15_000,
            nesting: 50,
            depth: 15,
            aliases: 30,
            root_fields: 20,
            directives: 30,
            operations: 20,
            selections: 5_000,
            cost: 10_000,
            errors: 20,
        }
    }
}

impl Limits {
    /// No limits but those of the stack: for callers in the same process that are trusted with any document.
    #[must_use]
    pub fn unlimited() -> Self {
        let most = usize::MAX;
        Self {
            tokens: most,
            nesting: 100,
            depth: most,
            aliases: most,
            root_fields: most,
            directives: most,
            operations: most,
            selections: most,
            cost: u64::MAX,
            errors: most,
        }
    }
}

pub(super) use self::document::check as check_document;
pub(super) use self::text::check as check_text;

/// Refuses a document that goes beyond the limit of this name.
fn exceeded(limit: &'static str, most: usize, what: &str, position: Option<Pos>) -> ServerError {
    let mut error = refusal(Code::LimitExceeded, format!("the document has more than {most} {what}"), position);
    let extensions = extensions(&mut error);
    extensions.set("limit", limit);
    extensions.set("most", most as u64);
    error
}
