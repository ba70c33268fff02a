//! What a project may be.

use crate::text::Text;

/// A project's name: 1 to 255 characters.
pub type ProjectName = Text<1, 255>;
