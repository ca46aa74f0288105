//! The page opens in real browsers, from a server and from a file, what dbseal and others wrote.
#![cfg(unix)]

use std::fs;

use dbseal_tests::browser::{Kind, NO_PICK, Origin, PICK, Visit, wait_for};
use dbseal_tests::cli::Folder;
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::{npm_dir, tool};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const PASSPHRASE: &str = "correct horse battery staple";
/// Chunks of more than one batch, and a part of one.
const PLAIN_LEN: usize = (5 << 20) + 17;

/// The length of what was picked, and the bytes of its hash.
const PICKED: &str = "
    const file = await (await (await navigator.storage.getDirectory()).getFileHandle('picked')).getFile();
    const hash = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
    return [file.size, ...new Uint8Array(hash)];
";

/// How a backup is opened.
enum With<'a> {
    IdentityFile(&'a str),
    PastedKey(&'a str),
    ProtectedFile(&'a str),
    Passphrase,
}

#[test]
fn what_dbseal_and_others_wrote_opens() {
    let folder = backups();
    Visit::each(|visit| open(visit, &folder));
}

#[test]
#[ignore = "not run here: long tier (a third browser, a minute)"]
fn so_it_does_in_webkit() {
    let folder = backups();
    Visit::both(Kind::WebKit, |visit| open(visit, &folder));
}

fn backups() -> Folder {
    let folder = Folder::with_key();
    folder.write("plain", paint(PLAIN_LEN));
    folder.dbseal(["keygen", "--pq", "-o", "hybrid.key"]).run().succeeds();
    folder.write("phrase", PASSPHRASE);
    folder.dbseal(["encrypt", "--passphrase-file", "phrase", "-o", "protected.key", "backup.key"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "dbseal.age", "plain"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "backup.pub", "--armor", "-o", "armored.age", "plain"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "hybrid.pub", "-o", "hybrid.age", "plain"]).run().succeeds();
    folder.dbseal(["encrypt", "--passphrase-file", "phrase", "-o", "passphrase.age", "plain"]).run().succeeds();
    for other in ["age", "rage"] {
        folder.program(tool(other)).args(["-e", "-R", "backup.pub", "-o", &format!("{other}.age"), "plain"]).run().succeeds();
    }
    for (recipient, output) in [("backup.pub", "typage.age"), ("hybrid.pub", "typage-hybrid.age")] {
        typage(&folder, recipient, output);
    }

    folder
}

fn open(visit: &Visit, folder: &Folder) {
    for (name, with) in [
        ("dbseal", With::IdentityFile("backup.key")),
        ("dbseal", With::PastedKey("backup.key")),
        ("dbseal", With::ProtectedFile("protected.key")),
        ("armored", With::IdentityFile("backup.key")),
        ("hybrid", With::IdentityFile("hybrid.key")),
        ("passphrase", With::Passphrase),
        ("age", With::IdentityFile("backup.key")),
        ("rage", With::IdentityFile("backup.key")),
        ("typage", With::IdentityFile("backup.key")),
        ("typage-hybrid", With::IdentityFile("hybrid.key")),
    ] {
        // Before the page looks for what this browser has.
        visit.begin("open", if is_picked(visit) { PICK } else { NO_PICK });
        visit.choose("#backup-file", &folder.path(&format!("{name}.age")));
        give_key(visit, folder, &with);
        assert_eq!(visit.answer("data-answer"), "opened", "{name} in {}:\n{}", visit.name(), visit.browser.text());
        let written = visit.browser.find("#answer").and_then(|answer| answer.attribute("data-written"));
        assert_eq!(written, Some(PLAIN_LEN.to_string()), "{name} in {}", visit.name());
        assert_opened(visit, folder, name);
    }
}

/// Chromium gives a page from a server a file to write to.
fn is_picked(visit: &Visit) -> bool {
    visit.browser.kind() == Kind::Chromium && visit.origin == Origin::Server
}

fn give_key(visit: &Visit, folder: &Folder, with: &With<'_>) {
    let browser = &visit.browser;
    let passphrase = || browser.wait_for("#passphrase").type_in(PASSPHRASE);
    match with {
        With::IdentityFile(key) => visit.choose("#identity-file", &folder.path(key)),
        With::ProtectedFile(key) => {
            visit.choose("#identity-file", &folder.path(key));
            passphrase();
        }
        With::PastedKey(key) => {
            browser.find("#key-by-text").expect("a choice").click();
            browser.wait_for("#key-text").type_in(folder.read_text(key).lines().last().expect("a key"));
        }
        With::Passphrase => {
            browser.find("#key-by-passphrase").expect("a choice").click();
            passphrase();
        }
    }
}

/// What came out is what went in.
fn assert_opened(visit: &Visit, folder: &Folder, name: &str) {
    if is_picked(visit) {
        let mut expected = vec![json!(PLAIN_LEN)];
        expected.extend(Sha256::digest(folder.read("plain")).iter().map(|byte| json!(byte)));
        assert_eq!(visit.browser.run_async(PICKED, &[]), Value::Array(expected), "{name} in {}", visit.name());
        return;
    }
    visit.browser.wait_for("#save-output").click();
    let whole = || {
        let saved = visit.browser.downloaded().filter(|path| fs::read(path).is_ok_and(|bytes| bytes == folder.read("plain")))?;
        fs::remove_file(saved).ok()
    };
    wait_for(&format!("{}: {name} is downloaded", visit.name()), whole);
}

/// Encrypts with the implementation of age for JavaScript.
fn typage(folder: &Folder, recipient: &str, output: &str) {
    const SCRIPT: &str = r#"
import { readFileSync, writeFileSync } from "node:fs";
import { Encrypter } from "age-encryption";
const [recipient, input, output] = process.argv.slice(1);
const encrypter = new Encrypter();
encrypter.addRecipient(recipient);
writeFileSync(output, await encrypter.encrypt(readFileSync(input)));
"#;
    let recipient = folder.read_text(recipient).trim().to_owned();
    folder
        .program(tool("node"))
        .dir(npm_dir("age-encryption"))
        .args(["--input-type=module", "-e", SCRIPT, "--"])
        .args([recipient.into(), folder.path("plain").into_os_string(), folder.path(output).into_os_string()])
        .run()
        .succeeds();
}
