//! Backups that are longer than the page may hold, and longer than 32 bits count: checked and opened in real browsers, from a server
//! and from a file, with the memory of the page's process measured.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use dbseal_tests::browser::{Kind, NO_PICK, Origin, PICK, Visit, wait_for};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::paint;
use serde_json::json;
use sha2::{Digest, Sha256};

/// What the page's process may take at most, in bytes, the browser's own program included.
const MEMORY_MAX: u64 = 512 << 20;
/// A page may hold this many bytes of an output where it can be given no file: `dbseal_web::messages::MEMORY_LIMIT`.
const HELD_LEN: u64 = 256 << 20;
/// Bytes that are compared at a time.
const PIECE_LEN: usize = 32 << 20;

/// The hash of each piece of what was picked.
const PICKED: &str = "
    const [piece] = arguments;
    const file = await (await (await navigator.storage.getDirectory()).getFileHandle('picked')).getFile();
    const hashes = [];
    for (let start = 0; start < file.size; start += piece) {
        const hash = await crypto.subtle.digest('SHA-256', await file.slice(start, start + piece).arrayBuffer());
        hashes.push(Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join(''));
    }
    return hashes;
";

#[test]
fn a_long_backup_is_checked_in_little_memory() {
    check(300 << 20);
}

#[test]
#[ignore = "not run here: long tier (6 GiB are encrypted, and checked eight times)"]
fn a_backup_of_six_gibibytes_is_checked_in_little_memory() {
    check(6 << 30);
}

#[test]
fn a_long_backup_opens_in_little_memory() {
    open(300 << 20);
}

#[test]
#[ignore = "not run here: long tier (2 GiB are encrypted, and opened three times)"]
fn a_backup_of_two_gibibytes_opens_in_little_memory() {
    open(2 << 30);
}

/// What can become of a stream: scripts for the page, which reads all of a file all the same.
const STREAMS: [(&str, &str); 5] = [
    (
        "nothing but a stream",
        "const whole = Blob.prototype.arrayBuffer;
        Blob.prototype.arrayBuffer = function () {
            return this.size < 1048576 ? whole.call(this) : Promise.reject(new Error('a slice was read'));
        };",
    ),
    ("no stream that fills buffers", "delete self.ReadableStreamBYOBReader;"),
    (
        "one that gives what it has at hand",
        "const read = ReadableStreamBYOBReader.prototype.read;
        ReadableStreamBYOBReader.prototype.read = function (view) { return read.call(this, view.subarray(0, 100000)); };",
    ),
    (
        "one that fails half way",
        "const read = ReadableStreamBYOBReader.prototype.read;
        let count = 0;
        ReadableStreamBYOBReader.prototype.read = function (...arguments_) {
            return ++count === 3 ? Promise.reject(new Error('broken')) : read.apply(this, arguments_);
        };",
    ),
    (
        "one that ends half way",
        "const read = ReadableStreamBYOBReader.prototype.read;
        let count = 0;
        ReadableStreamBYOBReader.prototype.read = function (...arguments_) {
            return ++count === 3 ? Promise.resolve({ value: undefined, done: true }) : read.apply(this, arguments_);
        };",
    ),
];

#[test]
fn whatever_becomes_of_a_stream_all_is_read() {
    // Six pieces.
    let folder = folder(23 << 20);
    Visit::each(|visit| {
        for (stream, script) in STREAMS {
            for (task, attribute, answer) in [("check", "data-integrity", "intact"), ("open", "data-answer", "opened")] {
                visit.begin(task, &format!("{NO_PICK} {script}"));
                visit.choose("#backup-file", &folder.path("b/plain.age"));
                visit.choose("#seal-file", &folder.path("b/plain.age.seal"));
                visit.browser.wait_for("#trust").type_in(folder.read_text("trust").trim());
                if task == "open" {
                    visit.choose("#identity-file", &folder.path("backup.key"));
                }
                assert_eq!(visit.answer(attribute), answer, "{}, {stream}:\n{}", visit.name(), visit.browser.text());
            }
        }
    });
}

/// Checks a backup of so many bytes, whole, and with a bit flipped in its last tenth.
fn check(len: u64) {
    let folder = folder(len);
    let (backup, trust) = (folder.path("b/plain.age"), folder.read_text("trust"));
    Visit::each(|visit| {
        for integrity in ["intact", "damaged"] {
            if integrity == "damaged" {
                // Before it is chosen: a browser does not read a file that has changed since.
                flip_bit(&backup, len / 10 * 9);
            }
            visit.begin("check", "");
            visit.choose("#backup-file", &backup);
            visit.choose("#seal-file", &folder.path("b/plain.age.seal"));
            visit.browser.wait_for("#trust").type_in(trust.trim());
            assert_eq!(visit.answer("data-integrity"), integrity, "{}:\n{}", visit.name(), visit.browser.text());
            assert_memory(visit);
        }
        flip_bit(&backup, len / 10 * 9);
    });
}

/// Opens a backup of so many bytes wherever the browser has a place for it: everywhere but in Chromium from a file.
fn open(len: u64) {
    let folder = folder(len);
    Visit::each(|visit| {
        let (kind, origin) = (visit.browser.kind(), visit.origin);
        let picked = kind == Kind::Chromium && origin == Origin::Server;
        visit.begin("open", if picked { PICK } else { NO_PICK });
        visit.choose("#backup-file", &folder.path("b/plain.age"));
        visit.choose("#identity-file", &folder.path("backup.key"));
        if !visit.has_storage() {
            // Before the first byte, with the limit in words, once the page knows that it has no other place.
            let _ = visit.browser.wait_for("#output-note[data-output]");
            visit.browser.wait_for("#start").click();
            let notice = visit.browser.wait_for("#failure-what").text();
            assert!(notice.contains("256.0 MiB") && len > HELD_LEN, "{}: {notice}", visit.name());
            return;
        }
        assert_eq!(visit.answer("data-answer"), "opened", "{}:\n{}", visit.name(), visit.browser.text());
        assert_memory(visit);
        let expected = hashes(&folder.path("plain"));
        if picked {
            assert_eq!(visit.browser.run_async(PICKED, &[json!(PIECE_LEN)]), json!(expected), "{}", visit.name());
            return;
        }
        visit.browser.wait_for("#save-output").click();
        let saved = wait_for(&format!("{}: it is downloaded", visit.name()), || visit.browser.downloaded());
        assert_eq!(hashes(&saved), expected, "{}", visit.name());
        assert_memory(visit);
    });
}

fn assert_memory(visit: &Visit) {
    let peak = visit.browser.renderer_peak();
    println!("{}: {} MiB at most", visit.name(), peak >> 20);
    assert!(peak < MEMORY_MAX, "{}: {} MiB", visit.name(), peak >> 20);
}

fn flip_bit(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).expect("it is there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("it is long enough");
    byte[0] ^= 1;
    file.write_all_at(&byte, at).expect("it can be written");
}

/// The hash of each piece of a file.
fn hashes(path: &Path) -> Vec<String> {
    let file = File::open(path).expect("it is there");
    let mut piece = Vec::new();
    let next = || {
        piece.clear();
        (&file).take(PIECE_LEN as u64).read_to_end(&mut piece).expect("it can be read");
        let hash = Sha256::digest(&piece);
        (!piece.is_empty()).then(|| hash.iter().map(|byte| format!("{byte:02x}")).collect())
    };
    std::iter::from_fn(next).collect()
}

/// A signed backup of so many bytes, no chunk of which looks like another.
fn folder(len: u64) -> Folder {
    let folder = seals::folder();
    // A multiple of the cycle, so that it goes on from one block to the next.
    let block = paint(251 << 12);
    let mut plain = File::create(folder.path("plain")).expect("a file");
    let mut left = len;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        plain.write_all(&block[..part]).expect("there is room");
        left -= part as u64;
    }
    seals::encrypt(&folder, &["-o", "b/plain.age", "plain"]).run().succeeds();
    folder
}
