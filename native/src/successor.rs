//! The successor of a signing key, and the backups at which trust in the old one may end (core/SEAL.md, "Succession").

use std::path::{Path, PathBuf};

use dbseal_core::{Seal, Succession, Time, Trust, VerifierKey, VouchedPlace};

use crate::error::JobError;
use crate::keys::read_keyfile;
use crate::sealing::seal_path;
use crate::verify::read_seal;

/// A backup at which trust may end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastBackup {
    /// Its file.
    pub path: PathBuf,
    /// Its place, by a seal for which somebody vouches.
    pub place: VouchedPlace,
    /// When it was made, as its signer says.
    pub time: Option<Time>,
}

/// What was found where trust is to end.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Endings {
    /// The backups of series for which somebody vouches.
    pub backups: Vec<LastBackup>,
    /// How many backups of the old key are of no series, so that nothing ends at them.
    pub alone_count: usize,
    /// How many nobody vouches for, have a seal that is broken or cannot be read, or none.
    pub uncounted_count: usize,
}

/// The succession in a file, signed by both its keys.
///
/// # Errors
/// A file that cannot be read, is something else, or is not signed by both.
pub fn load_succession(path: &Path) -> Result<Succession, JobError> {
    let text = read_keyfile(path)?;
    Succession::parse(&text).map_err(|error| JobError::Succession { path: path.into(), error })
}

/// Where trust in the old key may end, by the seals of these backups. No payload is read.
///
/// # Errors
/// Where nothing could end, though backups were named.
pub fn endings(backups: &[PathBuf], trust: &Trust, old_key: &VerifierKey) -> Result<Endings, JobError> {
    let mut endings = Endings::default();
    for path in backups {
        let seal = read_seal(&seal_path(path)).ok().flatten().and_then(|bytes| Seal::parse(&bytes).ok());
        let Some(verified) = seal.as_ref().and_then(|seal| seal.judge(trust).verified()) else {
            endings.uncounted_count += 1;
            continue;
        };
        let first = verified.judgement().first();
        match verified.place() {
            Some(place) => endings.backups.push(LastBackup { path: path.clone(), place, time: first.time() }),
            None => endings.alone_count += usize::from(first.signer() == Some(old_key)),
        }
    }
    if endings.backups.is_empty() && !backups.is_empty() { Err(JobError::NoLastBackup) } else { Ok(endings) }
}
