//! How a file gets its name only when it is complete and on disk.

use std::fs::{File, Metadata, Permissions, TryLockError};
use std::io::{self, Seek, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, copy_file_range};
use rustix::io::Errno;

use crate::destination::{Destination, Overwrite, Privacy};
use crate::entry::FolderEntry;
use crate::error::JobError;
use crate::held::hold;
use crate::unfinished::{Role, Unfinished};
use crate::write_back::{WriteBack, drop_cached};

/// Bytes that are copied from another file at a time.
const COPY_LEN: usize = 16 << 20;

/// A file without a name, or with a temporary one where the file system cannot do without. Dropped, it is gone.
pub(crate) struct PendingFile {
    file: File,
    role: Role,
    path: PathBuf,
    entry: FolderEntry,
    overwrite: Overwrite,
    /// The temporary name, where there had to be one.
    partial: Option<FolderEntry>,
    write_back: Option<WriteBack>,
    what: String,
}

impl PendingFile {
    pub(crate) fn create(path: &Path, privacy: Privacy, overwrite: Overwrite) -> Result<Self, JobError> {
        Self::create_as(Role::Output, path, privacy, overwrite)
    }

    /// A file that tells how the job went: it can be made, and replaces the one before, after [`abandon_unfinished`](crate::abandon_unfinished) too.
    pub(crate) fn create_report(path: &Path) -> Result<Self, JobError> {
        Self::create_as(Role::Report, path, Privacy::Shared, Overwrite::Allowed)
    }

    fn create_as(role: Role, path: &Path, privacy: Privacy, overwrite: Overwrite) -> Result<Self, JobError> {
        Destination::check_file(path, overwrite)?;
        let entry = FolderEntry::of(path).map_err(|error| JobError::Create { path: path.into(), error })?;
        Self::create_at(role, entry, path, privacy, overwrite)
    }

    /// A file that a job with this role for it makes, under a name in a folder that is held; `path` is what people call it.
    pub(crate) fn create_at(role: Role, entry: FolderEntry, path: &Path, privacy: Privacy, overwrite: Overwrite) -> Result<Self, JobError> {
        let failed = |error| JobError::Create { path: path.into(), error };
        let (file, partial) = create_unnamed_or_partial(role, &entry, privacy).map_err(failed)?;
        let write_back = Some(WriteBack::start(&file).map_err(failed)?);
        Ok(Self { file, role, path: path.into(), entry, overwrite, partial, write_back, what: path.display().to_string() })
    }

    /// What the file system says of it.
    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Appends. May wait for the disk.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), JobError> {
        self.file.write_all(bytes).and_then(|()| self.wrote(bytes.len())).map_err(|error| JobError::write(&self.what, error))
    }

    /// Writes at an offset in bytes; from any thread. May wait for the disk.
    pub(crate) fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), JobError> {
        self.file.write_all_at(bytes, offset).and_then(|()| self.wrote(bytes.len())).map_err(|error| JobError::write(&self.what, error))
    }

    /// Appends bytes of another file, which share its blocks where the file system can.
    pub(crate) fn append_from(&mut self, other: &File, range: Range<u64>) -> Result<(), JobError> {
        let failed = |error: io::Error| JobError::write(&self.what, error);
        let Range { start: mut at, end } = range;
        let mut own = self.file.stream_position().map_err(failed)?;
        let mut buffer = Vec::new();
        while at < end {
            let len = usize::try_from(end - at).map_or(COPY_LEN, |len| len.min(COPY_LEN));
            let copied =
                if buffer.is_empty() { copy_file_range(other, Some(&mut at), &self.file, Some(&mut own), len) } else { Err(Errno::NOSYS) };
            let copied = match copied {
                Ok(copied) => copied,
                // Another file system, or one that cannot.
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                    buffer.resize(COPY_LEN, 0);
                    other
                        .read_exact_at(&mut buffer[..len], at)
                        .and_then(|()| self.file.write_all_at(&buffer[..len], own))
                        .map_err(failed)?;
                    at += len as u64;
                    own += len as u64;
                    len
                }
                Err(error) => return Err(failed(error.into())),
            };
            if copied == 0 {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
            self.wrote(copied).map_err(failed)?;
        }
        Ok(())
    }

    /// Gives the file the owner and the rights of another one, whose place it takes.
    pub(crate) fn set_owner_of(&self, other: &File) -> Result<(), JobError> {
        let set = || {
            let (own, other) = (self.file.metadata()?, other.metadata()?);
            if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
                std::os::unix::fs::fchown(&self.file, Some(other.uid()), Some(other.gid()))?;
            }
            // No more than that: the other may be one that somebody has put there.
            self.file.set_permissions(Permissions::from_mode(other.permissions().mode() & 0o777))
        };
        set().map_err(|error: io::Error| JobError::write(&self.what, error))
    }

    /// Cuts the file to a length in bytes, or makes it longer by a hole.
    pub(crate) fn set_len(&self, len: u64) -> Result<(), JobError> {
        self.file.set_len(len).map_err(|error| JobError::write(&self.what, error))
    }

    fn wrote(&self, len: usize) -> io::Result<()> {
        self.write_back.as_ref().map_or(Ok(()), |write_back| write_back.wrote(len))
    }

    /// Puts everything on disk, still without a name.
    pub(crate) fn put_on_disk(mut self) -> Result<CompleteFile, JobError> {
        let result = self.write_back.take().map_or(Ok(()), WriteBack::finish).and_then(|()| self.file.sync_all());
        result.map_err(|error| JobError::write(&self.what, error))?;
        drop_cached(&self.file, 0, None);
        Ok(CompleteFile(self))
    }

    /// Puts everything on disk, and only then gives the file its name.
    pub(crate) fn commit(self) -> Result<(), JobError> {
        self.put_on_disk()?.commit()
    }

    fn name(&self) -> Result<(), Errno> {
        match (&self.partial, self.overwrite) {
            (None, Overwrite::Refused) => self.entry.link(&self_fd_path(&self.file)),
            (None, Overwrite::Allowed) => {
                let partial = self.entry.partial();
                partial.link(&self_fd_path(&self.file))?;
                self.entry.replace_by(&partial).inspect_err(|_| partial.remove())
            }
            (Some(partial), Overwrite::Allowed) => self.entry.replace_by(partial),
            (Some(partial), Overwrite::Refused) => self.entry.take(partial),
        }
    }
}

/// A file that is on disk, and wants only its name. Dropped, it is gone.
pub(crate) struct CompleteFile(PendingFile);

impl CompleteFile {
    /// The name that it will have, in its folder.
    pub(crate) fn entry(&self) -> FolderEntry {
        self.0.entry.clone()
    }

    /// The path that it will have.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether it may replace one of its name.
    pub(crate) fn overwrite(&self) -> Overwrite {
        self.0.overwrite
    }

    /// Keeps others from changing its recipients, while what is returned lives. Where it has a name already, whoever can read it can hold it.
    pub(crate) fn lock(&self) -> Result<File, JobError> {
        let failed = |error| JobError::write(&self.0.what, error);
        let file = self.0.file.try_clone().map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JobError::InUse(self.0.path.clone()),
            TryLockError::Error(error) => failed(error),
        })?;
        Ok(file)
    }

    /// Keeps others from changing the recipients of the one that it replaces, while what is returned lives. Not for a change of recipients
    /// itself, which holds the lock already.
    pub(crate) fn hold_replaced(&self) -> Option<File> {
        let Self(file) = self;
        (file.role == Role::Output && file.overwrite == Overwrite::Allowed).then(|| hold(&file.path))?
    }

    /// Gives the file its name.
    pub(crate) fn commit(self) -> Result<(), JobError> {
        let _held = self.hold_replaced();
        let Self(mut file) = self;
        let mut unfinished = Unfinished::lock_for(file.role);
        file.name().map_err(|error| match error {
            Errno::EXIST => JobError::OutputExists(file.path.clone()),
            error => JobError::write(&file.what, error.into()),
        })?;
        unfinished.committed(file.role, file.partial.as_ref());
        file.partial = None;
        drop(unfinished);
        // The name itself is on disk only when its folder is.
        file.entry.sync(&file.file).map_err(|error| JobError::NameNotOnDisk { path: file.path.clone(), error })
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.take() {
            Unfinished::remove(&partial);
        }
    }
}

/// The name through which the kernel links an unnamed file (open(2), `O_TMPFILE`).
fn self_fd_path(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn create_unnamed_or_partial(role: Role, entry: &FolderEntry, privacy: Privacy) -> io::Result<(File, Option<FolderEntry>)> {
    let mode = Mode::from_raw_mode(match privacy {
        Privacy::Shared => 0o666,
        Privacy::Owner => 0o600,
    });
    match entry.create_unnamed(mode) {
        Ok(file) if self_fd_path(&file).exists() => return Ok((file, None)),
        // The file system does not know unnamed files (NFS, FAT), or /proc is not there to name them by.
        Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    let partial = entry.partial();
    let mut unfinished = Unfinished::lock_for(role);
    let file = partial.create(mode)?;
    unfinished.add(partial.clone());
    Ok((file, Some(partial)))
}
