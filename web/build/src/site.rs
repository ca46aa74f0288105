//! The page that a server hands out.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sums::{SUMS, listed};
use crate::{BuildError, Care, Form, Listed, Variant, compile, write_glue, write_kit, write_sums};

const PACKAGE: &str = "dbseal-web";

/// What of the page is no WASM: files in the folder `web`.
const SOURCES: [&str; 4] = ["index.html", "style.css", "page.js", "worker.js"];

const KIT: &str = "dbseal.html";

/// What was built.
#[derive(Clone, Debug)]
pub struct Output {
    /// The folder that a server hands out. The kit is in there as well.
    pub folder: PathBuf,
    /// The kit: one HTML file.
    pub kit: PathBuf,
    /// All files in the folder, by name, as the list in there has them.
    pub files: Vec<Listed>,
}

impl Output {
    /// Bytes that a visitor fetches whose browser takes the build in this folder.
    #[must_use]
    pub fn page_len(&self, build: &str) -> usize {
        let is_fetched = |file: &&Listed| file.name != KIT && file.name.split_once('/').is_none_or(|(folder, _)| folder == build);
        self.files.iter().filter(is_fetched).map(|file| file.len).sum()
    }

    /// Bytes of the kit.
    #[must_use]
    pub fn kit_len(&self) -> usize {
        self.files.iter().filter(|file| file.name == KIT).map(|file| file.len).sum()
    }
}

/// The workspace's root folder.
///
/// # Panics
/// If it is gone.
#[must_use]
pub fn workspace_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace that this was built from is there")
}

/// Builds the browser app into `folder`, whatever is there now, with cargo's own output in `target_dir`.
///
/// # Errors
/// Where no compiler can build for the browser, and where a part of the build fails.
pub fn build_web(folder: &Path, target_dir: &Path, care: Care) -> Result<Output, BuildError> {
    let sources = workspace_dir().join("web");
    let builds = Variant::ALL.map(|variant| compile(PACKAGE, variant, care, target_dir));
    let [single, threads] = builds;
    let (single, threads) = (single?, threads?);

    // A file of an earlier build would be handed out as well, and be in nobody's list of hashes.
    let fresh = &folder.with_extension("new");
    remove(fresh)?;
    fs::create_dir_all(fresh).map_err(BuildError::io(fresh))?;
    for name in SOURCES {
        let path = sources.join(name);
        fs::copy(&path, fresh.join(name)).map_err(BuildError::io(&path))?;
    }
    write_glue(&single, Form::Module, &fresh.join(Variant::Single.folder()))?;
    write_glue(&threads, Form::Module, &fresh.join(Variant::Threads.folder()))?;
    write_kit(&sources, &single, target_dir, &fresh.join(KIT))?;
    let files = write_sums(fresh)?;
    // The same build once more stays what it was: the desktop app, which has it inside, is then not compiled anew.
    let is_same_list = fs::read(folder.join(SUMS)).ok() == fs::read(fresh.join(SUMS)).ok();
    if is_same_list && listed(folder)? == files {
        remove(fresh)?;
    } else {
        remove(folder)?;
        fs::rename(fresh, folder).map_err(BuildError::io(folder))?;
    }
    Ok(Output { folder: folder.into(), kit: folder.join(KIT), files })
}

fn remove(folder: &Path) -> Result<(), BuildError> {
    if folder.exists() { fs::remove_dir_all(folder).map_err(BuildError::io(folder)) } else { Ok(()) }
}
