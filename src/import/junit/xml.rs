//! XML as a stream of pieces with their lines.
//!
//! **Invariants:** no piece is larger than the cap; nothing is expanded but the five entities of XML itself and
//! characters by their number; a document type, with which a file of a kilobyte can grow to gigabytes, is refused.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader, XmlVersion};

use crate::import::error::ParseError;
use crate::import::input::Input;

/// A stream of [`Piece`]s.
pub(super) struct Xml {
    reader: Reader<Input>,
    buffer: Vec<u8>,
    cap: usize,
}

/// What a document is made of, comments and instructions aside.
pub(super) enum Piece {
    /// An element begins.
    Open(Tag),
    /// The innermost element ends.
    Close,
    /// Text, or a part of it.
    Text(String),
    /// The file ends.
    End,
}

/// The beginning of an element.
pub(super) struct Tag(BytesStart<'static>);

impl Xml {
    pub(super) fn new(mut input: Input, cap: usize) -> Self {
        // The reader looks one byte beyond a piece.
        input.cap_pieces(cap.saturating_add(1));
        let mut reader = Reader::from_reader(input);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), cap }
    }

    /// How many bytes have been read.
    pub(super) fn consumed(&self) -> u64 {
        self.reader.get_ref().consumed()
    }

    /// The next piece and the line in which it begins.
    pub(super) fn next(&mut self) -> Result<(u64, Piece), ParseError> {
        loop {
            let line = self.begin_piece();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.refuse(line, error)),
            };
            let piece = match event {
                Event::Start(tag) | Event::Empty(tag) => Piece::Open(Tag::new(&tag, line)?),
                Event::End(_) => Piece::Close,
                Event::Text(text) => Piece::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Piece::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(reference) => Piece::Text(resolve(&reference, line)?),
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Decl(declaration) => {
                    refuse_other_encodings(&declaration, line)?;
                    continue;
                }
                Event::DocType(_) => {
                    return Err(ParseError::refused(line, "a document type (<!DOCTYPE …>) is not allowed"));
                }
                Event::Eof => Piece::End,
            };
            return Ok((line, piece));
        }
    }

    fn begin_piece(&mut self) -> u64 {
        self.buffer.clear();
        let input = self.reader.get_mut();
        input.begin_piece();
        input.line()
    }

    fn refuse(&self, line: u64, error: Error) -> ParseError {
        match error {
            Error::Io(_) if self.reader.get_ref().is_over_cap() => {
                let reason = format!("a tag or text is longer than the {} bytes that it may have", self.cap);
                ParseError::refused(line, reason)
            }
            Error::Io(error) => ParseError::Read(std::io::Error::new(error.kind(), error)),
            Error::Encoding(_) => {
                // The piece is in the buffer as it was read; the wrong byte may stand some lines after its beginning.
                let valid = std::str::from_utf8(&self.buffer).map_or_else(|error| error.valid_up_to(), str::len);
                let before = &self.buffer[..valid];
                let breaks = before.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                let byte = self.buffer.get(valid).copied().unwrap_or_default();
                ParseError::refused(line + breaks, format!("the byte {byte:#04X} is not UTF-8"))
            }
            Error::Syntax(error) => ParseError::refused(line, format!("is not XML: {error}")),
            error => ParseError::refused(line, format!("is not XML: {error}")),
        }
    }
}

fn resolve(reference: &BytesRef<'_>, line: u64) -> Result<String, ParseError> {
    let refused = |reason: String| ParseError::refused(line, reason);
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(character.to_string()),
        Ok(None) => resolve_xml_entity(reference)
            .map(str::to_owned)
            .ok_or_else(|| refused(format!("the entity &{}; is not known", &**reference))),
        Err(error) => Err(refused(format!("&{}; is no character: {error}", &**reference))),
    }
}

/// The bytes are read as UTF-8; in another encoding, letters beyond ASCII would be wrong or refused one by one.
fn refuse_other_encodings(declaration: &BytesDecl<'_>, line: u64) -> Result<(), ParseError> {
    match declaration.encoding() {
        Some(Ok(name)) if !["utf-8", "utf8", "us-ascii", "ascii"].contains(&name.to_ascii_lowercase().as_str()) => {
            let name: String = name.chars().take(40).collect();
            Err(ParseError::refused(line, format!("the file says that it is in {name:?}; it must be in UTF-8")))
        }
        Some(Err(error)) => Err(ParseError::refused(line, format!("is not XML: {error}"))),
        Some(Ok(_)) | None => Ok(()),
    }
}

impl Tag {
    /// Looks at all attributes, also those that nobody will ask for: a lookup stops at the first of two equal names.
    fn new(tag: &BytesStart<'_>, line: u64) -> Result<Self, ParseError> {
        match tag.attributes().find_map(Result::err) {
            Some(error) => Err(ParseError::refused(line, format!("is not XML: {error}"))),
            None => Ok(Self(tag.to_owned())),
        }
    }

    /// The name, without a prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute's value.
    pub(super) fn attribute(&self, name: &str, line: u64) -> Result<Option<String>, ParseError> {
        let refused = |error: &dyn std::fmt::Display| ParseError::refused_field(line, self.field(name), error);
        match self.0.try_get_attribute(name) {
            Ok(None) => Ok(None),
            Ok(Some(attribute)) => match attribute.normalized_value(XmlVersion::Implicit1_0) {
                Ok(value) => Ok(Some(value.into_owned())),
                Err(error) => Err(refused(&error)),
            },
            Err(error) => Err(refused(&error)),
        }
    }

    /// How errors name the attribute: `testcase.name`.
    pub(super) fn field(&self, attribute: &str) -> String {
        format!("{}.{attribute}", self.name())
    }
}
