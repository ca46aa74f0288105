//! `./x web`: builds the browser app and says what it weighs.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use dbseal_web_build::{Care, build_web, workspace_dir};
use sha2::{Digest, Sha256};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "web: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let target = workspace_dir().join("target");
    let output = build_web(&target.join("web"), &target.join("web-build"), Care::Shipped)?;
    let mut files = BTreeMap::new();
    list(&output.folder, &output.folder, &mut files)?;
    let mut out = io::stdout().lock();
    for (name, bytes) in &files {
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{hash}  {name}")?;
    }
    let kit = output.kit.strip_prefix(&output.folder)?.display().to_string();
    // The page itself takes the build that its worker does, so a visitor fetches one of the two.
    let fetched = |other: &str| -> usize {
        let files = files.iter().filter(|(name, _)| **name != kit && !name.starts_with(other));
        files.map(|(_, bytes)| bytes.len()).sum()
    };
    writeln!(out, "page: {} bytes fetched with threads, {} without", fetched("single/"), fetched("threads/"))?;
    writeln!(out, "kit: {} bytes", files[&kit].len())?;
    Ok(())
}

/// Every file below a folder, by its path in there.
fn list(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else {
            files.insert(path.strip_prefix(root)?.display().to_string(), fs::read(&path)?);
        }
    }
    Ok(())
}
