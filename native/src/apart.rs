//! What must not lie where backups do: whoever can write there could make it say what they like.

use std::path::{Path, PathBuf};

use crate::destination::folder_of;

/// Whether a file lies beside one of these backups, or in or under one of these folders: by its name, or, if that is a link, by where it leads.
#[must_use]
pub fn lies_among(path: &Path, storage: &[PathBuf]) -> bool {
    let names = [Some(path.to_path_buf()), path.canonicalize().ok()];
    let folders: Vec<PathBuf> = names.iter().flatten().filter_map(|name| folder_of(name).canonicalize().ok()).collect();
    storage.iter().any(|input| match input.canonicalize() {
        Ok(folder) if folder.is_dir() => folders.iter().any(|path| path.starts_with(&folder)),
        _ => folder_of(input).canonicalize().is_ok_and(|folder| folders.contains(&folder)),
    })
}
