//! Copies of the whole record in files, to have it back when the database is lost.
//!
//! A backup is a folder: the database as of one moment, and a [`Manifest`] that tells what is in it. SQLite's is a file of SQLite
//! itself, PostgreSQL's an archive of the server's own `pg_dump`.
//!
//! **Invariants:** a folder has the name of a backup if and only if all of it is on the disk; a database that was restored in part is
//! never seen by a server. Where a password is needed, a program gets it by its environment, and no text holds it. What is restored
//! gives places to its events after all that were ever given, and sends nothing to webhooks until somebody says so.

pub(crate) mod census;
mod checksum;
mod error;
mod folder;
mod manifest;
mod postgres;
mod programs;
pub(crate) mod restored;
mod sqlite;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::census::Census;
pub use self::error::BackupError;
pub use self::folder::{Listed, list};
pub use self::manifest::{File, Kind, Manifest, Place};
pub use self::programs::{ProgramSettings, Server};
pub use self::restored::{Webhooks, mark_restored, send_webhooks};
pub use self::verify::{Findings, Scratch, verify};
use crate::clock;
use crate::database::PoolOptions;

/// Is told how far it has come, and how far it goes; bytes, or where a record is gone through, events.
pub type Progress<'p> = &'p (dyn Fn(u64, u64) + Sync);

/// Copies the database at `url` into a folder of its own within `parent`, while others read and write. Gives that folder.
///
/// # Errors
/// When the database cannot be read, or the files cannot be written; nothing is left then that looks like a backup.
pub async fn create(
    url: &str,
    pool: &PoolOptions,
    programs: &ProgramSettings,
    parent: &Path,
    progress: Progress<'_>,
) -> Result<(PathBuf, Manifest), BackupError> {
    let (kind, created_at) = (Kind::of(url)?, clock::now());
    let unfinished = folder::Unfinished::begin(parent, kind, created_at)?;
    let data = unfinished.file(kind.file_name())?;
    let census = match kind {
        Kind::Sqlite => sqlite::copy(url, &data, pool, progress).await?,
        Kind::Postgres => postgres::dump(url, &data, pool, programs, progress).await?,
    };
    let (unfinished, file) = on_a_thread(move || {
        let file = unfinished.sum_up(kind.file_name())?;
        Ok((unfinished, file))
    })
    .await?;
    let manifest = Manifest::new(kind, created_at, census, vec![file]);
    let folder = unfinished.finish(&manifest)?;
    Ok((folder, manifest))
}

/// Makes a database at `url` of a backup; there must be nothing there. A backup that was changed is not restored.
///
/// # Errors
/// When the backup cannot be read, or something is there, or the database cannot be made; nothing is there then.
pub async fn restore(
    backup: &Path,
    url: &str,
    programs: &ProgramSettings,
    webhooks: Webhooks,
    progress: Progress<'_>,
) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(backup)?;
    let kind = Kind::of(url)?;
    if kind != manifest.kind {
        return Err(BackupError::OtherKind { backup: manifest.kind, database: kind });
    }
    let file = manifest.data_file(backup)?;
    match kind {
        Kind::Sqlite => sqlite::restore(&file, url, webhooks, progress).await?,
        Kind::Postgres => postgres::restore(&file, url, programs, webhooks, progress).await?,
    }
    Ok(manifest)
}

/// How often it is looked how far something has come.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Does what blocks on a thread that may, and tells how far that has come.
async fn on_a_watched_thread<T: Send + 'static>(
    work: impl FnOnce(&AtomicU64) -> Result<T, BackupError> + Send + 'static,
    total: u64,
    progress: Progress<'_>,
) -> Result<T, BackupError> {
    let done = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&done);
    watch(on_a_thread(move || work(&counted)), || done.load(Ordering::Relaxed), total, progress).await
}

/// Waits for work, and tells how far that has come.
async fn watch<T>(work: impl Future<Output = T>, look: impl Fn() -> u64, total: u64, progress: Progress<'_>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(LOOK_EVERY) => progress(look().min(total), total),
        }
    }
}

/// Does what blocks on a thread that may.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => Err(BackupError::Interrupted(ended.to_string())),
    }
}
