//! Rows that are counted by what they have in common: a list with an entry for each group, such as the features of a
//! project by status.

use async_graphql::Value;

use super::BatchError;
use super::arguments::Arguments;
use super::column::Column;
use super::object::{FieldKind, Fields, ObjectRef};

/// Groups of the rows of one object type.
pub struct Groups {
    /// What is grouped.
    pub(crate) target: ObjectRef,
    /// An entry of the list: leaves to group by, which name a value of the enum `choice`, and leaves that sum up.
    pub(crate) entry: Fields,
    /// The enum of what a client can group by; without one, the rows are grouped by all that they can be.
    pub(crate) choice: Option<Choice>,
}

/// The enum of what a client can group by.
pub(crate) struct Choice {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

impl Groups {
    /// Groups of `target`s, always by all leaves of `entry` that were declared as orders.
    #[must_use]
    pub fn of(target: ObjectRef, entry: Fields) -> Self {
        Self { target, entry, choice: None }
    }

    /// Lets clients choose what to group by; a leaf that they leave out is null. The enum's values are those of the leaves
    /// that were declared as orders.
    #[must_use]
    pub fn chosen_by(mut self, name: &'static str, description: &'static str) -> Self {
        self.choice = Some(Choice { name, description });
        self
    }

    /// What the rows can be grouped by: the enum value, what it means, and its column.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&'static str, &'static str, &Column)> {
        self.entry.list.iter().filter_map(|field| match &field.kind {
            FieldKind::Leaf { column, orders: Some(order), .. } => Some((*order, field.description, column)),
            _ => None,
        })
    }

    /// What the arguments choose to group by, in their order.
    pub(crate) fn chosen(&'static self, arguments: &Arguments) -> Result<Vec<&'static Column>, BatchError> {
        if self.choice.is_none() {
            return Ok(self.keys().map(|(_, _, column)| column).collect());
        }
        let invalid = |reason: String| BatchError::InvalidArgument { argument: "groupBy".to_owned(), reason };
        let words = match arguments.raw("groupBy") {
            Some(Value::List(words)) => words.as_slice(),
            Some(word) => std::slice::from_ref(word),
            None => &[],
        };
        let mut chosen: Vec<&'static Column> = Vec::new();
        for word in words {
            let word = match word {
                Value::Enum(word) => word.as_str(),
                Value::String(word) => word,
                _ => return Err(invalid("has a value that is not valid".to_owned())),
            };
            let Some((_, _, column)) = self.keys().find(|(known, _, _)| *known == word) else {
                return Err(invalid(format!("cannot be {word}")));
            };
            if !chosen.contains(&column) {
                chosen.push(column);
            }
        }
        if chosen.is_empty() { Err(invalid("must name something to group by".to_owned())) } else { Ok(chosen) }
    }
}
