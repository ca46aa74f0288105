//! The seal that is replaced together with its backup: until that was replaced too, it keeps a second name.

use std::path::{Path, PathBuf};

use dbseal_core::{Extent, Seal, Trust};
use rustix::io::Errno;

use crate::age_file::header_of;
use crate::destination::Overwrite;
use crate::entry::FolderEntry;
use crate::output::CompleteFile;
use crate::sealing::seal_path;
use crate::verify::read_seal;

/// What the second name ends with. A job that is killed before it ends leaves it.
const ENDING: &str = ".replaced";

/// See the module.
pub(crate) struct Replaced {
    seal: FolderEntry,
    kept: FolderEntry,
}

impl Replaced {
    /// Keeps the seal that `new` is about to replace; `None` where there is none, or none may be replaced, or the file system has no second
    /// names.
    pub(crate) fn keep(new: &CompleteFile, backup: &Path) -> Option<Self> {
        if new.overwrite() == Overwrite::Refused {
            return None;
        }
        let seal = new.entry();
        let kept = seal.beside(ENDING);
        let mut kept_path = new.path().as_os_str().to_owned();
        kept_path.push(ENDING);
        let kept_path = PathBuf::from(kept_path);
        match seal.link_to(&kept) {
            Ok(()) => {}
            // A job before was killed, or the power was cut: after the seal was replaced, or after the backup was too.
            Err(Errno::EXIST | Errno::NOENT) if is_seal_of(&kept_path, backup) && !is_seal_of(new.path(), backup) => {}
            Err(Errno::EXIST) => {
                kept.remove();
                seal.link_to(&kept).ok()?;
            }
            Err(_) => return None,
        }
        Some(Self { seal, kept })
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
    let mut name = seal_path(backup).into_os_string();
    name.push(ENDING);
    let path = PathBuf::from(name);
    path.is_file().then_some(path)
}

/// What to do about it.
pub(crate) fn replaced_words(path: &Path) -> String {
    format!(
        "{} is there: a job that was stopped while it replaced this backup leaves it, and it may be the seal of what is here; \
         see with dbseal verify --seal, and put it back if it is",
        path.display()
    )
}

/// Whether there is a seal at `path`, and the backup has the header that it says.
fn is_seal_of(path: &Path, backup: &Path) -> bool {
    let seal = read_seal(path).ok().flatten().and_then(|bytes| Seal::parse(&bytes).ok());
    let header = header_of(backup).map(|header| Extent::of(&header.to_bytes()));
    seal.is_some_and(|seal| Some(seal.judge(&Trust::default()).header()) == header)
}
