//! What a damaged backup is opened with: its header and its nonce, or those that were kept elsewhere.

use std::path::Path;

use dbseal_core::{Extent, FileKey, Header, Judgement, MAX_HEADER_LEN, PAYLOAD_NONCE_LEN, PayloadNonce};

use super::reading::{Given, Reading, Start, read_start};
use crate::error::JobError;
use crate::input::{Fifos, open_file};
use crate::journal::JournalFile;
use crate::keys::Unlock;
use crate::reason::reason;
use crate::report::Observer;

/// What opens it, if anything does.
pub(super) struct Opening {
    pub(super) file_key: FileKey,
    pub(super) header: Extent,
    /// Bytes of the file before its payload section: the header that it has, if not the one it is opened with.
    pub(super) payload_offset: u64,
    pub(super) origin: Origin,
    /// The nonce after it, if it can be read.
    pub(super) nonce: Option<PayloadNonce>,
    /// The one in the file that the header was taken from, if that goes on so far.
    pub(super) other_nonce: Option<PayloadNonce>,
}

/// Where a header was found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the backup, or in the file that was named.
    File,
    /// In the seal, which has another one than the backup.
    Seal,
}

/// Where the parts of an opening are looked for.
pub(super) struct Places<'a> {
    pub(super) reading: &'a Reading<'a>,
    /// Another file that starts as the backup did.
    pub(super) other: Option<&'a Path>,
    /// The journal of a change of its header that was stopped.
    pub(super) journal: Option<&'a JournalFile>,
    pub(super) judgement: Option<&'a Judgement<'a>>,
    pub(super) unlock: &'a Unlock<'a>,
    pub(super) observer: &'a dyn Observer,
}

impl Places<'_> {
    /// The header from the file that was named, from the journal, from the seal's copy, or from the backup.
    pub(super) fn find(&self) -> Result<Opening, JobError> {
        let what = &self.reading.input.what;
        if let Some(path) = self.other {
            let other = path.display().to_string();
            let start = read_start(open_file(path, Fifos::Refused)?, MAX_HEADER_LEN + PAYLOAD_NONCE_LEN);
            let (file_key, header) = self.open_start(&start, &other)?;
            let after = start.bytes.get(usize::try_from(header.len).unwrap_or(usize::MAX)..).unwrap_or_default();
            return self.with_nonce(file_key, header, header.len, Origin::File, after.first_chunk().copied());
        }
        let sealed = self.judgement.map(Judgement::header);
        if let Some(journal) = self.journal {
            for header in journal.headers(sealed) {
                if let Ok((file_key, header)) = self.open(&header.to_bytes(), what) {
                    return self.with_nonce(file_key, header, journal.own_header_len() as u64, Origin::File, None);
                }
            }
        }
        let start = self.reading.start(MAX_HEADER_LEN);
        let copy = self.judgement.and_then(Judgement::header_copy);
        // Where the signed header is at hand, no other will do: the storage may hold another file's.
        if let Some(copy) = copy.filter(|copy| !start.bytes.starts_with(copy))
            && let Ok((file_key, header)) = self.open(copy, what)
        {
            self.observer.warning("the header of the backup is not the one that was signed: the copy in its seal is used");
            return self.with_nonce(file_key, header, header.len, Origin::Seal, None);
        }
        let (file_key, header) = self.open_start(&start, what)?;
        self.with_nonce(file_key, header, header.len, Origin::File, None)
    }

    fn open_start(&self, start: &Start, what: &str) -> Result<(FileKey, Extent), JobError> {
        self.open(&start.bytes, what).map_err(|error| match (error, &start.unreadable) {
            // It goes on where nothing could be read.
            (JobError::HeaderLost { .. }, Some(why)) => JobError::HeaderUnreadable { what: what.into(), why: reason(why) },
            (error, _) => error,
        })
    }

    fn open(&self, bytes: &[u8], what: &str) -> Result<(FileKey, Extent), JobError> {
        let (header, len) = Header::parse(bytes).map_err(|error| JobError::HeaderLost { what: what.into(), error })?;
        let identities = self.unlock.identities_for(&header, what, self.observer)?;
        let file_key = header.unwrap(&identities).map_err(|error| JobError::Unwrap { what: what.into(), error })?;
        Ok((file_key, Extent::of(&bytes[..len])))
    }

    fn with_nonce(
        &self,
        file_key: FileKey,
        header: Extent,
        payload_offset: u64,
        origin: Origin,
        other_nonce: Option<[u8; PAYLOAD_NONCE_LEN]>,
    ) -> Result<Opening, JobError> {
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        if self.reading.len < payload_offset + nonce.len() as u64 {
            return Err(JobError::NothingSalvaged(self.reading.input.what.clone()));
        }
        let given = self.reading.read_at(&mut nonce, payload_offset, PAYLOAD_NONCE_LEN)?;
        let nonce = (given == Given::Whole).then(|| PayloadNonce::from_bytes(nonce));
        Ok(Opening { file_key, header, payload_offset, origin, nonce, other_nonce: other_nonce.map(PayloadNonce::from_bytes) })
    }
}
