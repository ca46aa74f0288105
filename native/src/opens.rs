//! Which backups a key still opens, from their headers and final chunks alone.

use std::path::Path;

use dbseal_core::{Header, Identity, UnwrapError};

use crate::age_file::headers_of;
use crate::error::JobError;
use crate::input::open_regular;
use crate::target::check_payload;

/// Whether one of these identities opens a backup: its header, and by the file key in there its first chunk and its final one. What lies
/// between is not looked at.
///
/// # Errors
/// A file that cannot be read, or is no age file; a header that was altered, or that is another backup's.
pub fn opens(backup: &Path, identities: &[Identity]) -> Result<bool, JobError> {
    let file = open_regular(backup).map_err(|error| JobError::open(backup, error))?;
    let (headers, own_len) = headers_of(backup, &file)?;
    let mut altered = None;
    for header in &headers {
        match header.unwrap(identities) {
            Ok(file_key) => {
                // Armor has to be decoded up to its end for that.
                if let Some(own_len) = own_len {
                    check_payload(&file, &backup.display().to_string(), own_len, &file_key)?;
                }
                return Ok(true);
            }
            Err(UnwrapError::NoMatch) => {}
            Err(error) => altered = Some(JobError::Unwrap { what: backup.display().to_string(), error }),
        }
    }
    altered.map_or(Ok(false), Err)
}

/// The header of a backup, through its journal if there is one.
pub(crate) fn header(backup: &Path) -> Result<Header, JobError> {
    let file = open_regular(backup).map_err(|error| JobError::open(backup, error))?;
    headers_of(backup, &file).map(|(mut headers, _)| headers.remove(0))
}
