//! The backups of a folder and of those below it: for a change of keys, after which one that was left out is lost.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::age_file::is_age;
use crate::catalogue::backups_in;
use crate::error::JobError;
use crate::input::open_regular;

/// What lies in a folder and in those below it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Below {
    /// The backups, as [`backups_in`] finds them; not those in folders whose names begin with a dot, where some file systems keep snapshots.
    pub(crate) backups: Vec<PathBuf>,
    /// Age files whose names do not end in `.age`, and that have no seal.
    pub(crate) others: Vec<PathBuf>,
}

impl Below {
    /// Looks through a folder, and no links.
    ///
    /// # Errors
    /// Where it cannot be read; one below it that cannot counts as a backup.
    pub(crate) fn of(folder: &Path) -> Result<Self, JobError> {
        let failed = |error| JobError::open(folder, error);
        let mut below = Self { backups: backups_in(folder)?, others: Vec::new() };
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let is_backup = || below.backups.binary_search(&path).is_ok();
            if kind.is_dir() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
                folders.push(path);
            } else if kind.is_file() && !is_backup() && starts_as_age(&path) {
                below.others.push(path);
            }
        }
        folders.sort();
        for folder in folders {
            match Self::of(&folder) {
                Ok(Self { backups, others }) => {
                    below.backups.extend(backups);
                    below.others.extend(others);
                }
                // As a backup that cannot be opened: it keeps nothing from the others, and is not passed over.
                Err(_) => below.backups.push(folder),
            }
        }
        Ok(below)
    }
}

fn starts_as_age(path: &Path) -> bool {
    let mut start = [0; 19];
    open_regular(path).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| is_age(&start))
}
