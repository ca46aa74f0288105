//! `./x web`: builds the browser app, lists it and says what it weighs.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use dbseal_web_build::{Care, build_web, workspace_dir};

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
    let mut out = io::stdout().lock();
    for file in &output.files {
        writeln!(out, "{}  {}", file.hash, file.name)?;
    }
    writeln!(out, "page: {} bytes fetched with threads, {} without", output.page_len("threads"), output.page_len("single"))?;
    writeln!(out, "kit: {} bytes", output.kit_len())?;
    Ok(())
}
