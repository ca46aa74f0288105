//! Other recipients for a backup that exists: a new header, in the place of the old one or before a copy of the payload, which stays as it
//! is; or, for one whose key others have, all of it anew.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use dbseal_core::{
    Batch, CheckedLayout, Extent, FileKey, Header, Identity, Layout, Leaving, Note, Opener, PAYLOAD_NONCE_LEN, PayloadNonce, Recipient,
    Rewrap, RewrapError, SLOT_LEN, Seal, SealError, SigningKey, Spread, Strength, UnwrapError,
};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::against_seal::{SealCheck, SealPolicy};
use crate::age_file::AgeFile;
use crate::destination::{Overwrite, Privacy};
use crate::entry::FolderEntry;
use crate::error::JobError;
use crate::input::Source;
use crate::journal::{Change, Finished, JournalFile, sealed_header};
use crate::output::{CompleteFile, PendingFile};
use crate::pace::Pace;
use crate::reencrypt::{reencrypt, take_back};
use crate::replaced::{Replaced, replaced_seal};
use crate::report::Observer;
use crate::sealing::{SEAL_ENDING, now, seal_path};
use crate::unfinished::Role;
use crate::verify::read_seal;

/// Everything that was decided about other recipients, for any number of backups.
#[derive(Debug)]
pub struct RewrapRequest {
    /// What opens them now.
    pub identities: Vec<Identity>,
    /// Who comes.
    pub recipients: Vec<Recipient>,
    /// Who leaves; with a new file key everybody does.
    pub leaving: Leaving,
    /// Whether a quantum computer may have it easier then.
    pub strength: Strength,
    /// How the header is replaced.
    pub way: Way,
    /// What becomes of a seal, which says which header a backup has.
    pub resealing: Option<Resealing>,
    /// What is asked of it before.
    pub seal: SealCheck,
    /// Whether it is done.
    pub act: Act,
    /// How many threads open and seal what is encrypted anew.
    pub threads: NonZeroUsize,
    /// How fast that is read.
    pub pace: Pace,
}

/// How a header is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In its place, where the new one fits; else as by a copy.
    InPlace,
    /// By a copy of the backup, which takes its name when it is complete.
    Copy,
    /// With all that comes after it: every chunk is opened and sealed again under a new file key, and takes the name as a copy does.
    Anew,
}

/// What becomes of the seal of a backup that gets another header.
#[derive(Debug)]
pub enum Resealing {
    /// It gets a note of that, signed with this key.
    Sign(Box<SigningKey>),
    /// It is removed.
    Drop,
}

/// Whether something is done, or only what would be is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is done.
    Do,
    /// Nothing is written.
    Pretend,
}

/// What became of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrapped {
    /// It has other recipients.
    Done {
        /// How many left.
        left_count: usize,
        /// How many came.
        added_count: usize,
        /// How.
        way: Way,
    },
    /// It had them already.
    Already,
    /// A change that was stopped before is finished, after which none of the identities opens it.
    Finished,
}

/// Gives a backup other recipients.
///
/// # Errors
/// See [`JobError`]. Whenever it fails, or the power does, the backup opens with the old keys or with the new ones.
pub fn rewrap(request: &RewrapRequest, backup: &Path, observer: &dyn Observer) -> Result<Rewrapped, JobError> {
    change(request, backup, observer).inspect_err(|error| request.seal.tell_why_refused(backup, error, observer))
}

fn change(request: &RewrapRequest, backup: &Path, observer: &dyn Observer) -> Result<Rewrapped, JobError> {
    let (mut target, source) = (Target::open(backup, request.act)?, Source::File(backup.into()));
    take_back(request, &target, observer)?;
    let is_ignored = request.seal.policy == SealPolicy::Ignored;
    let sealed = match (is_ignored, &request.resealing) {
        // What is broken goes all the same.
        (true, Some(Resealing::Drop)) => sealed_header(&target.seal_path()).ok().flatten(),
        (true, _) => sealed_header(&target.seal_path())?,
        (false, _) => request.seal.sealed_header(&source)?,
    };
    if is_ignored && sealed.is_some() && !matches!(request.resealing, Some(Resealing::Drop)) {
        return Err(JobError::SealNeedsKey(target.what));
    }
    let finished = JournalFile::finish(&target, request, sealed, observer)?;
    match finished {
        Finished::Nothing => {}
        Finished::InPlace => target.look_again()?,
        Finished::ByCopy => target = Target::open(backup, request.act)?,
    }
    let header = target.header()?;
    if header.needs_passphrase() {
        return Err(JobError::PassphraseNotKey(target.what));
    }
    let seal = request.seal.seal_for(&source, Some(&header))?;
    if request.way == Way::Anew {
        return reencrypt(request, &target, &header, seal.as_ref(), observer);
    }
    let mut rng = UnwrapErr(SysRng);
    let made = Rewrap::of(&header, &request.identities, &request.recipients, request.leaving, request.strength, &mut rng);
    let rewrap = match made {
        Ok(rewrap) => rewrap,
        Err(RewrapError::Unwrap(UnwrapError::NoMatch)) if finished != Finished::Nothing => return Ok(Rewrapped::Finished),
        Err(RewrapError::NothingChanges) => {
            // Whoever reads this may throw the old key away; with the header of another backup it has these recipients, and opens for nobody.
            let unwrapped = header.unwrap(&request.identities).map_err(|error| target.unwrap_error(error))?;
            let _ = target.check_payload(header.len(), &unwrapped)?;
            return Ok(Rewrapped::Already);
        }
        Err(error) => return Err(JobError::Rewrap { what: target.what, error }),
    };
    // That its signer made it: else somebody could have their own file signed by whoever changes the recipients of all.
    if let Some(seal) = &seal {
        let _ = request.seal.expected(seal, &target.what, rewrap.file_key(), observer)?;
    }
    target.check_payload(header.len(), rewrap.file_key())?;
    if seal.is_some() && request.resealing.is_none() {
        return Err(JobError::SealNeedsKey(target.what));
    }
    // Where the file has other names, in a snapshot made of links, those keep their header.
    let in_place = rewrap.header_of_len(header.len()).filter(|_| request.way == Way::InPlace && !target.has_links);
    let (new, way) = match in_place {
        Some(new) => (new, Way::InPlace),
        None => (rewrap.header().map_err(|error| JobError::Rewrap { what: target.what.clone(), error: error.into() })?, Way::Copy),
    };
    if request.act == Act::Do {
        let change = Change { header: &header, new: &new, seal: request.resealed(seal, &header, &new, rewrap.file_key(), &target)? };
        let replace = if way == Way::InPlace { JournalFile::replace } else { JournalFile::replace_by_copy };
        replace(&target, &change)?;
    }
    Ok(Rewrapped::Done { left_count: rewrap.left_count(), added_count: rewrap.added_count(), way })
}

impl RewrapRequest {
    /// The seal that a backup has with its new header.
    fn resealed(&self, seal: Option<Seal>, old: &Header, new: &Header, file_key: &FileKey, target: &Target) -> Result<AfterSeal, JobError> {
        let (Some(mut seal), Some(Resealing::Sign(key))) = (seal, &self.resealing) else {
            return Ok(if matches!(self.resealing, Some(Resealing::Drop)) { AfterSeal::Gone } else { AfterSeal::None });
        };
        let header = new.to_bytes();
        seal.append_rewrapped(old, new, file_key, key, now()).map_err(|error| target.seal_error(error))?;
        self.settle(&mut seal, key, &header, target)?;
        Ok(AfterSeal::Says(seal.to_bytes()))
    }

    /// Adds the note of a change to a seal, after which `header` is that of the backup.
    pub(crate) fn append(&self, seal: &mut Seal, key: &SigningKey, note: Note, header: &[u8], target: &Target) -> Result<(), JobError> {
        seal.append(note, key).map_err(|error| target.seal_error(error))?;
        self.settle(seal, key, header, target)
    }

    /// What follows a note of a new header, if it is to be believed.
    fn settle(&self, seal: &mut Seal, key: &SigningKey, header: &[u8], target: &Target) -> Result<(), JobError> {
        seal.set_header_copy(header).map_err(|error| target.seal_error(error))?;
        // Whom these trust has to be asked before: who checks the backup would else call it altered.
        if self.seal.policy == SealPolicy::Trusted && seal.judge(&self.seal.trust).header() != Extent::of(header) {
            return Err(JobError::MayNotRewrap(key.verifier_key().name().to_string()));
        }
        Ok(())
    }
}

/// What is in the place of the seal after the change.
pub(crate) enum AfterSeal {
    /// There was none.
    None,
    /// It is removed.
    Gone,
    /// This.
    Says(Vec<u8>),
}

/// A backup whose header is to be replaced, which nobody else replaces meanwhile.
pub(crate) struct Target {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) entry: FolderEntry,
    pub(crate) what: String,
    len: u64,
    /// Whether the file has other names.
    pub(crate) has_links: bool,
    /// What it was when it was opened.
    seen: Seen,
}

/// A payload whose first chunk and final one were opened.
pub(crate) struct CheckedPayload {
    pub(crate) nonce: PayloadNonce,
    pub(crate) opener: Opener,
    pub(crate) checked: CheckedLayout,
}

/// Whether somebody has to give more rights, or a file system other ones.
pub(crate) fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// By what a file is known to be the same, and unchanged: device, number, length and time.
type Seen = (u64, u64, u64, i64, i64);

fn seen(metadata: &Metadata) -> Seen {
    (metadata.dev(), metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

impl Target {
    pub(crate) fn open(path: &Path, act: Act) -> Result<Self, JobError> {
        let failed = |error| JobError::open(path, error);
        // First: all that is written lies in the folder in which the file was found, wherever its path leads by then.
        let entry = FolderEntry::of(path).map_err(failed)?;
        // A link would have another file changed than the one that people look at, and its seal lies beside that.
        let file = entry.open(if act == Act::Do { OFlags::RDWR } else { OFlags::RDONLY }).map_err(|error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => JobError::NotTheBackup(path.into()),
            // To read it may be allowed.
            _ if act == Act::Do && is_denied(&error) => JobError::write(&path.display().to_string(), error),
            _ => failed(error),
        })?;
        if act == Act::Pretend {
            entry.check_writable().map_err(|error| JobError::write(&path.display().to_string(), error))?;
        }
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(JobError::NotTheBackup(path.into()));
        }
        if act == Act::Do {
            file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => JobError::InUse(path.into()),
                TryLockError::Error(error) => failed(error),
            })?;
        }
        let (len, has_links) = (metadata.len(), metadata.nlink() > 1);
        let target = Self { file, path: path.into(), entry, what: path.display().to_string(), len, has_links, seen: seen(&metadata) };
        // Another may have replaced it before it was locked.
        target.check_unchanged()?;
        Ok(target)
    }

    /// It was written to, by us.
    fn look_again(&mut self) -> Result<(), JobError> {
        self.seen = seen(&self.file.metadata().map_err(|error| JobError::open(&self.path, error))?);
        Ok(())
    }

    /// Refuses a backup whose name another file has meanwhile, or that somebody has written to: a job that makes backups takes no lock.
    pub(crate) fn check_unchanged(&self) -> Result<(), JobError> {
        let failed = |error| JobError::open(&self.path, error);
        let now = self.path.symlink_metadata().map_err(failed)?;
        if seen(&now) == self.seen && self.entry.is_name_of(&self.file).map_err(failed)? {
            Ok(())
        } else {
            Err(JobError::InputChanged { what: self.what.clone() })
        }
    }

    pub(crate) fn seal_path(&self) -> PathBuf {
        seal_path(&self.path)
    }

    /// Its seal, if it has one.
    pub(crate) fn read_seal(&self) -> Result<Option<Seal>, JobError> {
        read_seal(&self.seal_path())?.map(|bytes| Seal::parse(&bytes)).transpose().map_err(|error| self.seal_error(error))
    }

    pub(crate) fn seal_error(&self, error: SealError) -> JobError {
        match error {
            SealError::TooManyNotes => JobError::SealFull(self.what.clone()),
            error => JobError::Seal { what: self.seal_path().display().to_string(), error },
        }
    }

    fn unwrap_error(&self, error: UnwrapError) -> JobError {
        JobError::Unwrap { what: self.what.clone(), error }
    }

    pub(crate) fn header(&self) -> Result<Header, JobError> {
        let file = AgeFile::read(io::BufReader::new(At { file: &self.file, offset: 0 }), &self.what)?;
        if file.is_armored { Err(JobError::NotRewrappable(self.what.clone())) } else { Ok(file.header) }
    }

    /// Opens the first chunk and the final one: what is to have new recipients is a backup of that file key, and whole.
    /// `header_len` is where the payload begins.
    pub(crate) fn check_payload(&self, header_len: usize, file_key: &FileKey) -> Result<CheckedPayload, JobError> {
        if self.file.metadata().map_err(|error| JobError::read(&self.what, error))?.len() != self.len {
            return Err(JobError::InputChanged { what: self.what.clone() });
        }
        check_payload(&self.file, &self.what, header_len, file_key)
    }

    /// A copy with this header in the place of its own, which has so many bytes. It is on the disk, wants only the name, and shares the
    /// payload's blocks with the backup where the file system can.
    pub(crate) fn copy_with(&self, header: &Header, own_header_len: usize) -> Result<CompleteFile, JobError> {
        let mut copy = self.create_beside("")?;
        copy.write_all(&header.to_bytes())?;
        copy.append_from(&self.file, own_header_len as u64..self.len)?;
        copy.set_owner_of(&self.file)?;
        copy.put_on_disk()
    }

    /// The new seal, which is on the disk and wants only its name.
    pub(crate) fn new_seal(&self, bytes: &[u8]) -> Result<CompleteFile, JobError> {
        let mut seal = self.create_beside(SEAL_ENDING)?;
        seal.write_all(bytes)?;
        // Those who check backups read it, whoever changes them.
        if let Ok(before) = self.entry.beside(SEAL_ENDING).open(OFlags::RDONLY) {
            seal.set_owner_of(&before)?;
        }
        seal.put_on_disk()
    }

    /// A file that is to take the name of the backup and this ending, in its folder.
    pub(crate) fn create_beside(&self, ending: &str) -> Result<PendingFile, JobError> {
        let (entry, mut path) = (self.entry.beside(ending), self.path.clone().into_os_string());
        path.push(ending);
        PendingFile::create_at(Role::Change, entry, Path::new(&path), Privacy::Shared, Overwrite::Allowed)
    }

    pub(crate) fn remove_seal(&self) -> Result<(), JobError> {
        if replaced_seal(&self.path).is_some() {
            Replaced::left_beside(&self.entry).forget();
        }
        self.remove_beside(SEAL_ENDING)
    }

    /// Removes what lies beside it, and puts that on the disk.
    pub(crate) fn remove_beside(&self, ending: &str) -> Result<(), JobError> {
        let entry = self.entry.beside(ending);
        entry.try_remove().and_then(|()| entry.sync(&self.file)).map_err(|error| JobError::write(&format!("{}{ending}", self.what), error))
    }
}

/// Opens the first chunk of a file and the final one. `header_len` is where the payload begins.
pub(crate) fn check_payload(file: &File, what: &str, header_len: usize, file_key: &FileKey) -> Result<CheckedPayload, JobError> {
    let damaged = |error| JobError::Payload { what: what.into(), error };
    let failed = |error| JobError::read(what, error);
    let offset = header_len as u64;
    let section_len =
        file.metadata().map_err(failed)?.len().checked_sub(offset).ok_or_else(|| JobError::InputChanged { what: what.into() })?;
    let layout = Layout::of_section(section_len).map_err(damaged)?;
    let mut nonce = [0; PAYLOAD_NONCE_LEN];
    let read = |bytes: &mut [u8], at| file.read_exact_at(bytes, offset + at).map_err(failed);
    read(&mut nonce, 0)?;
    let nonce = PayloadNonce::from_bytes(nonce);
    let opener = Opener::new(file_key, &nonce);
    let slot = layout.final_slot();
    let mut last = Zeroizing::new(vec![0; usize::try_from(slot.end - slot.start).expect("a chunk fits the memory")]);
    read(&mut last, slot.start)?;
    let checked = opener.check_end(layout, &mut last).map_err(damaged)?;
    if layout.chunk_count() > 1 {
        let mut batch = Batch::with_chunks(1);
        read(&mut batch.ciphertext_mut()[..SLOT_LEN], layout.slots(0, 1).start)?;
        batch.set_ciphertext_len(SLOT_LEN);
        opener.open_at(&checked, 0, &mut batch, Spread::Serial).map_err(damaged)?;
    }
    Ok(CheckedPayload { nonce, opener, checked })
}

/// A file that is read from an offset on, whatever others read.
pub(crate) struct At<'a> {
    pub(crate) file: &'a File,
    pub(crate) offset: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(bytes, self.offset)?;
        self.offset += len as u64;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Whoever may rename a folder on the way has nothing written elsewhere.
    #[test]
    fn all_that_is_written_lies_where_the_backup_was_found() {
        let folder = std::env::temp_dir().join(format!("dbseal-test-{}", std::process::id()));
        let [here, moved] = ["here", "moved"].map(|name| folder.join(name));
        fs::create_dir_all(&here).expect("a folder");
        let backup = here.join("shop.age");
        fs::write(&backup, "a backup").expect("a file");
        let target = Target::open(&backup, Act::Do).expect("a file");
        fs::rename(&here, &moved).expect("a folder");
        fs::create_dir(&here).expect("a folder");
        fs::write(&backup, "another").expect("a file");
        assert!(matches!(target.check_unchanged(), Err(JobError::InputChanged { .. })));
        for (ending, text) in [("", "new"), (".seal", "its seal")] {
            let mut file = target.create_beside(ending).expect("a file");
            file.write_all(text.as_bytes()).and_then(|()| file.commit()).expect("there is room");
        }
        let read = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).ok();
        assert_eq!(read(&moved, "shop.age").zip(read(&moved, "shop.age.seal")), Some(("new".into(), "its seal".into())));
        assert_eq!((read(&here, "shop.age"), read(&here, "shop.age.seal")), (Some("another".into()), None));
        fs::remove_dir_all(&folder).expect("it is there");
    }
}
