//! Which backups a key still opens, from their headers alone.

use std::path::Path;

use dbseal_core::{Header, Identity, UnwrapError};

use crate::age_file::{AgeFile, header_of, headers_of};
use crate::error::JobError;
use crate::input::open_regular;

/// Whether one of these identities opens a backup. Its header is authentic then; its payload is not looked at.
///
/// # Errors
/// A file that cannot be read, or is no age file; a header that was altered.
pub fn opens(backup: &Path, identities: &[Identity]) -> Result<bool, JobError> {
    let first = header(backup)?.unwrap(identities);
    // By a journal it may have one of two.
    if first.is_ok() || headers_of(backup).iter().skip(1).any(|header| header.unwrap(identities).is_ok()) {
        return Ok(true);
    }
    match first {
        Err(error) if error != UnwrapError::NoMatch => Err(JobError::Unwrap { what: backup.display().to_string(), error }),
        _ => Ok(false),
    }
}

/// The header of a backup, through its journal if there is one.
pub(crate) fn header(backup: &Path) -> Result<Header, JobError> {
    let file = open_regular(backup).map_err(|error| JobError::open(backup, error))?;
    match header_of(backup) {
        Some(header) => Ok(header),
        // Why it has none.
        None => AgeFile::read(file, &backup.display().to_string()).map(|file| file.header),
    }
}
