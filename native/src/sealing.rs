//! The seal that is made in the same pass as its backup.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use dbseal_core::{
    Extent, FileKey, FileName, Header, Label, Note, Process, Proof, ProofKey, Seal, Sealed, SeriesPlace, SigningKey, SourceKind, Time, Tree,
};

use crate::destination::{Overwrite, Privacy};
use crate::entry::FolderEntry;
use crate::error::JobError;
use crate::input::Source;
use crate::output::PendingFile;
use crate::report::Observer;
use crate::series::{Held, Series};
use crate::shared_tree::SharedTree;
use crate::sink::Sink;

/// What the name of a seal ends with that is being replaced, until its backup was too. A job that is killed in between leaves it.
pub(crate) const REPLACED: &str = ".replaced";

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

/// The name that a seal has beside its backup.
#[must_use]
pub fn seal_path(backup: &Path) -> PathBuf {
    let mut name = backup.as_os_str().to_owned();
    name.push(".seal");
    name.into()
}

/// The seal that was kept while this backup was to be replaced, if it is still there: then it may be the one of what is there.
pub(crate) fn replaced_seal(backup: &Path) -> Option<PathBuf> {
    let mut name = seal_path(backup).into_os_string();
    name.push(REPLACED);
    let path = PathBuf::from(name);
    path.is_file().then_some(path)
}

/// What to do about it.
pub(crate) fn replaced_words(path: &Path) -> String {
    format!(
        "{} is there: a job that was stopped while it replaced this backup leaves it, and it may be the seal of what is here; \
         see with dbseal verify --seal, and put it back",
        path.display()
    )
}

/// A seal that grows with its backup. Dropped before [`PendingSeal::commit`], there is none.
pub(crate) struct PendingSeal<'a> {
    sign: &'a Sign,
    file: PendingFile,
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
        Ok(Self { sign, file, proof_key: ProofKey::of(file_key), header: header.to_bytes(), source, process, tree: SharedTree::default() })
    }

    /// Makes the seal and the backup final: the seal first, so that no crash leaves a backup without. But where the output cannot be taken
    /// back it is final first: a seal of what its reader refused would be worse than none.
    pub(crate) fn commit(mut self, sink: Sink, observer: &Arc<dyn Observer>) -> Result<(), JobError> {
        let backup = match sink {
            Sink::Pending(mut backup) => {
                backup.put_on_disk()?;
                Some(backup)
            }
            other => {
                other.commit()?;
                None
            }
        };
        let tree = std::mem::take(&mut self.tree).finish().expect("every byte of the section was taken in");
        let held = self.sign.series.as_ref().map(Series::hold).transpose()?;
        let seal = self.seal(&tree, held.as_ref().map(|held| held.place.clone()));
        self.file.write_all(&seal.to_bytes())?;
        self.file.put_on_disk()?;
        let hash = seal.first_hash();
        if let Some(held) = &held {
            held.announce(hash, &self.sign.path, backup.as_ref().map(PendingFile::path))?;
        }
        let entry = self.file.entry();
        // Should the backup not be replaced after its seal was, it would be taken for damaged.
        let replaced = backup.as_ref().and_then(|_| entry.keep_as(REPLACED).ok());
        if let Err(error) = self.file.commit() {
            put_back(&entry, replaced.as_ref());
            held.filter(|_| !is_named(&error)).map_or(Ok(()), Held::withdraw)?;
            return Err(error);
        }
        if let Err(error) = backup.map_or(Ok(()), PendingFile::commit) {
            if !is_named(&error) {
                entry.remove();
                put_back(&entry, replaced.as_ref());
                // Whoever can write there has seen the seal by now: its number must not be given to another.
                held.map_or(Ok(()), Held::forget)?;
            }
            return Err(error);
        }
        replaced.iter().for_each(FolderEntry::remove);
        // The state names the seal, which is there: should this fail, the next job finds it.
        if let Err(error) = held.map_or(Ok(()), |held| held.settle(hash)) {
            observer.warning(&format!("the backup and its seal are complete, but not the state of the series: {error}"));
        }
        Ok(())
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

/// Brings a seal back that was, or was to be, replaced.
fn put_back(entry: &FolderEntry, replaced: Option<&FolderEntry>) {
    if let Some(replaced) = replaced
        && entry.replace_by(replaced).is_ok()
    {
        // Two names of one file are left as they are by a rename.
        replaced.remove();
    }
}

/// Whether the file is there under its name all the same.
fn is_named(error: &JobError) -> bool {
    matches!(error, JobError::NameNotOnDisk { .. })
}

/// What the host's clock says.
pub(crate) fn now() -> Time {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Time::from_unix(seconds).unwrap_or_default()
}
