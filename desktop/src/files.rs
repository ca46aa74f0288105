//! The files that a person chose. The page knows them by numbers, and can ask for no other.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dbseal::open_regular;
use dbseal_web::engine::{PROTECTED_START_LEN, is_protected};
use dbseal_web::messages::desktop::Picked;

use crate::commands::lock;

/// What a file was chosen for. A page that is not ours any more could else write over what was chosen to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// To be read as a backup or a seal, or as a request.
    Read,
    /// To be read, and the backups in it.
    Folder,
    /// To be read as a file of keys.
    Identity,
    /// To be written.
    Output {
        /// Whether it was there, so that the person was asked whether it may be replaced.
        replaces: bool,
    },
}

impl Role {
    pub(crate) fn is_read(self) -> bool {
        self == Self::Read
    }

    /// Whether there may be backups in it, or it may be one.
    pub(crate) fn holds_backups(self) -> bool {
        matches!(self, Self::Read | Self::Folder)
    }

    pub(crate) fn is_identity(self) -> bool {
        self == Self::Identity
    }

    pub(crate) fn is_output(self) -> bool {
        matches!(self, Self::Output { .. })
    }
}

/// All that were chosen since the app was started, by number.
#[derive(Default)]
pub(crate) struct Files {
    all: Vec<(PathBuf, Role)>,
    indices: HashMap<(PathBuf, Role), usize>,
}

impl Files {
    /// Adds files, and says what the page is told of them. Others wait for none of the disks that they lie on.
    pub(crate) fn add_all<'a>(files: &Mutex<Self>, chosen: impl Iterator<Item = (&'a Path, Role)>) -> Vec<Picked> {
        let numbered: Vec<_> = {
            let mut files = lock(files);
            chosen.map(|(path, role)| (files.add(path, role), path, role)).collect()
        };
        numbered.into_iter().map(|(id, path, role)| Self::picked(id, path, role)).collect()
    }

    fn add(&mut self, path: &Path, role: Role) -> u32 {
        let index = *self.indices.entry((path.into(), role)).or_insert_with(|| {
            self.all.push((path.into(), role));
            self.all.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn picked(id: u32, path: &Path, role: Role) -> Picked {
        Picked {
            id,
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            folder: path.parent().map(|folder| folder.display().to_string()).unwrap_or_default(),
            len: path.metadata().map(|metadata| metadata.len()).unwrap_or_default(),
            is_folder: role == Role::Folder,
            is_protected: role == Role::Identity && begins_protected(path),
        }
    }

    /// Where the backups lie that were chosen: those, or folders of them. Not the file itself that is asked about, which somebody may have
    /// taken for a backup.
    pub(crate) fn storage_beside(&self, file: &Path) -> Vec<PathBuf> {
        self.all.iter().filter(|(path, role)| role.holds_backups() && path != file).map(|(path, _)| path.clone()).collect()
    }

    /// A file that was chosen, and what for.
    pub(crate) fn get(&self, id: u32) -> Option<(&Path, Role)> {
        self.all.get(usize::try_from(id).ok()?).map(|(path, role)| (path.as_path(), *role))
    }
}

/// Whether a regular file begins as an encrypted one does: nothing of a key is read for that.
fn begins_protected(path: &Path) -> bool {
    let mut start = [0; PROTECTED_START_LEN];
    let read = open_regular(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && std::str::from_utf8(&start).is_ok_and(is_protected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_chosen_has_a_number() {
        let (files, path) = (Mutex::new(Files::default()), Path::new("/nowhere/shop.age"));
        let add = |role| Files::add_all(&files, [(path, role)].into_iter()).remove(0);
        let picked = add(Role::Read);
        assert_eq!((picked.name.as_str(), picked.folder.as_str(), picked.len), ("shop.age", "/nowhere", 0));
        assert_eq!(add(Role::Read).id, picked.id);
        let output = add(Role::Output { replaces: false });
        let files = lock(&files);
        assert_eq!(files.storage_beside(Path::new("/nowhere/trust")), [path]);
        assert!(files.storage_beside(path).is_empty());
        assert_eq!(files.get(picked.id), Some((path, Role::Read)));
        assert_eq!(files.get(output.id), Some((path, Role::Output { replaces: false })));
        assert_eq!(files.get(output.id + 1), None);
        assert_eq!(files.get(u32::MAX), None);
    }
}
