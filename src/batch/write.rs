//! Writes what was loaded as JSON: one pass over the projection, straight into the response's bytes.
//!
//! An error rises to the nearest field that may be null, as the specification has it
//! (<https://spec.graphql.org/October2021/#sec-Handling-Field-Errors>): there the bytes written since are cut off, `null`
//! is written, and the error is kept with its path.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, PathSegment, Pos, ServerError, Value};

use super::BatchError;
use super::json;
use super::load::{Loaded, Objects};
use super::plan::Given;
use super::projection::{Part, Projected, Projection};
use super::row::{Kind, write_json};
use super::search::Placed;
use crate::database::Row;
use crate::encryption::Secrets;

mod lists;
mod shapes;

/// Writes an operation's data.
pub(crate) struct Writer<'p> {
    pub(crate) out: Vec<u8>,
    pub(crate) errors: Vec<ServerError>,
    /// How many objects were written; a connection is one together with its page info, an edge with its node.
    pub(crate) objects: u64,
    /// What the arguments of the root fields name.
    given: &'p [Given],
    /// What the schema says of itself, by response key.
    introspection: &'p IndexMap<Name, Value>,
    /// What opens secrets.
    secrets: &'p Secrets,
    path: Vec<Step<'p>>,
}

/// An error on its way up to a field that may be null.
pub(crate) struct Raised(Box<ServerError>);

/// A place in the answer, below the written field.
#[derive(Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// One row, and the row that its level belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'o> {
    pub(crate) objects: &'o Objects,
    pub(crate) place: usize,
    pub(crate) parent: Option<&'o Frame<'o>>,
}

type Written = Result<(), Raised>;

const MISMATCH: BatchError = BatchError::Broken("what was loaded is not what the plan says");

impl<'p> Writer<'p> {
    pub(crate) fn new(
        out: Vec<u8>,
        given: &'p [Given],
        introspection: &'p IndexMap<Name, Value>,
        secrets: &'p Secrets,
    ) -> Self {
        Self { out, errors: Vec::new(), objects: 0, given, introspection, secrets, path: Vec::new() }
    }

    /// Writes an object.
    pub(crate) fn object(&mut self, projection: &'p Projection, frame: Frame<'_>) -> Written {
        self.objects += 1;
        self.fields(&projection.parts, |writer, part| writer.field(part, &part.value, frame))
    }

    /// Writes the data of an operation: all root fields, so that all errors are told, but `null` if one of them may not be.
    pub(crate) fn data(&mut self, projection: &'p Projection, frame: Frame<'_>) {
        let start = self.out.len();
        let mut is_null = false;
        let written = self.fields(&projection.parts, |writer, part| {
            let depth = writer.path.len();
            if let Err(Raised(error)) = writer.field(part, &part.value, frame) {
                if part.nullable {
                    return Err(Raised(error));
                }
                is_null = true;
                writer.path.truncate(depth);
                writer.errors.push(*error);
            }
            Ok(())
        });
        debug_assert!(written.is_ok(), "an error of a root field that may be null ends there");
        if is_null {
            self.out.truncate(start);
            self.null();
        }
    }

    /// Writes the value of one field, without its key.
    pub(crate) fn whole(&mut self, part: &'p Part<Projected>, frame: Frame<'_>) -> Written {
        self.field(part, &part.value, frame)
    }

    /// Writes the entries of an object: the key, then what `write` makes of the value.
    fn fields<P>(&mut self, parts: &'p [Part<P>], mut write: impl FnMut(&mut Self, &'p Part<P>) -> Written) -> Written {
        self.out.push(b'{');
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(part.written_key.as_bytes());
            self.path.push(Step::Key(&part.key));
            if part.nullable {
                self.or_null(|writer| write(writer, part));
            } else {
                write(self, part)?;
            }
            self.path.pop();
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes a list.
    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Written,
    ) -> Written {
        self.out.push(b'[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.path.push(Step::Index(index));
            write(self, item)?;
            self.path.pop();
        }
        self.out.push(b']');
        Ok(())
    }

    /// Writes that there is nothing.
    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    /// Writes what may be null: an error ends here.
    pub(crate) fn or_null(&mut self, write: impl FnOnce(&mut Self) -> Written) {
        let (length, depth) = (self.out.len(), self.path.len());
        if let Err(Raised(error)) = write(self) {
            self.out.truncate(length);
            self.path.truncate(depth);
            self.null();
            self.errors.push(*error);
        }
    }

    /// Raises an error of the field at the current path.
    pub(crate) fn raise(&self, error: &BatchError, position: Pos) -> Raised {
        let mut error = error.to_server_error(position);
        error.path = self.path.iter().copied().map(Step::to_segment).collect();
        Raised(Box::new(error))
    }

    fn field(&mut self, part: &'p Part<Projected>, value: &'p Projected, frame: Frame<'_>) -> Written {
        match value {
            Projected::TypeName(name) => write_json(*name, &mut self.out),
            Projected::Failed(error) => return Err(self.raise(error, part.position)),
            Projected::Leaf { cell, kind } => self.leaf(*cell, *kind, frame.row(), part.position)?,
            Projected::Secret { cell } => self.secret(*cell, frame.row(), part.position)?,
            Projected::Words { cell } => self.words(*cell, frame.row(), part.position)?,
            Projected::Reference { cell, of, prefixes } => {
                return self.reference(part, (*cell, *of), prefixes, frame);
            }
            Projected::Cursor(cursor) => {
                return self.cursor(cursor, frame.objects, Some(frame.place), part.position);
            }
            Projected::Entries { cell, entries, parts } => {
                return self.entries(part, (*cell, *entries), parts, frame);
            }
            Projected::Computed { load, parts } => return self.computed(part, *load, parts, frame),
            Projected::Joined { cell, .. } if frame.row().is_null(*cell) => {
                return Err(self.raise(&BatchError::Vanished, part.position));
            }
            Projected::Embedded(projection) | Projected::Joined { projection, .. } => {
                return self.object(projection, frame);
            }
            Projected::Parent(projection) => {
                return match frame.parent {
                    Some(parent) => self.object(projection, *parent),
                    None => Err(self.raise(&BatchError::Vanished, part.position)),
                };
            }
            Projected::One { load, projection } => return self.one(part, *load, projection, frame.place, frame),
            Projected::Connection { load, parts } => match frame.objects.loads.get(*load) {
                Some(Ok(loaded)) => return self.connection(parts, loaded, frame.place, Some(&frame)),
                Some(Err(error)) => return Err(self.raise(error, part.position)),
                None => return Err(self.raise(&MISMATCH, part.position)),
            },
            Projected::Nodes { given, objects } => return self.nodes(part, *given, objects, frame),
            Projected::Hit(part) => frame.objects.hits[frame.place].hit.write(*part, &mut self.out),
            Projected::Found(members) => {
                let Placed { hit, place } = &frame.objects.hits[frame.place];
                return match members.get(hit.member) {
                    Some((load, projection)) => self.one(part, *load, projection, *place, frame),
                    None => Err(self.raise(&MISMATCH, part.position)),
                };
            }
            Projected::Pages { given, connections } => return self.pages(part, *given, connections, frame),
            Projected::List { load, entry } => return self.rows(part, *load, entry, frame),
            Projected::Introspection => match self.introspection.get(part.key.as_str()) {
                Some(value) => write_json(value, &mut self.out),
                None => self.null(),
            },
        }
        Ok(())
    }

    fn leaf(&mut self, cell: usize, kind: Kind, row: &Row, position: Pos) -> Written {
        kind.write(row, cell, &mut self.out).map_err(|error| self.raise(&error.into(), position))
    }

    fn secret(&mut self, cell: usize, row: &Row, position: Pos) -> Written {
        let sealed = row.text(cell).map_err(|error| self.raise(&error.into(), position))?;
        let Some(sealed) = sealed else {
            self.null();
            return Ok(());
        };
        let text = self.secrets.open(sealed).map_err(|error| self.raise(&error.into(), position))?;
        json::push_text(text.as_bytes(), &mut self.out);
        Ok(())
    }

    fn words(&mut self, cell: usize, row: &Row, position: Pos) -> Written {
        match row.text(cell).map_err(|error| self.raise(&error.into(), position))? {
            Some(text) => write_json(&text.split(' ').collect::<Vec<_>>(), &mut self.out),
            None => self.null(),
        }
        Ok(())
    }

    /// Writes the object at `place` of those that a load brought.
    fn one(
        &mut self,
        part: &'p Part<Projected>,
        load: usize,
        projection: &'p Projection,
        place: usize,
        frame: Frame<'_>,
    ) -> Written {
        match frame.objects.loads.get(load) {
            Some(Ok(Loaded::One { places, objects })) => match places.get(place).copied().flatten() {
                Some(place) => self.object(projection, Frame { objects, place, parent: Some(&frame) }),
                None if part.nullable => {
                    self.null();
                    Ok(())
                }
                None => Err(self.raise(&BatchError::Vanished, part.position)),
            },
            Some(Err(error)) => Err(self.raise(error, part.position)),
            _ => Err(self.raise(&MISMATCH, part.position)),
        }
    }
}

impl<'o> Frame<'o> {
    fn row(&self) -> &'o Row {
        &self.objects.rows[self.place]
    }
}

impl Step<'_> {
    fn to_segment(self) -> PathSegment {
        match self {
            Self::Key(key) => PathSegment::Field(key.to_owned()),
            Self::Index(index) => PathSegment::Index(index),
        }
    }
}

impl Raised {
    /// The error, for whoever stands above.
    pub(crate) fn into_error(self) -> ServerError {
        *self.0
    }
}
