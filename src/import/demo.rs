//! Data to look at: the web platform's features, which the program carries with it. See `demo/NOTICE.md`.

use super::{ImportError, ImportOptions, NoProgress, Report, Source, import};
use crate::access::Caller;
use crate::database::Database;

static WEB_FEATURES: &[u8] = include_bytes!("../../demo/web-features.ndjson");

/// Imports the demo: 50 projects, 1,204 features, 15,487 tests and 6,850 deployments. A second time changes nothing but
/// what was changed in between.
///
/// # Errors
/// When the database fails; nothing was changed then.
pub async fn import_demo(database: &Database, caller: &Caller) -> Result<Report, ImportError> {
    let source = Source::new("demo/web-features.ndjson", WEB_FEATURES);
    import(database, caller, source, &ImportOptions::default(), NoProgress).await
}
