//! What was received, and not looked at yet.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes in the order in which they came. What was set aside for them once is not cleared again for each that come.
#[derive(Default)]
pub(super) struct Received {
    bytes: Vec<u8>,
    /// Where what was not looked at yet begins, and where it ends.
    begin: usize,
    end: usize,
}

/// The least room that is read into at once: some of what the server sends at once.
const READ_AT_ONCE: usize = 32 * 1024;
/// The most room that is kept when what was said was longer.
const MOST_KEPT: usize = 256 * 1024;

impl Received {
    /// What was not looked at yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }

    /// So much of it was looked at.
    pub(super) fn advance(&mut self, length: usize) {
        self.begin = self.end.min(self.begin.saturating_add(length));
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        }
    }

    /// Receives what is there, or else comes; 0 says that no more will.
    pub(super) async fn read_from(&mut self, line: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        self.make_room();
        let read = line.read(&mut self.bytes[self.end..]).await?;
        self.end += read;
        Ok(read)
    }

    fn make_room(&mut self) {
        if self.bytes.len() - self.end >= READ_AT_ONCE {
            return;
        }
        self.bytes.copy_within(self.begin..self.end, 0);
        (self.begin, self.end) = (0, self.end - self.begin);
        // A message that is longer than the room is received in twice as much each time.
        let least = (self.end + READ_AT_ONCE).max(if self.end > READ_AT_ONCE { 2 * self.end } else { 0 });
        if self.bytes.len() < least {
            self.bytes.resize(least, 0);
        }
    }

    /// Gives room back that was needed once.
    pub(super) fn trim(&mut self) {
        if self.bytes.len() > MOST_KEPT {
            self.bytes = self.rest().to_vec();
            (self.begin, self.end) = (0, self.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the pieces are in which bytes come and are looked at, they are the ones that were sent.
    #[tokio::test]
    async fn bytes_come_whole_and_in_order() {
        let sent: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        for looked_at in [1_000, 32 * 1024, 100_000, 300_000] {
            let (mut line, mut received, mut seen) = (&sent[..], Received::default(), Vec::new());
            while received.read_from(&mut line).await.unwrap() > 0 {
                while received.rest().len() >= looked_at {
                    seen.extend_from_slice(&received.rest()[..looked_at]);
                    received.advance(looked_at);
                }
                received.trim();
            }
            seen.extend_from_slice(received.rest());
            assert!(seen == sent, "looked at in pieces of {looked_at}");
            received.advance(usize::MAX);
            assert!(received.rest().is_empty());
            received.trim();
            assert!(received.bytes.len() <= MOST_KEPT, "{looked_at}");
        }
    }
}
