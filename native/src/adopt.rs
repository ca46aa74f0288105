//! A seal for a backup that has none: by somebody who saw it, not by who made it.

use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use dbseal_core::{Adopted as AdoptedNote, Extent, FileName, Layout, Note, Seal, SigningKey};

use crate::age_file::AgeFile;
use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::input::{Input, StreamReader};
use crate::journal::JournalFile;
use crate::output::PendingFile;
use crate::pace::Pace;
use crate::report::{Observer, Silent};
use crate::sealing::{now, seal_path};
use crate::section::Section;

/// Everything that was decided about it.
#[derive(Debug)]
pub struct AdoptRequest {
    /// The backup; its seal goes beside it.
    pub backup: PathBuf,
    /// Who saw it.
    pub key: SigningKey,
    /// How many threads hash.
    pub threads: NonZeroUsize,
    /// How fast to read.
    pub pace: Pace,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Adopted {
    /// Bytes of the backup.
    pub read_len: u64,
    /// The seal.
    pub seal: PathBuf,
}

/// Writes an `adopted` note about a backup as it is now.
///
/// # Errors
/// A backup that has a seal already, cannot be read, is not a binary age file on a disk, or is not complete.
pub fn adopt(request: &AdoptRequest, observer: &Arc<dyn Observer>) -> Result<Adopted, JobError> {
    let path = seal_path(&request.backup);
    let mut pending = PendingFile::create(&path, Privacy::Shared, Overwrite::Refused).map_err(|error| match error {
        JobError::OutputExists(path) => JobError::SealExists(path),
        error => error,
    })?;
    let mut input = Input::open_regular(&request.backup)?;
    let what = input.what.clone();
    let file_name =
        FileName::of(request.backup.file_name().unwrap_or_default().as_bytes()).ok_or_else(|| JobError::NameInSeal(what.clone()))?;
    let unlimited = Pace::unlimited();
    if JournalFile::beside(&request.backup, &input.file, None).is_some() {
        return Err(JobError::Unfinished(what));
    }
    let start = AgeFile::read(StreamReader::new(&mut input, &Silent, &unlimited, 0), &what)?;
    let (header, is_armored) = (start.header.to_bytes(), start.is_armored);
    drop(start);
    let Some(regular) = input.regular.filter(|_| !is_armored) else { return Err(JobError::NotSealable(what)) };
    let offset = header.len() as u64;
    let len = regular.len.checked_sub(offset).ok_or_else(|| JobError::InputChanged { what: what.clone() })?;
    Layout::of_section(len).map_err(|_| JobError::NotComplete(what))?;
    observer.started(Some(len));
    let section = Section { input: &input, offset, len, threads: request.threads, pace: &request.pace, observer: &**observer };
    let tree = section.hash()?;
    input.check_unchanged()?;
    let note = Note::Adopted(AdoptedNote {
        signer: request.key.verifier_key().clone(),
        file: file_name,
        time: now(),
        header: Extent::of(&header),
        payload: (&tree).into(),
    });
    pending.write_all(&Seal::new(note, &request.key, &tree, &header).to_bytes())?;
    pending.commit()?;
    Ok(Adopted { read_len: regular.len, seal: path })
}
