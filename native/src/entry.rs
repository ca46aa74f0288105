//! A name in a folder that is held open: whoever may move or replace the folder cannot lead output elsewhere.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    Access, AtFlags, CWD, Mode, OFlags, RenameFlags, accessat, fstat, linkat, openat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use crate::destination::folder_of;

/// See the module.
#[derive(Clone)]
pub(crate) struct FolderEntry {
    folder: Arc<OwnedFd>,
    name: OsString,
}

impl FolderEntry {
    /// The entry that a path names.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = Arc::new(rustix::fs::open(folder_of(path), flags, Mode::empty())?);
        Ok(Self { folder, name: path.file_name().unwrap_or_default().into() })
    }

    /// A temporary name in the same folder.
    pub(crate) fn partial(&self) -> Self {
        let name = self.name.to_string_lossy();
        // Short enough for a name of any length that is allowed itself.
        let start: String = name.chars().take(40).collect();
        let number = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        Self { folder: Arc::clone(&self.folder), name: format!(".{start}.{number:016x}.dbseal-partial").into() }
    }

    /// A new file without a name in this folder.
    pub(crate) fn create_unnamed(&self, mode: Mode) -> Result<File, Errno> {
        openat(&self.folder, ".", OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, mode).map(File::from)
    }

    /// A new file of this name.
    pub(crate) fn create(&self, mode: Mode) -> Result<File, Errno> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
        openat(&self.folder, &self.name, flags, mode).map(File::from)
    }

    /// The regular file of this name; not one that a link there leads to, and a FIFO is not waited for.
    pub(crate) fn open(&self, access: OFlags) -> io::Result<File> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.folder, &self.name, flags, Mode::empty())?))
    }

    /// Whether the file of this name can be written to.
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        Ok(accessat(&self.folder, &self.name, Access::WRITE_OK, AtFlags::EACCESS)?)
    }

    /// Whether names can be given in its folder.
    pub(crate) fn check_folder_writable(&self) -> io::Result<()> {
        Ok(accessat(&self.folder, ".", Access::WRITE_OK, AtFlags::EACCESS)?)
    }

    /// Whether this file has the name.
    pub(crate) fn is_name_of(&self, file: &File) -> io::Result<bool> {
        let (own, there) = (fstat(file)?, statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW)?);
        Ok((own.st_dev, own.st_ino) == (there.st_dev, there.st_ino))
    }

    /// Gives the name to a file that has none yet, unless it is taken.
    pub(crate) fn link(&self, unnamed: &Path) -> Result<(), Errno> {
        linkat(CWD, unnamed, &self.folder, &self.name, AtFlags::SYMLINK_FOLLOW)
    }

    /// Moves a file here, in place of one of this name.
    pub(crate) fn replace_by(&self, partial: &Self) -> Result<(), Errno> {
        renameat(&partial.folder, &partial.name, &self.folder, &self.name)
    }

    /// Moves a file here, unless the name is taken.
    pub(crate) fn take(&self, partial: &Self) -> Result<(), Errno> {
        match renameat_with(&partial.folder, &partial.name, &self.folder, &self.name, RenameFlags::NOREPLACE) {
            // Not every file system can rename without replacing; a hard link never replaces.
            Err(Errno::INVAL | Errno::NOSYS) => {
                match linkat(&partial.folder, &partial.name, &self.folder, &self.name, AtFlags::empty()) {
                    Ok(()) => {
                        partial.remove(); // a second name that stays does no harm
                        Ok(())
                    }
                    // And some have no links (object stores): there, two jobs that end at once under one name are not told apart.
                    Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) if !self.is_taken() => self.replace_by(partial),
                    result => result,
                }
            }
            result => result,
        }
    }

    /// The entry in the same folder whose name is this one and an ending.
    pub(crate) fn beside(&self, ending: &str) -> Self {
        let mut name = self.name.clone();
        name.push(ending);
        Self { folder: Arc::clone(&self.folder), name }
    }

    /// Gives what lies here a second name, unless that is taken.
    pub(crate) fn link_to(&self, other: &Self) -> Result<(), Errno> {
        linkat(&self.folder, &self.name, &other.folder, &other.name, AtFlags::empty())
    }

    fn is_taken(&self) -> bool {
        !matches!(statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT))
    }

    pub(crate) fn remove(&self) {
        let _ = unlinkat(&self.folder, &self.name, AtFlags::empty());
    }

    /// Removes it, if it is there, and says where that fails.
    pub(crate) fn try_remove(&self) -> io::Result<()> {
        match unlinkat(&self.folder, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts the folder's names on disk. A folder that may only be written to cannot be opened; then all of the file system
    /// that `file` lies in is synced.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        match self.open_folder() {
            Ok(folder) => match folder.sync_all() {
                // Some file systems cannot sync a folder; nothing can be done there.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                result => result,
            },
            Err(_) => Ok(rustix::fs::syncfs(file)?),
        }
    }

    /// Puts the folder's names on disk where that is possible: for a change that does no harm when a crash undoes it.
    pub(crate) fn sync_if_readable(&self) {
        let _ = self.open_folder().map(|folder| folder.sync_all());
    }

    fn open_folder(&self) -> Result<File, Errno> {
        openat(&self.folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map(File::from)
    }
}

impl PartialEq for FolderEntry {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.folder, &other.folder) && self.name == other.name
    }
}
