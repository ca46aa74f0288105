//! The seal that is replaced together with its backup: until that was replaced too, it keeps a second name.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dbseal_core::{Extent, MAX_SEAL_LEN, Seal, Trust};
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::age_file::header_of;
use crate::destination::{Overwrite, Privacy};
use crate::entry::FolderEntry;
use crate::error::JobError;
use crate::output::{CompleteFile, PendingFile};
use crate::sealing::{SEAL_ENDING, seal_path};
use crate::unfinished::Role;
use crate::verify::read_seal;

/// What the second name ends with. A job that is killed before it ends leaves it.
const ENDING: &str = ".replaced";

/// See the module.
pub(crate) struct Replaced {
    seal: FolderEntry,
    kept: FolderEntry,
}

impl Replaced {
    /// Keeps the seal that `new` is about to replace; `None` where there is none, or none may be replaced.
    ///
    /// # Errors
    /// It cannot be kept: it would be gone for good.
    pub(crate) fn keep(new: &CompleteFile, backup: &Path) -> Result<Option<Self>, JobError> {
        if new.overwrite() == Overwrite::Refused {
            return Ok(None);
        }
        let seal = new.entry();
        let kept = seal.beside(ENDING);
        let mut kept_path = new.path().as_os_str().to_owned();
        kept_path.push(ENDING);
        let kept_path = PathBuf::from(kept_path);
        match seal.link_to(&kept) {
            // Before the name that it has is another's.
            Ok(()) => kept.sync_if_readable(),
            // A job before was killed, or the power was cut: after the seal was replaced, or after the backup was too.
            Err(Errno::EXIST | Errno::NOENT) if is_seal_of(&kept_path, backup) && !is_seal_of(new.path(), backup) => {}
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => {
                kept.remove();
                if error != Errno::EXIST || seal.link_to(&kept).is_err() {
                    copy(&seal, new.path(), kept.clone(), &kept_path)?;
                } else {
                    kept.sync_if_readable();
                }
            }
        }
        Ok(Some(Self { seal, kept }))
    }

    /// The one that a job has left beside a backup.
    pub(crate) fn left_beside(backup: &FolderEntry) -> Self {
        let seal = backup.beside(SEAL_ENDING);
        Self { kept: seal.beside(ENDING), seal }
    }

    /// The backup was replaced too.
    pub(crate) fn forget(self) {
        self.kept.remove();
        self.kept.sync_if_readable();
    }

    /// Neither is to be replaced.
    pub(crate) fn put_back(self) -> Result<(), Errno> {
        self.seal.replace_by(&self.kept)?;
        // Two names of one file are left as they are by a rename.
        self.forget();
        Ok(())
    }
}

/// The seal that was kept while this backup was to be replaced, if it is still there: then it may be the one of what is there.
pub(crate) fn replaced_seal(backup: &Path) -> Option<PathBuf> {
    Some(kept_path(backup)).filter(|path| path.is_file())
}

/// Refuses before hours of work where a folder lies in the place of what is to be kept.
pub(crate) fn check_keepable(backup: &Path) -> Result<(), JobError> {
    let path = kept_path(backup);
    if path.is_dir() { Err(JobError::write(&path.display().to_string(), io::ErrorKind::IsADirectory.into())) } else { Ok(()) }
}

fn kept_path(backup: &Path) -> PathBuf {
    let mut name = seal_path(backup).into_os_string();
    name.push(ENDING);
    name.into()
}

/// What to do about it.
pub(crate) fn replaced_words(path: &Path) -> String {
    format!(
        "{} is there: a job that was stopped while it replaced this backup leaves it, and it may be the seal of what is here; \
         see with dbseal verify --seal, and put it back if it is",
        path.display()
    )
}

/// Keeps a seal where it can have no second name: on a file system that has none (FAT), or where it is another user's (proc(5),
/// `protected_hardlinks`).
fn copy(seal: &FolderEntry, path: &Path, kept: FolderEntry, kept_path: &Path) -> Result<(), JobError> {
    let failed = |error| JobError::open(path, error);
    // What a link there leads to would become readable to all who read seals.
    let before = match seal.open(OFlags::RDONLY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        before => before.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    (&before).take(MAX_SEAL_LEN as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    Seal::parse(&bytes).map_err(|error| JobError::Seal { what: path.display().to_string(), error })?;
    let mut file = PendingFile::create_at(Role::Change, kept, kept_path, Privacy::Shared, Overwrite::Allowed)?;
    file.write_all(&bytes)?;
    // Its owner alone may not be ours to give.
    let _ = file.set_owner_of(&before);
    file.commit()
}

/// Whether there is a seal at `path`, and the backup has the header that it says.
pub(crate) fn is_seal_of(path: &Path, backup: &Path) -> bool {
    let seal = read_seal(path).ok().flatten().and_then(|bytes| Seal::parse(&bytes).ok());
    let header = header_of(backup).map(|header| Extent::of(&header.to_bytes()));
    seal.is_some_and(|seal| Some(seal.judge(&Trust::default()).header()) == header)
}
