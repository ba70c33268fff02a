//! Whether a file is what was written.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::BackupError;

/// A file, and what it must be.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// How much is read at once.
const PIECE: usize = 256 * 1024;

impl Expected {
    /// Sees that the file is what it must be.
    ///
    /// # Errors
    /// When it cannot be read, or was changed.
    pub(super) fn check(&self) -> Result<(), BackupError> {
        self.copy_to(&mut std::io::sink(), &mut |_| {})
    }

    /// Copies the file, and sees that it is what it must be. `progress` is told of each piece.
    ///
    /// # Errors
    /// When it cannot be read or written, or was changed; what was copied until then must not be used.
    pub(super) fn copy_to(&self, to: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> Result<(), BackupError> {
        let (size, sha256) = sum(&self.path, to, progress)?;
        let what = if size != self.size {
            format!("it has {size} bytes, and its manifest says {}", self.size)
        } else if sha256 != self.sha256 {
            format!("its SHA-256 is {sha256}, and its manifest says {}", self.sha256)
        } else {
            return Ok(());
        };
        Err(BackupError::Changed { path: self.path.clone(), what })
    }
}

/// The size and the SHA-256 of a file, which is copied on the way.
pub(super) fn sum(
    path: &Path,
    to: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<(u64, String), BackupError> {
    let mut file = File::open(path).map_err(BackupError::file(path))?;
    let (mut hasher, mut size, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = file.read(&mut piece).map_err(BackupError::file(path))?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
        to.write_all(&piece[..read]).map_err(BackupError::file(path))?;
        size += read as u64;
        progress(size);
    }
    let digest = hasher.finalize();
    let hexadecimal = digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok((size, hexadecimal))
}
