//! Writes the man pages and shell completions into a folder: `cargo run --example docs -- FOLDER`. They come from the
//! definition that the command itself parses with.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).expect("usage: docs FOLDER"));
    let mut definition = dbseal::cli::definition();
    let man = folder.join("man1");
    fs::create_dir_all(&man)?;
    let mut command = definition.clone().disable_help_subcommand(true);
    command.build();
    page(&command, &man)?;
    for subcommand in command.get_subcommands() {
        page(subcommand, &man)?;
    }
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut definition, "dbseal", &completions)?;
    }
    println!("{}", folder.display());
    Ok(())
}

/// Writes the page of one command. Of `clap_mangen`'s own sections two would mislead: its synopsis has no `--` before a command,
/// and it calls the last section EXTRA.
fn page(command: &Command, folder: &Path) -> io::Result<()> {
    let man = Man::new(command.clone()).source(concat!("dbseal ", env!("CARGO_PKG_VERSION")));
    let mut file = File::create(folder.join(man.get_filename()))?;
    man.render_title(&mut file)?;
    man.render_name_section(&mut file)?;
    synopsis(command).to_writer(&mut file)?;
    man.render_description_section(&mut file)?;
    man.render_options_section(&mut file)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut file)?;
    }
    if let Some(text) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        let heading = if command.has_subcommands() { "EXIT STATUS" } else { "EXAMPLES" };
        listing(heading, &text.to_string()).to_writer(&mut file)?;
    }
    Ok(())
}

/// What `--help` shows as the usage.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let arguments = usage.trim_start_matches("Usage:").trim().trim_start_matches(name);
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]).text([bold(name), roman(arguments)]);
    roff
}

/// A section of lines that stay lines. The first of the text is its heading in `--help`.
fn listing(heading: &str, text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]).control("nf", []);
    for line in text.lines().skip(1) {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []);
    roff
}
