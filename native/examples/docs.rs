//! Writes the man pages and shell completions into a folder: `cargo run --example docs -- FOLDER`. They come from the
//! definition that the command itself parses with.

use std::path::PathBuf;
use std::{env, fs, io};

use clap_complete::Shell;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).expect("usage: docs FOLDER"));
    let mut definition = dbseal::cli::definition();
    let man = folder.join("man1");
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(definition.clone(), &man)?;
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut definition, "dbseal", &completions)?;
    }
    println!("{}", folder.display());
    Ok(())
}
