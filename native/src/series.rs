//! Where a series of backups stands: a small file that only the host keeps, from one backup to the next.
//!
//! A number is never given to two backups, and none is left out: the state names the seal that is about to appear before it
//! does, so after a crash the seal itself says whether it did. Where nobody can say, or where the file is not the one that was
//! written last, the series goes on in a new epoch, which whoever checks it sees.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use dbseal_core::{Epoch, Label, NoteHash, Seal, SeriesPlace};
use serde::{Deserialize, Serialize};

use crate::error::JobError;
use crate::output::PendingFile;
use crate::state_file;
use crate::verify::read_seal;

/// Bytes of a state that are read, at most.
const MAX_LEN: u64 = 16 << 10;
/// The last number that there is.
const MAX_NUMBER: u64 = i64::MAX as u64;

/// A series, and the folder that its state is kept in.
#[derive(Clone, Debug)]
pub struct Series {
    /// What its backups are called.
    pub label: Label,
    /// The folder.
    pub state_folder: PathBuf,
}

/// A series whose next number is held by this job, and by no other until this is dropped.
pub(crate) struct Held {
    /// Locked; the lock goes with it.
    _lock: File,
    path: PathBuf,
    /// Where the backup to come belongs.
    pub(crate) place: SeriesPlace,
}

/// What the file says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    epoch: String,
    number: u64,
    /// The hash of the `sealed` note of that number.
    note: String,
    /// What is about to appear, until it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<Unfinished>,
    identity: Identity,
}

/// The files of a backup. A name that is no text is not found again, which only starts a new epoch.
#[derive(Serialize, Deserialize)]
struct Unfinished {
    seal: String,
    /// None where the backup goes to a stream or a command; its seal appears after it then.
    backup: Option<String>,
}

/// What tells the state's file from every other: a copy that is brought back from somewhere is another file, and an older one.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    inode: u64,
    /// When it was made, in nanoseconds, where the file system says so: the inode of a file that is gone is given to the next.
    born: Option<u64>,
}

impl Identity {
    fn of(file: &Metadata) -> Self {
        let born = file.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self { inode: file.ino(), born: born.and_then(|time| u64::try_from(time.as_nanos()).ok()) }
    }
}

impl Series {
    /// Refuses, before the first byte is read, a folder that cannot hold the state.
    ///
    /// # Errors
    /// Where the folder is missing, cannot be written to, or holds something else under the state's name.
    pub fn check(&self) -> Result<(), JobError> {
        std::fs::create_dir_all(&self.state_folder).map_err(|error| JobError::Create { path: self.state_folder.clone(), error })?;
        state_file::lock(&self.path()).and_then(|_| self.read()).map(|_| ())
    }

    /// Takes the next number; waits while another job of the series is at this point.
    pub(crate) fn hold(&self) -> Result<Held, JobError> {
        let lock = state_file::lock(&self.path())?;
        let label = self.label.clone();
        let place = match self.read()? {
            Some((epoch, number, note)) => SeriesPlace { label, epoch, number: number + 1, previous: Some(note) },
            None => {
                let mut epoch = [0; 16];
                getrandom::fill(&mut epoch).map_err(|error| JobError::read("the system's randomness", io::Error::other(error)))?;
                SeriesPlace { label, epoch: Epoch::from_bytes(epoch), number: 1, previous: None }
            }
        };
        Ok(Held { _lock: lock, path: self.path(), place })
    }

    fn path(&self) -> PathBuf {
        self.state_folder.join(format!("{}.series", self.label))
    }

    /// Epoch, number and note of the last backup; `None` where there is no state, or one that may not be the last.
    fn read(&self) -> Result<Option<(Epoch, u64, NoteHash)>, JobError> {
        let path = self.path();
        let Some((text, file)) = state_file::load(&path, MAX_LEN)? else { return Ok(None) };
        let Ok(state) = serde_json::from_slice::<State>(&text) else { return Err(JobError::NotASeries(path)) };
        let identity = Identity::of(&file);
        // The number after it has to be one that a seal can say.
        let (Ok(epoch), Ok(note), 1..MAX_NUMBER) = (state.epoch.parse(), state.note.parse(), state.number) else {
            return Err(JobError::NotASeries(path));
        };
        let is_last = state.identity == identity && state.unfinished.is_none_or(|files| files.have_appeared(note));
        Ok(is_last.then_some((epoch, state.number, note)))
    }
}

impl Unfinished {
    fn of(seal: &Path, backup: Option<&Path>) -> io::Result<Self> {
        let text = |path: &Path| std::path::absolute(path).map(|path| path.to_string_lossy().into_owned());
        Ok(Self { seal: text(seal)?, backup: backup.map(text).transpose()? })
    }

    /// Whether all is there: a seal without its backup would be a gap before the next number.
    fn have_appeared(&self, note: NoteHash) -> bool {
        let seal = read_seal(Path::new(&self.seal)).ok().flatten().and_then(|bytes| Seal::parse(&bytes).ok());
        seal.is_some_and(|seal| seal.first_hash() == note) && self.backup.as_ref().is_none_or(|backup| Path::new(backup).exists())
    }
}

impl Held {
    /// Puts on disk that the seal at `seal`, whose first note has this hash, and then its backup are about to appear.
    pub(crate) fn announce(&self, note: NoteHash, seal: &Path, backup: Option<&Path>) -> Result<(), JobError> {
        let unfinished = Unfinished::of(seal, backup).map_err(|error| JobError::open(seal, error))?;
        self.write(self.place.number, note, Some(unfinished))
    }

    /// The seal is on disk.
    pub(crate) fn settle(self, note: NoteHash) -> Result<(), JobError> {
        self.write(self.place.number, note, None)
    }

    /// The seal may have been seen, and is gone: the series goes on in a new epoch.
    pub(crate) fn forget(self) -> Result<(), JobError> {
        std::fs::remove_file(&self.path).map_err(|error| JobError::write(&self.path.display().to_string(), error))
    }

    /// The seal will not appear: the number is free again.
    pub(crate) fn withdraw(self) -> Result<(), JobError> {
        match self.place.previous {
            Some(previous) => self.write(self.place.number - 1, previous, None),
            None => self.forget(),
        }
    }

    fn write(&self, number: u64, note: NoteHash, unfinished: Option<Unfinished>) -> Result<(), JobError> {
        let mut file = PendingFile::create_report(&self.path)?;
        let identity =
            file.metadata().map(|file| Identity::of(&file)).map_err(|error| JobError::Create { path: self.path.clone(), error })?;
        let state = State { epoch: self.place.epoch.to_string(), number, note: note.to_string(), unfinished, identity };
        let text = serde_json::to_vec_pretty(&state).map_err(|error| JobError::write(&self.path.display().to_string(), error.into()))?;
        file.write_all(&text)?;
        file.commit()
    }
}
