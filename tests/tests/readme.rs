//! What `README.md` tells people to type: it parses, and where it needs no database it runs.

use dbseal_tests::cli::{Folder, dbseal};
use dbseal_tests::readme::{Block, blocks};

/// The command lines in a block that run dbseal: each a list of words that begins with `dbseal`.
fn dbseal_lines(block: &Block) -> Vec<Vec<String>> {
    let text = block.text.replace("\\\n", " ");
    let mut lines = Vec::new();
    for line in text.lines() {
        // A text in quotes may go on over lines, of another program.
        let words = match shell_words::split(line) {
            Err(error) if line.contains("dbseal ") => panic!("{line}: {error}"),
            words => words.unwrap_or_default(),
        };
        for command in words.split(|word| ["&&", "||", "|", ";"].contains(&word.as_str())) {
            if command.first().is_some_and(|word| word == "dbseal") {
                lines.push(command.iter().filter(|word| !word.starts_with('>')).cloned().collect());
            }
        }
    }
    lines
}

fn shell_blocks() -> Vec<Block> {
    blocks().into_iter().filter(|block| block.language() == "sh").collect()
}

#[test]
fn every_command_line_parses() {
    let lines: Vec<_> = shell_blocks().iter().flat_map(dbseal_lines).collect();
    assert!(lines.len() > 20, "only {} command lines were found", lines.len());
    for line in lines {
        if let Err(error) = dbseal::cli::definition().try_get_matches_from(&line) {
            panic!("{line:?}\n{error}");
        }
    }
}

#[test]
fn what_needs_no_database_runs() {
    let folder = Folder::new();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", dbseal().parent().expect("a file is in a folder").display());
    let mut printed = String::new();
    for block in shell_blocks().iter().filter(|block| block.info == "sh run") {
        let ended = folder.shell(&format!("set -e\n{}", block.text)).env("PATH", &path).run().succeeds();
        printed += &String::from_utf8_lossy(&ended.stdout);
    }
    assert_eq!(folder.read_text("shop.sql"), "in place of your dump\n");
    assert_eq!(folder.read_text("shared.sql"), "in place of your dump\n");
    assert_eq!(folder.read("restore/folder/file"), folder.read("folder/file"));
    assert!(printed.contains("NOT COMPLETE: dbseal failed, was stopped, or is still writing it"), "{printed}");
}

/// When a dump before a pipe fails, nobody can tell.
#[test]
fn no_recipe_pipes_a_dump_into_dbseal() {
    for block in shell_blocks() {
        assert!(!block.text.contains(" | dbseal encrypt"), "{}", block.text);
    }
}

/// Links into the repository lead somewhere.
#[test]
fn every_link_to_a_file_leads_there() {
    let root = dbseal_tests::tools::workspace_dir();
    let text = std::fs::read_to_string(root.join("README.md")).expect("a readme");
    let targets: Vec<_> = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(targets.len() > 3);
    for target in targets.iter().filter(|target| !target.contains("://") && !target.starts_with('#')) {
        assert!(root.join(target).exists(), "{target}");
    }
}
