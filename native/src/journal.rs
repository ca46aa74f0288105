//! The journal beside a backup whose header is being replaced (SEAL.md, "The journal").

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use dbseal_core::{Extent, FileKey, Found, Header, Journal, MAX_JOURNAL_LEN, Seal, Trust};

use crate::checked_payload::At;
use crate::error::JobError;
use crate::input::{Input, Source, open_regular};
use crate::output::CompleteFile;
use crate::report::Observer;
use crate::rewrap::{Act, AfterSeal, RewrapRequest, Way};
use crate::target::Target;
use crate::verify::read_seal;

/// What the name of a journal ends with, after that of its backup.
const ENDING: &str = ".journal";

/// A change of a header that is about to be made.
pub(crate) struct Change<'a> {
    pub(crate) header: &'a Header,
    pub(crate) new: &'a Header,
    pub(crate) seal: AfterSeal,
}

/// What a backup becomes.
struct Made<'a> {
    /// Bytes in the header that the file has.
    own_header_len: usize,
    /// The header that it gets; `None` where it has that.
    header: Option<&'a Header>,
    seal: &'a AfterSeal,
    way: Way,
    journal: Beside,
}

/// The journal of a change.
enum Beside {
    /// It lies there.
    There,
    /// It is put there.
    Put(Journal),
    /// One rename is the whole change.
    Needless,
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
        Self::beside(backup, file, sealed).filter(|journal| journal.own_header().is_none_or(|own| sealed != Some(extent(own))))
    }

    /// The headers that the backup may have for who looks which of them opens: those, and behind them the one that the file has whole, which
    /// any age program reads.
    pub(crate) fn all_headers(&self, sealed: Option<Extent>) -> Vec<Header> {
        let headers = self.headers(sealed);
        let own = self.own_header().filter(|own| !headers.contains(own));
        headers.into_iter().chain(own).cloned().collect()
    }

    /// The one that is needed for the file of a job, if that is a regular file; tells of it.
    pub(crate) fn of(source: &Source, input: &Input, sealed: Option<Extent>, observer: &dyn Observer) -> Option<Self> {
        let Source::File(backup) = source else { return None };
        let journal = input.regular.and_then(|_| Self::needed(backup, &input.file, sealed))?;
        journal.tell(&input.what, observer);
        Some(journal)
    }

    /// The header that the file has, if it has one whole.
    fn own_header(&self) -> Option<&Header> {
        match self.found {
            Found::Before => Some(self.journal.before()),
            Found::After => Some(self.journal.after()),
            Found::Both => self.other.as_ref(),
        }
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
        let is_sealed = |header: &&Header| sealed == Some(extent(header));
        match ([after, before].into_iter().find(is_sealed), self.found) {
            (Some(header), _) => vec![header],
            (None, Found::Before) => vec![before],
            (None, Found::After) => vec![after],
            // First the one that is whole in the file: beside that anybody may have put a journal.
            (None, Found::Both) => self.other.iter().chain([before, after]).collect(),
        }
    }

    /// Whether one of both is the header with this extent.
    pub(crate) fn has(&self, header: Extent) -> bool {
        [self.journal.before(), self.after()].into_iter().any(|own| extent(own) == header)
    }

    /// The header that it had.
    pub(crate) fn before(&self) -> &Header {
        self.journal.before()
    }

    /// Brings the change of this journal to its end.
    pub(crate) fn complete(&self, target: &Target, change: &Change<'_>, way: Way) -> Result<(), JobError> {
        let own_header_len = self.own_header_len();
        let header = Some(change.new).filter(|new| !self.has_whole(new));
        let way = target.way_for(own_header_len, change.new.len(), way);
        make(target, &Made { own_header_len, header, seal: &change.seal, way, journal: Beside::There })
    }

    /// The header that it gets.
    pub(crate) fn after(&self) -> &Header {
        self.journal.after()
    }

    /// Whether the file has neither of both whole.
    pub(crate) fn is_torn(&self) -> bool {
        self.found == Found::Both
    }

    /// Gives a backup another header, in one of the two ways that leave its payload as it is.
    pub(crate) fn replace(target: &Target, change: &Change<'_>, way: Way) -> Result<(), JobError> {
        let is_one_rename = way != Way::InPlace && !matches!(change.seal, AfterSeal::Says(_));
        let journal = if is_one_rename { Beside::Needless } else { Beside::Put(Journal::of(change.header.clone(), change.new.clone())) };
        make(target, &Made { own_header_len: change.header.len(), header: Some(change.new), seal: &change.seal, way, journal })
    }

    /// Brings a change to its end, or back to its beginning, that was stopped in the middle, as the seal says, or as the file is where it has
    /// one header whole. Only with a key that opens the backup: anybody who can write to the storage could have written the journal, and
    /// chosen which of its headers comes after which: that it was finished does not say who opens it then.
    pub(crate) fn finish(
        target: &mut Target,
        request: &RewrapRequest,
        sealed: Option<Extent>,
        observer: &dyn Observer,
    ) -> Result<(), JobError> {
        if !Self::is_beside(&target.path) {
            return Ok(());
        }
        let not_believed = || observer.warning(&format!("{}: the journal beside it is not about it, and is not believed", target.what));
        let Some(own) = Self::beside(&target.path, &target.file, sealed) else {
            not_believed();
            return Ok(());
        };
        if own.other.as_ref().is_some_and(|other| other.unwrap(&request.identities).is_ok()) {
            not_believed();
            return Ok(());
        }
        let (journal, own_header_len) = (&own.journal, own.own_header_len());
        let keys = [journal.before(), journal.after()].into_iter().filter_map(|header| header.unwrap(&request.identities).ok());
        let Some(key) = keys.into_iter().find(|key| is_of(journal, key)) else {
            if own.is_torn() {
                return Err(JobError::Unfinished(target.what.clone()));
            }
            // The one that the file has is judged as any other; what lies beside it with a header of somebody else is not its journal.
            not_believed();
            return Ok(());
        };
        target.check_payload(own_header_len, &key)?;
        if request.act == Act::Pretend {
            return Err(JobError::Unfinished(target.what.clone()));
        }
        let is_sealed = |header: &&Header| sealed == Some(extent(header));
        let wanted = match ([journal.after(), journal.before()].into_iter().find(is_sealed), own.found) {
            (Some(sealed), _) => sealed,
            (None, Found::Before) => journal.before(),
            (None, Found::After | Found::Both) => journal.after(),
        };
        let words = if wanted == journal.after() { "finished" } else { "taken back" };
        observer.note(&format!("{}: a change of its recipients that was stopped is {words} first", target.what));
        // What is half written is written whole in its place, whatever else names it.
        let way = if own.is_torn() && wanted.len() == own_header_len {
            Way::InPlace
        } else {
            target.way_for(own_header_len, wanted.len(), request.way)
        };
        let header = Some(wanted).filter(|wanted| !own.has_whole(wanted));
        if header.is_some() {
            target.check_way(way, request.seal.policy)?;
        }
        make(target, &Made { own_header_len, header, seal: &AfterSeal::None, way, journal: Beside::There })?;
        target.open_again(request.act)
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

fn extent(header: &Header) -> Extent {
    Extent::of(&header.to_bytes())
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

/// Gives a backup its new header, and the seal that says so. A crash at any point leaves the old header or the new one, or a journal that
/// has both.
fn make(target: &Target, made: &Made<'_>) -> Result<(), JobError> {
    // All that takes long, or can fail for want of room, comes before the backup is touched.
    let copied = made.header.filter(|_| made.way != Way::InPlace);
    let copy = copied.map(|header| target.copy_with(header, made.own_header_len)).transpose()?;
    let seal = if let AfterSeal::Says(bytes) = made.seal { Some(target.new_seal(bytes)?) } else { None };
    target.check_unchanged()?;
    // Held until the journal has gone.
    let _locked = copy.as_ref().map(CompleteFile::lock).transpose()?;
    if let Beside::Put(journal) = &made.journal {
        put(target, journal)?;
    }
    let name_seal = || match (seal, made.seal) {
        (Some(seal), _) => seal.commit(),
        (None, AfterSeal::Gone) => target.remove_seal(),
        (None, _) => Ok(()),
    };
    match (copy, made.header) {
        (Some(copy), _) => {
            // First: with the journal at hand, the header that it says can be put before the backup without who signed it; and beside a new
            // header the old one would say that it was altered.
            name_seal()?;
            copy.commit()?;
        }
        (None, header) => {
            match header {
                Some(header) => write(target, header)?,
                // What is read need not be on the disk: whoever wrote it may have been killed before it was.
                None => target.file.sync_data().map_err(|error| JobError::write(&target.what, error))?,
            }
            name_seal()?;
        }
    }
    if matches!(made.journal, Beside::Needless) { Ok(()) } else { remove(target) }
}

/// Puts the journal of a change beside a backup, in the place of any other: that one was dealt with.
fn put(target: &Target, journal: &Journal) -> Result<(), JobError> {
    let mut file = target.create_beside(ENDING)?;
    file.write_all(&journal.to_bytes())?;
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
