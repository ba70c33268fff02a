//! How far a step has come, told to whoever runs it.

use std::sync::Arc;

/// Is told how many rows of how many have their value.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

tokio::task_local! {
    /// sea-orm-migration hands nothing through to a step.
    static PROGRESS: Progress;
}

/// Runs steps that tell `progress` how far they have come.
pub async fn with_progress<F: Future>(progress: Progress, steps: F) -> F::Output {
    PROGRESS.scope(progress, steps).await
}

/// Tells it, where somebody listens.
pub(crate) fn advance(done: u64, total: u64) {
    let _ = PROGRESS.try_with(|progress| progress(done, total));
}
