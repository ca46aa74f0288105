//! Backups in `b` that get other recipients: who opens them then, and what lies beside them, in a folder made by [`folder`].

use std::fs;

use super::{Ended, Folder};
use crate::inputs::paint;
use crate::tools::tool;

/// A folder with a dump of so many bytes, a backup of it for a custodian and the escrow, signed by its host, the key that comes, and who
/// signs changes.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn folder(plain_len: usize) -> Folder {
    let folder = Folder::new();
    folder.write("shop.sql", paint(plain_len));
    for key in ["old", "new", "escrow"] {
        let _ = folder.dbseal(["keygen", "-o", &format!("{key}.key")]).run().succeeds();
    }
    for signer in ["db1", "custodian", "stranger"] {
        let _ = folder.dbseal(["keygen", "--sign", signer, "-o", &format!("{signer}.sign.key")]).run().succeeds();
    }
    fs::create_dir(folder.path("b")).expect("a folder");
    fs::create_dir(folder.path("t")).expect("a folder");
    let trust = format!("{}\n{} may=rewrap\n", folder.read_text("db1.sign.pub").trim(), folder.read_text("custodian.sign.pub").trim());
    folder.write("t/trust", trust);
    encrypt(&folder, "b/shop.age", &["--sign", "db1.sign.key"]);
    folder
}

/// Another backup of the dump, for the same two.
pub fn encrypt(folder: &Folder, output: &str, more: &[&str]) {
    let args = ["encrypt", "-R", "old.pub", "-R", "escrow.pub", "-o", output, "shop.sql"];
    let _ = folder.dbseal(args).args(more.iter().copied()).run().succeeds();
}

/// Whether dbseal opens a backup with this key, and it is the dump.
#[must_use]
pub fn opens(folder: &Folder, key: &str, backup: &str) -> bool {
    let done = folder.dbseal(["decrypt", "-f", "-i", &format!("{key}.key"), "--trust", "t/trust", "-o", "out", backup]).run();
    done.status.success() && folder.read("out") == folder.read("shop.sql")
}

/// The same, of stock age.
#[must_use]
pub fn age_opens(folder: &Folder, key: &str, backup: &str) -> bool {
    // Of a plaintext without a byte it writes no file.
    let run = folder.program(tool("age")).args(["-d", "-i", &format!("{key}.key"), backup]).run();
    run.status.success() && run.stdout == folder.read("shop.sql")
}

/// What `dbseal verify` says of it.
#[must_use]
pub fn verify(folder: &Folder, backup: &str) -> String {
    said(&folder.dbseal(["verify", "--trust", "t/trust", backup]).run())
}

/// What a program wrote to its standard output.
#[must_use]
pub fn said(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

/// The names beside the backups, sorted, hidden ones too.
///
/// # Panics
/// If they cannot be listed.
#[must_use]
pub fn names_in(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("b")).expect("a folder");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
