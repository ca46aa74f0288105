//! Where output goes, and what is refused before anything is written.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::child::Command;
use crate::error::JobError;

/// Where a job's output goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A file, which gets its name when it is complete.
    File {
        /// Its name.
        path: PathBuf,
        /// Whether it may replace one.
        overwrite: Overwrite,
        /// What a device or a FIFO of that name is.
        streams: Streams,
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

/// Whether a device or a FIFO that has the name of the output is written to, as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    /// Yes: whoever named it meant it.
    Written,
    /// No: a file was meant. Whoever can write to that folder could have put it there since.
    Refused,
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
    /// Whether it is written to as it is, and cannot be taken back.
    ///
    /// # Errors
    /// A FIFO that another user made.
    pub fn is_stream(&self) -> Result<bool, JobError> {
        match self {
            Self::File { streams: Streams::Refused, .. } => Ok(false),
            Self::File { path, .. } => is_stream(path),
            Self::Stdout | Self::Into(_) => Ok(true),
        }
    }

    /// Refuses a file that cannot become the output, before the first byte is read.
    pub(crate) fn check(&self) -> Result<(), JobError> {
        match self {
            _ if self.is_stream()? => Ok(()),
            Self::File { path, overwrite, .. } => Self::check_file(path, *overwrite),
            Self::Stdout | Self::Into(_) => Ok(()),
        }
    }

    pub(crate) fn check_file(path: &Path, overwrite: Overwrite) -> Result<(), JobError> {
        match path.symlink_metadata() {
            Ok(_) if path.is_dir() => Err(JobError::OutputIsFolder(path.into())),
            Ok(metadata) if !(metadata.is_file() || metadata.is_symlink()) => Err(JobError::NotAFile(path.into())),
            Ok(_) if overwrite == Overwrite::Refused => Err(JobError::OutputExists(path.into())),
            // Replacing the link would leave what it points to as it was, under the name that people look at.
            Ok(metadata) if metadata.is_symlink() => Err(JobError::NotAFile(path.into())),
            _ if !names_a_file(path) => Err(JobError::NotAFile(path.into())),
            // A name that is too long, a folder that may not be searched: better said now than after the dump.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(JobError::Create { path: path.into(), error }),
            _ => folder_of(path).metadata().map(|_| ()).map_err(|error| JobError::Create { path: path.into(), error }),
        }
    }
}

/// Opens what is written to as it is: a terminal, `/dev/null`, a tape, a FIFO. `None` where the path names none of these.
/// Waits until somebody reads a FIFO, as a shell does.
pub(crate) fn open_stream(path: &Path) -> Result<Option<File>, JobError> {
    if !is_stream(path)? {
        return Ok(None);
    }
    let follow = if may_follow(path) { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = (follow | OFlags::NOCTTY).bits();
    let file = OpenOptions::new().write(true).custom_flags(flags.cast_signed()).open(path).map_err(|error| JobError::open(path, error))?;
    // Another thing may have that name by now; what was opened decides.
    let metadata = file.metadata().map_err(|error| JobError::open(path, error))?;
    match StreamOf::tell(path, &metadata) {
        Some(StreamOf::Us) => Ok(Some(file)),
        _ => Err(JobError::NotAFile(path.into())),
    }
}

/// Whether the path names something that is written to as it is.
fn is_stream(path: &Path) -> Result<bool, JobError> {
    let metadata = if may_follow(path) { path.metadata() } else { path.symlink_metadata() };
    match metadata.ok().and_then(|metadata| StreamOf::tell(path, &metadata)) {
        Some(StreamOf::Us) => Ok(true),
        Some(StreamOf::Others) => Err(JobError::ForeignFifo(path.into())),
        None => Ok(false),
    }
}

/// Whose a device or a FIFO is.
enum StreamOf {
    Us,
    /// A FIFO that another user made: that one reads what is written to it.
    Others,
}

impl StreamOf {
    /// `None` for anything else. What this process was given (`/dev/stdout`) may be the pipe of whoever started it.
    fn tell(path: &Path, metadata: &Metadata) -> Option<Self> {
        let file_type = metadata.file_type();
        let is_ours = || may_follow(path) || metadata.uid() == rustix::process::geteuid().as_raw();
        if file_type.is_char_device() || file_type.is_fifo() && is_ours() {
            Some(Self::Us)
        } else if file_type.is_fifo() {
            Some(Self::Others)
        } else {
            None
        }
    }
}

/// Links lead to streams in the kernel's own folders only (`/dev/stdout`): elsewhere one that somebody planted would lead a
/// backup to `/dev/null`.
pub(crate) fn may_follow(path: &Path) -> bool {
    ["/dev", "/dev/fd", "/dev/pts", "/proc/self/fd"].iter().any(|folder| folder_of(path) == Path::new(folder))
}

/// Whether the last part of a path is a name: `Path` itself takes `a/` and `a/.` for `a`.
fn names_a_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| path.as_os_str().as_encoded_bytes().ends_with(name.as_encoded_bytes()))
}

/// The folder that a path names a file in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
