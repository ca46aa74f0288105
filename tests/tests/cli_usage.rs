//! Promises 7 and 8: whatever is wrong stops before the first byte, in one clear sentence and a documented exit code.
//!
//! `cli_usage/refused.txt` holds what is typed, what is said and `[how it ends]`, word for word: it is to be read as a tired
//! person reads it.

use std::fmt::Write as _;

use dbseal_tests::cli::{Folder, Run, dbseal, is_root};
use dbseal_tests::tools::tool;

const REFUSED: &str = include_str!("cli_usage/refused.txt");

/// A folder with one of everything that the transcripts name.
fn folder() -> Folder {
    let folder = Folder::with_key();
    folder.write("plain", "a dump\n");
    folder.write("empty", "");
    folder.write("secret", "correct horse\n");
    folder.write("wrong", "battery staple\n");
    folder.write("broken.pub", "# the host's\nage1broken\n");
    folder.write("comments.pub", "# nothing but this\n");
    std::fs::create_dir(folder.path("folder")).expect("a folder");
    for args in [
        "keygen -o other.key",
        "keygen --pq -o pq.key",
        "keygen --passphrase-file secret -o protected.key",
        "encrypt -R backup.pub -o shop.age plain",
        "encrypt -R backup.pub --armor -o armored.age plain",
        "encrypt --passphrase-file secret -o pass.age plain",
    ] {
        folder.dbseal(args.split(' ')).run().succeeds();
    }
    for name in ["plain", "empty"] {
        folder.set_mode(name, 0o600);
    }
    let newer = folder.read("shop.age");
    folder.write("newer.age", [b"age-encryption.org/v2", &newer[21..]].concat());
    folder
}

/// A command as it is typed, in a session without a terminal.
fn typed(folder: &Folder, line: &str) -> Run {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", dbseal().parent().expect("a folder").display());
    folder.program(tool("setsid")).args(["--wait", "sh", "-c", line]).env("PATH", path)
}

/// Everything that is refused, word for word. None of it leaves a file, or writes a byte.
#[test]
fn refused_with_these_words() {
    let folder = folder();
    let before = folder.names();
    let mut found = String::new();
    for section in REFUSED.split_inclusive("\n\n") {
        if section.starts_with('#') {
            found += section;
            continue;
        }
        for line in section.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let ended = typed(&folder, line).run();
            let _ = write!(found, "$ {line}\n{}[{}]\n", ended.stderr, ended.code());
            assert!(ended.stdout.is_empty(), "{line}: something was written to standard output");
            assert_eq!(folder.names(), before, "{line}: something was left");
        }
        found += "\n";
    }
    let wanted = REFUSED.trim_end();
    let found = found.trim_end();
    if let Some((found, wanted)) = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted) {
        println!("{}", found);
        panic!("says\n{found}\ninstead of\n{wanted}");
    }
    assert_eq!(found, wanted);
}
