//! The bytes of a source, with the count of their lines and a cap on each piece.
//!
//! **Invariant:** a parser that reads a piece (a line, a tag, a stretch of text) never gets more of it than the cap, so
//! that no input makes it take more memory than that.

use std::io::{self, BufRead, Read};

/// A buffered reader that knows its line and its cap.
pub(super) struct Input {
    source: Box<dyn Read + Send>,
    buffer: Box<[u8]>,
    /// What is read and not consumed yet: `buffer[start..end]`.
    start: usize,
    end: usize,
    bytes: u64,
    line: u64,
    piece: usize,
    cap: usize,
    over: bool,
}

const BUFFER_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Input {
    /// Without a cap; see [`Input::cap_pieces`].
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self { source, buffer, start: 0, end: 0, bytes: 0, line: 1, piece: 0, cap: usize::MAX, over: false }
    }

    /// From here on, a piece of more than `cap` bytes is an error.
    pub(super) fn cap_pieces(&mut self, cap: usize) {
        self.cap = cap;
        self.begin_piece();
    }

    /// The bytes from here on are another piece.
    pub(super) fn begin_piece(&mut self) {
        self.piece = 0;
    }

    /// Whether the error that was just returned means that a piece is over the cap.
    pub(super) fn is_over_cap(&self) -> bool {
        self.over
    }

    /// The line of the next byte, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes consumed so far.
    pub(super) fn consumed(&self) -> u64 {
        self.bytes
    }

    /// Passes over a byte order mark, which editors leave at the start of a file.
    pub(super) fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        // A pipe may bring one byte at a time.
        while self.end < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.buffer[..self.end]) {
            if self.read_more()? == 0 {
                break;
            }
        }
        if self.buffer[..self.end].starts_with(BYTE_ORDER_MARK) {
            self.consume(BYTE_ORDER_MARK.len());
        }
        Ok(())
    }

    /// Reads behind what is there.
    fn read_more(&mut self) -> io::Result<usize> {
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            self.read_more()?;
        }
        let available = self.end - self.start;
        let allowed = self.cap - self.piece;
        if available > 0 && allowed == 0 {
            self.over = true;
            return Err(io::Error::other("a piece is over the cap"));
        }
        Ok(&self.buffer[self.start..self.start + available.min(allowed)])
    }

    fn consume(&mut self, count: usize) {
        let consumed = &self.buffer[self.start..self.start + count];
        self.line += consumed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.start += count;
        self.bytes += count as u64;
        self.piece = self.piece.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brings one byte at a time.
    struct Drip(&'static [u8]);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(into.len()).min(1);
            let (now, later) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn skips_a_byte_order_mark_that_drips() {
        for (bytes, rest) in [
            (&b"\xEF\xBB\xBFab"[..], "ab".as_bytes()),
            (b"ab", b"ab"),
            (b"\xEF\xBB", b"\xEF\xBB"),
            (b"\xEF\xBBa", b"\xEF\xBBa"),
            (b"", b""),
        ] {
            let mut input = Input::new(Box::new(Drip(bytes)));
            input.skip_byte_order_mark().unwrap();
            let mut read = Vec::new();
            input.read_to_end(&mut read).unwrap();
            assert_eq!(read, rest);
        }
    }

    #[test]
    fn counts_lines_and_caps_pieces() {
        let mut input = Input::new(Box::new(&b"one\ntwo\nthree"[..]));
        input.cap_pieces(4);
        let mut piece = Vec::new();
        assert_eq!(input.read_until(b'\n', &mut piece).unwrap(), 4);
        assert_eq!((input.line(), input.consumed()), (2, 4));
        input.begin_piece();
        assert_eq!(input.read_until(b'\n', &mut piece).unwrap(), 4);
        input.begin_piece();
        assert!(!input.is_over_cap());
        assert!(input.read_until(b'\n', &mut piece).is_err());
        assert!(input.is_over_cap());
        assert_eq!(piece.len(), 12, "not more than the cap was read");
    }
}
