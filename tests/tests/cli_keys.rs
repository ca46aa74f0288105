//! Keys, and what can be told of a file with and without them.

use dbseal_core::CHUNK_LEN;
use dbseal_tests::cli::Folder;
use dbseal_tests::cli::jobs::encrypt;
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;
use serde_json::Value;

const UNPROTECTED: &str =
    "dbseal: warning: the identity is not protected by a passphrase: whoever gets the file can open every backup made for it";

// Keys

/// `keygen -o` writes the identity for its owner alone, whatever the umask, and the recipient beside it. The keys are
/// those of age.
#[test]
fn keygen_writes_a_pair() {
    let folder = Folder::new();
    let ended = folder.shell("umask 000; exec \"$DBSEAL\" keygen -o backup.key").run().succeeds();
    assert_eq!(ended.stderr, format!("{UNPROTECTED}\n"));
    let recipient = String::from_utf8(ended.stdout).expect("text");
    assert!(recipient.starts_with("age1") && recipient.ends_with('\n'), "{recipient}");
    assert_eq!(folder.read_text("backup.pub"), recipient);
    let identity = folder.read_text("backup.key");
    assert!(identity.starts_with(&format!("# public key: {recipient}AGE-SECRET-KEY-1")), "the form that age-keygen has");
    assert_eq!((folder.mode("backup.key"), folder.mode("backup.pub")), (0o600, 0o666));
    assert_eq!(folder.names(), ["backup.key", "backup.pub"]);

    let by_age = folder.program(tool("age-keygen")).args(["-y", "backup.key"]).run().succeeds();
    assert_eq!(String::from_utf8_lossy(&by_age.stdout), recipient);
    let by_us = folder.dbseal(["keygen", "-y", "backup.key"]).run().succeeds_in_silence();
    assert_eq!(String::from_utf8_lossy(&by_us.stdout), recipient);
    folder.shell("age-keygen -o age.key").run().succeeds();
    let by_age = folder.program(tool("age-keygen")).args(["-y", "age.key"]).run().succeeds().stdout;
    assert_eq!(folder.dbseal(["keygen", "-y", "age.key"]).run().succeeds_in_silence().stdout, by_age);

    folder.dbseal(["keygen", "--sign", "db1", "-o", "db1.key"]).run().succeeds();
    let verifier_key = folder.dbseal(["keygen", "-y", "db1.key"]).run().succeeds_in_silence().stdout;
    assert_eq!(String::from_utf8_lossy(&verifier_key), folder.read_text("db1.pub"));
    folder.dbseal(["keygen", "-y", "db1.pub"]).run().ends_with(2, "this is not an identity");

    // Without -o the identity goes to standard output, for a pipe into something safe.
    let shown = folder.dbseal(["keygen"]).run().succeeds();
    assert!(String::from_utf8_lossy(&shown.stdout).contains("\nAGE-SECRET-KEY-1"));
    // A name that does not end in .key keeps its own end.
    folder.dbseal(["keygen", "-o", "host.txt"]).run().succeeds();
    assert!(folder.has("host.txt.pub"));
}

/// Neither half of a pair is ever overwritten: the old key may be the only one that opens a backup.
#[test]
fn keygen_overwrites_neither_half() {
    let folder = Folder::new();
    folder.write("one.key", "old");
    folder.write("two.pub", "old");
    for (name, taken) in [("one.key", "one.key"), ("two.key", "two.pub")] {
        folder.dbseal(["keygen", "-o", name]).run().fails_with(&format!("dbseal: error: {taken} exists already"));
        folder.dbseal(["keygen", "-o", name]).run_at_terminal(&[]).fails_with(&format!("dbseal: error: {taken} exists already"));
        assert_eq!(folder.read(taken), b"old");
    }
    assert_eq!(folder.names(), ["one.key", "two.pub"]);
}

/// Where the public half cannot have its name, there is no private half either: here `.pub` is what makes a name too long.
#[test]
fn keygen_leaves_both_halves_or_none() {
    let folder = Folder::new();
    folder.dbseal(["keygen", "-o", &"k".repeat(252)]).run().ends_with(2, ".pub: file name too long");
    assert_eq!(folder.names(), [""; 0]);
    folder.dbseal(["keygen", "-o", &"k".repeat(251)]).run().succeeds();
    assert_eq!(folder.names().len(), 2);
}

/// A post-quantum pair, whose public half `-y` prints too, also of a protected file.
#[test]
fn keygen_post_quantum_and_protected() {
    let folder = Folder::new();
    folder.write_secret("secret", "correct horse\n");
    for (args, name) in [(&["--pq"][..], "open"), (&["--pq", "--passphrase-file", "secret"], "closed")] {
        let key = format!("{name}.key");
        let made = folder.dbseal(["keygen", "-o", &key]).args(args.iter().copied()).run().succeeds();
        assert!(made.stdout.starts_with(b"age1pq1"));
        let printed = folder.dbseal(["keygen", "-y", &key, "--passphrase-file", "secret"]).run().succeeds_in_silence();
        assert_eq!(printed.stdout, made.stdout);
        assert_eq!(folder.read(&format!("{name}.pub")), made.stdout);
        folder.write("plain", "a dump");
        folder.dbseal(["encrypt", "-R", &format!("{name}.pub"), "-f", "-o", "shop.age", "plain"]).run().succeeds_in_silence();
        let opened = folder.dbseal(["decrypt", "-i", &key, "--passphrase-file", "secret", "shop.age"]).run().succeeds_in_silence();
        assert_eq!(opened.stdout, b"a dump");
    }
    assert!(folder.read_text("open.key").contains("AGE-SECRET-KEY-PQ-1"));
    assert!(folder.read_text("closed.key").starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
}

/// A person is asked for a passphrase, twice; an empty one means none, which is said; two that differ make no key.
#[test]
fn keygen_asks_for_a_passphrase() {
    let folder = Folder::new();
    let first = "passphrase for the identity (empty for none): ";
    let again = "the same passphrase again: ";
    let keygen = |name: &str| folder.dbseal(["keygen", "-o", name]);
    keygen("none.key").run_at_terminal(&[(first, "")]).ends_with(0, UNPROTECTED);
    assert!(folder.read_text("none.key").contains("AGE-SECRET-KEY-1"));

    let said = keygen("some.key").run_at_terminal(&[(first, "correct horse"), (again, "correct horse")]).succeeds().words();
    assert!(!said.contains("correct horse") && !said.contains("warning"), "{said}");
    assert!(said.contains("identity (private, keep it offline): some.key"), "{said}");
    assert!(said.contains("recipient (public, for the database host): some.pub"), "{said}");
    assert!(folder.read_text("some.key").starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));

    keygen("other.key").run_at_terminal(&[(first, "one"), (again, "two")]).ends_with(2, "the two passphrases are not the same");
    assert_eq!(folder.names(), ["none.key", "none.pub", "some.key", "some.pub"]);
}

// Inspection

/// `inspect` needs no key, and says with one whether it opens the file; people and machines get the same.
#[test]
fn inspect_in_words_and_in_json() {
    let folder = Folder::with_key();
    folder.dbseal(["keygen", "-o", "other.key"]).run().succeeds();
    folder.write("plain", paint(2 * CHUNK_LEN));
    encrypt(&folder, &["-R", "other.pub", "-o", "shop.age", "plain"]).run().succeeds_in_silence();
    let words = folder.dbseal(["inspect", "shop.age"]).run().succeeds_in_silence().words();
    for line in [
        "format:     age-encryption.org/v1\n",
        "header:     4096 bytes, padded: recipients can change in place\n",
        "payload:    131120 bytes in 2 chunks\n",
        "plaintext:  131072 bytes, by the file's length: not verified\n",
    ] {
        assert!(words.contains(line), "{line:?} is not in\n{words}");
    }
    let json = |args: &[&str]| -> Value {
        let ended = folder.dbseal(["inspect", "--json"]).args(args.iter().copied()).run().succeeds_in_silence();
        serde_json::from_slice(&ended.stdout).expect("JSON")
    };
    // What is not good is said, and is in the exit code too.
    let bad_json = |args: &[&str], words: &str| -> Value {
        let ended = folder.dbseal(["inspect", "--json"]).args(args.iter().copied()).run().fails_with(words);
        serde_json::from_slice(&ended.stdout).expect("JSON")
    };
    let inspected = json(&["shop.age"]);
    assert_eq!(inspected["file"], "shop.age");
    assert_eq!(inspected["format"], "age-encryption.org/v1");
    assert_eq!((&inspected["armored"], &inspected["padded"], &inspected["post_quantum"]), (&false.into(), &true.into(), &false.into()));
    assert_eq!(inspected["header_bytes"], 4096);
    assert_eq!(inspected["recipients"].as_array().expect("a list").iter().filter(|tag| *tag == "X25519").count(), 2);
    assert_eq!(inspected["payload"]["state"], "plausible");
    assert_eq!(inspected["payload"]["plaintext_bytes"], 131_072);
    assert_eq!(inspected["opened_by"], Value::Null);
    assert_eq!(json(&["-i", "backup.key", "shop.age"])["opened_by"], "backup.key");
    folder.dbseal(["keygen", "-o", "third.key"]).run().succeeds();
    assert_eq!(json(&["-i", "third.key", "-i", "other.key", "shop.age"])["opened_by"], "other.key");
    assert_eq!(bad_json(&["-i", "third.key", "shop.age"], "none of the given keys opens this file")["opened_by"], Value::Null);

    let whole = folder.read("shop.age");
    folder.write("cut.age", &whole[..whole.len() - 65_500]);
    assert_eq!(json(&["cut.age"])["payload"]["state"], "plausible", "a length that a whole file could have shows nothing");
    folder.write("cut.age", &whole[..4096 + 16 + 65_552 + 9]);
    assert_eq!(bad_json(&["cut.age"], "cut.age is not complete")["payload"]["state"], "cut_off");
    folder.write("cut.age", &whole[..4096 + 16 + 65_552 + 1]);
    assert_eq!(bad_json(&["cut.age"], "cut.age is not complete")["payload"]["state"], "marked_failed");

    // From a pipe, as from a file, but for the length.
    let piped = folder.dbseal(["inspect", "--json"]).stdin(folder.read("shop.age")).run().succeeds_in_silence();
    let piped: Value = serde_json::from_slice(&piped.stdout).expect("JSON");
    assert_eq!((&piped["file"], &piped["header_bytes"]), (&"standard input".into(), &4096.into()));

    encrypt(&folder, &["--armor", "-o", "armored.age", "plain"]).run().succeeds_in_silence();
    let inspected = json(&["-i", "backup.key", "armored.age"]);
    assert_eq!((&inspected["armored"], &inspected["opened_by"]), (&true.into(), &"backup.key".into()));
    folder.write_secret("secret", "correct horse");
    folder.dbseal(["encrypt", "--passphrase-file", "secret", "-o", "pass.age", "plain"]).run().succeeds_in_silence();
    assert_eq!(json(&["pass.age"])["recipients"], serde_json::json!(["scrypt"]), "scrypt must be the only stanza");
}

/// A header with names that would move a terminal's cursor cannot be: they are not ASCII that is printable.
#[test]
fn inspect_of_a_hostile_header() {
    let folder = Folder::new();
    folder.write("hostile.age", b"age-encryption.org/v1\n-> \x1b[2Jx\n\n--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n0123456789abcdef");
    let ended = folder.dbseal(["inspect", "hostile.age"]).run().fails_with("dbseal: error: hostile.age: ");
    assert!(!ended.words().contains('\u{1b}'));
}
