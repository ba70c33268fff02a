//! The folders of backups: how one comes to be there as a whole, and which there are.
//!
//! **Invariant:** what is being written has a name that begins with a dot, and gets its own when all of it is on the disk; what a
//! killed process left is swept away by the next one that writes there. Only the user who made it may read it.

use std::fs::{DirBuilder, File as Handle, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::checksum::sum;
use super::error::BackupError;
use super::manifest::{File, Kind, MANIFEST, Manifest};

/// A backup that is being written. Dropped, it is gone.
pub(super) struct Unfinished {
    folder: PathBuf,
    finished: PathBuf,
    /// Held as long as somebody writes; the kernel lets go of it with the process.
    _lock: Handle,
    is_finished: bool,
}

/// A folder that has the name of a backup.
#[derive(Debug)]
pub struct Listed {
    /// Where it is.
    pub path: PathBuf,
    /// What it is, as far as that can be read.
    pub manifest: Result<Manifest, BackupError>,
}

/// What the folders are called, before the time.
const PREFIX: &str = "throughline-";
/// What the folder of an unfinished one ends with.
const UNFINISHED: &str = ".unfinished";

/// The backups of a folder, the oldest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(parent: &Path) -> Result<Vec<Listed>, BackupError> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(parent).map_err(BackupError::file(parent))? {
        let path = entry.map_err(BackupError::file(parent))?.path();
        let is_named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if is_named && path.join(MANIFEST).is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths.into_iter().map(|path| Listed { manifest: Manifest::read(&path), path }).collect())
}

impl Unfinished {
    /// Begins a backup in a folder, which is made where it does not exist.
    pub(super) fn begin(parent: &Path, kind: Kind, at: DateTime<Utc>) -> Result<Self, BackupError> {
        let mut private = DirBuilder::new();
        private.mode(0o700);
        if !parent.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(BackupError::file(parent))?;
        }
        // Until this one holds its own lock, nobody else may sweep. Where folders cannot be locked, as on some network file systems,
        // nothing is swept.
        let turn = Handle::open(parent).map_err(BackupError::file(parent))?;
        if turn.lock().is_ok() {
            sweep(parent);
        }
        // The times of two are never equal in a name, or the later one is refused.
        let name = format!("{PREFIX}{}-{}", at.format("%Y%m%dT%H%M%S%.3fZ"), kind.word());
        let folder = parent.join(format!(".{name}{UNFINISHED}"));
        private.create(&folder).map_err(BackupError::file(&folder))?;
        let lock = Handle::open(&folder).map_err(BackupError::file(&folder))?;
        let _ = lock.try_lock();
        Ok(Self { folder, finished: parent.join(name), _lock: lock, is_finished: false })
    }

    /// An empty file of this name within it, that nobody else may read.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, BackupError> {
        let path = self.folder.join(name);
        create_private(&path)?;
        Ok(path)
    }

    /// Brings a file to the disk, and sums it up.
    pub(super) fn sum_up(&self, name: &str) -> Result<File, BackupError> {
        let path = self.folder.join(name);
        sync(&path)?;
        let (size, sha256) = sum(&path, &mut std::io::sink(), &mut |_| {})?;
        Ok(File { name: name.to_owned(), size, sha256 })
    }

    /// Gives it its name, when all of it is on the disk.
    pub(super) fn finish(mut self, manifest: &Manifest) -> Result<PathBuf, BackupError> {
        let path = self.folder.join(MANIFEST);
        let text =
            serde_json::to_string_pretty(manifest).map_err(|error| BackupError::Interrupted(error.to_string()))?;
        let mut file = create_private(&path)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(BackupError::file(&path))?;
        sync(&self.folder)?;
        std::fs::rename(&self.folder, &self.finished).map_err(BackupError::file(&self.finished))?;
        self.is_finished = true;
        if let Some(parent) = self.finished.parent() {
            sync(parent)?;
        }
        Ok(self.finished.clone())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            // Best effort: the next backup sweeps what stays.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Makes a file that is not there, for this user alone.
pub(super) fn create_private(path: &Path) -> Result<Handle, BackupError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(BackupError::file(path))
}

/// Brings a file, or the names in a folder, to the disk.
pub(super) fn sync(path: &Path) -> Result<(), BackupError> {
    let path = if path == Path::new("") { Path::new(".") } else { path };
    Handle::open(path).and_then(|file| file.sync_all()).map_err(BackupError::file(path))
}

/// Sweeps away what processes have left that were killed. Best effort.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !(name.starts_with(&format!(".{PREFIX}")) && name.ends_with(UNFINISHED)) {
            continue;
        }
        let Ok(folder) = Handle::open(entry.path()) else { continue };
        match folder.try_lock() {
            Ok(()) => {
                tracing::info!(folder = %entry.path().display(), "an unfinished backup is swept away");
                let _ = std::fs::remove_dir_all(entry.path());
            }
            // Somebody writes it.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_swept_and_what_is_written_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let written = Unfinished::begin(parent.path(), Kind::Sqlite, "2026-11-29T06:00:00Z".parse().unwrap()).unwrap();
        let left = parent.path().join(".throughline-20261129T050000.000Z-sqlite.unfinished");
        std::fs::create_dir(&left).unwrap();
        let other = Unfinished::begin(parent.path(), Kind::Sqlite, "2026-11-29T06:00:01Z".parse().unwrap()).unwrap();
        assert!(!left.exists());
        assert!(written.folder.exists() && other.folder.exists());
        assert!(list(parent.path()).unwrap().is_empty());
        drop((written, other));
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
