//! The desktop app, as its package installs it, does what its page promises: over files that a person chooses, in a real window.
#![cfg(unix)]

use std::fs;

use dbseal_tests::browser::wait_for;
use dbseal_tests::cli::Folder;
use dbseal_tests::cli::jobs::assert_not_committed;
use dbseal_tests::desktop::forms::{
    TRUST, choose_backup, choose_key, choose_program, committing_program, failure, open_into, signed_backup, start_program,
};
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
    desktop.trust(&folder.path(TRUST));
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
    desktop.trust(&folder.path(TRUST));
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

    desktop.trust(&folder.path(TRUST));
    choose_key(&desktop, &folder);
    desktop.screenshot("program");
    // Nobody lets it run.
    desktop.browser.wait_for("#start").click();
    desktop.display.close("Run this program?");
    wait_for("it is not run", || desktop.browser.text().contains("Nobody has let that program run").then_some(()));
    assert!(!folder.has("restored"));
    start_program(&desktop);
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
    let verifier_key = folder.read_text(TRUST);
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

/// A passphrase is typed into the page, and goes to the job.
#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn a_passphrase_opens_a_key_file_and_a_backup() {
    let folder = Folder::new();
    folder.write("passphrase", "correct horse\n");
    folder.write("shop.sql", paint(PLAIN_LEN));
    folder.dbseal(["keygen", "-o", "backup.key", "--passphrase-file", "passphrase"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.sql.age", "shop.sql"]).run().succeeds();
    folder.dbseal(["encrypt", "--passphrase-file", "passphrase", "-o", "by-passphrase.age", "shop.sql"]).run().succeeds();

    let desktop = Desktop::start(&[&folder.path("shop.sql.age")]);
    desktop.begin("open");
    choose_key(&desktop, &folder);
    desktop.browser.wait_for("#passphrase").type_in("wrong horse");
    desktop.choose("#start", "Where should it go?", &folder.path("restored.sql"));
    assert_eq!(failure(&desktop)[1], "Type it again; capital letters and spaces count.");
    desktop.browser.wait_for("#again").click();
    choose_key(&desktop, &folder);
    desktop.browser.wait_for("#passphrase").type_in("correct horse");
    desktop.choose("#start", "Where should it go?", &folder.path("restored.sql"));
    assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());
    assert!(folder.read("restored.sql") == folder.read("shop.sql"));
    drop(desktop);

    let desktop = Desktop::start(&[&folder.path("by-passphrase.age")]);
    desktop.begin("open");
    desktop.browser.wait_for("#key-by-passphrase").click();
    desktop.browser.wait_for("#passphrase").type_in("correct horse");
    desktop.choose("#start", "Where should it go?", &folder.path("restored-too.sql"));
    assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());
    assert!(folder.read("restored-too.sql") == folder.read("shop.sql"));
}

/// Whoever can write where the backups are could write there whom to trust.
#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn whom_to_trust_is_not_read_from_among_the_backups() {
    let folder = signed_backup("a dump");
    fs::copy(folder.path(TRUST), folder.path("db1.sign.pub")).expect("there is room");
    let desktop = Desktop::start(&[&folder.path("shop.sql.age")]);
    desktop.begin("check");
    let beside = folder.path("db1.sign.pub");
    desktop.choose("#trust-file", "Whom do you trust?", &beside);
    wait_for("it is refused", || desktop.browser.text().contains("lies where the backups are").then_some(()));
    desktop.screenshot("trust-refused");
    drop(desktop);

    // Nor where the backup is chosen after it.
    let desktop = Desktop::start(&[]);
    desktop.begin("check");
    desktop.trust(&beside);
    choose_backup(&desktop, &folder.path("shop.sql.age"));
    desktop.browser.wait_for("#start").click();
    assert!(failure(&desktop)[0].contains("lies where the backups are"), "{}", desktop.browser.text());
}

/// As for the command, whom this user's own file says.
#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn whom_this_computer_trusts_is_asked_where_nobody_is_named() {
    let folder = signed_backup("a dump");
    let home = Folder::new();
    fs::create_dir_all(home.path("config/dbseal")).expect("a folder");
    fs::copy(folder.path(TRUST), home.path("config/dbseal/trust")).expect("there is room");
    let desktop = Desktop::start_at_home(home, &[&folder.path("shop.sql.age")]);
    desktop.begin("check");
    let hint = desktop.browser.wait_for("#trust-default").text();
    assert!(hint.contains("config/dbseal/trust"), "{hint}");
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "checked");
    assert_eq!(desktop.browser.wait_for("#answer").attribute("data-integrity").as_deref(), Some("intact"), "{}", desktop.browser.text());
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn a_compressed_dump_is_decompressed_for_the_program() {
    let folder = backups();
    folder.dbseal(["encrypt", "--zstd", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "shop.zst.age", "shop.sql"]).run().succeeds();
    let line = format!("sh -c 'cat >{}'", folder.path("restored").display());
    let open = |name: &str| {
        let desktop = Desktop::start(&[&folder.path(name)]);
        desktop.begin("open");
        desktop.browser.wait_for("#output-program").click();
        desktop.browser.wait_for("#decompress").click();
        open_into(&desktop, &folder, &line);
        let answer = desktop.answer();
        (desktop, answer)
    };
    let (desktop, answer) = open("shop.zst.age");
    assert_eq!(answer, "opened", "{}", desktop.browser.text());
    assert!(folder.read("restored") == folder.read("shop.sql"));
    drop(desktop);
    let (desktop, _) = open("shop.sql.age");
    let [what, next] = failure(&desktop);
    assert!(what.starts_with("Cannot decompress ") && next.starts_with("Open it without having it decompressed"), "{what} {next}");
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn a_compressed_dump_is_decompressed_into_a_file() {
    let folder = backups();
    folder.dbseal(["encrypt", "--zstd", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "shop.zst.age", "shop.sql"]).run().succeeds();
    let desktop = Desktop::start(&[&folder.path("shop.zst.age")]);
    let open_into = |name: &str| {
        choose_key(&desktop, &folder);
        desktop.choose("#start", "Where should it go?", &folder.path(name));
        assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());
    };
    desktop.begin("open");
    open_into("as-it-is");
    assert!(desktop.browser.text().contains("It is still compressed (zstd)."), "{}", desktop.browser.text());
    desktop.browser.wait_for("#back").click();
    desktop.begin("open");
    desktop.browser.wait_for("#decompress").click();
    desktop.screenshot("decompress");
    open_into("restored.sql");
    assert!(!desktop.browser.text().contains("compressed"), "{}", desktop.browser.text());
    assert!(folder.read("restored.sql") == folder.read("shop.sql"));
}
