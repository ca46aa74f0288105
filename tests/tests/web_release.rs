//! What a release signs of the browser app, and how anybody checks it with programs that are everywhere, as the readme says.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dbseal_tests::browser::page;
use dbseal_tests::cli::{Ended, Folder};
use dbseal_tests::readme::block;
use dbseal_tests::tools::tool;
use sha2::{Digest, Sha256};

#[test]
fn the_list_is_signed_and_checked() {
    let folder = Folder::new();
    folder.program(tool("ssh-keygen")).args(["-q", "-t", "ed25519", "-N", "", "-f", "release.key"]).run().succeeds();
    // A custodian takes the kit, the list and its signature along, and nothing else of the page.
    for name in ["dbseal.html", "SHA256SUMS"] {
        fs::copy(page().folder.join(name), folder.path(name)).expect("it was built");
    }
    folder.shell(&block("sh release")).run().succeeds();
    let public = folder.read_text("release.key.pub");
    folder.write("signers", block("text signers").replace("ssh-ed25519 AAAA...", public.trim()));
    let check = || folder.shell(&block("sh check-release")).run();
    assert!(checked(&check()), "{}", check().words());

    let change = |name: &str, at: usize| {
        let mut bytes = folder.read(name);
        bytes[at] ^= 1;
        folder.write(name, bytes);
    };
    for name in ["dbseal.html", "SHA256SUMS"] {
        change(name, 70);
        assert!(!checked(&check()), "{name}");
        change(name, 70);
    }
    assert!(checked(&check()), "{}", check().words());
    // Signed by another, who calls itself the same.
    folder.program(tool("ssh-keygen")).args(["-q", "-t", "ed25519", "-N", "", "-f", "other.key"]).run().succeeds();
    fs::remove_file(folder.path("SHA256SUMS.sig")).expect("it is there");
    folder.shell(&block("sh release").replace("release.key", "other.key")).run().succeeds();
    assert!(!checked(&check()), "another key");
}

#[test]
fn everything_that_a_server_hands_out_is_on_the_list() {
    let sums = fs::read_to_string(page().folder.join("SHA256SUMS")).expect("the list");
    let listed: BTreeMap<_, _> =
        sums.lines().map(|line| line.split_once("  ").expect("a hash and a name")).map(|(hash, name)| (name.into(), hash.into())).collect();
    for name in ["dbseal.html", "index.html", "page.js", "worker.js", "style.css", "single/dbseal_web.js", "threads/dbseal_web_bg.wasm"] {
        assert!(listed.contains_key(name), "{name} is not among {listed:?}");
    }
    // By what lies there, not by what the build says that it put there.
    let mut found = BTreeMap::new();
    find_all(&page().folder, "", &mut found);
    assert!(found.remove("SHA256SUMS").is_some(), "the list is handed out as well");
    assert_eq!(found, listed, "what is handed out, and what is on the list");
}

/// All files in a folder and in those within, by the path that a server has them at, with their hashes.
fn find_all(folder: &Path, place: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("a file");
        let name = format!("{place}{}", entry.file_name().to_str().expect("a plain name"));
        if entry.path().is_dir() {
            find_all(&entry.path(), &format!("{name}/"), found);
        } else {
            let hash = Sha256::digest(fs::read(entry.path()).expect("a file"));
            found.insert(name, hash.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
}

/// Whether a check succeeded and looked at the kit.
fn checked(ended: &Ended) -> bool {
    ended.code() == 0 && String::from_utf8_lossy(&ended.stdout).contains("dbseal.html: OK")
}
