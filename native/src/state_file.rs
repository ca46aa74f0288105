//! A small file that is kept from one run to the next.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::error::JobError;

/// What is in the file, of which `max_len` bytes are read at most, and what the file is; `None` where there is none.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn load(path: &Path, max_len: u64) -> Result<Option<(Vec<u8>, Metadata)>, JobError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| JobError::open(path, error))?,
    };
    let metadata = file.metadata().map_err(|error| JobError::open(path, error))?;
    let mut text = Vec::new();
    file.take(max_len).read_to_end(&mut text).map_err(|error| JobError::read(&path.display().to_string(), error))?;
    Ok(Some((text, metadata)))
}

/// Waits until nobody else has the lock of a state, which is a file beside it: the state itself is replaced. It goes with what is
/// returned.
///
/// # Errors
/// A folder that cannot be written to.
pub(crate) fn lock(state: &Path) -> Result<File, JobError> {
    // Added to the whole name: a state that is called `x.lock` is not its own lock.
    let mut path = state.to_path_buf().into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let lock = File::options().create(true).append(true).open(&path).map_err(|error| JobError::Create { path: path.clone(), error })?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| JobError::Create { path, error: error.into() })?;
    Ok(lock)
}
