//! What is written of a level's rows, field by field, in the order of the document.

use async_graphql::Pos;

use super::BatchError;
use super::plan::Cursor;
use super::row::Kind;
use super::search::HitPart;
use super::selection::Selected;
use super::shape::Entries;

/// The fields that are written of one object.
pub(crate) struct Projection {
    pub(crate) parts: Vec<Part<Projected>>,
}

/// One entry of a written object.
pub(crate) struct Part<P> {
    /// The response key.
    pub(crate) key: String,
    /// The key as it is written: `"key":`.
    pub(crate) written_key: String,
    pub(crate) position: Pos,
    pub(crate) nullable: bool,
    pub(crate) value: P,
}

/// Where an object's field gets its value.
pub(crate) enum Projected {
    TypeName(&'static str),
    /// The field's arguments are wrong.
    Failed(BatchError),
    Leaf {
        cell: usize,
        kind: Kind,
    },
    /// A secret, which the request's keys open.
    Secret {
        cell: usize,
    },
    /// A list of words, from one text.
    Words {
        cell: usize,
    },
    /// An id whose prefix another cell tells.
    Reference {
        cell: usize,
        of: usize,
        prefixes: &'static [&'static str],
    },
    /// The row's place in a listing.
    Cursor(Cursor),
    Embedded(Projection),
    /// From JSON in a cell.
    Entries {
        cell: usize,
        entries: Entries,
        parts: Vec<Part<ShapePart>>,
    },
    /// From JSON that a load brought.
    Computed {
        load: usize,
        parts: Vec<Part<ShapePart>>,
    },
    /// From the columns of a row that stands beside this one; the cell holds its id.
    Joined {
        cell: usize,
        projection: Projection,
    },
    /// The row that the level belongs to.
    Parent(Projection),
    One {
        load: usize,
        projection: Projection,
    },
    Connection {
        load: usize,
        parts: Vec<Part<ConnectionPart>>,
    },
    /// The objects whose ids are given, by their types.
    Nodes {
        given: usize,
        objects: Vec<Projected>,
    },
    /// A page for each of the given keys, from the connections of the lists of keys.
    Pages {
        given: usize,
        connections: Vec<Projected>,
    },
    /// Rows that have no type with an id of its own: groups.
    List {
        load: usize,
        entry: Projection,
    },
    /// A value that a hit of a search has of its own.
    Hit(HitPart),
    /// The object that a hit is: for each type, its load and what is written of it.
    Found(Vec<(usize, Projection)>),
    /// What the schema says of itself: async-graphql answers it.
    Introspection,
}

/// A field of a shape.
pub(crate) enum ShapePart {
    TypeName(&'static str),
    /// What the JSON has under this name.
    Value(&'static str),
}

/// A field of a connection.
pub(crate) enum ConnectionPart {
    TypeName(String),
    Nodes(Projection),
    Edges(Vec<Part<EdgePart>>),
    TotalCount,
    PageInfo(Vec<Part<PageInfoPart>>),
}

/// A field of an edge.
pub(crate) enum EdgePart {
    TypeName(String),
    Cursor(Cursor),
    Node(Projection),
}

/// A field of `PageInfo`.
pub(crate) enum PageInfoPart {
    TypeName,
    HasNextPage,
    HasPreviousPage,
    StartCursor(Cursor),
    EndCursor(Cursor),
}

impl<P> Part<P> {
    pub(crate) fn new(selected: &Selected<'_>, nullable: bool, value: P) -> Self {
        let key = selected.key.to_string();
        // A GraphQL name needs no escapes in JSON.
        Self { written_key: format!("\"{key}\":"), key, position: selected.field().pos, nullable, value }
    }
    /// What is written where a key and its colon stand already.
    pub(crate) fn of_whole(value: P, position: Pos, nullable: bool) -> Self {
        Self { key: String::new(), written_key: String::new(), position, nullable, value }
    }
}
