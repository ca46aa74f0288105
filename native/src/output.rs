//! Where output goes, and how a file gets its name only when it is complete and on disk.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::child::Command;
use crate::error::JobError;
use crate::write_back::{WriteBack, drop_cached};

/// Where a job's output goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A file, which gets its name when it is complete. A device or a FIFO of that name is written to as it is.
    File {
        /// Its name.
        path: PathBuf,
        /// Whether it may replace one.
        overwrite: Overwrite,
    },
    /// Standard output, which cannot be taken back.
    Stdout,
    /// The standard input of a command, which is killed before that closes when anything fails.
    Into(Command),
}

/// Whether an existing file may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and the job is refused.
    Refused,
    /// It is replaced when the new one is complete.
    Allowed,
}

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Whoever the umask lets: for what is encrypted or public.
    Shared,
    /// The owner only: for plaintext and keys.
    Owner,
}

impl Destination {
    /// Refuses a file that cannot become the output, before the first byte is read.
    pub(crate) fn check(&self) -> Result<(), JobError> {
        match self {
            Self::File { path, overwrite } if !is_stream(path) => Self::check_file(path, *overwrite),
            _ => Ok(()),
        }
    }

    pub(crate) fn check_file(path: &Path, overwrite: Overwrite) -> Result<(), JobError> {
        match path.symlink_metadata() {
            Ok(_) if path.is_dir() => Err(JobError::OutputIsFolder(path.into())),
            Ok(metadata) if !(metadata.is_file() || metadata.is_symlink()) => Err(JobError::NotAFile(path.into())),
            Ok(_) if overwrite == Overwrite::Refused => Err(JobError::OutputExists(path.into())),
            // Replacing the link would leave what it points to as it was, under the name that people look at.
            Ok(metadata) if metadata.is_symlink() => Err(JobError::NotAFile(path.into())),
            _ if path.file_name().is_none() || ends_with_slash(path) => Err(JobError::NotAFile(path.into())),
            _ => folder_of(path).metadata().map(|_| ()).map_err(|error| JobError::Create { path: path.into(), error }),
        }
    }
}

/// Whether the path names something that is written to as it is: a terminal, `/dev/null`, a tape, a FIFO.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_char_device() || metadata.file_type().is_fifo())
}

fn ends_with_slash(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// A file without a name, or with a temporary one where the file system cannot do without. Dropped, it is gone.
pub(crate) struct PendingFile {
    file: File,
    role: Role,
    path: PathBuf,
    overwrite: Overwrite,
    /// The temporary name, where there had to be one.
    partial: Option<PathBuf>,
    write_back: Option<WriteBack>,
    what: String,
}

impl PendingFile {
    pub(crate) fn create(path: &Path, privacy: Privacy, overwrite: Overwrite) -> Result<Self, JobError> {
        Self::create_as(Role::Output, path, privacy, overwrite)
    }

    /// A file that tells how the job went: it can be made, and replaces the one before, after [`abandon_unfinished`] too.
    pub(crate) fn create_report(path: &Path) -> Result<Self, JobError> {
        Self::create_as(Role::Report, path, Privacy::Shared, Overwrite::Allowed)
    }

    fn create_as(role: Role, path: &Path, privacy: Privacy, overwrite: Overwrite) -> Result<Self, JobError> {
        Destination::check_file(path, overwrite)?;
        let failed = |error| JobError::Create { path: path.into(), error };
        let (file, partial) = create_unnamed_or_partial(role, path, privacy).map_err(failed)?;
        let write_back = Some(WriteBack::start(&file).map_err(failed)?);
        Ok(Self { file, role, path: path.into(), overwrite, partial, write_back, what: path.display().to_string() })
    }

    /// Appends. May wait for the disk.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), JobError> {
        self.file.write_all(bytes).and_then(|()| self.wrote(bytes.len())).map_err(|error| JobError::write(&self.what, error))
    }

    /// Writes at an offset in bytes; from any thread. May wait for the disk.
    pub(crate) fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), JobError> {
        self.file.write_all_at(bytes, offset).and_then(|()| self.wrote(bytes.len())).map_err(|error| JobError::write(&self.what, error))
    }

    fn wrote(&self, len: usize) -> io::Result<()> {
        self.write_back.as_ref().map_or(Ok(()), |write_back| write_back.wrote(len))
    }

    /// Puts everything on disk, and only then gives the file its name.
    pub(crate) fn commit(mut self) -> Result<(), JobError> {
        let result = self.write_back.take().map_or(Ok(()), WriteBack::finish).and_then(|()| self.file.sync_all());
        result.map_err(|error| JobError::write(&self.what, error))?;
        drop_cached(&self.file, 0, None);
        // Opened before the name is there: what comes after cannot take it back.
        let folder = File::open(folder_of(&self.path));
        let mut files = Partials::lock_for(self.role);
        self.name().map_err(|error| match error {
            Errno::EXIST => JobError::OutputExists(self.path.clone()),
            error => JobError::write(&self.what, error.into()),
        })?;
        files.committed |= self.role == Role::Output;
        if let Some(partial) = self.partial.take() {
            files.paths.retain(|path| *path != partial);
        }
        // The name itself is on disk only when its folder is. One that may only be written to cannot be opened; then all of the
        // file system is synced.
        let synced = match folder {
            Ok(folder) => folder.sync_all(),
            Err(_) => rustix::fs::syncfs(&self.file).map_err(io::Error::from),
        };
        match synced {
            // Some file systems cannot sync a folder; nothing can be done there.
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(JobError::NameNotOnDisk { path: self.path.clone(), error }),
            _ => Ok(()),
        }
    }

    fn name(&self) -> Result<(), Errno> {
        match (&self.partial, self.overwrite) {
            (None, Overwrite::Refused) => self.link_to(&self.path),
            (None, Overwrite::Allowed) => {
                let partial = partial_name(&self.path);
                self.link_to(&partial)?;
                rustix::fs::rename(&partial, &self.path).inspect_err(|_| drop(std::fs::remove_file(&partial)))
            }
            (Some(partial), Overwrite::Allowed) => rustix::fs::rename(partial, &self.path),
            (Some(partial), Overwrite::Refused) => match rustix::fs::renameat_with(CWD, partial, CWD, &self.path, RenameFlags::NOREPLACE) {
                // Not every file system can rename without replacing; a hard link never replaces.
                Err(Errno::INVAL | Errno::NOSYS) => match rustix::fs::link(partial, &self.path) {
                    Ok(()) => {
                        let _ = rustix::fs::unlink(partial); // a second name does no harm
                        Ok(())
                    }
                    // And some have no links (object stores): there, two jobs that end at once under one name are not told apart.
                    Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) if self.path.symlink_metadata().is_err() => {
                        rustix::fs::rename(partial, &self.path)
                    }
                    result => result,
                },
                result => result,
            },
        }
    }

    fn link_to(&self, path: &Path) -> Result<(), Errno> {
        rustix::fs::linkat(CWD, self_fd_path(&self.file), CWD, path, AtFlags::SYMLINK_FOLLOW)
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.take() {
            let _ = std::fs::remove_file(&partial);
            Partials::lock().paths.retain(|path| *path != partial);
        }
    }
}

/// The name through which the kernel links an unnamed file (open(2), `O_TMPFILE`).
fn self_fd_path(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn create_unnamed_or_partial(role: Role, path: &Path, privacy: Privacy) -> io::Result<(File, Option<PathBuf>)> {
    let mode = match privacy {
        Privacy::Shared => 0o666,
        Privacy::Owner => 0o600,
    };
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder_of(path), flags, Mode::from_raw_mode(mode)).map(File::from) {
        Ok(file) if self_fd_path(&file).exists() => return Ok((file, None)),
        // The file system does not know unnamed files (NFS, FAT), or /proc is not there to name them by.
        Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    let partial = partial_name(path);
    let mut files = Partials::lock_for(role);
    let file = File::options().read(true).write(true).create_new(true).mode(mode).open(&partial)?;
    files.paths.push(partial.clone());
    Ok((file, Some(partial)))
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn partial_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Short enough for a name of any length that is allowed itself.
    let start: String = name.chars().take(40).collect();
    folder_of(path).join(format!(".{start}.{:016x}.dbseal-partial", getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))))
}

/// What a file is to a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Output,
    Report,
}

/// The temporary names that exist, for whoever has to end the process at once.
struct Partials {
    paths: Vec<PathBuf>,
    /// Whether an output has its name.
    committed: bool,
    /// Whether none may get one any more.
    abandoned: bool,
}

static PARTIALS: Mutex<Partials> = Mutex::new(Partials { paths: Vec::new(), committed: false, abandoned: false });

impl Partials {
    fn lock() -> MutexGuard<'static, Self> {
        PARTIALS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To make or name a file. An output that was abandoned gets no further than here: who abandoned it ends the process.
    fn lock_for(role: Role) -> MutexGuard<'static, Self> {
        let files = Self::lock();
        if files.abandoned && role == Role::Output {
            drop(files);
            loop {
                std::thread::park();
            }
        }
        files
    }
}

/// Removes all unfinished output, and keeps any from getting its name from now on; `false` where the output has its name
/// already, so that the job is as good as done. For a signal handler that ends the process next.
#[must_use]
pub fn abandon_unfinished() -> bool {
    let mut files = Partials::lock();
    if files.committed {
        return false;
    }
    files.abandoned = true;
    for path in &files.paths {
        let _ = std::fs::remove_file(path);
    }
    true
}
