//! A small file of JSON that is kept from one run to the next.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::de::DeserializeOwned;

use crate::error::JobError;

/// What is in the file, of which `max_len` bytes are read at most, and what the file is; `None` where there is none.
///
/// # Errors
/// A file that cannot be read; `not_one` of its path for one that holds something else.
pub(crate) fn load<T: DeserializeOwned>(
    path: &Path,
    max_len: u64,
    not_one: impl FnOnce(PathBuf) -> JobError,
) -> Result<Option<(T, Metadata)>, JobError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| JobError::open(path, error))?,
    };
    let metadata = file.metadata().map_err(|error| JobError::open(path, error))?;
    let mut text = Vec::new();
    file.take(max_len).read_to_end(&mut text).map_err(|error| JobError::read(&path.display().to_string(), error))?;
    let state = serde_json::from_slice(&text).map_err(|_| not_one(path.into()))?;
    Ok(Some((state, metadata)))
}

/// Waits until nobody else has the lock of a state, which is a file beside it: the state itself is replaced. It goes with what is
/// returned.
///
/// # Errors
/// A folder that cannot be written to.
pub(crate) fn lock(state: &Path) -> Result<File, JobError> {
    let path = state.with_extension("lock");
    let lock = File::options().create(true).append(true).open(&path).map_err(|error| JobError::Create { path: path.clone(), error })?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| JobError::Create { path, error: error.into() })?;
    Ok(lock)
}
