//! Where the tools lie that the tests run: programs and packages of others, installed by `./x test` and never here.
//!
//! A tool that is missing fails its test. A test that passes because it had nothing to run says nothing.

use std::env;
use std::path::{Path, PathBuf};

/// The workspace's root folder.
#[must_use]
pub fn workspace_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace that these tests were built from is there")
}

/// The folder of the tools: what `DBSEAL_TOOLS` names, or `target/tools` in the workspace.
#[must_use]
pub fn tools_dir() -> PathBuf {
    env::var_os("DBSEAL_TOOLS").map_or_else(|| workspace_dir().join("target/tools"), PathBuf::from)
}

/// A program, from the folder of the tools or else from `PATH`.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn tool(name: &str) -> PathBuf {
    installed(name).unwrap_or_else(|| panic!("the program {name} is missing: `./x test` installs it"))
}

/// A program that `./x test` does not install, for what is only worth a look where it is there anyway.
#[must_use]
pub fn installed(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = ["bin", "quick/bin"].map(|folder| tools_dir().join(folder)).into_iter().chain(env::split_paths(&path));
    folders.find_map(|folder| Some(folder.join(name)).filter(|program| program.is_file()))
}

/// The folder to run node in so that it finds an npm package.
///
/// # Panics
/// If the package is not there.
#[must_use]
pub fn npm_dir(package: &str) -> PathBuf {
    let folder = tools_dir().join("npm");
    assert!(folder.join("node_modules").join(package).is_dir(), "the npm package {package} is missing: `./x test` installs it");
    folder
}
