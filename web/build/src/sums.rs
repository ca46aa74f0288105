//! The list of what was built, in the form that `sha256sum -c` reads: it is what a release signs.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::BuildError;

/// The list's name in the folder of the page.
pub const SUMS: &str = "SHA256SUMS";

/// A file of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path in the folder of the page.
    pub name: String,
    /// SHA-256, in hexadecimal.
    pub hash: String,
    /// Its length in bytes.
    pub len: usize,
}

/// Writes the list of all files in a folder into it, by name, and gives it.
///
/// # Errors
/// Where a file cannot be read, or the list not written.
pub fn write_sums(folder: &Path) -> Result<Vec<Listed>, BuildError> {
    let files = listed(folder)?;
    let text: String = files.iter().map(|Listed { name, hash, .. }| format!("{hash}  {name}\n")).collect();
    let path = folder.join(SUMS);
    fs::write(&path, text).map_err(BuildError::io(&path))?;
    Ok(files)
}

/// What such a list of a folder has now.
pub(crate) fn listed(folder: &Path) -> Result<Vec<Listed>, BuildError> {
    let mut files = Vec::new();
    list(folder, "", &mut files)?;
    files.retain(|file| file.name != SUMS);
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Every file in a folder and below it.
fn list(folder: &Path, prefix: &str, files: &mut Vec<Listed>) -> Result<(), BuildError> {
    for entry in fs::read_dir(folder).map_err(BuildError::io(folder))? {
        let entry = entry.map_err(BuildError::io(folder))?;
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().display()));
        if path.is_dir() {
            list(&path, &format!("{name}/"), files)?;
        } else {
            let bytes = fs::read(&path).map_err(BuildError::io(&path))?;
            let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            files.push(Listed { name, hash, len: bytes.len() });
        }
    }
    Ok(())
}
