//! Writes lists: connections and their pages, groups, and what is named by many ids.

use async_graphql::Pos;

use super::{Frame, MISMATCH, Writer, Written};
use crate::batch::cursor;
use crate::batch::load::{Loaded, LoadedPage, Objects};
use crate::batch::plan::Cursor;
use crate::batch::projection::{ConnectionPart, EdgePart, PageInfoPart, Part, Projected, Projection};
use crate::batch::row::write_json;

impl<'p> Writer<'p> {
    /// Writes the objects that ids of any types name, null for each that there is not.
    pub(super) fn nodes(
        &mut self,
        part: &'p Part<Projected>,
        given: usize,
        objects: &'p [Projected],
        frame: Frame<'_>,
    ) -> Written {
        let entries = self.given.get(given).map_or(&[][..], |given| &given.entries);
        self.list(entries, |writer, entry| {
            writer.or_null(|writer| {
                let (object, place) = entry.as_ref().map_err(|error| writer.raise(error, part.position))?;
                let Some(Projected::One { load, projection }) = objects.get(*object) else {
                    return Err(writer.raise(&MISMATCH, part.position));
                };
                let Some(Ok(Loaded::One { places, .. })) = frame.objects.loads.get(*load) else {
                    return writer.one(part, *load, projection, *place, frame);
                };
                if places.get(*place).copied().flatten().is_none() {
                    writer.null();
                    return Ok(());
                }
                writer.one(part, *load, projection, *place, frame)
            });
            Ok(())
        })
    }

    /// Writes the pages of lists that go on, null for each whose parent there is not.
    pub(super) fn pages(
        &mut self,
        part: &'p Part<Projected>,
        given: usize,
        connections: &'p [Projected],
        frame: Frame<'_>,
    ) -> Written {
        let entries = self.given.get(given).map_or(&[][..], |given| &given.entries);
        self.list(entries, |writer, entry| {
            writer.or_null(|writer| {
                let (list, place) = entry.as_ref().map_err(|error| writer.raise(error, part.position))?;
                let Some(Projected::Connection { load, parts }) = connections.get(*list) else {
                    return Err(writer.raise(&MISMATCH, part.position));
                };
                match frame.objects.loads.get(*load) {
                    Some(Ok(Loaded::Connection { pages, .. })) if pages[*place].is_unknown => {
                        writer.null();
                        Ok(())
                    }
                    Some(Ok(loaded)) => writer.connection(parts, loaded, *place, Some(&frame)),
                    Some(Err(error)) => Err(writer.raise(error, part.position)),
                    None => Err(writer.raise(&MISMATCH, part.position)),
                }
            });
            Ok(())
        })
    }

    /// Writes rows as a plain list.
    pub(super) fn rows(
        &mut self,
        part: &'p Part<Projected>,
        load: usize,
        entry: &'p Projection,
        frame: Frame<'_>,
    ) -> Written {
        match frame.objects.loads.get(load) {
            Some(Ok(Loaded::Connection { pages, objects, .. })) => self
                .list(pages[frame.place].rows.clone(), |writer, place| {
                    writer.object(entry, Frame { objects, place, parent: Some(&frame) })
                }),
            Some(Err(error)) => Err(self.raise(error, part.position)),
            _ => Err(self.raise(&MISMATCH, part.position)),
        }
    }

    /// Writes the page at `place` of a loaded connection.
    pub(super) fn connection(
        &mut self,
        parts: &'p [Part<ConnectionPart>],
        loaded: &Loaded,
        place: usize,
        parent: Option<&Frame<'_>>,
    ) -> Written {
        let Loaded::Connection { pages, totals, objects } = loaded else {
            return Err(self.raise(&MISMATCH, Pos::default()));
        };
        self.objects += 1;
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
                ConnectionPart::PageInfo(parts) => return writer.page_info(parts, page, objects),
            }
            Ok(())
        })
    }

    fn edge(&mut self, parts: &'p [Part<EdgePart>], frame: Frame<'_>) -> Written {
        self.objects += 1;
        self.fields(parts, |writer, part| {
            match &part.value {
                EdgePart::TypeName(name) => write_json(name, &mut writer.out),
                EdgePart::Cursor(cursor) => writer.cursor(cursor, frame.objects, Some(frame.place), part.position)?,
                // It was counted with its edge.
                EdgePart::Node(projection) => {
                    return writer.fields(&projection.parts, |writer, part| writer.field(part, &part.value, frame));
                }
            }
            Ok(())
        })
    }

    fn page_info(&mut self, parts: &'p [Part<PageInfoPart>], page: &LoadedPage, objects: &Objects) -> Written {
        let mut places = page.rows.clone();
        let (first, last) = (places.clone().next(), places.next_back());
        self.fields(parts, |writer, part| {
            match &part.value {
                PageInfoPart::TypeName => write_json("PageInfo", &mut writer.out),
                PageInfoPart::HasNextPage => write_json(&page.has_next, &mut writer.out),
                PageInfoPart::HasPreviousPage => write_json(&page.has_previous, &mut writer.out),
                PageInfoPart::StartCursor(cursor) => writer.cursor(cursor, objects, first, part.position)?,
                PageInfoPart::EndCursor(cursor) => writer.cursor(cursor, objects, last, part.position)?,
            }
            Ok(())
        })
    }

    /// Writes the cursor of the row at `place`, if there is one.
    pub(super) fn cursor(
        &mut self,
        cursor: &Cursor,
        objects: &Objects,
        place: Option<usize>,
        position: Pos,
    ) -> Written {
        let Some(place) = place else {
            self.null();
            return Ok(());
        };
        match cursor {
            Cursor::Hit => objects.hits[place].hit.write_cursor(&mut self.out),
            Cursor::Row { signature, cells } => {
                let row = &objects.rows[place];
                let cells = cells.iter().map(|(cell, kind)| kind.read(row, *cell)).collect::<Result<Vec<_>, _>>();
                let cells = cells.map_err(|error| self.raise(&error.into(), position))?;
                cursor::write(signature, &cells, &mut self.out);
            }
        }
        Ok(())
    }
}
