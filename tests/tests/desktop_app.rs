//! The desktop app, as its package installs it, does what its page promises: over files that a person chooses, in a real window.
#![cfg(unix)]

use std::fs;

use dbseal_tests::cli::Folder;
use dbseal_tests::cli::jobs::assert_not_committed;
use dbseal_tests::desktop::forms::{choose_backup, choose_key, choose_program, committing_program, open_into, signed_backup};
use dbseal_tests::desktop::{Desktop, memory_has};
use dbseal_tests::inputs::paint;

/// Chunks of more than one batch, and a part of one.
const PLAIN_LEN: usize = (40 << 20) + 17;

fn backups() -> Folder {
    signed_backup(paint(PLAIN_LEN))
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn a_backup_is_checked_and_opened() {
    let folder = backups();
    let desktop = Desktop::start(&[]);
    desktop.screenshot("start");
    desktop.begin("check");
    choose_backup(&desktop, &folder.path("shop.sql.age"));
    // Its seal lies beside it.
    assert!(desktop.browser.wait_for("#seal-name").text().contains("shop.sql.age.seal"));
    desktop.trust(&folder.path("db1.sign.pub"));
    desktop.screenshot("check");
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "checked");
    let answer = desktop.browser.wait_for("#answer");
    assert_eq!(answer.attribute("data-integrity").as_deref(), Some("intact"), "{}", desktop.browser.text());
    assert_eq!(answer.attribute("data-place").as_deref(), Some("alone"));
    desktop.screenshot("checked");

    desktop.browser.wait_for("#open-this").click();
    choose_key(&desktop, &folder);
    assert!(desktop.browser.find("#key-text").is_none_or(|field| !field.is_shown()), "no private key is pasted here");
    desktop.screenshot("open");
    desktop.choose("#start", "Where should it go?", &folder.path("restored.sql"));
    assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());
    desktop.screenshot("opened");
    assert!(folder.read("restored.sql") == folder.read("shop.sql"));
    assert_eq!(folder.mode("restored.sql"), 0o600);
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn damage_is_shown_and_refused() {
    let folder = backups();
    let mut bytes = folder.read("shop.sql.age");
    bytes[20 << 20] ^= 1;
    folder.write("shop.sql.age", bytes);
    let desktop = Desktop::start(&[&folder.path("shop.sql.age")]);
    assert!(desktop.browser.wait_for("#given").text().contains("shop.sql.age"), "what it was started with is chosen");
    desktop.begin("check");
    desktop.trust(&folder.path("db1.sign.pub"));
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "checked");
    assert_eq!(desktop.browser.wait_for("#answer").attribute("data-integrity").as_deref(), Some("damaged"));
    desktop.screenshot("damaged");

    desktop.browser.wait_for("#open-this").click();
    choose_key(&desktop, &folder);
    desktop.choose("#start", "Where should it go?", &folder.path("restored.sql"));
    assert_eq!(desktop.answer(), "failed");
    assert!(desktop.browser.text().contains("is damaged or was altered"), "{}", desktop.browser.text());
    desktop.screenshot("refused");
    assert!(!folder.has("restored.sql"));
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn a_program_gets_what_somebody_vouches_for() {
    let folder = backups();
    let desktop = Desktop::start(&[&folder.path("shop.sql.age")]);
    desktop.begin("open");
    choose_key(&desktop, &folder);
    let line = format!("sh -c 'echo it begins; cat >{}; echo it ends >&2'", folder.path("restored").display());
    choose_program(&desktop, &line);

    // Nobody is trusted yet.
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "failed");
    assert!(desktop.browser.find("#open-anyway").is_none() && !folder.has("restored"), "{}", desktop.browser.text());
    desktop.browser.wait_for("#again").click();

    desktop.trust(&folder.path("db1.sign.pub"));
    choose_key(&desktop, &folder);
    desktop.screenshot("program");
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());
    let printed = desktop.browser.wait_for("#printed").text();
    assert!(printed.contains("it begins") && printed.contains("it ends") && !printed.contains("u{a}"), "{printed:?}");
    desktop.screenshot("restored");
    assert!(fs::read(folder.path("restored")).expect("it is there") == folder.read("shop.sql"));
}

/// "Private keys never enter the web view": not while they are used either. And what was stopped has committed nothing.
#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app); as root"]
fn the_window_has_no_key_and_stop_stops() {
    let folder = signed_backup(paint(300 << 20));
    let backup = folder.path("shop.sql.age");
    let desktop = Desktop::start(&[&backup]);
    desktop.begin("open");
    open_into(&desktop, &folder, &committing_program(&folder));
    let held = desktop.processes().hold_job(backup.metadata().expect("it is there").len());
    desktop.screenshot("running");

    let key = folder.read_text("backup.key");
    let secret = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).expect("a key");
    let verifier_key = folder.read_text("db1.sign.pub");
    let pages = desktop.browser.renderers();
    assert!(!pages.is_empty(), "the window has a process for its page");
    for pid in pages {
        assert!(memory_has(pid, verifier_key.trim().as_bytes()), "what is in the page is found in its memory");
        assert!(!memory_has(pid, secret.as_bytes()), "the private key is in the memory of the page");
    }

    desktop.browser.wait_for("#stop").click();
    desktop.processes().wait_until_ended(&held);
    held.go_on();
    let _ = desktop.browser.wait_for("#start");
    desktop.screenshot("stopped");
    assert_not_committed(&folder);
}
