//! Copies of an SQLite file, while others write to it.
//!
//! `VACUUM INTO` reads the file as of one moment and writes what is in it into a new one. With a write-ahead log nobody waits for it; the
//! log only grows until it is done. Nothing gets into the copy but what is there: no page that is free, none of the bytes that a row
//! has left in a page, which a copy of the pages would take along where the file is older than its `secure_delete`.
//!
//! **Invariant:** at the place of a restored database is nothing, or all of it on the disk.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::census::Census;
use super::checksum::Expected;
use super::error::BackupError;
use super::folder::{create_private, sync};
use super::manifest::Kind;
use super::restored::{Webhooks, mark_restored};
use super::{Progress, on_a_thread, on_a_watched_thread, watch};
use crate::database::{Database, PoolOptions};
use crate::write_transaction::{Inspection, Others};

/// Copies the file of the URL to `to`, an empty file, and counts what is in it.
pub(super) async fn copy(
    url: &str,
    to: &Path,
    pool: &PoolOptions,
    progress: Progress<'_>,
) -> Result<Census, BackupError> {
    let (from, target) = (Kind::sqlite_path(url)?, to.to_owned());
    let total = std::fs::metadata(&from).map_err(BackupError::file(&from))?.len();
    let lock_timeout = pool.lock_timeout;
    let look = || std::fs::metadata(to).map_or(0, |metadata| metadata.len());
    watch(on_a_thread(move || vacuum(&from, &target, lock_timeout)), look, total, progress).await?;
    let copied = open(to).await?;
    let inspection = Inspection::begin(&copied, Others::MayWrite).await?;
    let census = Census::take(&inspection).await?;
    inspection.roll_back().await?;
    copied.close().await?;
    Ok(census)
}

fn vacuum(from: &Path, to: &Path, lock_timeout: Duration) -> Result<(), BackupError> {
    // It is opened for writing, as an index of the write-ahead log has to be; a file that is not there is not made.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(lock_timeout)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// Makes the file of the URL from one of a backup.
pub(super) async fn restore(
    from: &Expected,
    url: &str,
    webhooks: Webhooks,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    let path = Kind::sqlite_path(url)?;
    refuse_what_is_there(&path)?;
    let beside = Beside::of(&path);
    copy_checked(from, &beside.0, progress).await?;
    let database = open(&beside.0).await?;
    let marked = mark_restored(&database, webhooks).await;
    database.close().await?;
    marked?;
    sync(&beside.0)?;
    refuse_what_is_there(&path)?;
    // Unlike a renaming, it fails where there is something by now.
    std::fs::hard_link(&beside.0, &path).map_err(BackupError::file(&path))?;
    drop(beside);
    sync(path.parent().unwrap_or(Path::new(".")))
}

/// Copies the file of a backup into a folder, to try it out there. Gives its URL.
pub(super) async fn restore_into(
    from: &Expected,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<String, BackupError> {
    let path = folder.join(Kind::Sqlite.file_name());
    copy_checked(from, &path, progress).await?;
    Ok(url_of(&path))
}

async fn copy_checked(from: &Expected, to: &Path, progress: Progress<'_>) -> Result<(), BackupError> {
    let (from, mut file, total) = (from.clone(), create_private(to)?, from.size);
    let work = move |done: &AtomicU64| from.copy_to(&mut file, &mut |bytes| done.store(bytes, Ordering::Relaxed));
    on_a_watched_thread(work, total, progress).await
}

/// The URL of a file, whatever its name is.
fn url_of(path: &Path) -> String {
    format!("sqlite://{}", path.display().to_string().replace('%', "%25").replace('?', "%3F"))
}

/// The log of a file that was there would be taken for the log of the one that is to be there.
fn refuse_what_is_there(path: &Path) -> Result<(), BackupError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let path = with_suffix(path, suffix);
        if path.symlink_metadata().is_ok() {
            return Err(BackupError::NotEmpty { found: path.display().to_string() });
        }
    }
    Ok(())
}

async fn open(path: &Path) -> Result<Database, BackupError> {
    let pool = PoolOptions { max_connections: 1, ..PoolOptions::default() }.unhurried();
    Ok(Database::connect(&url_of(path), &pool).await?)
}

/// A file beside that of the database, which is gone when it is dropped.
struct Beside(PathBuf);

impl Beside {
    fn of(path: &Path) -> Self {
        Self(with_suffix(path, &format!("-restoring-{}", uuid::Uuid::now_v7().simple())))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(with_suffix(&self.0, suffix));
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
