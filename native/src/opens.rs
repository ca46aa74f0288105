//! Which backups a key still opens, from their headers alone.

use std::path::Path;

use dbseal_core::{Header, Identity, UnwrapError};

use crate::age_file::{AgeFile, header_of};
use crate::error::JobError;
use crate::input::open_regular;

/// Whether one of these identities opens a backup. Its header is authentic then; its payload is not looked at.
///
/// # Errors
/// A file that cannot be read, or is no age file; a header that was altered.
pub fn opens(backup: &Path, identities: &[Identity]) -> Result<bool, JobError> {
    let what = || backup.display().to_string();
    match header(backup)?.unwrap(identities) {
        Ok(_) => Ok(true),
        Err(UnwrapError::NoMatch) => Ok(false),
        Err(error) => Err(JobError::Unwrap { what: what(), error }),
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
