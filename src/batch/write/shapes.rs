//! Writes JSON that is at hand: what is selected of it.

use serde_json::{Map, Value as Json};

use super::{Frame, MISMATCH, Writer, Written};
use crate::batch::id;
use crate::batch::load::Loaded;
use crate::batch::projection::{Part, Projected, ShapePart};
use crate::batch::row::write_json;
use crate::batch::shape::Entries;

impl<'p> Writer<'p> {
    /// Writes the entries that stand in a cell as text.
    pub(super) fn entries(
        &mut self,
        part: &'p Part<Projected>,
        (cell, entries): (usize, Entries),
        parts: &'p [Part<ShapePart>],
        frame: Frame<'_>,
    ) -> Written {
        let text = frame.row().text(cell).map_err(|error| self.raise(&error.into(), part.position))?;
        let json = entries.read(text.unwrap_or_default()).map_err(|error| self.raise(&error, part.position))?;
        self.shaped(part, parts, &json)
    }

    /// Writes what ordinary code computed.
    pub(super) fn computed(
        &mut self,
        part: &'p Part<Projected>,
        load: usize,
        parts: &'p [Part<ShapePart>],
        frame: Frame<'_>,
    ) -> Written {
        match frame.objects.loads.get(load) {
            Some(Ok(Loaded::Computed(json))) => self.shaped(part, parts, json),
            Some(Err(error)) => Err(self.raise(error, part.position)),
            _ => Err(self.raise(&MISMATCH, part.position)),
        }
    }

    /// Writes an id whose prefix is told by another cell.
    pub(super) fn reference(
        &mut self,
        part: &'p Part<Projected>,
        (cell, of): (usize, usize),
        prefixes: &[&'static str],
        frame: Frame<'_>,
    ) -> Written {
        let raise = |writer: &Self, error| writer.raise(&error, part.position);
        let key = frame.row().uuid(cell).map_err(|error| raise(self, error.into()))?;
        let of = frame.row().text(of).map_err(|error| raise(self, error.into()))?;
        let prefix = prefixes.iter().find(|prefix| Some(**prefix) == of);
        let (Some(key), Some(prefix)) = (key, prefix) else { return Err(raise(self, MISMATCH)) };
        self.out.push(b'"');
        id::write(prefix, key, &mut self.out);
        self.out.push(b'"');
        Ok(())
    }

    fn shaped(&mut self, part: &'p Part<Projected>, parts: &'p [Part<ShapePart>], json: &Json) -> Written {
        match json {
            Json::Object(values) => self.shape(parts, values),
            Json::Array(items) => self.list(items, |writer, item| writer.shaped(part, parts, item)),
            Json::Null if part.nullable => {
                self.null();
                Ok(())
            }
            _ => Err(self.raise(&MISMATCH, part.position)),
        }
    }

    fn shape(&mut self, parts: &'p [Part<ShapePart>], values: &Map<String, Json>) -> Written {
        self.objects += 1;
        self.fields(parts, |writer, part| {
            match &part.value {
                ShapePart::TypeName(name) => write_json(*name, &mut writer.out),
                ShapePart::Value(name) => match values.get(*name) {
                    Some(value) if !value.is_null() => write_json(value, &mut writer.out),
                    _ if part.nullable => writer.null(),
                    _ => return Err(writer.raise(&MISMATCH, part.position)),
                },
            }
            Ok(())
        })
    }
}
