//! The messages of a connection (<https://www.postgresql.org/docs/current/protocol-flow.html>): what is put is sent in order, and what is
//! received is handed out where it stands in the buffer.
//!
//! **Invariants:** what was put before is answered before; a future that is dropped leaves what is half sent, and what is not
//! answered yet, to the next one. A connection that has ended says so.

use std::io;

use bytes::BytesMut;
use futures_util::FutureExt as _;
use sea_orm::sqlx;
use tokio::io::AsyncWriteExt as _;
use tokio::task::coop::unconstrained;

use super::failure::{PostgresFailure, ended, malformed};
use super::line::Line;
use super::received::Received;

/// A connection, once the server is ready for statements.
pub(super) struct Wire {
    line: Line,
    /// What is to be sent still.
    output: BytesMut,
    input: Received,
    /// How often the server has yet to say that it is ready.
    unanswered: usize,
    has_ended: bool,
}

/// A message of the server.
pub(super) struct Message<'m> {
    /// What it is: the protocol's letter, as `postgres_protocol::message::backend` names them.
    pub(super) tag: u8,
    pub(super) body: &'m [u8],
}

/// A message is not as the protocol has it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the server has sent what is no message of its protocol")]
pub(super) struct Malformed;

/// The length of a message's tag and of its length.
const HEAD: usize = 5;
/// The most room that a connection keeps when what was to be said was longer.
const MOST_KEPT: usize = 256 * 1024;

const ERROR: u8 = postgres_protocol::message::backend::ERROR_RESPONSE_TAG;
const READY: u8 = postgres_protocol::message::backend::READY_FOR_QUERY_TAG;

impl Wire {
    pub(super) fn new(line: Line) -> Self {
        Self { line, output: BytesMut::new(), input: Received::default(), unanswered: 0, has_ended: false }
    }

    /// Whether the server has ended it, or it failed.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Hears what the server has said unasked, as far as it is there: that it ends the connection, or nothing that matters.
    pub(super) fn listen(&mut self) {
        // However much the task has done by now.
        let reading = unconstrained(self.input.read_from(&mut self.line));
        let Some(heard) = reading.now_or_never() else { return };
        let mut farewell = None;
        let is_heard = heard.is_ok_and(|length| length > 0) && self.hand_out(&mut |_| Ok(()), &mut farewell).is_ok();
        self.has_ended |= !is_heard || farewell.is_some();
    }

    /// Fails where something is still to be answered, or nothing will be any more.
    pub(super) fn expect_silence(&self) -> Result<(), sqlx::Error> {
        if self.has_ended || self.unanswered > 0 { Err(ended()) } else { Ok(()) }
    }

    /// Puts messages, which the server answers together with those that are put after them.
    pub(super) fn put<E>(&mut self, write: impl FnOnce(&mut BytesMut) -> Result<(), E>) -> Result<(), E> {
        let length = self.output.len();
        // What cannot be said is not half said.
        write(&mut self.output).inspect_err(|_| self.output.truncate(length))
    }

    /// Puts messages of which the last lets the server say that it is ready.
    pub(super) fn ask<E>(&mut self, write: impl FnOnce(&mut BytesMut) -> Result<(), E>) -> Result<(), E> {
        self.put(write)?;
        self.unanswered += 1;
        Ok(())
    }

    /// Sends what was put, and hands out what the server answers, until all is answered.
    pub(super) async fn exchange(
        &mut self,
        mut take: impl FnMut(Message<'_>) -> Result<(), Malformed>,
    ) -> Result<(), sqlx::Error> {
        if self.has_ended {
            return Err(ended());
        }
        let mut failure = None;
        let done = match self.send().await {
            Ok(()) => self.receive(&mut take, &mut failure).await,
            Err(error) => Err(error.into()),
        };
        self.has_ended |= done.is_err();
        // Where the connection has ended, too, the server may have told why.
        failure.map_or(done, |failure: PostgresFailure| Err(failure.told()))
    }

    async fn send(&mut self) -> io::Result<()> {
        self.line.write_all_buf(&mut self.output).await?;
        self.line.flush().await?;
        if self.output.capacity() > MOST_KEPT {
            self.output = BytesMut::new();
        }
        Ok(())
    }

    async fn receive(
        &mut self,
        take: &mut impl FnMut(Message<'_>) -> Result<(), Malformed>,
        failure: &mut Option<PostgresFailure>,
    ) -> Result<(), sqlx::Error> {
        loop {
            self.hand_out(take, failure).map_err(malformed)?;
            if self.unanswered == 0 {
                break;
            }
            if failure.as_ref().is_some_and(PostgresFailure::is_last_word) {
                return Err(ended());
            }
            if self.input.read_from(&mut self.line).await? == 0 {
                return Err(ended());
            }
        }
        self.input.trim();
        Ok(())
    }

    /// Hands out the messages that are there as a whole.
    fn hand_out(
        &mut self,
        take: &mut impl FnMut(Message<'_>) -> Result<(), Malformed>,
        failure: &mut Option<PostgresFailure>,
    ) -> Result<(), Malformed> {
        let mut rest = self.input.rest();
        while let Some((message, after)) = split_message(rest)? {
            match message.tag {
                READY => self.unanswered = self.unanswered.checked_sub(1).ok_or(Malformed)?,
                ERROR if failure.is_none() => *failure = Some(PostgresFailure::read(message.body)?),
                _ => take(message)?,
            }
            rest = after;
        }
        let taken = self.input.rest().len() - rest.len();
        self.input.advance(taken);
        Ok(())
    }

    /// Sends what was put, and says that no more will come.
    pub(super) async fn close(mut self) -> io::Result<()> {
        self.send().await?;
        self.line.shutdown().await
    }
}

/// The first message and what comes after it, if it is there as a whole.
fn split_message(bytes: &[u8]) -> Result<Option<(Message<'_>, &[u8])>, Malformed> {
    let Some((&[tag, a, b, c, d], _)) = bytes.split_first_chunk::<HEAD>() else { return Ok(None) };
    // The length is its own too, but not the tag's.
    let length = usize::try_from(i32::from_be_bytes([a, b, c, d])).map_err(|_| Malformed)?;
    let Some((whole, rest)) = bytes.split_at_checked(1 + length) else { return Ok(None) };
    let body = whole.get(HEAD..).ok_or(Malformed)?;
    Ok(Some((Message { tag, body }, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_as_a_whole() {
        let bytes = b"D\0\0\0\x06abZ\0\0\0\x05I";
        for length in 0..7 {
            assert!(split_message(&bytes[..length]).unwrap().is_none(), "{length}");
        }
        let (row, rest) = split_message(bytes).unwrap().unwrap();
        assert_eq!((row.tag, row.body), (b'D', &b"ab"[..]));
        let (ready, rest) = split_message(rest).unwrap().unwrap();
        assert_eq!((ready.tag, ready.body, rest), (b'Z', &b"I"[..], &b""[..]));
        for wrong in [b"D\0\0\0\x03", b"D\xff\xff\xff\xff"] {
            assert!(split_message(wrong).is_err(), "{wrong:?}");
        }
    }
}
