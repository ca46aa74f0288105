//! Where input comes from, and when it may be believed to be complete.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::ReadWriteFlags;

use crate::child::{Command, PIPE_LEN, Producer};
use crate::destination::{Destination, folder_of, may_follow};
use crate::error::JobError;
use crate::pace::Pace;
use crate::report::Observer;
use crate::write_back::drop_cached;

/// How often a dump that writes nothing is looked at.
const CHILD_LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Bytes that are read before what lies a step behind leaves the page cache.
const STEP_LEN: u64 = 32 << 20;

/// Bytes that a block of a file's size on the disk stands for (stat(3type)).
const BLOCK_LEN: u64 = 512;

/// Bytes of a file whose holes are looked at. A smaller one is soon read, and not every file system tells what is on the disk.
const MIN_SPARSE_LEN: u64 = 1 << 30;

/// Where a job's input comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file, a device or a FIFO.
    File(PathBuf),
    /// Standard input, of which nobody can tell whether it is complete.
    Stdin,
    /// What a command writes, which is complete if its exit status is 0.
    Command(Command),
}

impl Source {
    /// For messages.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".into(),
            Self::Command(command) => command.name(),
        }
    }
}

/// Whether a FIFO is read that lies among other files. Whoever can write to the storage could have put it where a backup was, and
/// never write to it. Those in the kernel's own folders, as a shell makes them for `<(...)`, are read in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fifos {
    /// Yes: whoever named it has made it.
    Read,
    /// No.
    Refused,
}

/// An input that is open.
pub(crate) struct Input {
    pub(crate) what: String,
    pub(crate) file: File,
    /// Where it is a regular file.
    pub(crate) regular: Option<RegularFile>,
    producer: Option<Producer>,
    wake: Arc<OwnedFd>,
}

/// What a regular file was like when it was opened.
#[derive(Clone, Copy)]
pub(crate) struct RegularFile {
    /// Its length in bytes.
    pub(crate) len: u64,
    /// Bytes of it that are on the disk; the rest is holes, which are read as zeros.
    pub(crate) stored_len: u64,
    /// When it was changed last: seconds and nanoseconds.
    modified: (i64, i64),
    /// Whether most of it was in the page cache already; then it is not ours to drop.
    cached: bool,
}

impl Input {
    /// Opens the input. A command is started here, so everything that could refuse the job comes before.
    pub(crate) fn open(source: &Source, fifos: Fifos, observer: &Arc<dyn Observer>) -> Result<Self, JobError> {
        let what = source.what();
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| JobError::read(&what, error.into()))?);
        let (file, producer) = match source {
            Source::File(path) => (open_file(path, fifos)?, None),
            Source::Stdin => (io::stdin().as_fd().try_clone_to_owned().map_err(|error| JobError::read(&what, error))?.into(), None),
            Source::Command(command) => {
                let (producer, stdout) = Producer::start(command, observer)?;
                (stdout, Some(producer))
            }
        };
        let regular = match source {
            Source::File(_) => RegularFile::of(&file).map_err(|error| JobError::read(&what, error))?,
            // Standard input may stand anywhere in a file that others write to.
            _ => None,
        };
        if regular.is_none() {
            let _ = rustix::pipe::fcntl_setpipe_size(&file, PIPE_LEN);
        }
        Ok(Self { what, file, regular, producer, wake })
    }

    /// Opens a file that has to be a regular one.
    pub(crate) fn open_regular(path: &Path) -> Result<Self, JobError> {
        Self::of_file(open_regular(path).map_err(|error| JobError::open(path, error))?, path.display().to_string())
    }

    /// A regular file that is open already.
    pub(crate) fn of_file(file: File, what: String) -> Result<Self, JobError> {
        let regular = RegularFile::of(&file).map_err(|error| JobError::read(&what, error))?;
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| JobError::read(&what, error.into()))?);
        Ok(Self { what, file, regular, producer: None, wake })
    }

    /// Something that ends a [`StreamReader`]'s wait for input that may never come.
    pub(crate) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.wake))
    }

    /// The first bytes of a regular file, `max_len` of them or as many as it has.
    pub(crate) fn start(&self, max_len: usize) -> Result<Vec<u8>, JobError> {
        let file_len = self.regular.map_or(0, |regular| regular.len);
        let mut start = vec![0; usize::try_from(file_len).map_or(max_len, |len| len.min(max_len))];
        self.file.read_exact_at(&mut start, 0).map_err(|error| JobError::read(&self.what, error))?;
        Ok(start)
    }

    /// Reads bytes of a regular file that it had when it was opened, from an offset in bytes; from any thread.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), JobError> {
        self.file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => JobError::InputChanged { what: self.what.clone() },
            _ => JobError::read(&self.what, error),
        })
    }

    /// Refuses a file that changed since it was opened: half of it would be from another dump.
    pub(crate) fn check_unchanged(&self) -> Result<(), JobError> {
        let Some(then) = self.regular else { return Ok(()) };
        let failed = |error| JobError::read(&self.what, error);
        let now = self.file.metadata().map_err(failed)?;
        let is_same = (then.len, then.modified) == (now.len(), (now.mtime(), now.mtime_nsec()));
        // Not every file system tells the whole length.
        let is_longer = self.file.read_at(&mut [0], then.len).map_err(failed)? > 0;
        if is_same && !is_longer { Ok(()) } else { Err(JobError::InputChanged { what: self.what.clone() }) }
    }

    /// Refuses an input that is too small to be what it should be.
    pub(crate) fn check_len(&self, len: u64, min_size: u64) -> Result<(), JobError> {
        if len < min_size { Err(JobError::TooSmall { what: self.what.clone(), len, min_size }) } else { Ok(()) }
    }

    /// Leaves the page cache as it was found: `len` bytes from `offset` were read. What is left goes with the input.
    pub(crate) fn drop_cached(&self, offset: u64, len: usize) {
        let step = (offset + len as u64) / STEP_LEN;
        if self.is_ours_to_drop() && step > offset / STEP_LEN {
            // Not yet what is near: other workers may be about to read it. And again what came before: the kernel drops large pages only
            // whole, and one may lie across the steps.
            let start = step.saturating_sub(3) * STEP_LEN;
            if let Some(dropped_len) = NonZeroU64::new(step.saturating_sub(1) * STEP_LEN - start) {
                drop_cached(&self.file, start, Some(dropped_len));
            }
        }
    }

    fn is_ours_to_drop(&self) -> bool {
        self.regular.is_some_and(|regular| !regular.cached)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.is_ours_to_drop() {
            drop_cached(&self.file, 0, None);
        }
    }
}

impl RegularFile {
    pub(crate) fn of(file: &File) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        let (len, modified) = (metadata.len(), (metadata.mtime(), metadata.mtime_nsec()));
        // A length of 0 says nothing where the kernel makes the content up as it is read (/proc, some of FUSE): such a file is
        // read as a stream, to its end.
        let stored_len = metadata.blocks().saturating_mul(BLOCK_LEN);
        Ok((metadata.is_file() && len > 0).then(|| Self { len, stored_len, modified, cached: is_cached(file, len) }))
    }

    /// Refuses what costs an attacker a few bytes of storage, and whoever reads it years, or all of the memory: for a backup for which nobody
    /// vouches. A length that somebody vouches for was written once; no backup has holes.
    pub(crate) fn check_not_sparse(&self, what: &str) -> Result<(), JobError> {
        let Self { len, stored_len, .. } = *self;
        let is_sparse = len >= MIN_SPARSE_LEN && stored_len < len / 8;
        if is_sparse { Err(JobError::Sparse { what: what.into(), len, stored_len }) } else { Ok(()) }
    }
}

/// Whether most of a file is in the page cache, by sixteen samples.
fn is_cached(file: &File, len: u64) -> bool {
    const SAMPLES: u64 = 16;
    let is_cached_at = |offset| {
        let mut byte = [0];
        rustix::io::preadv2(file, &mut [io::IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT).is_ok()
    };
    (0..SAMPLES).filter(|sample| is_cached_at(len / SAMPLES * sample)).count() as u64 > SAMPLES / 2
}

/// Opens a regular file that whoever can write to the storage has named: a FIFO of that name would be waited for without end.
///
/// # Errors
/// Where it cannot be opened, or is something else.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

/// Opens a file, a device or a FIFO.
pub(crate) fn open_file(path: &Path, fifos: Fifos) -> Result<File, JobError> {
    let failed = |error| JobError::open(path, error);
    let waits = fifos == Fifos::Read || may_follow(path);
    let flags = if waits { OFlags::empty() } else { OFlags::NONBLOCK | OFlags::NOCTTY };
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path).map_err(failed)?;
    let file_type = file.metadata().map_err(failed)?.file_type();
    if file_type.is_dir() {
        return Err(JobError::InputIsFolder(path.into()));
    }
    if !waits && file_type.is_fifo() {
        return Err(failed(not_regular()));
    }
    if !waits {
        let flags = fcntl_getfl(&file).map_err(|error| failed(error.into()))?;
        fcntl_setfl(&file, flags - OFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
    }
    Ok(file)
}

fn not_regular() -> io::Error {
    io::Error::other("it is not a regular file")
}

/// Refuses to write to the file that is read.
pub(crate) fn check_not_same(source: &Source, destination: &Destination) -> Result<(), JobError> {
    let input = match source {
        Source::File(path) => path.as_path(),
        Source::Stdin => Path::new("/proc/self/fd/0"),
        Source::Command(_) => return Ok(()),
    };
    let output = match destination {
        Destination::File { path, .. } => path.as_path(),
        // With `>>FILE` the job would read what it writes, and never end.
        Destination::Stdout => Path::new("/proc/self/fd/1"),
        Destination::Into(_) => return Ok(()),
    };
    let named = if let Source::File(_) = source { input } else { output };
    if is_same_file(input, output) { Err(JobError::SameFile(named.canonicalize().unwrap_or_else(|_| named.into()))) } else { Ok(()) }
}

/// Whether two names, also of files that do not exist yet, mean the same regular file.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    match (a.metadata(), b.metadata()) {
        (Ok(a), Ok(b)) => a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino()),
        (Err(_), Err(_)) => {
            let folder = |path: &Path| folder_of(path).canonicalize().ok();
            a.file_name().is_some() && a.file_name() == b.file_name() && folder(a).is_some_and(|folder_of_a| folder(b) == Some(folder_of_a))
        }
        _ => false,
    }
}

/// See [`Input::waker`].
#[derive(Clone)]
pub(crate) struct Waker(Arc<OwnedFd>);

impl Waker {
    pub(crate) fn wake(&self) {
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

/// Reads an input from where it stands to its end, at the pace that is allowed, and decides at the end whether it was
/// complete. Errors of ours travel inside [`io::Error`].
pub(crate) struct StreamReader<'a> {
    input: &'a mut Input,
    observer: &'a dyn Observer,
    pace: &'a Pace,
    min_len: u64,
    read_len: u64,
    end: Option<Result<(), ()>>,
}

impl<'a> StreamReader<'a> {
    /// `min_len`: fewer bytes than this are refused at the end.
    pub(crate) fn new(input: &'a mut Input, observer: &'a dyn Observer, pace: &'a Pace, min_len: u64) -> Self {
        Self { input, observer, pace, min_len, read_len: 0, end: None }
    }

    /// Bytes read so far.
    pub(crate) fn read_len(&self) -> u64 {
        self.read_len
    }

    fn check_complete(&mut self) -> Result<(), JobError> {
        if let Some(producer) = &mut self.input.producer {
            producer.finish()?;
        }
        self.input.check_unchanged()?;
        self.input.check_len(self.read_len, self.min_len)
    }

    /// Waits for input, or for somebody to call the job off.
    fn wait(&mut self) -> io::Result<()> {
        if self.input.regular.is_some() {
            return Ok(());
        }
        loop {
            let mut fds = [PollFd::new(&self.input.file, PollFlags::IN), PollFd::new(&*self.input.wake, PollFlags::IN)];
            match poll(&mut fds, Some(&CHILD_LOOK)) {
                // A dump can fail while a process that it left behind holds its output open.
                Ok(0) => self.input.producer.as_mut().map_or(Ok(()), Producer::check_not_failed).map_err(io::Error::other)?,
                Ok(_) if fds[1].revents().is_empty() => return Ok(()),
                Ok(_) => return Err(io::Error::other(JobError::Stopped)),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for StreamReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.end {
            Some(Ok(())) => return Ok(0),
            Some(Err(())) => return Err(io::Error::other(JobError::Stopped)),
            None if buffer.is_empty() => return Ok(0),
            None => self.wait()?,
        }
        let len = self.input.file.read(buffer)?;
        if len == 0 {
            let result = self.check_complete();
            self.end = Some(result.as_ref().map(|_| ()).map_err(|_| ()));
            return result.map(|()| 0).map_err(io::Error::other);
        }
        self.pace.wait_for(len);
        self.read_len += len as u64;
        self.observer.advanced(len as u64);
        if self.input.regular.is_some() {
            let at = self.input.file.stream_position()?;
            self.input.drop_cached(at - len as u64, len);
        }
        Ok(len)
    }
}
