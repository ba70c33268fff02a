//! What is imported: a named stream of bytes, and how to tell its format.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::str::FromStr;

use super::error::{ImportError, ParseError};
use super::input::Input;

/// A file, a standard input or anything else that can be read once.
pub struct Source {
    name: String,
    bytes: Option<u64>,
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) format: Option<Format>,
}

/// How a source is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A feature a line, with its tests and deployments, as JSON.
    Ndjson,
    /// A test report as JUnit XML.
    JUnit,
}

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be ndjson or junit")]
pub struct UnknownFormat;

impl Source {
    /// Anything that can be read. `name` stands in errors; its ending tells the format, else the first byte does.
    pub fn new(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        let name = name.into();
        let format = Format::of_name(&name);
        Self { name, bytes: None, reader: Box::new(reader), format }
    }

    /// The file at `path`, or the standard input where the path is `-`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        if path == Path::new("-") {
            return Ok(Self::new("standard input", io::stdin()));
        }
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => {
                let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
                Ok(Self { bytes, ..Self::new(name, file) })
            }
            Err(error) => Err(ImportError::Read { name, error }),
        }
    }

    /// The same in this format, whatever its name and its beginning say.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format: Some(format), ..self }
    }

    /// The name, as errors say it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes there are, where that is known.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("format", &self.format).finish_non_exhaustive()
    }
}

impl Format {
    /// The format that the name's ending tells.
    fn of_name(name: &str) -> Option<Self> {
        let ending = Path::new(name).extension().and_then(OsStr::to_str)?.to_ascii_lowercase();
        match ending.as_str() {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "xml" => Some(Self::JUnit),
            _ => None,
        }
    }

    /// The format that the first byte tells, white space aside; nothing where there is no more than that.
    pub(super) fn sniff(input: &mut Input) -> Result<Option<Self>, ParseError> {
        loop {
            let available = input.fill_buf()?;
            if available.is_empty() {
                return Ok(None);
            }
            let spaces = available.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let first = available.get(spaces).copied();
            input.consume(spaces);
            match first {
                None => {}
                Some(b'{') => return Ok(Some(Self::Ndjson)),
                Some(b'<') => return Ok(Some(Self::JUnit)),
                Some(_) => return Err(ParseError::UnknownFormat),
            }
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        match word {
            "ndjson" => Ok(Self::Ndjson),
            "junit" => Ok(Self::JUnit),
            _ => Err(UnknownFormat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_format() {
        assert_eq!(Format::of_name("a/b.NDJSON"), Some(Format::Ndjson));
        assert_eq!(Format::of_name("b.jsonl"), Some(Format::Ndjson));
        assert_eq!(Format::of_name("TEST-a.b.xml"), Some(Format::JUnit));
        assert_eq!(Format::of_name("standard input"), None);
        assert_eq!(Format::of_name(".xml"), None);
    }

    #[test]
    fn the_first_byte_tells_the_format() {
        let sniff = |text: &'static str| Format::sniff(&mut Input::new(Box::new(text.as_bytes())));
        assert!(matches!(sniff("\n \t{"), Ok(Some(Format::Ndjson))));
        assert!(matches!(sniff("<?xml"), Ok(Some(Format::JUnit))));
        assert!(matches!(sniff(" \n"), Ok(None)));
        assert!(matches!(sniff("name,status"), Err(ParseError::UnknownFormat)));
    }
}
