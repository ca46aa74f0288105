//! The journal beside a backup whose header is being replaced in place (SEAL.md, "The journal").

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use dbseal_core::{Extent, FileKey, Header, Journal, MAX_JOURNAL_LEN, Seal, Trust};

use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::input::{Input, Source, open_regular};
use crate::output::PendingFile;
use crate::report::Observer;
use crate::rewrap::{Act, AfterSeal, At, RewrapRequest, Target, Way};
use crate::unfinished::Role;
use crate::verify::read_seal;

/// What the name of a journal ends with, after that of its backup.
const ENDING: &str = ".journal";

/// A change of a header that is about to be made.
pub(crate) struct Change<'a> {
    pub(crate) header: &'a Header,
    pub(crate) new: &'a Header,
    pub(crate) seal: AfterSeal,
}

/// The journal that lies beside a backup, and is about it as it is now.
pub(crate) struct JournalFile {
    journal: Journal,
    own_header_len: usize,
}

impl JournalFile {
    /// The one beside a backup that starts as this file does; of any other nothing is believed.
    pub(crate) fn beside(backup: &Path, file: &File) -> Option<Self> {
        let mut bytes = Vec::new();
        open_regular(&path_of(backup)).ok()?.take(MAX_JOURNAL_LEN as u64 + 1).read_to_end(&mut bytes).ok()?;
        let journal = Journal::parse(&bytes)?;
        let mut start = Vec::new();
        At { file, offset: 0 }.take(journal.start_len() as u64).read_to_end(&mut start).ok()?;
        let own_header_len = journal.own_header_len(&start)?;
        Some(Self { journal, own_header_len })
    }

    /// Bytes in the header that the file has: behind them its payload begins.
    pub(crate) fn own_header_len(&self) -> usize {
        self.own_header_len
    }

    /// The one beside the file of a job, if that is a regular file.
    pub(crate) fn of(source: &Source, input: &Input) -> Option<Self> {
        let Source::File(backup) = source else { return None };
        input.regular.and_then(|_| Self::beside(backup, &input.file))
    }

    /// The header that the backup has: by its seal, which is changed last, or the one before.
    pub(crate) fn header(&self, sealed: Option<Extent>) -> &Header {
        if sealed == Some(Extent::of(&self.after().to_bytes())) { self.after() } else { self.journal.before() }
    }

    /// Whether it is one of its two.
    pub(crate) fn has(&self, header: Extent) -> bool {
        [self.journal.before(), self.after()].into_iter().any(|own| Extent::of(&own.to_bytes()) == header)
    }

    /// The one that it gets.
    pub(crate) fn after(&self) -> &Header {
        self.journal.after()
    }

    /// Replaces a header by one of the same length, and the seal after it. A crash at any point leaves the old header, or the new one, or a
    /// journal that has both.
    pub(crate) fn replace(target: &Target, change: &Change<'_>) -> Result<(), JobError> {
        // All that can fail for want of room does so before the backup is touched.
        let seal = if let AfterSeal::Says(bytes) = &change.seal { Some(target.new_seal(bytes)?) } else { None };
        put(target, change)?;
        write(target, change.new)?;
        match seal {
            Some(seal) => seal.commit()?,
            None if matches!(change.seal, AfterSeal::Gone) => target.remove_seal(),
            None => {}
        }
        remove(target);
        Ok(())
    }

    /// Replaces a backup by a copy that has the new header. A crash at any point leaves the old file or the new one, and a journal where the
    /// seal is not that of the one that is there.
    pub(crate) fn replace_by_copy(target: &Target, change: &Change<'_>) -> Result<(), JobError> {
        let copy = target.copy_with(change.new, change.header.len())?;
        match &change.seal {
            AfterSeal::None => copy.commit(),
            AfterSeal::Gone => {
                // First: beside a new header the old seal would say that it was altered.
                target.remove_seal();
                copy.commit()
            }
            AfterSeal::Says(bytes) => {
                let seal = target.new_seal(bytes)?;
                put(target, change)?;
                // First: with the journal at hand, the header that it says can be put before the backup without who signed it.
                seal.commit()?;
                copy.commit()?;
                remove(target);
                Ok(())
            }
        }
    }

    /// Brings a change to its end, or back to its beginning, that was stopped in the middle. Only with a key that opens the backup: anybody
    /// who can write to the storage could have written the journal. Whether the backup is another file now.
    pub(crate) fn finish(target: &Target, request: &RewrapRequest, observer: &dyn Observer) -> Result<bool, JobError> {
        if !path_of(&target.path).exists() {
            return Ok(false);
        }
        let Some(Self { journal, own_header_len }) = Self::beside(&target.path, &target.file) else {
            observer.warning(&format!("{}: the journal beside it is not about it, and is not looked at", target.what));
            return Ok(false);
        };
        let unfinished = || JobError::Unfinished(target.what.clone());
        let key = [journal.before(), journal.after()].into_iter().find_map(|header| header.unwrap(&request.identities).ok());
        let key = key.filter(|key| is_of(&journal, key)).ok_or_else(unfinished)?;
        let header = if is_sealed_before(target, &journal) { journal.before() } else { journal.after() };
        target.check_payload(own_header_len, &key)?;
        if request.act == Act::Pretend {
            return Err(unfinished());
        }
        observer.note(&format!("{}: a change of its recipients that was stopped is finished first", target.what));
        let by_copy = header.len() != own_header_len || request.way == Way::Copy;
        if by_copy {
            target.copy_with(header, own_header_len)?.commit()?;
        } else {
            write(target, header)?;
        }
        remove(target);
        Ok(by_copy)
    }
}

/// Whether both headers are those of this file key, by their MACs.
fn is_of(journal: &Journal, key: &FileKey) -> bool {
    [journal.before(), journal.after()].into_iter().all(|header| header.is_of(key))
}

/// Whether the seal does not know of the change yet: then it did not happen.
fn is_sealed_before(target: &Target, journal: &Journal) -> bool {
    sealed_header(&target.seal_path()) == Some(Extent::of(&journal.before().to_bytes()))
}

/// The header that a backup has by its seal, whoever signed that.
pub(crate) fn sealed_header(seal: &Path) -> Option<Extent> {
    let seal = read_seal(seal).ok().flatten().and_then(|bytes| Seal::parse(&bytes).ok())?;
    Some(seal.judge(&Trust::default()).header())
}

/// Puts the journal of a change beside a backup.
fn put(target: &Target, change: &Change<'_>) -> Result<(), JobError> {
    let mut file = PendingFile::create_as(Role::Report, &path_of(&target.path), Privacy::Shared, Overwrite::Refused)?;
    file.write_all(&Journal::of(change.header.clone(), change.new.clone()).to_bytes())?;
    file.commit()
}

fn write(target: &Target, header: &Header) -> Result<(), JobError> {
    let written = target.file.write_all_at(&header.to_bytes(), 0).and_then(|()| target.file.sync_data());
    written.map_err(|error| JobError::write(&target.what, error))
}

fn remove(target: &Target) {
    let journal = target.entry.beside(ENDING);
    journal.remove();
    journal.sync_if_readable();
}

fn path_of(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(ENDING);
    name.into()
}
