//! Writes what was loaded as JSON: one pass over the projection, straight into the response's bytes.
//!
//! An error rises to the nearest field that may be null, as the specification has it
//! (<https://spec.graphql.org/October2021/#sec-Handling-Field-Errors>): there the bytes written since are cut off, `null`
//! is written, and the error is kept with its path.

use async_graphql::{PathSegment, Pos, ServerError};

use super::BatchError;
use super::load::{Loaded, LoadedPage, Objects};
use super::page::write_cursor;
use super::plan::Cursor;
use super::projection::{ConnectionPart, EdgePart, PageInfoPart, Part, Projected, Projection};
use super::row::{Row, write_json};

/// Writes one field's value.
pub(crate) struct Writer<'p> {
    pub(crate) out: Vec<u8>,
    pub(crate) errors: Vec<ServerError>,
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

impl<'p> Writer<'p> {
    pub(crate) fn new() -> Self {
        Self { out: Vec::with_capacity(4096), errors: Vec::new(), path: Vec::new() }
    }

    /// Writes an object.
    pub(crate) fn object(&mut self, projection: &'p Projection, frame: Frame<'_>) -> Written {
        self.fields(&projection.parts, |writer, value| writer.field(value, frame))
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

    fn field(&mut self, part: &'p Part<Projected>, frame: Frame<'_>) -> Written {
        match &part.value {
            Projected::TypeName(name) => write_json(*name, &mut self.out),
            Projected::Failed(error) => return Err(self.raise(error, part.position)),
            Projected::Leaf { cell, kind } => kind.write(&frame.row()[*cell], &mut self.out),
            Projected::Embedded(projection) => return self.object(projection, frame),
            Projected::Parent(projection) => {
                return match frame.parent {
                    Some(parent) => self.object(projection, *parent),
                    None => Err(self.raise(&BatchError::Vanished, part.position)),
                };
            }
            Projected::One { load, projection } => match frame.objects.loads.get(*load) {
                Some(Ok(Loaded::One { places, objects })) => match places[frame.place] {
                    Some(place) => {
                        return self.object(projection, Frame { objects, place, parent: Some(&frame) });
                    }
                    None if part.nullable => self.null(),
                    None => return Err(self.raise(&BatchError::Vanished, part.position)),
                },
                Some(Err(error)) => return Err(self.raise(error, part.position)),
                _ => {
                    return Err(
                        self.raise(&BatchError::Broken("what was loaded is not what the plan says"), part.position)
                    );
                }
            },
            Projected::Connection { load, parts } => match frame.objects.loads.get(*load) {
                Some(Ok(loaded)) => return self.connection(parts, loaded, frame.place, Some(&frame)),
                Some(Err(error)) => return Err(self.raise(error, part.position)),
                None => {
                    return Err(
                        self.raise(&BatchError::Broken("what was loaded is not what the plan says"), part.position)
                    );
                }
            },
        }
        Ok(())
    }

    /// Writes the page at `place` of a loaded connection.
    pub(crate) fn connection(
        &mut self,
        parts: &'p [Part<ConnectionPart>],
        loaded: &Loaded,
        place: usize,
        parent: Option<&Frame<'_>>,
    ) -> Written {
        let Loaded::Connection { pages, totals, objects } = loaded else {
            return Err(self.raise(&BatchError::Broken("what was loaded is not what the plan says"), Pos::default()));
        };
        let page = &pages[place];
        let frame = |place| Frame { objects, place, parent };
        self.fields(parts, |writer, part| {
            match &part.value {
                ConnectionPart::TypeName(name) => write_json(name, &mut writer.out),
                ConnectionPart::Nodes(projection) => {
                    return writer.list(page.rows.clone(), |writer, place| writer.object(projection, frame(place)));
                }
                ConnectionPart::Edges(parts) => {
                    return writer.list(page.rows.clone(), |writer, place| writer.edge(parts, frame(place)));
                }
                ConnectionPart::TotalCount => match totals {
                    Ok(totals) => write_json(&totals[place], &mut writer.out),
                    Err(error) => return Err(writer.raise(error, part.position)),
                },
                ConnectionPart::PageInfo(parts) => return writer.page_info(parts, page, &objects.rows),
            }
            Ok(())
        })
    }

    fn edge(&mut self, parts: &'p [Part<EdgePart>], frame: Frame<'_>) -> Written {
        self.fields(parts, |writer, part| {
            match &part.value {
                EdgePart::TypeName(name) => write_json(name, &mut writer.out),
                EdgePart::Cursor(cursor) => writer.cursor(cursor, Some(frame.row())),
                EdgePart::Node(projection) => return writer.object(projection, frame),
            }
            Ok(())
        })
    }

    fn page_info(&mut self, parts: &'p [Part<PageInfoPart>], page: &LoadedPage, rows: &[Row]) -> Written {
        let rows = &rows[page.rows.clone()];
        self.fields(parts, |writer, part| {
            match &part.value {
                PageInfoPart::TypeName => write_json("PageInfo", &mut writer.out),
                PageInfoPart::HasNextPage => write_json(&page.has_next, &mut writer.out),
                PageInfoPart::HasPreviousPage => write_json(&page.has_previous, &mut writer.out),
                PageInfoPart::StartCursor(cursor) => writer.cursor(cursor, rows.first()),
                PageInfoPart::EndCursor(cursor) => writer.cursor(cursor, rows.last()),
            }
            Ok(())
        })
    }

    fn cursor(&mut self, cursor: &Cursor, row: Option<&Row>) {
        match row {
            Some(row) => write_cursor(&cursor.signature, cursor.cells.iter().map(|cell| &row[*cell]), &mut self.out),
            None => self.null(),
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
