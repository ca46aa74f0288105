//! A backup whose header is to be replaced, and what takes its place or that of its seal: all of it in the folder where it was found.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dbseal_core::{FileKey, Header, Seal, SealError, UnwrapError};
use rustix::fs::OFlags;

use crate::against_seal::SealPolicy;
use crate::age_file::AgeFile;
use crate::checked_payload::{At, CheckedPayload, check_payload};
use crate::destination::{Overwrite, Privacy, folder_of};
use crate::entry::FolderEntry;
use crate::error::JobError;
use crate::input::RegularFile;
use crate::output::{CompleteFile, PendingFile};
use crate::reason::is_denied;
use crate::replaced::{Replaced, replaced_seal};
use crate::rewrap::{Act, Way};
use crate::sealing::{SEAL_ENDING, seal_path};
use crate::unfinished::Role;
use crate::verify::read_seal;

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
            entry.check_folder_writable().map_err(|error| JobError::write(&folder_of(path).display().to_string(), error))?;
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

    /// The same after it was written to by us, or another was put in its place.
    pub(crate) fn open_again(&mut self, act: Act) -> Result<(), JobError> {
        // First, or the lock would be in the way of itself.
        if self.entry.is_name_of(&self.file).map_err(|error| JobError::open(&self.path, error))? {
            self.seen = seen(&self.file.metadata().map_err(|error| JobError::open(&self.path, error))?);
        } else {
            *self = Self::open(&self.path, act)?;
        }
        Ok(())
    }

    /// How a header is replaced by one of another length, if this was asked for. Where the file has other names, in a snapshot made of links,
    /// those keep theirs.
    pub(crate) fn way_for(&self, own_header_len: usize, header_len: usize, asked: Way) -> Way {
        if asked == Way::InPlace && own_header_len == header_len && !self.has_links { Way::InPlace } else { Way::Copy }
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
        JobError::Seal { what: self.seal_path().display().to_string(), error }
    }

    /// A seal that breaks a rule and one that is as long as they get are not the same to who is to mend it.
    pub(crate) fn append_error(&self, error: SealError) -> JobError {
        match error {
            SealError::TooManyNotes | SealError::TooLong => JobError::SealFull(self.what.clone()),
            error => self.seal_error(error),
        }
    }

    pub(crate) fn unwrap_error(&self, error: UnwrapError) -> JobError {
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

    /// Refuses to copy a file of next to nothing that takes years, where nobody who is trusted vouches for its length.
    pub(crate) fn check_way(&self, way: Way, policy: SealPolicy) -> Result<(), JobError> {
        if way == Way::Copy && policy != SealPolicy::Trusted { self.check_not_sparse() } else { Ok(()) }
    }

    /// Bytes in the file.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// See [`RegularFile::check_not_sparse`].
    pub(crate) fn check_not_sparse(&self) -> Result<(), JobError> {
        let regular = RegularFile::of(&self.file).map_err(|error| JobError::read(&self.what, error))?;
        regular.map_or(Ok(()), |regular| regular.check_not_sparse(&self.what))
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
