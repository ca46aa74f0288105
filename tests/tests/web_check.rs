//! A check by the page in real browsers, from a server and from a file.
#![cfg(unix)]

use std::fs;

use dbseal_tests::browser::{Kind, Visit};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::paint;

/// Chunks of more than one batch, and a part of one.
const PLAIN_LEN: usize = (5 << 20) + 17;

#[test]
fn a_check_says_what_each_backup_is() {
    let folder = backups();
    Visit::each(|visit| check(visit, &folder));
}

#[test]
#[ignore = "not run here: long tier (a third browser, a minute)"]
fn so_it_does_in_webkit() {
    let folder = backups();
    Visit::both(Kind::WebKit, |visit| check(visit, &folder));
}

fn backups() -> Folder {
    let folder = seals::folder();
    folder.write("plain", paint(PLAIN_LEN));
    for name in ["good", "damaged", "unsigned", "strange", "truncated", "renamed"] {
        seals::encrypt(&folder, &["-o", &format!("b/{name}.age"), "plain"]).run().succeeds();
    }
    let flip = |name: &str, at: usize| {
        let mut bytes = folder.read(name);
        bytes[at] ^= 1;
        folder.write(name, bytes);
    };
    flip("b/damaged.age", 3 << 20);
    fs::remove_file(folder.path("b/unsigned.age.seal")).expect("it is there");
    seals::new_key(&folder, "stranger");
    let stranger = ["encrypt", "-R", "backup.pub", "--sign", "stranger.key", "-f", "-o", "b/strange.age", "plain"];
    folder.dbseal(stranger).run().succeeds();
    let cut = folder.read("b/truncated.age");
    folder.write("b/truncated.age", &cut[..cut.len() - 100_000]);
    for name in ["b/renamed.age", "b/renamed.age.seal"] {
        fs::rename(folder.path(name), folder.path(&name.replace("renamed", "other"))).expect("renamed");
    }
    folder
}

fn check(visit: &Visit, folder: &Folder) {
    let trust = folder.read_text("trust");
    for (name, integrity, place, says) in [
        ("good", "intact", "alone", "Intact"),
        ("damaged", "damaged", "alone", ""),
        ("unsigned", "unsealed", "unknown", ""),
        ("strange", "unvouched", "unknown", ""),
        ("truncated", "damaged", "alone", ""),
        ("other", "intact", "renamed", "renamed.age"),
    ] {
        visit.begin("check", "");
        let backup = folder.path(&format!("b/{name}.age"));
        visit.choose("#backup-file", &backup);
        let seal = folder.path(&format!("b/{name}.age.seal"));
        if seal.exists() {
            visit.choose("#seal-file", &seal);
        }
        visit.browser.wait_for("#trust").type_in(trust.trim());
        assert_eq!(visit.answer("data-integrity"), integrity, "{name} in {}:\n{}", visit.name(), visit.browser.text());
        let answer = visit.browser.find("#answer").expect("it is there");
        assert_eq!(answer.attribute("data-place").as_deref(), Some(place), "{name} in {}", visit.name());
        let text = visit.browser.text();
        assert!(text.contains(says), "{name} in {} does not say {says:?}:\n{text}", visit.name());
        assert!(integrity == "intact" || !text.contains("Intact"), "{name} in {}:\n{text}", visit.name());
    }
}
