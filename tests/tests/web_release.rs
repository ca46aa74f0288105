//! What a release signs of the browser app, and how anybody checks it with programs that are everywhere, as the readme says.
#![cfg(unix)]

use std::fs;

use dbseal_tests::browser::page;
use dbseal_tests::cli::{Ended, Folder};
use dbseal_tests::readme::block;
use dbseal_tests::tools::tool;

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
    let listed: Vec<_> = page().files.iter().map(|file| file.name.clone()).collect();
    for name in ["dbseal.html", "index.html", "page.js", "worker.js", "style.css", "single/dbseal_web.js", "threads/dbseal_web_bg.wasm"] {
        assert!(listed.iter().any(|listed| listed == name), "{name} is not among {listed:?}");
    }
    let sums = fs::read_to_string(page().folder.join("SHA256SUMS")).expect("the list");
    assert_eq!(sums.lines().count(), listed.len());
}

/// Whether a check succeeded and looked at the kit.
fn checked(ended: &Ended) -> bool {
    ended.code() == 0 && String::from_utf8_lossy(&ended.stdout).contains("dbseal.html: OK")
}
