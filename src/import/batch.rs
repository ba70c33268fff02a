//! What the parsers hand to the writer.

use tokio::sync::mpsc::Sender;

use super::error::ParseError;
use super::source::Format;
use crate::deployments::rules::DeploymentValues;
use crate::features::drafts::Existing;
use crate::features::rules::FeatureValues;
use crate::projects::rules::ProjectName;
use crate::test_cases::rules::TestValues;

/// A feature with what the source says of it. The source may say more of it in a later batch.
#[derive(Debug)]
pub(super) struct FeatureRecord {
    pub(super) project: ProjectName,
    pub(super) values: FeatureValues,
    pub(super) existing: Existing,
    pub(super) tests: Vec<TestValues>,
    pub(super) deployments: Vec<DeploymentValues>,
}

/// Some features, in the source's order; no feature twice, no test twice in the whole source.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) format: Format,
    pub(super) features: Vec<FeatureRecord>,
    pub(super) tests: usize,
    pub(super) deployments: usize,
    /// About how much text it holds.
    pub(super) text_bytes: usize,
    /// How much of the source had been read when it was full.
    pub(super) bytes_read: u64,
}

const FULL_FEATURES: usize = 200;
const FULL_CHILDREN: usize = 1000;
const FULL_TEXT_BYTES: usize = 4 * 1024 * 1024;

impl Batch {
    pub(super) fn new(format: Format) -> Self {
        Self { format, features: Vec::new(), tests: 0, deployments: 0, text_bytes: 0, bytes_read: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.features.len() >= FULL_FEATURES
            || self.tests >= FULL_CHILDREN
            || self.deployments >= FULL_CHILDREN
            || self.text_bytes >= FULL_TEXT_BYTES
    }

    /// Features, tests and deployments.
    pub(super) fn rows(&self) -> u64 {
        (self.features.len() + self.tests + self.deployments) as u64
    }
}

/// What goes from the reading thread to the writing task; [`Message::End`] is the last.
#[derive(Debug)]
pub(super) enum Message {
    Batch(Batch),
    End(Result<(), ParseError>),
}

/// The parsers' end of the channel.
pub(super) struct Outbox(Sender<Message>);

impl Outbox {
    pub(super) fn new(sender: Sender<Message>) -> Self {
        Self(sender)
    }

    /// Waits for room, then hands the batch over, leaving an empty one; an empty batch is not worth it.
    pub(super) fn send(&self, batch: &mut Batch, bytes_read: u64) -> Result<(), ParseError> {
        if batch.features.is_empty() {
            return Ok(());
        }
        batch.bytes_read = bytes_read;
        let full = std::mem::replace(batch, Batch::new(batch.format));
        self.0.blocking_send(Message::Batch(full)).map_err(|_| ParseError::WriterGone)
    }

    pub(super) fn end(self, result: Result<(), ParseError>) {
        // Where nobody listens any more, nobody wants to know.
        let _ = self.0.blocking_send(Message::End(result));
    }
}
