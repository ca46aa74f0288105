//! A damaged backup under another name than its seal says: it was renamed, it is another one, or the seal is another backup's.

use dbseal_core::{Extent, Judgement, MAX_HEADER_LEN};

use super::reading::{Reading, read_start};
use super::{Keep, SalvageRequest};
use crate::against_seal::{SealPolicy, other_name};
use crate::error::JobError;
use crate::input::{Fifos, open_file};
use crate::report::Observer;

/// The name in the seal, where the backup has another. That is refused where the seal is believed, since what is believed because of a
/// seal has to be what was asked for; else it is told.
pub(super) fn check_name(
    request: &SalvageRequest<'_>,
    judgement: &Judgement<'_>,
    reading: &Reading<'_>,
    observer: &dyn Observer,
) -> Result<Option<String>, JobError> {
    let Some(sealed) = other_name(judgement, &request.backup).map(ToString::to_string) else { return Ok(None) };
    let what = reading.input.what.clone();
    let other = if has_other_header(request, judgement.header(), reading)? {
        JobError::OthersSeal { what, sealed: sealed.clone() }
    } else {
        JobError::Renamed { what, sealed: sealed.clone() }
    };
    let is_believed = request.keep == Keep::Sealed || request.seal.policy == SealPolicy::Trusted;
    if is_believed && !request.seal.names.allow(&sealed) {
        return Err(other);
    }
    observer.warning(&other.to_string());
    Ok(Some(sealed))
}

/// Whether the backup starts with another header than the one that was signed, and so does the file that was named for its header, if one
/// was. Of one that ends within it, or cannot be read so far, nobody knows.
fn has_other_header(request: &SalvageRequest<'_>, sealed: Extent, reading: &Reading<'_>) -> Result<bool, JobError> {
    let len = usize::try_from(sealed.len).map_or(MAX_HEADER_LEN, |len| len.min(MAX_HEADER_LEN));
    let is_other = |bytes: &[u8]| bytes.get(..len).is_some_and(|header| Extent::of(header) != sealed);
    let named = request.header.as_deref().map(|path| open_file(path, Fifos::Refused)).transpose()?;
    Ok(is_other(&reading.start(len).bytes) && named.is_none_or(|file| is_other(&read_start(file, len).bytes)))
}
