//! A list of what a text is found in, of several types and in the order of a rank. A slice finds the hits; the objects
//! behind them are read like any others, one statement for each type.

use async_graphql::{InputType as _, Value};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::BatchError;
use super::arguments::Arguments;
use super::cursor;
use super::object::ObjectRef;
use super::page::PageLimits;
use super::row::{Cell, Kind, write_json};
use crate::access::Caller;
use crate::database::{Database, DatabaseError};

/// What can be searched.
pub struct Search {
    /// The union of the objects that can be found.
    pub union: &'static str,
    /// The types that can be found.
    pub members: Vec<Member>,
    /// Who finds them.
    pub finder: &'static dyn Finder,
    /// What may be typed.
    pub query: &'static str,
    /// What the rank means.
    pub rank: &'static str,
    /// What the snippet is.
    pub snippet: &'static str,
}

/// A type that can be found.
pub struct Member {
    /// Its value in the enum of types.
    pub name: &'static str,
    /// What the value means.
    pub description: &'static str,
    /// The type.
    pub object: ObjectRef,
}

/// Finds what fits a text. A hit must be one that the caller may see: it is read without being vouched for again.
pub trait Finder: Send + Sync {
    /// A page of hits, and what lies beyond it.
    ///
    /// # Errors
    /// When the database does not answer.
    fn find<'f>(
        &'f self,
        database: &'f Database,
        caller: &'f Caller,
        wanted: &'f Wanted,
    ) -> BoxFuture<'f, Result<Hits, DatabaseError>>;

    /// The number of all hits.
    ///
    /// # Errors
    /// When the database does not answer.
    fn count<'f>(
        &'f self,
        database: &'f Database,
        caller: &'f Caller,
        wanted: &'f Wanted,
    ) -> BoxFuture<'f, Result<i64, DatabaseError>>;
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The text, as it was typed.
    pub text: String,
    /// The places of the members among which to search.
    pub members: Vec<usize>,
    /// Only what comes after this rank and id.
    pub after: Option<(f64, Uuid)>,
    /// The most hits of the page.
    pub limit: u32,
}

/// A page of hits.
#[derive(Debug, Default)]
pub struct Hits {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// Whether there are hits before these.
    pub has_previous: bool,
    /// Whether there are hits after these.
    pub has_next: bool,
}

/// One hit.
#[derive(Debug)]
pub struct Hit {
    /// The place of its type among the members.
    pub member: usize,
    /// Its id.
    pub id: Uuid,
    /// How well it fits.
    pub rank: f64,
    /// Its name, as HTML with marks.
    pub title: String,
    /// A part of its text, as HTML with marks.
    pub snippet: String,
}

/// A hit on a page, and its place among those of its type.
pub(super) struct Placed {
    pub(super) hit: Hit,
    pub(super) place: usize,
}

/// A value that a hit has of its own.
#[derive(Clone, Copy)]
pub(crate) enum HitPart {
    Rank,
    Title,
    Snippet,
}

/// The order of hits, as cursors name it.
const SIGNATURE: &str = "SearchResult -RANK +ID";

impl Search {
    /// Reads the arguments of the field.
    pub(super) fn wanted(&self, arguments: &Arguments, limits: PageLimits) -> Result<Wanted, BatchError> {
        let text = arguments.get::<String>("query")?;
        let mut members: Vec<usize> = match arguments.raw("types") {
            None | Some(Value::Null) => (0..self.members.len()).collect(),
            Some(Value::List(words)) => words.iter().map(|word| self.member(word)).collect::<Result<_, _>>()?,
            Some(word) => vec![self.member(word)?],
        };
        members.sort_unstable();
        members.dedup();
        let after = match arguments.get::<Option<String>>("after")? {
            None => None,
            Some(text) => {
                let kinds = [(Kind::Float, false), (Kind::Key, false)];
                match cursor::read("after", &text, SIGNATURE, kinds.into_iter())?[..] {
                    [Cell::Float(rank), Cell::Uuid(id)] => Some((rank, id)),
                    _ => return Err(BatchError::Broken("a cursor's cells are of other kinds than were asked for")),
                }
            }
        };
        let limit = super::page::size(arguments, "first", limits)?;
        Ok(Wanted { text, members, after, limit: limit.unwrap_or(limits.default_size.min(limits.max_size)) })
    }

    fn member(&self, word: &Value) -> Result<usize, BatchError> {
        let invalid = |reason: String| BatchError::InvalidArgument { argument: "types".to_owned(), reason };
        let word = String::parse(Some(match word {
            Value::Enum(word) => Value::String(word.to_string()),
            other => other.clone(),
        }));
        let word = word.map_err(|_| invalid("has a value that is not valid".to_owned()))?;
        let known = self.members.iter().position(|member| member.name == word);
        known.ok_or_else(|| invalid(format!("cannot be {word}")))
    }
}

impl Hit {
    /// Writes a value of the hit as JSON.
    pub(super) fn write(&self, part: HitPart, out: &mut Vec<u8>) {
        match part {
            HitPart::Rank => write_json(&self.rank, out),
            HitPart::Title => write_json(&self.title, out),
            HitPart::Snippet => write_json(&self.snippet, out),
        }
    }

    /// Writes the hit's cursor as JSON.
    pub(super) fn write_cursor(&self, out: &mut Vec<u8>) {
        cursor::write(SIGNATURE, &[Cell::Float(self.rank), Cell::Uuid(self.id)], out);
    }
}
