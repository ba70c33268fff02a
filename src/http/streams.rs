//! What stays open for as long as a client likes: WebSockets and event streams. They are no requests that a stop could wait for,
//! so they are told of it.

use tokio::sync::watch;

/// The streams of one server. Cloning is cheap, and clones share them.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    stopping: watch::Sender<bool>,
}

/// One stream, for as long as the value lives.
#[derive(Debug)]
pub(super) struct OpenStream(watch::Receiver<bool>);

impl Streams {
    /// Tells all streams to end, and those that are still to come.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until none is left.
    pub async fn ended(&self) {
        self.stopping.closed().await;
    }

    pub(super) fn open(&self) -> OpenStream {
        OpenStream(self.stopping.subscribe())
    }
}

impl OpenStream {
    /// Waits until it is to end.
    pub(super) async fn stopped(&mut self) {
        // Without a server nobody will serve it either.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}
