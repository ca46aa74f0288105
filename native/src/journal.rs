//! The journal beside a backup whose header is being replaced (SEAL.md, "The journal").

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use dbseal_core::{Extent, FileKey, Found, Header, Journal, MAX_JOURNAL_LEN, Seal, Trust};

use crate::error::JobError;
use crate::input::{Input, Source, open_regular};
use crate::output::CompleteFile;
use crate::report::Observer;
use crate::rewrap::{Act, AfterSeal, RewrapRequest, Way};
use crate::target::{At, Target};
use crate::verify::read_seal;

/// What the name of a journal ends with, after that of its backup.
const ENDING: &str = ".journal";

/// A change of a header that is about to be made.
pub(crate) struct Change<'a> {
    pub(crate) header: &'a Header,
    pub(crate) new: &'a Header,
    pub(crate) seal: AfterSeal,
}

/// What was done to a backup whose change had been stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finished {
    Nothing,
    /// Its header was written.
    InPlace,
    /// It is another file now.
    ByCopy,
}

/// The journal that lies beside a backup, and is about it as it is now.
pub(crate) struct JournalFile {
    journal: Journal,
    found: Found,
    /// The header of the file, where it is neither of both and looks whole: one that is half written does so seldom, and one beside which
    /// somebody has put a journal does so too.
    other: Option<Header>,
}

impl JournalFile {
    /// Whether there is one, whatever it says.
    pub(crate) fn is_beside(backup: &Path) -> bool {
        path_of(backup).exists()
    }

    /// The one beside a backup that starts as this file does, and has the header that its seal says, if there is one; of any other nothing is
    /// believed.
    pub(crate) fn beside(backup: &Path, file: &File, sealed: Option<Extent>) -> Option<Self> {
        let mut bytes = Vec::new();
        open_regular(&path_of(backup)).ok()?.take(MAX_JOURNAL_LEN as u64 + 1).read_to_end(&mut bytes).ok()?;
        let journal = Journal::parse(&bytes)?;
        let mut start = Vec::new();
        At { file, offset: 0 }.take(journal.start_len() as u64).read_to_end(&mut start).ok()?;
        let found = journal.found_in(&start)?;
        let own_len = journal.header_len(found);
        let parsed = || Header::parse(&start).ok().filter(|(_, len)| *len == own_len).map(|(header, _)| header);
        let other = if found == Found::Both { parsed() } else { None };
        let this = Self { journal, found, other };
        sealed.is_none_or(|sealed| this.has(sealed)).then_some(this)
    }

    /// The same, where the file has not the header that its seal says: anybody who can write beside a backup that is whole could else have it
    /// read as another.
    pub(crate) fn needed(backup: &Path, file: &File, sealed: Option<Extent>) -> Option<Self> {
        let journal = Self::beside(backup, file, sealed)?;
        let own = match journal.found {
            Found::Before => Some(journal.journal.before()),
            Found::After => Some(journal.journal.after()),
            Found::Both => journal.other.as_ref(),
        };
        let is_sealed = own.is_some_and(|own| sealed == Some(Extent::of(&own.to_bytes())));
        (!is_sealed).then_some(journal)
    }

    /// The one that is needed for the file of a job, if that is a regular file; tells of it.
    pub(crate) fn of(source: &Source, input: &Input, sealed: Option<Extent>, observer: &dyn Observer) -> Option<Self> {
        let Source::File(backup) = source else { return None };
        let journal = input.regular.and_then(|_| Self::needed(backup, &input.file, sealed))?;
        journal.tell(&input.what, observer);
        Some(journal)
    }

    /// Says that there is one.
    pub(crate) fn tell(&self, what: &str, observer: &dyn Observer) {
        observer.warning(&format!("{what}: a change of its recipients was stopped; dbseal rewrap finishes it"));
    }

    /// Bytes in the header that the file has: behind them its payload begins.
    pub(crate) fn own_header_len(&self) -> usize {
        self.journal.header_len(self.found)
    }

    /// The headers that the backup may have: the one that its seal says, or the one that the file has. Where no seal says which, and the file has
    /// neither whole, each that opens.
    pub(crate) fn headers(&self, sealed: Option<Extent>) -> Vec<&Header> {
        let (before, after) = (self.journal.before(), self.journal.after());
        let is_sealed = |header: &&Header| sealed == Some(Extent::of(&header.to_bytes()));
        match ([after, before].into_iter().find(is_sealed), self.found) {
            (Some(header), _) => vec![header],
            (None, Found::Before) => vec![before],
            (None, Found::After) => vec![after],
            (None, Found::Both) => [before, after].into_iter().chain(&self.other).collect(),
        }
    }

    /// Whether one of both is the header with this extent.
    pub(crate) fn has(&self, header: Extent) -> bool {
        [self.journal.before(), self.after()].into_iter().any(|own| Extent::of(&own.to_bytes()) == header)
    }

    /// The header that it had.
    pub(crate) fn before(&self) -> &Header {
        self.journal.before()
    }

    /// Brings the change of this journal to its end.
    pub(crate) fn complete(&self, target: &Target, change: &Change<'_>, way: Way) -> Result<(), JobError> {
        let seal = if let AfterSeal::Says(bytes) = &change.seal { Some(target.new_seal(bytes)?) } else { None };
        target.check_unchanged()?;
        if way == Way::InPlace && change.new.len() == self.own_header_len() {
            write(target, change.new)?;
            seal.map(CompleteFile::commit).transpose()?;
        } else {
            let copy = (!self.has_whole(change.new)).then(|| target.copy_with(change.new, self.own_header_len())).transpose()?;
            seal.map(CompleteFile::commit).transpose()?;
            // Held until the journal has gone, hence the return.
            let _locked = copy.as_ref().map(CompleteFile::lock).transpose()?;
            copy.map(CompleteFile::commit).transpose()?;
            return remove(target);
        }
        remove(target)
    }

    /// The header that it gets.
    pub(crate) fn after(&self) -> &Header {
        self.journal.after()
    }

    /// Whether the file has neither of both whole.
    pub(crate) fn is_torn(&self) -> bool {
        self.found == Found::Both
    }

    /// Replaces a header by one of the same length, and the seal after it. A crash at any point leaves the old header, or the new one, or a
    /// journal that has both.
    pub(crate) fn replace(target: &Target, change: &Change<'_>) -> Result<(), JobError> {
        // All that can fail for want of room does so before the backup is touched.
        let seal = if let AfterSeal::Says(bytes) = &change.seal { Some(target.new_seal(bytes)?) } else { None };
        target.check_unchanged()?;
        put(target, change)?;
        write(target, change.new)?;
        match seal {
            Some(seal) => seal.commit()?,
            None if matches!(change.seal, AfterSeal::Gone) => target.remove_seal()?,
            None => {}
        }
        remove(target)
    }

    /// Replaces a backup by a copy that has the new header. A crash at any point leaves the old file or the new one, and a journal where the
    /// seal is not that of the one that is there.
    pub(crate) fn replace_by_copy(target: &Target, change: &Change<'_>) -> Result<(), JobError> {
        let copy = target.copy_with(change.new, change.header.len())?;
        let seal = if let AfterSeal::Says(bytes) = &change.seal { Some(target.new_seal(bytes)?) } else { None };
        // It has taken as long as the backup is large.
        target.check_unchanged()?;
        match seal {
            Some(seal) => {
                let _locked = copy.lock()?;
                put(target, change)?;
                // First: with the journal at hand, the header that it says can be put before the backup without who signed it.
                seal.commit()?;
                copy.commit()?;
                remove(target)
            }
            None => {
                if matches!(change.seal, AfterSeal::Gone) {
                    // First: beside a new header the old seal would say that it was altered.
                    target.remove_seal()?;
                }
                copy.commit()
            }
        }
    }

    /// Brings a change to its end, or back to its beginning, that was stopped in the middle, as the seal says, or as the file is where it has
    /// one header whole. Only with a key that opens the backup: anybody who can write to the storage could have written the journal.
    pub(crate) fn finish(
        target: &Target,
        request: &RewrapRequest,
        sealed: Option<Extent>,
        observer: &dyn Observer,
    ) -> Result<Finished, JobError> {
        if !Self::is_beside(&target.path) {
            return Ok(Finished::Nothing);
        }
        let not_believed = || observer.warning(&format!("{}: the journal beside it is not about it, and is not believed", target.what));
        let Some(own) = Self::beside(&target.path, &target.file, sealed) else {
            not_believed();
            return Ok(Finished::Nothing);
        };
        if own.other.as_ref().is_some_and(|other| other.unwrap(&request.identities).is_ok()) {
            not_believed();
            return Ok(Finished::Nothing);
        }
        let (journal, own_header_len) = (&own.journal, own.own_header_len());
        let keys = [journal.before(), journal.after()].into_iter().filter_map(|header| header.unwrap(&request.identities).ok());
        let Some(key) = keys.into_iter().find(|key| is_of(journal, key)) else {
            if own.is_torn() {
                return Err(JobError::Unfinished(target.what.clone()));
            }
            // The one that the file has is judged as any other; what lies beside it with a header of somebody else is not its journal.
            not_believed();
            return Ok(Finished::Nothing);
        };
        target.check_payload(own_header_len, &key)?;
        if request.act == Act::Pretend {
            return Err(JobError::Unfinished(target.what.clone()));
        }
        observer.note(&format!("{}: a change of its recipients that was stopped is finished first", target.what));
        let is_sealed = |header: &&Header| sealed == Some(Extent::of(&header.to_bytes()));
        let wanted = match [journal.after(), journal.before()].into_iter().find(is_sealed) {
            Some(header) => Some(header),
            None => own.is_torn().then_some(journal.after()),
        };
        let wanted = wanted.filter(|wanted| !own.has_whole(wanted));
        let by_copy = wanted.is_some_and(|wanted| wanted.len() != own_header_len || request.way == Way::Copy && !own.is_torn());
        // Until the journal has gone.
        let _copied;
        let finished = match wanted {
            Some(wanted) if by_copy => {
                let copy = target.copy_with(wanted, own_header_len)?;
                _copied = Some(copy.lock()?);
                copy.commit()?;
                Finished::ByCopy
            }
            Some(wanted) => {
                write(target, wanted)?;
                Finished::InPlace
            }
            None => Finished::Nothing,
        };
        remove(target)?;
        Ok(finished)
    }

    /// Removes what lies beside a backup as its journal, and was dealt with or not believed.
    pub(crate) fn discard(target: &Target) -> Result<(), JobError> {
        if Self::is_beside(&target.path) { remove(target) } else { Ok(()) }
    }

    fn has_whole(&self, header: &Header) -> bool {
        match self.found {
            Found::Before => self.journal.before() == header,
            Found::After => self.journal.after() == header,
            Found::Both => false,
        }
    }
}

/// Whether both headers are those of this file key, by their MACs.
fn is_of(journal: &Journal, key: &FileKey) -> bool {
    [journal.before(), journal.after()].into_iter().all(|header| header.is_of(key))
}

/// The header that a backup has by its seal, whoever signed that; `None` where there is none.
pub(crate) fn sealed_header(seal: &Path) -> Result<Option<Extent>, JobError> {
    let Some(bytes) = read_seal(seal)? else { return Ok(None) };
    let seal = Seal::parse(&bytes).map_err(|error| JobError::Seal { what: seal.display().to_string(), error })?;
    Ok(Some(seal.judge(&Trust::default()).header()))
}

/// Puts the journal of a change beside a backup, in the place of any other: that one was dealt with.
fn put(target: &Target, change: &Change<'_>) -> Result<(), JobError> {
    let mut file = target.create_beside(ENDING)?;
    file.write_all(&Journal::of(change.header.clone(), change.new.clone()).to_bytes())?;
    file.commit()
}

fn write(target: &Target, header: &Header) -> Result<(), JobError> {
    let written = target.file.write_all_at(&header.to_bytes(), 0).and_then(|()| target.file.sync_data());
    written.map_err(|error| JobError::write(&target.what, error))
}

/// One that stayed would have the old header, for who has the old key.
fn remove(target: &Target) -> Result<(), JobError> {
    target.remove_beside(ENDING)
}

fn path_of(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(ENDING);
    name.into()
}
