//! A file without a name for an answer on its way: nobody else finds it, and nothing of it stays.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::{Fault, Place};

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Creates one among the temporary files, for this process alone.
pub(crate) fn create() -> io::Result<File> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("levada-import-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    // What a killed process of the same number left behind holds nothing of ours.
    let _ = std::fs::remove_file(&path);
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Why it cannot be written or read.
pub(crate) fn fault(place: Place, error: &io::Error) -> Fault {
    Fault::new(place, format!("the temporary file fails: {error}"))
        .hint("free space, or name another folder in TMPDIR")
}
