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
use crate::rewrap::{Act, AfterSeal, RewrapRequest, Target};
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
pub(crate) struct JournalFile(Journal);

impl JournalFile {
    /// The one beside a backup that starts as this file does; of any other nothing is believed.
    pub(crate) fn beside(backup: &Path, file: &File) -> Option<Self> {
        let mut bytes = Vec::new();
        open_regular(&path_of(backup)).ok()?.take(MAX_JOURNAL_LEN as u64 + 1).read_to_end(&mut bytes).ok()?;
        let journal = Journal::parse(&bytes)?;
        let mut start = vec![0; journal.header_len()];
        file.read_exact_at(&mut start, 0).ok()?;
        journal.is_about(&start).then_some(Self(journal))
    }

    /// The one beside the file of a job, if that is a regular file.
    pub(crate) fn of(source: &Source, input: &Input) -> Option<Self> {
        let Source::File(backup) = source else { return None };
        input.regular.and_then(|_| Self::beside(backup, &input.file))
    }

    /// The header that the backup has: by its seal, which is changed last, or the one before.
    pub(crate) fn header(&self, sealed: Option<Extent>) -> &Header {
        if sealed == Some(Extent::of(&self.0.after().to_bytes())) { self.0.after() } else { self.0.before() }
    }

    /// Whether it is one of its two.
    pub(crate) fn has(&self, header: Extent) -> bool {
        [self.0.before(), self.0.after()].into_iter().any(|own| Extent::of(&own.to_bytes()) == header)
    }

    /// The one that it gets.
    pub(crate) fn after(&self) -> &Header {
        self.0.after()
    }

    /// Replaces a header by one of the same length, and the seal after it. A crash at any point leaves the old header, or the new one, or a
    /// journal that has both.
    pub(crate) fn replace(target: &Target, change: &Change<'_>) -> Result<(), JobError> {
        let journal = Journal::of(change.header.clone(), change.new.clone()).expect("one that fits has the same length");
        // All that can fail for want of room does so before the backup is touched.
        let seal = if let AfterSeal::Says(bytes) = &change.seal { Some(target.new_seal(bytes)?) } else { None };
        let mut file = PendingFile::create_as(Role::Report, &path_of(&target.path), Privacy::Shared, Overwrite::Refused)?;
        file.write_all(&journal.to_bytes())?;
        file.commit()?;
        write(target, change.new)?;
        match seal {
            Some(seal) => seal.commit()?,
            None if matches!(change.seal, AfterSeal::Gone) => target.remove_seal(),
            None => {}
        }
        remove(target);
        Ok(())
    }

    /// Brings a change to its end, or back to its beginning, that was stopped in the middle. Only with a key that opens the backup: anybody
    /// who can write to the storage could have written the journal.
    pub(crate) fn finish(target: &Target, request: &RewrapRequest, observer: &dyn Observer) -> Result<(), JobError> {
        if !path_of(&target.path).exists() {
            return Ok(());
        }
        let Some(Self(journal)) = Self::beside(&target.path, &target.file) else {
            observer.warning(&format!("{}: the journal beside it is not about it, and is not looked at", target.what));
            return Ok(());
        };
        let unfinished = || JobError::Unfinished(target.what.clone());
        let key = [journal.before(), journal.after()].into_iter().find_map(|header| header.unwrap(&request.identities).ok());
        let key = key.filter(|key| is_of(&journal, key)).ok_or_else(unfinished)?;
        let header = if is_sealed_before(target, &journal) { journal.before() } else { journal.after() };
        target.check_payload(header, &key)?;
        if request.act == Act::Do {
            write(target, header)?;
            remove(target);
        }
        observer.note(&format!("{}: a change of its recipients that was stopped is finished first", target.what));
        Ok(())
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
