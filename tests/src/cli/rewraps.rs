//! Backups in `b` that get other recipients: who opens them then, and what lies beside them, in a folder made by [`folder`].

use std::fs;

use super::power_loss::Files;
use super::{Ended, Folder, Run};
use crate::inputs::paint;
use crate::tools::tool;

/// A folder with a dump of so many bytes, a backup of it for a custodian and the escrow, signed by its host, the key that comes, and who
/// signs changes.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn folder(plain_len: usize) -> Folder {
    folder_in(Folder::new(), plain_len)
}

/// The same, in an empty folder.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn folder_in(folder: Folder, plain_len: usize) -> Folder {
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

/// How a program ended in which a call was to fail, or to be the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injected {
    /// There was no such call.
    NeverCame,
    /// It did what it should all the same.
    Withstood,
    /// It did not.
    Stopped,
}

/// Runs it under strace, which does that to a call: what is injected is told as in strace(1).
///
/// # Panics
/// If it did not do what it should, for another reason.
#[must_use]
pub fn injected(folder: &Folder, run: Run, inject: &str) -> Injected {
    let is_done = run.under(tool("strace"), ["-f", "-qq", "-o", "trace", "-e", inject]).run().status.success();
    let trace = folder.read_text("trace");
    let has_come = trace.contains("(INJECTED)") || trace.contains("killed by SIGKILL");
    assert!(is_done || has_come, "{inject}: it stopped by itself: {trace}");
    match (is_done, has_come) {
        (true, false) => Injected::NeverCame,
        (true, true) => Injected::Withstood,
        (false, _) => Injected::Stopped,
    }
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

/// All that lies there.
#[must_use]
pub fn files_in(folder: &Folder) -> Files {
    names_in(folder).into_iter().map(|name| (name.clone(), folder.read(&format!("b/{name}")))).collect()
}

/// Puts these files there, and no others.
///
/// # Panics
/// If it cannot.
pub fn lay(folder: &Folder, files: &Files) {
    for name in names_in(folder) {
        fs::remove_file(folder.path(&format!("b/{name}"))).expect("it was listed");
    }
    for (name, bytes) in files {
        folder.write(&format!("b/{name}"), bytes);
    }
}
