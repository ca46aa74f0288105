//! The seal that is made in the same pass as its backup.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use dbseal_core::{
    Extent, FileKey, FileName, Header, Label, Note, NoteHash, Process, Proof, ProofKey, Seal, Sealed, SeriesPlace, SigningKey, SourceKind,
    Time, Tree,
};

use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::input::Source;
use crate::output::{CompleteFile, PendingFile};
use crate::replaced::Replaced;
use crate::report::Observer;
use crate::series::Series;
use crate::shared_tree::SharedTree;
use crate::sink::Sink;

/// Everything that was decided about a seal.
#[derive(Debug)]
pub struct Sign {
    /// Who signs.
    pub key: SigningKey,
    /// Where the seal goes: beside the backup, where that is a file.
    pub path: PathBuf,
    /// Whether it may replace one.
    pub overwrite: Overwrite,
    /// The name of the backup.
    pub file: FileName,
    /// What the backup is one of.
    pub series: Option<Series>,
}

/// What the name of a seal ends with, after that of its backup.
pub(crate) const SEAL_ENDING: &str = ".seal";

/// The name that a seal has beside its backup.
#[must_use]
pub fn seal_path(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(SEAL_ENDING);
    name.into()
}

/// A seal that grows with its backup. Dropped before [`PendingSeal::commit`], there is none.
pub(crate) struct PendingSeal<'a> {
    sign: &'a Sign,
    /// Until it is complete.
    file: Option<PendingFile>,
    proof_key: ProofKey,
    header: Vec<u8>,
    source: SourceKind,
    process: Process,
    /// Of the payload section, which whoever writes the backup fills.
    pub(crate) tree: SharedTree,
}

impl<'a> PendingSeal<'a> {
    /// `header` is that of the backup, and `file_key` the one that it wraps.
    pub(crate) fn start(sign: &'a Sign, file_key: &FileKey, header: &Header, source: &Source, compression: &str) -> Result<Self, JobError> {
        if let Some(series) = &sign.series {
            series.check()?;
        }
        let file = PendingFile::create(&sign.path, Privacy::Shared, sign.overwrite)?;
        let source = match source {
            Source::Command(_) => SourceKind::Command,
            Source::File(_) => SourceKind::File,
            Source::Stdin => SourceKind::Stdin,
        };
        let recipients = header.recipient_tags().next().unwrap_or_default();
        let label = |text: &str| text.to_ascii_lowercase().parse::<Label>().expect("a word of ours");
        let process = Process {
            tool: label("dbseal"),
            version: label(env!("CARGO_PKG_VERSION")),
            preset: label(recipients),
            compression: label(compression),
        };
        Ok(Self {
            sign,
            file: Some(file),
            proof_key: ProofKey::of(file_key),
            header: header.to_bytes(),
            source,
            process,
            tree: SharedTree::default(),
        })
    }

    /// Makes the seal and the backup final: the seal first, so that no crash leaves a backup without. But where the output cannot be taken
    /// back it is final first: a seal of what its reader refused would be worse than none.
    pub(crate) fn commit(mut self, sink: Sink, last: &[u8], observer: &Arc<dyn Observer>) -> Result<(), JobError> {
        let tree = std::mem::take(&mut self.tree).finish().expect("every byte of the section was taken in");
        let (backup, seal) = match sink {
            Sink::Pending(mut backup) => {
                backup.write_all(last)?;
                (Some(backup.put_on_disk()?), None)
            }
            stream => {
                // As long as that can still be said of the output. No number is held meanwhile: the reader may take for ever.
                let seal = match &self.sign.series {
                    Some(series) => series.check().map(|()| None)?,
                    None => Some(self.put_on_disk(&tree, None)?),
                };
                stream.end(last)?;
                (None, seal)
            }
        };
        let held = self.sign.series.as_ref().map(|series| series.hold(&**observer)).transpose()?;
        let (hash, file) = match seal {
            Some(seal) => seal,
            None => self.put_on_disk(&tree, held.as_ref().map(|held| held.place.clone()))?,
        };
        if let Some(held) = &held {
            held.announce(hash, file.path(), backup.as_ref().map(CompleteFile::path))?;
        }
        let named = match backup {
            None => file.commit().map_err(|error| (if is_named(&error) { Fate::There } else { Fate::NeverThere }, error)),
            Some(backup) => {
                // Whoever changes the backup that is there would put the seal that is kept back, as if this had been stopped: not meanwhile.
                let _held = backup.hold_replaced();
                // A new backup is worth more than the seal of the one before, where that cannot be kept.
                let replaced = Replaced::keep(&file, backup.path()).ok().flatten();
                name_both(file, backup, replaced)
            }
        };
        if let Err((fate, error)) = named {
            match (held, fate) {
                (Some(held), Fate::NeverThere) => held.withdraw(&**observer),
                (Some(held), Fate::TakenBack) => held.forget(&**observer),
                (_, Fate::There) | (None, _) => {}
            }
            return Err(error);
        }
        // The state names the seal, which is there: should this fail, the next job finds it.
        if let Err(error) = held.map_or(Ok(()), |held| held.settle(hash)) {
            observer.warning(&format!("the backup and its seal are complete, but not the state of the series: {error}"));
        }
        Ok(())
    }

    /// The seal, complete but for its name, and the hash of its note.
    fn put_on_disk(&mut self, tree: &Tree, series: Option<SeriesPlace>) -> Result<(NoteHash, CompleteFile), JobError> {
        let seal = self.seal(tree, series);
        let mut file = self.file.take().expect("it is put there once");
        file.write_all(&seal.to_bytes())?;
        Ok((seal.first_hash(), file.put_on_disk()?))
    }

    fn seal(&self, tree: &Tree, series: Option<SeriesPlace>) -> Seal {
        let note = Note::Sealed(Sealed {
            signer: self.sign.key.verifier_key().clone(),
            series,
            file: self.sign.file.clone(),
            time: now(),
            source: self.source,
            process: self.process.clone(),
            header: Extent::of(&self.header),
            payload: tree.into(),
            proof: Proof::none(),
        });
        Seal::new(note.proven(&self.proof_key), &self.sign.key, tree, &self.header)
    }
}

/// What became of a seal when not all was well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It had no name at any time.
    NeverThere,
    /// It had its name, for all to see, and its backup did not get one.
    TakenBack,
    /// It stays, and so does what it is about.
    There,
}

/// Gives the seal its name, and then the backup. Where the backup does not get one, the seal before, as it was kept, comes back: by the new
/// one, what is still there would be taken for damaged.
pub(crate) fn name_both(seal: CompleteFile, backup: CompleteFile, replaced: Option<Replaced>) -> Result<(), (Fate, JobError)> {
    let entry = seal.entry();
    let (fate, error) = match seal.commit() {
        Err(error) if is_named(&error) => (Fate::TakenBack, error),
        Err(error) => (Fate::NeverThere, error),
        Ok(()) => match backup.commit() {
            Err(error) if is_named(&error) => return Err((Fate::There, error)),
            Err(error) => (Fate::TakenBack, error),
            Ok(()) => {
                replaced.into_iter().for_each(Replaced::forget);
                return Ok(());
            }
        },
    };
    let is_back = replaced.is_some_and(|replaced| replaced.put_back().is_ok());
    if fate == Fate::TakenBack && !is_back {
        entry.remove();
    }
    Err((fate, error))
}

/// Whether the file is there under its name all the same.
fn is_named(error: &JobError) -> bool {
    matches!(error, JobError::NameNotOnDisk { .. })
}

/// What the host's clock says.
#[must_use]
pub fn now() -> Time {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Time::from_unix(seconds).unwrap_or_default()
}
