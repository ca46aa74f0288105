//! Writes the seal vectors into the folder that they lie in. The test `seal_vectors` fails where what lies there is something else.

use std::fs;
use std::io;
use std::path::Path;

use dbseal_tests::seal_cases::{backups, vectors};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let backups = backups().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    write(&folder.join("seal"), vectors())?;
    write(&folder.join("backups"), backups)
}

/// What lies there is removed before: a vector that is not written any more would be tested for ever.
fn write(folder: &Path, files: Vec<(String, Vec<u8>)>) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    files.into_iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes))
}
