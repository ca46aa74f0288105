//! The page's own engine in the app's window, which is for the day when the app's own jobs fail: it opens, and judges, as in a browser.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64ct::{Base64, Encoding};
use dbseal_tests::browser::wait_for;
use dbseal_tests::cli::Folder;
use dbseal_tests::desktop::Desktop;
use dbseal_tests::inputs::paint;
use dbseal_tests::seal_vectors::Vector;
use dbseal_tests::vectors::hex;
use dbseal_tests::{passphrase_vectors, published, seal_cases};
use dbseal_web::messages::{Checked, KeyKind, OutputKind, Part, Report, Request, SealPolicy};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Bytes of a backup that is opened: chunks of many batches, and a part of one.
const PLAIN_LEN: usize = (100 << 20) + 17;

/// A key, from the age specification, for files that are refused before any is asked for.
const SOME_KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

/// Does a job as the page does one: by a worker of its own, which is made from the page's engine. Its last word, and the SHA-256 of the
/// file that it made.
const DO_JOB: &str = "
    const [request, name, backup, seal, secret] = arguments;
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const files = { backup: new File([bytes(backup)], name) };
    if (seal !== null) files.seal = new File([bytes(seal)], `${name}.seal`);
    const worker = self.dbsealNewWorker();
    const ended = new Promise((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(event.message || 'the worker did not start'));
        worker.onmessage = async ({ data }) => {
            const report = JSON.parse(data.text);
            if (report.Ready) {
                const message = { request: JSON.stringify(request), ...files };
                if (secret !== null) message.secret = bytes(secret);
                worker.postMessage(message);
            } else if (report.Read) {
                const { id, file, start, end } = report.Read;
                const read = await files[file.toLowerCase()].slice(start, end).arrayBuffer();
                worker.postMessage({ read: id, bytes: read }, [read]);
            } else if (!report.Progress) {
                const hash = data.file && await crypto.subtle.digest('SHA-256', await data.file.arrayBuffer());
                resolve([report, hash ? [...new Uint8Array(hash)] : null]);
            }
        };
    });
    try { return await ended; } finally { worker.terminate(); }
";

/// A job of the page's engine in the app's window.
struct Job<'a> {
    request: Request,
    name: &'a str,
    backup: &'a [u8],
    seal: Option<&'a [u8]>,
    secret: Option<&'a str>,
}

impl Job<'_> {
    /// Its last word, and the SHA-256 of what it made.
    fn run(&self, desktop: &Desktop) -> (Report, Option<Vec<u8>>) {
        let base64 = |bytes: &[u8]| json!(Base64::encode_string(bytes));
        let (seal, secret) = (self.seal.map(base64), self.secret.map(|secret| base64(secret.as_bytes())));
        let arguments = [json!(self.request), json!(self.name), base64(self.backup), json!(seal), json!(secret)];
        let answer: (Report, Option<Vec<u8>>) =
            serde_json::from_value(desktop.browser.run_async(DO_JOB, &arguments)).expect("a report, and perhaps a hash");
        answer
    }
}

fn at_work_by_itself() -> Desktop {
    let desktop = Desktop::start(&[]);
    desktop.use_page();
    desktop
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn the_page_opens_a_backup_by_itself_and_the_app_saves_it() {
    let folder = Folder::with_key();
    folder.write("shop.sql", paint(PLAIN_LEN));
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.sql.age", "shop.sql"]).run().succeeds();
    let plain = folder.read("shop.sql");

    let desktop = at_work_by_itself();
    fs::create_dir(desktop.downloads()).expect("a folder");
    fs::write(desktop.downloads().join("shop.sql"), "somebody's").expect("a file");
    desktop.begin("open");
    let choose = |field: &str, path: &Path| desktop.browser.find(field).expect("a field").choose(&[path]);
    choose("#backup-file", &folder.path("shop.sql.age"));
    choose("#identity-file", &folder.path("backup.key"));
    let note =
        wait_for("where the output goes", || desktop.browser.find("#output-note").filter(|note| note.attribute("data-output").is_some()));
    writeln!(std::io::stderr(), "the output goes to: {:?}: {}", note.attribute("data-output"), note.text()).expect("stderr");
    desktop.browser.wait_for("#start").click();
    assert_eq!(desktop.answer(), "opened", "{}", desktop.browser.text());
    let written = desktop.browser.wait_for("#answer").attribute("data-written");
    assert_eq!(written, Some(PLAIN_LEN.to_string()));
    desktop.screenshot("by-itself-opened");

    desktop.browser.wait_for("#save-output").click();
    let text = desktop.browser.text();
    assert!(text.contains("into your folder for downloads") && !text.contains("list of downloads"), "{text}");
    desktop.display.press_return("Saved");
    let saved = desktop.downloads().join("shop (1).sql");
    let bytes = fs::read(&saved).expect("it is saved");
    assert_eq!(Sha256::digest(&bytes), Sha256::digest(&plain));
    assert_eq!(fs::metadata(&saved).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(desktop.downloads().join("shop.sql")).expect("it is there"), b"somebody's");
    let names: Vec<_> = fs::read_dir(desktop.downloads()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    // Nothing else came into the window.
    assert_eq!(desktop.answer(), "opened");
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn the_age_vectors_hold_in_the_app_s_window() {
    let desktop = at_work_by_itself();
    let ours = passphrase_vectors::all().into_iter().map(|(name, vector)| (name.to_owned(), vector));
    let mut wrong = Vec::new();
    let (mut opened_count, mut refused_count) = (0, 0);
    for (name, bytes) in published::vectors().into_iter().chain(ours) {
        let vector = AgeVector::parse(&bytes);
        let (kind, secret) = match vector.passphrase {
            Some(passphrase) => (KeyKind::Passphrase, passphrase.to_owned()),
            None if vector.identities.is_empty() => (KeyKind::Identity, SOME_KEY.into()),
            None => (KeyKind::Identity, vector.identities.join("\n")),
        };
        let request =
            Request::Open { key: kind, part: Part::Whole, trust: String::new(), seal: SealPolicy::Trusted, output: OutputKind::Memory };
        let job = Job { request, name: "vector.age", backup: &vector.file, seal: None, secret: Some(&secret) };
        let found = match (job.run(&desktop), vector.expect) {
            ((Report::Opened(_), hash), "success") => {
                opened_count += 1;
                (hash == vector.payload_hash).then_some(()).ok_or_else(|| "what came out is not the vector's".into())
            }
            ((Report::Failed(failure), None), expect) if expect != "success" => {
                refused_count += 1;
                let is_of_it = words_of(expect).iter().any(|words| failure.what.contains(words));
                is_of_it.then_some(()).ok_or_else(|| format!("refused, but for another reason: {}", failure.what))
            }
            ((report, _), _) => Err(format!("{report:?}")),
        };
        wrong.extend(found.err().map(|error: String| format!("{name}, {}: {error}", vector.expect)));
    }
    writeln!(std::io::stderr(), "{opened_count} age vectors opened, {refused_count} refused").expect("stderr");
    assert!(wrong.is_empty() && opened_count > 0 && refused_count > 0, "{}", wrong.join("\n"));
}

/// What the page says where a layer refuses.
fn words_of(expect: &str) -> &'static [&'static str] {
    match expect {
        // What comes before armor makes it no armor.
        "armor failure" => &["armor", "not an age file"],
        // A nonce that is missing is missing payload, here.
        "header failure" => &["header", "work factor", "newer than v1", "there is nothing in the backup", "chunk 0 and all after it"],
        "no match" => &["none of the given keys opens", "passphrase does not open", "encrypted with a passphrase", "encrypted to a key"],
        "HMAC failure" => &["the header was altered"],
        "payload failure" => &["damaged", "missing", "cut off", "chunk"],
        _ => panic!("a vector expects {expect}"),
    }
}

/// What a published vector says, and the file that it is about.
struct AgeVector<'a> {
    expect: &'a str,
    payload_hash: Option<Vec<u8>>,
    identities: Vec<&'a str>,
    passphrase: Option<&'a str>,
    file: Vec<u8>,
}

impl<'a> AgeVector<'a> {
    fn parse(bytes: &'a [u8]) -> Self {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").expect("an empty line");
        let header = std::str::from_utf8(&bytes[..end]).expect("text");
        let all = |wanted: &str| -> Vec<&'a str> {
            header.lines().filter_map(|line| line.split_once(": ")).filter(|(name, _)| *name == wanted).map(|(_, value)| value).collect()
        };
        let body = &bytes[end + 2..];
        let is_compressed = all("compressed") == ["zlib"];
        Self {
            expect: all("expect")[0],
            payload_hash: all("payload").first().map(|hash| hex(hash).expect("hexadecimal")),
            identities: all("identity"),
            passphrase: all("passphrase").first().copied(),
            file: if is_compressed { miniz_oxide::inflate::decompress_to_vec_zlib(body).expect("zlib") } else { body.to_vec() },
        }
    }
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn the_seal_vectors_hold_in_the_app_s_window() {
    let desktop = at_work_by_itself();
    let backups: BTreeMap<_, _> = seal_cases::backups().into_iter().chain([("three-groups.age", seal_cases::three_groups())]).collect();
    let (mut wrong, mut proof_count) = (Vec::new(), 0);
    let vectors = read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/seal"));
    assert!(!vectors.is_empty(), "there are no seal vectors");
    for (name, bytes) in &vectors {
        let vector = Vector::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let trust = vector.trust.join("\n");
        let backup = &backups[vector.backup];
        let job = |request| Job { request, name: vector.backup, backup, seal: Some(vector.seal), secret: vector.identity };
        match job(Request::Check { trust: trust.clone() }).run(&desktop).0 {
            Report::Checked(checked) => wrong.extend(differs(&vector, &checked).map(|error| format!("{name}: {error}"))),
            report => wrong.push(format!("{name}: {report:?}")),
        }
        let Some(proof) = vector.proof else { continue };
        proof_count += 1;
        // What its proofs are worth shows where it is opened; the seal is asked also where it need not be.
        let request = Request::Open {
            key: KeyKind::Identity,
            part: Part::Whole,
            trust,
            seal: SealPolicy::Renamed(named(vector.seal)),
            output: OutputKind::Memory,
        };
        let said = match job(request).run(&desktop).0 {
            Report::Opened(_) => "right",
            Report::Failed(failure) if failure.what.contains("somebody who did not make the backup") => "wrong",
            report => {
                wrong.push(format!("{name}, its proof: {report:?}"));
                continue;
            }
        };
        if said != proof {
            wrong.push(format!("{name}: its proof is called {said}, and is {proof}"));
        }
    }
    writeln!(std::io::stderr(), "{} seal vectors, {proof_count} of them with proofs", vectors.len()).expect("stderr");
    assert!(wrong.is_empty() && proof_count > 0, "{}", wrong.join("\n"));
}

/// What a check says that the vector does not.
fn differs(vector: &Vector<'_>, checked: &Checked) -> Option<String> {
    let is_vouched = checked.claims.as_ref().is_some_and(|claims| claims.vouched_by.is_some());
    let expected = (vector.expect, vector.reason.is_some(), vector.counted.is_some_and(|count| count > 0));
    let found = (checked.integrity.as_str(), checked.broken.is_some(), is_vouched);
    (found != expected).then(|| format!("{found:?} instead of {expected:?}"))
}

/// What a seal calls its file.
fn named(seal: &[u8]) -> String {
    let text = String::from_utf8_lossy(seal);
    text.lines().find_map(|line| line.strip_prefix("file ")).unwrap_or_default().into()
}

fn read_all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder of vectors").map(|entry| entry.expect("a vector"));
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("it can be read"))).collect()
}
