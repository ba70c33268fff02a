//! How far an import has come, for whoever watches it.

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Bytes of the source whose rows have been written.
    pub bytes: u64,
    /// Bytes of the source; nothing where that is not known, as of a standard input.
    pub total: Option<u64>,
    /// Features, tests and deployments that have been written or found unchanged.
    pub rows: u64,
}

/// Watches an import. It is called after each batch, between two statements, so it should be quick.
pub trait Progress: Send + Sync {
    /// The import has come this far.
    fn advance(&self, position: Position);
}

impl<F: Fn(Position) + Send + Sync> Progress for F {
    fn advance(&self, position: Position) {
        self(position);
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn advance(&self, _position: Position) {}
}
