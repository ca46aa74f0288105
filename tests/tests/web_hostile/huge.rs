//! Files far too long for what they are: refused, and not held in memory. How little of them is read, the tests of the engine count.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use dbseal_core::{MAX_SEAL_LEN, Note, Restored, Seal, TestResult, Time};
use dbseal_tests::browser::{NO_PICK, Visit};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::paint;

use super::{begin_to_open, failure};

/// Bytes of a file that is refused.
const HUGE_LEN: u64 = 2 << 30;
/// Bytes that are really there, of a file that goes on without an end: more than anything may read of it.
const WRITTEN_LEN: usize = 48 << 20;
/// Bytes of memory that the page's process may take: a quarter of such a file.
const PEAK: u64 = 512 << 20;

/// A file that starts like this, goes on with a line again and again, and is a hole from there to 2 GiB.
fn write_huge(folder: &Folder, name: &str, start: &str, line: &str) {
    let mut file = BufWriter::new(File::create(folder.path(name)).expect("a file"));
    file.write_all(start.as_bytes()).expect("written");
    for _ in 0..WRITTEN_LEN / line.len() {
        file.write_all(line.as_bytes()).expect("written");
    }
    file.into_inner().expect("flushed").set_len(HUGE_LEN).expect("a hole");
}

#[test]
fn what_never_ends_is_refused() {
    let folder = seals::folder();
    folder.write("plain", paint(100_000));
    seals::encrypt(&folder, &["-o", "b/shop.age", "plain"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "backup.pub", "--armor", "-o", "armor.age", "plain"]).run().succeeds();
    let line = format!("{}\n", "A".repeat(64));
    write_huge(&folder, "stanza.age", "age-encryption.org/v1\n-> X25519 AAAA\n", &line);
    write_huge(&folder, "stanzas.age", "age-encryption.org/v1\n", "-> X25519 AAAA\nAAAA\n");
    write_huge(&folder, "arguments.age", "age-encryption.org/v1\n-> X25519", " AAAA");
    let begin = "-----BEGIN AGE ENCRYPTED FILE-----\n";
    write_huge(&folder, "armor-of-nothing.age", begin, &line);
    // A whole header, and a payload that goes on with chunks of nobody.
    let armor = folder.read_text("armor.age");
    let line_count = armor.lines().count();
    let whole_lines: String = armor.lines().take(line_count - 10).flat_map(|line| [line, "\n"]).collect();
    write_huge(&folder, "armor-of-chunks.age", &whole_lines, &line);
    write_huge(&folder, "armor-of-spaces.age", "", " \n");
    write_huge(&folder, "b/huge.age.seal", "dbseal/v1 sealed\n", &line);
    write_huge(&folder, "huge.key", "# created: now\n", "# and so on\n");
    write_huge(&folder, "huge.pub", "# whom I trust\n", "# and so on\n");

    Visit::each(|visit| {
        let refused = |what: &str, words: &str, begin: &dyn Fn()| {
            begin();
            let said = failure(visit);
            let peak = visit.browser.renderer_peak();
            assert!(said.contains(words), "{what} in {}: {said}", visit.name());
            assert!(peak < PEAK, "{what} in {}: {} MiB", visit.name(), peak >> 20);
        };
        for (name, words) in [
            ("stanza.age", "header"),
            ("stanzas.age", "header"),
            ("arguments.age", "header"),
            ("armor-of-nothing.age", ""),
            ("armor-of-spaces.age", "not an age file"),
        ] {
            refused(name, words, &|| {
                visit.begin("inspect", NO_PICK);
                visit.choose("#backup-file", &folder.path(name));
            });
        }
        // Where there is nothing but memory, its length alone is too much.
        let words = if visit.has_storage() { "chunk" } else { "at most 256.0 MiB" };
        refused("armor-of-chunks.age", words, &|| begin_to_open(visit, &folder, "armor-of-chunks.age", NO_PICK));
        refused("huge.age.seal", "longer than 8 MiB", &|| {
            visit.begin("check", NO_PICK);
            visit.choose("#backup-file", &folder.path("b/shop.age"));
            visit.choose("#seal-file", &folder.path("b/huge.age.seal"));
        });
        refused("huge.key", "too large", &|| {
            begin_to_open(visit, &folder, "b/shop.age", NO_PICK);
            visit.choose("#identity-file", &folder.path("huge.key"));
        });
        // Not a job: it is said as soon as the file is chosen.
        visit.begin("check", NO_PICK);
        visit.choose("#trust-file", &folder.path("huge.pub"));
        assert!(super::told(visit).contains("too large"), "{}", visit.name());
        let peak = visit.browser.renderer_peak();
        assert!(peak < PEAK, "{}: {} MiB", visit.name(), peak >> 20);
    });
}

/// A seal of a million notes is too long, one of more notes than there may be has too many, and one of as many bytes as there may be is
/// read.
#[test]
fn seals_at_and_over_their_bounds() {
    let folder = seals::folder();
    folder.write("plain", paint(100_000));
    for name in ["million", "many", "longest"] {
        seals::encrypt(&folder, &["-o", &format!("b/{name}.age"), "plain"]).run().succeeds();
    }
    let first = folder.read_text("b/million.age.seal");
    let (note, _) = first.split_once("\n\n").expect("a note");
    let (_, signature) = first.split_once("\n\n").expect("a note");
    let signature = signature.lines().next().expect("a signature");
    let notes = format!("{note}\n\n{signature}\n\n");
    folder.write("b/million.age.seal", notes.repeat(1_000_000));
    folder.write("b/many.age.seal", "dbseal/v1 x\n\n\u{2014} a AAAA\n\n".repeat(100_000));
    folder.write("b/longest.age.seal", longest(&folder));
    let trust = folder.read_text("trust");

    Visit::each(|visit| {
        let check = |name: &str| {
            visit.begin("check", "");
            visit.choose("#backup-file", &folder.path(&format!("b/{name}.age")));
            visit.choose("#seal-file", &folder.path(&format!("b/{name}.age.seal")));
            visit.browser.wait_for("#trust").type_in(trust.trim());
        };
        check("million");
        let said = failure(visit);
        assert!(said.contains("longer than 8 MiB"), "{}: {said}", visit.name());
        check("many");
        assert_eq!(visit.answer("data-integrity"), "broken-seal", "{}", visit.name());
        let next = visit.browser.wait_for("#integrity .next").text();
        assert!(next.len() > 10, "{}: {next}", visit.name());
        check("longest");
        assert_eq!(visit.answer("data-integrity"), "intact", "{}: {}", visit.name(), visit.browser.text());
    });
}

/// The seal of `longest.age` with as many notes as it takes, and signatures that nobody knows, up to the last byte there may be.
fn longest(folder: &Folder) -> Vec<u8> {
    let key = seals::signing_key(folder, "host");
    let mut seal = Seal::parse(&folder.read("b/longest.age.seal")).expect("a seal");
    let payload = seal.judge(&dbseal_core::Trust::default()).payload();
    for seconds in 0..1000 {
        let (previous, signer) = (seal.last_hash(), key.verifier_key().clone());
        let checks = vec![("rows".parse().expect("a label"), TestResult::Passed)];
        let note = Restored { previous, signer, time: Time::default(), payload, seconds, result: TestResult::Passed, checks };
        seal.append(Note::Restored(note), &key).expect("room for a note");
    }
    let text = String::from_utf8(seal.to_bytes()).expect("a seal is text");
    // Signatures of strangers take the room that is left.
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_signature = |line: &&&str| line.starts_with('\u{2014}');
    let count = lines.iter().filter(is_signature).count();
    let room = MAX_SEAL_LEN - text.len();
    let stranger = |len: usize| {
        let frame = "\u{2014} stranger \n".len();
        format!("\u{2014} stranger {}\n", "A".repeat((len - frame) / 4 * 4))
    };
    let mut longest = String::with_capacity(MAX_SEAL_LEN);
    for line in &lines {
        longest.push_str(line);
        if is_signature(&line) {
            longest.push_str(&stranger((room / count).min(12_000)));
        }
    }
    assert!(longest.len() > MAX_SEAL_LEN * 99 / 100 && longest.len() <= MAX_SEAL_LEN, "{} bytes", longest.len());
    longest.into_bytes()
}
