//! Where a series of backups stands: a small file that only the host keeps, from one backup to the next.
//!
//! A number is never given to two backups, and none is left out: the state names the seal and the backup that are about to appear before
//! they do. After a crash in between, the series goes on with the next number if both are there. If not, the number may have been seen
//! and is not given again; and where the file is not the one that was written last, nobody can say what was. Then the series goes on in a
//! new epoch, which the host is told, and whoever checks it sees.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use dbseal_core::{Epoch, Label, NoteHash, Seal, SeriesPlace};
use serde::{Deserialize, Serialize};

use crate::error::JobError;
use crate::output::PendingFile;
use crate::report::Observer;
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
    /// Makes the folder of the state, if it is missing, and refuses, before the first byte is read, one that cannot hold it.
    ///
    /// # Errors
    /// Where the folder cannot be made or written to, or holds something else under the state's name.
    pub fn check(&self) -> Result<(), JobError> {
        std::fs::create_dir_all(&self.state_folder).map_err(|error| JobError::Create { path: self.state_folder.clone(), error })?;
        state_file::lock(&self.path()).and_then(|_| self.read()).map(|_| ())
    }

    /// Takes the next number; waits while another job of the series is at this point. A new epoch of a series that has a state is a
    /// warning.
    pub(crate) fn hold(&self, observer: &dyn Observer) -> Result<Held, JobError> {
        let lock = state_file::lock(&self.path())?;
        let label = self.label.clone();
        let place = match self.read()? {
            Found::Last(epoch, number, note) => SeriesPlace { label, epoch, number: number + 1, previous: Some(note) },
            found => {
                if let Found::Useless(why) = found {
                    warn_of_epoch(&label, why, observer);
                }
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

    fn read(&self) -> Result<Found, JobError> {
        let path = self.path();
        let Some((text, file)) = state_file::load(&path, MAX_LEN)? else { return Ok(Found::Nothing) };
        let Ok(state) = serde_json::from_slice::<State>(&text) else { return Err(JobError::NotASeries(path)) };
        let identity = Identity::of(&file);
        // The number after it has to be one that a seal can say.
        let (Ok(epoch), Ok(note), 1..MAX_NUMBER) = (state.epoch.parse(), state.note.parse(), state.number) else {
            return Err(JobError::NotASeries(path));
        };
        Ok(if state.identity != identity {
            Found::Useless("its state is not the file that was written last, but a copy that was brought back")
        } else if state.unfinished.is_some_and(|files| !files.have_appeared(note)) {
            Found::Useless("a job before this one ended after its number was given, and its backup is not where it was to be")
        } else {
            Found::Last(epoch, state.number, note)
        })
    }
}

/// What a state says of the last backup.
enum Found {
    /// There is none: this is the first one, or the state was lost.
    Nothing,
    /// Nothing that could be relied on, and why.
    Useless(&'static str),
    /// Its epoch, number and note.
    Last(Epoch, u64, NoteHash),
}

fn warn_of_epoch(label: &Label, why: &str, observer: &dyn Observer) {
    observer.warning(&format!("series {label} goes on in a new epoch, which a check of it names once: {why}"));
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
    pub(crate) fn forget(self, observer: &dyn Observer) {
        // A state that stays says the same: what it names is not there.
        let _ = std::fs::remove_file(&self.path);
        warn_of_epoch(&self.place.label, "a seal of this number was there for all to see", observer);
    }

    /// The seal will not appear: the number is free again.
    pub(crate) fn withdraw(self, observer: &dyn Observer) {
        let result = match self.place.previous {
            Some(previous) => self.write(self.place.number - 1, previous, None),
            None => std::fs::remove_file(&self.path).map_err(|error| JobError::write(&self.path.display().to_string(), error)),
        };
        if let Err(error) = result {
            warn_of_epoch(&self.place.label, &format!("its state cannot be put back: {error}"), observer);
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
