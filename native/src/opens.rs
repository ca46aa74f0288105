//! Which backups a key still opens, from their headers and final chunks alone.

use std::path::Path;

use dbseal_core::{FileKey, Header, Identity, UnwrapError};

use crate::age_file::headers_of;
use crate::checked_payload::check_payload;
use crate::error::JobError;
use crate::input::open_regular;

/// Whether one of these identities opens a backup: its header, and by the file key in there its first chunk and its final one. What lies
/// between is not looked at.
///
/// # Errors
/// A file that cannot be read, or is no age file; a header that was altered, or that is another backup's.
pub fn opens(backup: &Path, identities: &[Identity]) -> Result<bool, JobError> {
    let file = open_regular(backup).map_err(|error| JobError::open(backup, error))?;
    let (headers, own_len) = headers_of(backup, &file)?;
    let what = backup.display().to_string();
    // Armor has to be decoded up to its end for that.
    let check = |file_key: &FileKey| own_len.map_or(Ok(()), |own_len| check_payload(&file, &what, own_len, file_key).map(drop));
    one_opens(&headers, identities, &what, check).map(|opened| opened.is_some())
}

/// Which of the headers that a backup may have one of these identities opens, and `check` the payload by the file key in there.
pub(crate) fn one_opens(
    headers: &[Header],
    identities: &[Identity],
    what: &str,
    check: impl Fn(&FileKey) -> Result<(), JobError>,
) -> Result<Option<usize>, JobError> {
    let mut why = None;
    for (index, header) in headers.iter().enumerate() {
        let opened = match header.unwrap(identities) {
            Ok(file_key) => check(&file_key),
            Err(UnwrapError::NoMatch) => continue,
            Err(error) => Err(JobError::Unwrap { what: what.into(), error }),
        };
        match opened {
            Ok(()) => return Ok(Some(index)),
            Err(error) => why = why.or(Some(error)),
        }
    }
    why.map_or(Ok(None), Err)
}
