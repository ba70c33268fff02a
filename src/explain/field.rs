//! The fields of a document, with the loads that bring them.

/// Which load of which plan reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The number of the plan within its request.
    pub plan: usize,
    /// The level whose rows are loaded for.
    pub level: usize,
    /// The load's number in its level.
    pub load: usize,
    /// Which of its statements.
    pub part: Part,
}

/// Which of a load's statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The one that brings rows.
    Rows,
    /// The one that counts them.
    Count,
}

/// A field that brings objects, or counts them.
#[derive(Clone, Debug)]
pub struct Field {
    /// The response keys that lead to it, with dots between them.
    pub path: String,
    /// Under which name its statements are counted; nothing where it has none.
    pub loader: Option<&'static str>,
    /// What it brings, in words.
    pub brings: Brings,
    /// Where its rows come from; several where it has a load for each type or form.
    pub places: Vec<Place>,
    /// What is selected of it.
    pub fields: Vec<Field>,
}

/// What a field brings.
#[derive(Clone, Debug)]
pub enum Brings {
    /// What a load brings.
    Rows(String),
    /// The number of a list's rows.
    Count,
    /// A row that stands beside the one above, in the same statement.
    Beside,
    /// The row above the one above, which is at hand.
    AtHand,
}

impl Brings {
    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rows(words) => words,
            Self::Count => "the number of all rows of the list",
            Self::Beside => "a row that stands beside the one above, in the same statement",
            Self::AtHand => "the row that the list belongs to, which is at hand",
        }
    }
}
