//! What is left of a damaged backup comes back, every byte of it, at its place; what is lost is named, and nothing else is written.

use dbseal_core::{
    Adopted, CHUNK_LEN, Extent, FileName, Header, Note, PayloadNonce, SLOT_LEN, Seal, Spread, Time, Tree, identities_from_text,
    signing_key_from_text,
};
use dbseal_tests::cli::{Ended, Folder, dbseal};
use dbseal_tests::inputs::paint;
use dbseal_tests::seal::seal_in_order;
use serde_json::{Value, json};

const HEADER_LEN: usize = 4096;
const NONCE_LEN: usize = 16;
/// Not whole chunks, several groups.
const LEN: usize = 3_000_000;
const LAST: usize = LEN.div_ceil(CHUNK_LEN) - 1;

/// What is done to a file.
type Damage = fn(&mut Vec<u8>);

/// A folder with a backup, `shop.age`, and with its seal apart, `the.seal`.
fn folder() -> Folder {
    let folder = Folder::with_key();
    folder.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
    folder.write("plain", paint(LEN));
    let sign = ["--sign", "db1.sign.key", "--seal-to", "the.seal"];
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "plain"]).args(sign).run().succeeds();
    folder
}

/// Where a chunk starts in the file.
const fn slot(index: usize) -> usize {
    HEADER_LEN + NONCE_LEN + index * SLOT_LEN
}

/// Salvages what `damage` left, and returns what was written with the report.
fn salvage(folder: &Folder, args: &[&str], damage: impl FnOnce(&mut Vec<u8>)) -> (Vec<u8>, Value) {
    salvage_as("--salvage", folder, args, damage)
}

fn salvage_as(option: &str, folder: &Folder, args: &[&str], damage: impl FnOnce(&mut Vec<u8>)) -> (Vec<u8>, Value) {
    write_damaged(folder, damage);
    // Its seal calls it shop.age.
    let job = ["decrypt", "-i", "backup.key", option, "--accept", "renamed", "--json", "-f", "-o", "out", "damaged.age"];
    let ended = folder.dbseal(job).args(args.iter().copied()).run().ends_with(1, "salvaged");
    (folder.read("out"), report(&ended.stderr))
}

fn write_damaged(folder: &Folder, damage: impl FnOnce(&mut Vec<u8>)) {
    let mut file = folder.read("shop.age");
    damage(&mut file);
    folder.write("damaged.age", file);
}

fn report(stderr: &str) -> Value {
    let event = stderr.lines().find(|line| line.contains("\"salvaged\"")).expect("a report");
    serde_json::from_str(event).expect("JSON")
}

/// Bytes in a list of ranges.
fn total(ranges: &Value) -> u64 {
    let len = |range: &Value| range[1].as_u64().expect("an end") - range[0].as_u64().expect("a start");
    ranges.as_array().expect("a list").iter().map(len).sum()
}

/// The plaintext, with zeros for the chunks that are lost.
fn without(folder: &Folder, lost: &[usize]) -> Vec<u8> {
    let mut plain = folder.read("plain");
    for index in lost {
        plain[index * CHUNK_LEN..((index + 1) * CHUNK_LEN).min(LEN)].fill(0);
    }
    plain
}

#[test]
fn every_byte_outside_the_damage_comes_back() {
    let folder = folder();
    let a_group: Vec<usize> = (15..32).collect();
    let cases: [(&str, Damage, &[usize]); 6] = [
        ("one bit", |file| file[slot(7) + 100] ^= 1, &[7]),
        ("a tag", |file| file[slot(8) - 1] ^= 1, &[7]),
        ("a chunk", |file| file[slot(7)..slot(8)].fill(0xff), &[7]),
        ("a group", |file| file[HEADER_LEN + (1 << 20)..HEADER_LEN + (2 << 20)].fill(0), &a_group),
        ("chunks that changed places", |file| (0..SLOT_LEN).for_each(|at| file.swap(slot(3) + at, slot(5) + at)), &[3, 5]),
        ("two holes", |file| [slot(0)..slot(0) + 1, slot(40)..slot(42)].into_iter().for_each(|hole| file[hole].fill(0xaa)), &[0, 40, 41]),
    ];
    for seal in [&[][..], &["--seal", "the.seal"]] {
        for (name, damage, lost) in cases {
            let (out, report) = salvage(&folder, seal, damage);
            assert!(out == without(&folder, lost), "{name}: {report}");
            let lost_len = (lost.len() * CHUNK_LEN) as u64;
            assert_eq!(total(&report["plaintext"]["lost"]), lost_len, "{name}: {report}");
            assert_eq!((&report["written_bytes"], &report["plaintext_bytes"]), (&json!(LEN as u64 - lost_len), &json!(LEN)), "{name}");
            // What opens near the damage is kept apart, if there is a seal to tell.
            assert_eq!(total(&report["plaintext"]["unsealed"]) > 0, !seal.is_empty() && name != "a group", "{name}: {report}");
        }
    }
}

/// Without the final chunk only the seal knows how long the backup was.
#[test]
fn a_lost_end_is_named_where_a_seal_knows_of_it() {
    let folder = folder();
    let cases: [(&str, Damage); 3] = [
        ("the last chunk", |file| *file.last_mut().expect("a byte") ^= 1),
        ("a torn end", |file| file.truncate(slot(LAST) + 1000)),
        ("a lost end", |file| file.truncate(slot(LAST))),
    ];
    let expected = without(&folder, &[LAST]);
    for (name, damage) in cases {
        let (out, report) = salvage(&folder, &[], damage);
        assert!(out == expected[..LAST * CHUNK_LEN] && report["plaintext_bytes"].is_null(), "{name}: {report}");
        let (out, report) = salvage(&folder, &["--seal", "the.seal"], damage);
        assert!(out == expected, "{name}: {report}");
        assert_eq!(report["plaintext"]["lost"], json!([[LAST * CHUNK_LEN, LEN]]), "{name}");
    }
}

/// What follows the final chunk is no part of the backup, and takes nothing of it away: whether that is full, short or the only one.
#[test]
fn garbage_behind_the_end_is_named_and_costs_nothing() {
    let folder = folder();
    let garbage: [Damage; 4] = [
        |file| file.push(0),
        |file| file.extend(paint(511)),
        |file| file.extend(paint(3 * SLOT_LEN)),
        |file| {
            file.extend_from_within(slot(LAST - 1) + 1..);
        },
    ];
    let check = |args: &[&str]| {
        let (file_len, plain) = (folder.read("shop.age").len(), folder.read("plain"));
        for damage in garbage {
            let (out, report) = salvage(&folder, args, damage);
            assert!(out == plain, "{args:?}, {}: {report}", plain.len());
            let garbage = json!([[file_len, folder.read("damaged.age").len()]]);
            assert_eq!((&report["file"]["garbage"], &report["plaintext_bytes"]), (&garbage, &json!(plain.len())));
            assert_eq!(report["plaintext"], json!({ "lost": [], "unsealed": [], "left_out": [] }));
        }
    };
    check(&["--seal", "the.seal"]);
    check(&[]);
    for len in [LAST * CHUNK_LEN, LAST * CHUNK_LEN + 1] {
        folder.write("plain", paint(len));
        folder.dbseal(["encrypt", "-R", "backup.pub", "-f", "-o", "shop.age", "plain"]).run().succeeds();
        check(&[]);
    }
}

/// Salvages the backup from a disk that gives an error where `fault` says so, on one thread of ours beside the first.
fn salvage_from_bad_disk(folder: &Folder, args: &[&str], path: &str, fault: &str) -> Ended {
    let job = ["decrypt", "-i", "backup.key", "--threads", "1", "--json", "-f", "-o", "out", "damaged.age"];
    let inject = format!("inject={fault}");
    let options = ["-P", path, "-e", "trace=read,pread64", "-e", &inject];
    folder.dbseal(job).args(args.iter().copied()).traced(&options).run().ends_with(1, "salvaged")
}

/// Each thread counts its own calls: the first reads the nonce, the other one batches of eight chunks, and chunks alone after an error.
#[test]
fn what_a_disk_does_not_give_is_lost_and_nothing_else() {
    let folder = folder();
    write_damaged(&folder, |_| ());
    let file_len = folder.read("shop.age").len();
    let rest: Vec<usize> = (8..=LAST).collect();
    let seal = &["--salvage", "--seal", "the.seal"][..];
    let with_nonce = &["--salvage", "--header", "shop.age", "--seal", "the.seal"][..];
    let cases = [
        ("an error that goes away", seal, "pread64:error=EIO:when=2", &[][..], json!([])),
        ("a chunk", seal, "pread64:error=EIO:when=2..3", &[8], json!([[slot(8), slot(9)]])),
        ("two chunks", seal, "pread64:error=EIO:when=2..4", &[8, 9], json!([[slot(8), slot(10)]])),
        ("all after some chunks", seal, "pread64:error=ENODATA:when=2+", &rest, json!([[slot(8), file_len]])),
        ("the nonce too", with_nonce, "pread64:error=EIO:when=1..2", &[0], json!([[HEADER_LEN, slot(1)]])),
    ];
    for (name, args, fault, lost, unreadable) in cases {
        let ended = salvage_from_bad_disk(&folder, args, "damaged.age", fault);
        let report = report(&ended.stderr);
        assert!(folder.read("out") == without(&folder, lost), "{name}: {report}");
        let lost_len: usize = lost.iter().map(|index| CHUNK_LEN.min(LEN - index * CHUNK_LEN)).sum();
        assert_eq!(total(&report["plaintext"]["lost"]), lost_len as u64, "{name}: {report}");
        assert_eq!(report["file"]["unreadable"], unreadable, "{name}");
        // A group that cannot be read is not as it was sealed; one that was read at last, is.
        assert_eq!(total(&report["plaintext"]["unsealed"]) > 0, !lost.is_empty(), "{name}: {report}");
        assert_eq!(ended.stderr.contains("damaged.age cannot be read in places, which are lost: "), !lost.is_empty(), "{name}");
    }
    let ended = salvage_from_bad_disk(&folder, &["--salvage"], "damaged.age", "pread64:error=EIO:when=2+");
    assert!(folder.read("out") == without(&folder, &[])[..8 * CHUNK_LEN]);
    assert!(report(&ended.stderr)["plaintext_bytes"].is_null());
}

#[test]
fn a_header_or_a_seal_that_cannot_be_read_is_done_without() {
    let folder = folder();
    write_damaged(&folder, |_| ());
    let plain = folder.read("plain");
    for args in [["--seal", "the.seal"], ["--header", "shop.age"]] {
        let args = [&["--salvage"], &args[..]].concat();
        let ended = salvage_from_bad_disk(&folder, &args, "damaged.age", "read:error=EIO");
        ended.ends_with(1, "nothing is missing");
        assert!(folder.read("out") == plain, "{args:?}");
    }
    let job = ["decrypt", "-i", "backup.key", "--salvage", "-o", "new", "damaged.age"];
    let no_header = ["-P", "damaged.age", "-e", "trace=read", "-e", "inject=read:error=EIO"];
    let ended = folder.dbseal(job).traced(&no_header).run().ends_with(1, "--header FILE");
    ended.ends_with(1, "the header of damaged.age cannot be read: input/output error");
    assert!(!folder.has("new"));
    let ended = salvage_from_bad_disk(&folder, &["--salvage", "--seal", "the.seal"], "the.seal", "read:error=EIO");
    ended.ends_with(1, "the.seal: the seal cannot be read, and is not used: input/output error");
    assert!(folder.read("out") == plain);
}

#[test]
fn a_lost_header_comes_from_a_copy() {
    let folder = folder();
    folder.write("header", &folder.read("shop.age")[..HEADER_LEN]);
    for args in [["--header", "header"], ["--header", "shop.age"], ["--seal", "the.seal"]] {
        let (out, _) = salvage(&folder, &args, |file| file[..HEADER_LEN].fill(0));
        assert!(out == folder.read("plain"), "{args:?}");
    }
    let job = ["decrypt", "-i", "backup.key", "--salvage", "-o", "new", "damaged.age"];
    folder.dbseal(job).run().ends_with(1, "this is not an age file").ends_with(1, "--header FILE");
    assert!(!folder.has("new"));
}

/// The nonce stands where the header ends, and is lost with it; without it nothing opens.
#[test]
fn a_lost_nonce_comes_from_another_copy() {
    let folder = folder();
    let (file, plain) = (folder.read("shop.age"), folder.read("plain"));
    folder.write("start", &file[..slot(0)]);
    folder.write("header", &file[..HEADER_LEN]);
    folder.write("other", [&file[..HEADER_LEN], &[7; NONCE_LEN]].concat());
    let hole: Damage = |file| file[..slot(0)].fill(0);
    for args in [&["--header", "start"][..], &["--header", "shop.age"], &["--header", "shop.age", "--seal", "the.seal"]] {
        let (out, report) = salvage(&folder, args, hole);
        assert!(out == plain, "{args:?}");
        assert_eq!(report["plaintext"], json!({ "lost": [], "unsealed": [], "left_out": [] }), "{args:?}");
    }
    let and_chunks: Damage = |file| file[..slot(2) + 1].fill(0);
    assert!(salvage(&folder, &["--header", "start"], and_chunks).0 == without(&folder, &[0, 1, 2]));
    // The file's own comes first.
    assert!(salvage(&folder, &["--header", "other"], |file| file[slot(0)] ^= 1).0 == without(&folder, &[0]));
    write_damaged(&folder, hole);
    for header in ["header", "other"] {
        let job = ["decrypt", "-i", "backup.key", "--salvage", "--header", header, "-o", "new", "damaged.age"];
        folder.dbseal(job).run().ends_with(1, "nothing of damaged.age can be opened").ends_with(1, "with --header FILE");
    }
    let job = ["decrypt", "-i", "backup.key", "--salvage", "--header", "header", "-f", "-o", "header", "damaged.age"];
    folder.dbseal(job).run().ends_with(2, "header");
    assert!(!folder.has("new") && folder.read("header") == file[..HEADER_LEN]);
}

/// A chunk that somebody made who holds the file key opens as every other does. What is not as it was sealed is named, or left out.
#[test]
fn what_nobody_sealed_is_named_or_left_out() {
    let folder = folder();
    let (file, plain) = (folder.read("shop.age"), folder.read("plain"));
    let (header, header_len) = Header::parse(&file).expect("a header");
    let file_key = header.unwrap(&identities_from_text(&folder.read_text("backup.key")).expect("an identity")).expect("the file key");
    let nonce = PayloadNonce::from_bytes(*file[header_len..].first_chunk().expect("a nonce"));
    let forged = [&file[..HEADER_LEN], &seal_in_order(&file_key, &nonce, &[b'!'; LEN], 8, Spread::Serial)].concat();
    let forge = |file: &mut Vec<u8>| file[slot(20)..slot(21)].copy_from_slice(&forged[slot(20)..slot(21)]);

    let (out, report) = salvage(&folder, &["--seal", "the.seal"], forge);
    assert!(out[20 * CHUNK_LEN..21 * CHUNK_LEN] == [b'!'; CHUNK_LEN], "it opens");
    // The second MiB of the payload section, and the chunks on its edges.
    let apart = json!([[15 * CHUNK_LEN, 32 * CHUNK_LEN]]);
    assert_eq!(report["plaintext"], json!({ "lost": [], "unsealed": apart, "left_out": [] }));
    assert_eq!((&report["written_bytes"], &report["plaintext_bytes"]), (&json!(LEN), &json!(LEN)));
    let words = folder.dbseal(["decrypt", "-i", "backup.key", "--salvage", "-f", "-o", "out", "--seal", "the.seal", "damaged.age"]);
    words.run().ends_with(1, "dbseal: error: nothing is missing, but the seal does not vouch for all of it\n");

    let (out, report) = salvage_as("--salvage=sealed", &folder, &["--seal", "the.seal"], forge);
    assert!(out == without(&folder, &(15..32).collect::<Vec<_>>()), "{report}");
    assert_eq!(report["plaintext"], json!({ "lost": [], "unsealed": [], "left_out": apart }));
    assert_eq!((&report["written_bytes"], &report["plaintext_bytes"]), (&json!(LEN - 17 * CHUNK_LEN), &json!(LEN)));
    let accept = ["--accept", "renamed", "--seal", "the.seal"];
    let words = folder.dbseal(["decrypt", "-i", "backup.key", "--salvage=sealed", "-f", "-o", "out", "damaged.age"]).args(accept);
    let left_out = format!("as the seal does not vouch for it: bytes {} to {} of the plaintext", 15 * CHUNK_LEN, 32 * CHUNK_LEN - 1);
    words.run().ends_with(1, &left_out).ends_with(1, "what was salvaged is not the whole backup");

    // What is damaged is lost, also where what is beside it is left out; what is missing takes its last group with it.
    let (out, report) = salvage_as("--salvage=sealed", &folder, &["--seal", "the.seal"], |file| file[slot(20)] ^= 1);
    assert!(out == without(&folder, &(15..32).collect::<Vec<_>>()), "{report}");
    assert_eq!(report["plaintext"]["lost"], json!([[20 * CHUNK_LEN, 21 * CHUNK_LEN]]));
    assert_eq!(report["plaintext"]["left_out"], json!([[15 * CHUNK_LEN, 20 * CHUNK_LEN], [21 * CHUNK_LEN, 32 * CHUNK_LEN]]));
    for len in [HEADER_LEN + (1 << 20), HEADER_LEN + (1 << 20) + 1, slot(17)] {
        let (out, report) = salvage_as("--salvage=sealed", &folder, &["--seal", "the.seal"], |file| file.truncate(len));
        assert!(out == without(&folder, &(15..=LAST).collect::<Vec<_>>()), "{len}: {report}");
    }
    let (out, report) = salvage_as("--salvage=sealed", &folder, &["--seal", "the.seal"], |_| ());
    assert!(out == plain && report["plaintext"]["left_out"] == json!([]), "{report}");
}

/// At three in the morning the seal beside a backup may be another's, with a header that opens and is not this one's.
#[test]
fn the_seal_of_another_backup_costs_nothing() {
    let folder = folder();
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "another.age", "plain"]).run().succeeds();
    let (out, report) = salvage(&folder, &["--seal", "another.age.seal"], |file| file[slot(3)] ^= 1);
    assert_eq!(out, without(&folder, &[3]));
    assert_eq!(total(&report["plaintext"]["unsealed"]), (LEN - CHUNK_LEN) as u64, "its seal says nothing of it");
    let job = ["decrypt", "-i", "backup.key", "--salvage", "-f", "-o", "out", "--seal", "another.age.seal", "damaged.age"];
    folder.dbseal(job).run().fails_with("nothing opens with the header that is in the seal: the backup's own is used");
}

/// Beside another's seal a backup need not have been renamed: it is the seal that is wrong, and nothing of the backup need be missing.
#[test]
fn the_seal_of_another_backup_is_told_from_another_name() {
    let folder = folder();
    std::fs::create_dir(folder.path("trusted")).expect("a folder");
    folder.write("trusted/trust", folder.read("db1.sign.pub"));
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "another.age", "plain"]).run().succeeds();
    let of_another = "damaged.age is called another.age by its seal, and its header is not the one that was signed last: the seal is probably \
                      another backup's, or else the header is damaged";
    let older = "it may be an older backup in the place of a newer one";
    let trust = ["--trust", "trusted/trust"];
    let job = ["decrypt", "-i", "backup.key", "-f", "-o", "out", "damaged.age"];
    let salvage = |args: &[&str], seal: &str| folder.dbseal(job).args(args.iter().copied()).args(["--seal", seal]).run();
    write_damaged(&folder, |_| ());
    for args in [&["--salvage=sealed"][..], &["--salvage", trust[0], trust[1]], &["--salvage=sealed", trust[0], trust[1]]] {
        let refused = salvage(args, "another.age.seal").ends_with(1, &format!("dbseal: error: {of_another}\n"));
        let refused = refused.ends_with(1, "dbseal: hint: fetch its own seal, or name that with --seal; if this one is its own, ");
        assert!(!refused.stderr.contains(older) && !folder.has("out"), "{args:?}: {}", refused.stderr);
    }

    // All of it is opened, by somebody who says so or trusts nobody: what is said of it is true.
    for args in [&["--salvage"][..], &["--salvage", trust[0], trust[1], "--accept", "renamed"]] {
        let words = salvage(args, "another.age.seal").ends_with(1, &format!("dbseal: warning: {of_another}\n"));
        let words = words.ends_with(1, &format!("dbseal: salvaged {LEN} of {LEN} bytes of plaintext\n"));
        let words = words.ends_with(1, "called another.age by its seal, which vouches for nothing of it, and may be another backup's\n");
        let words = words.ends_with(1, "dbseal: error: nothing is missing, but the seal does not vouch for all of it\n");
        let says_else =
            ["not the whole backup", "is zeros", older].into_iter().any(|words_of_others| words.stderr.contains(words_of_others));
        assert!(!says_else && folder.read("out") == folder.read("plain"), "{args:?}: {}", words.stderr);
        let report = report(&salvage(&[args, &["--json"]].concat(), "another.age.seal").ends_with(1, "salvaged").stderr);
        assert_eq!((&report["has_seal"], &report["sealed_as"]), (&json!(false), &json!("another.age")), "{args:?}");
    }
    write_damaged(&folder, |file| file[slot(3)] ^= 1);
    salvage(&["--salvage"], "another.age.seal").ends_with(1, "dbseal: error: what was salvaged is not the whole backup\n");

    // Its own, under another name: the header that was signed is there, or in the file that is named for it, or it cannot be told.
    let renamed = format!("damaged.age is called shop.age by its seal: {older}\n");
    let sealed = ["--salvage=sealed", trust[0], trust[1]];
    salvage(&sealed, "the.seal").ends_with(1, &format!("dbseal: error: {renamed}"));
    write_damaged(&folder, |file| file[..HEADER_LEN].fill(0));
    salvage(&sealed, "the.seal").ends_with(1, "or else the header is damaged\n");
    let with_header = [&sealed[..], &["--header", "shop.age"]].concat();
    salvage(&with_header, "the.seal").ends_with(1, &format!("dbseal: error: {renamed}"));
    salvage(&with_header, "another.age.seal").ends_with(1, &format!("dbseal: error: {of_another}\n"));
    assert_eq!(report(&salvage(&["--salvage", "--json"], "the.seal").ends_with(1, "salvaged").stderr)["has_seal"], true);
    write_damaged(&folder, |file| file.truncate(HEADER_LEN - 1));
    salvage(&sealed, "the.seal").ends_with(1, &format!("dbseal: error: {renamed}"));
}

/// Anybody can say that they saw a backup, of any length: only of somebody who is trusted is that believed.
#[test]
fn who_only_saw_a_backup_does_not_say_how_long_it_is() {
    let folder = folder();
    folder.dbseal(["keygen", "--sign", "eve", "-o", "eve.key"]).run().succeeds();
    std::fs::create_dir(folder.path("trusted")).expect("a folder");
    folder.write("trusted/eve", folder.read("eve.pub"));
    let key = signing_key_from_text(&folder.read_text("eve.key")).expect("a signing key");
    let plain = folder.read("plain");
    write_damaged(&folder, |_| ());
    let file = folder.read("damaged.age");
    // What is told of a length that is not the file's, or that no disk holds.
    for len in [16 + SLOT_LEN as u64, 16 + (SLOT_LEN as u64) * (1 << 40)] {
        let note = Note::Adopted(Adopted {
            signer: key.verifier_key().clone(),
            file: FileName::of(b"damaged.age").expect("a name"),
            time: Time::default(),
            header: Extent::of(&file[..HEADER_LEN]),
            payload: Extent { len, hash: Extent::of(&file[HEADER_LEN..]).hash },
        });
        folder.write("damaged.age.seal", Seal::new(note, &key, &Tree::of(&file[HEADER_LEN..]), &file[..HEADER_LEN]).to_bytes());
        let (out, report) = salvage(&folder, &[], |_| ());
        assert!(out == plain, "{len}: {report}");
        let found = (&report["plaintext_bytes"], &report["written_bytes"], &report["file"]["garbage"]);
        assert_eq!(found, (&json!(LEN), &json!(LEN), &json!([])), "{len}");
        assert_eq!(report["plaintext"]["unsealed"], json!([[0, LEN]]), "no part of it is as somebody sealed it");
        let job = ["decrypt", "-i", "backup.key", "--salvage=sealed", "-o", "new", "damaged.age"];
        folder.dbseal(job).run().ends_with(1, "is as it was sealed cannot be known");
    }
    // Somebody who is trusted, and saw it as it is.
    std::fs::remove_file(folder.path("damaged.age.seal")).expect("it is there");
    folder.dbseal(["seal", "--sign", "eve.key", "damaged.age"]).run().succeeds();
    let trust = ["--trust", "trusted/eve"];
    let (out, report) = salvage_as("--salvage=sealed", &folder, &trust, |file| file.extend(paint(9)));
    assert!(out == plain && total(&report["file"]["garbage"]) == 9, "{report}");
    assert_eq!(report["plaintext_bytes"], json!(LEN));
    let (out, report) = salvage(&folder, &trust, |file| file.truncate(slot(LAST)));
    assert!(out == without(&folder, &[LAST]) && report["plaintext_bytes"] == LEN, "{report}");
}

/// Without a seal that is about the backup and has its groups' hashes nobody can tell; and another's says nothing about this one.
#[test]
fn what_was_sealed_only_its_own_seal_says() {
    let folder = folder();
    write_damaged(&folder, |file| file[slot(20)] ^= 1);
    folder.write("short", paint(10));
    for backup in ["short", "plain"] {
        folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "another.age", backup]).run().succeeds();
        // The header comes first: with the one in the seal nothing would open.
        let (out, report) = salvage(&folder, &["--seal", "another.age.seal", "--header", "shop.age"], |_| ());
        assert!(out == folder.read("plain"), "{backup}: {report}");
        assert_eq!(report["plaintext"]["unsealed"], json!([[0, LEN]]), "{backup}");
        std::fs::remove_file(folder.path("another.age")).expect("it is there");
        std::fs::rename(folder.path("another.age.seal"), folder.path(&format!("of-{backup}.seal"))).expect("it is there");
    }
    let text = folder.read_text("the.seal");
    folder.write("cut.seal", &text[..text.find("unsigned\n").expect("an unsigned section")]);
    let sealed = |args: &[&str]| {
        let job = ["decrypt", "-i", "backup.key", "--salvage=sealed", "-o", "new", "damaged.age"];
        folder.dbseal(job).args(args.iter().copied()).run().ends_with(1, "is as it was sealed cannot be known");
    };
    sealed(&[]);
    sealed(&["--without-seal"]);
    for seal in ["of-short.seal", "of-plain.seal", "cut.seal", "plain"] {
        sealed(&["--header", "shop.age", "--accept", "renamed", "--seal", seal]);
    }
    // Of a backup that is a single group nothing is as it was sealed, if anything is damaged.
    folder.write("short", paint(3 * CHUNK_LEN));
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "short.age", "short"]).run().succeeds();
    let mut short = folder.read("short.age");
    short[slot(1)] ^= 1;
    folder.write("short.age", short);
    let job = ["decrypt", "-i", "backup.key", "--salvage=sealed", "-o", "new", "short.age"];
    folder.dbseal(job).run().ends_with(1, "nothing that opens in short.age is as it was sealed");
    assert!(!folder.has("new"));
}

/// An older backup with its seal in the place of a newer one opens, and is as it was sealed: only its name says that it is not this one.
#[test]
fn an_older_backup_in_the_place_of_a_newer_one_is_named() {
    let folder = folder();
    std::fs::create_dir(folder.path("trusted")).expect("a folder");
    folder.write("trusted/trust", folder.read("db1.sign.pub"));
    std::fs::rename(folder.path("shop.age"), folder.path("shop-4.age")).expect("it is there");
    std::fs::rename(folder.path("the.seal"), folder.path("shop-4.age.seal")).expect("it is there");
    let job = ["decrypt", "-i", "backup.key", "-f", "-o", "out"];
    let salvage = |args: &[&str]| folder.dbseal(job).args(["shop-4.age"]).args(args.iter().copied()).run();
    let renamed = "shop-4.age is called shop.age by its seal: it may be an older backup in the place of a newer one";
    let trust = ["--trust", "trusted/trust"];
    for args in [&["--salvage=sealed"][..], &["--salvage", trust[0], trust[1]], &["--salvage=sealed", trust[0], trust[1]]] {
        salvage(args).ends_with(1, &format!("dbseal: error: {renamed}")).ends_with(1, "say --accept renamed");
        assert!(!folder.has("out"), "{args:?}");
        let accepted = [args, &["--accept", "renamed"]].concat();
        salvage(&accepted).ends_with(1, &format!("dbseal: warning: {renamed}")).ends_with(1, "nothing is missing");
        assert!(folder.read("out") == folder.read("plain"), "{args:?}");
        let report = report(&salvage(&[&accepted[..], &["--json"]].concat()).ends_with(1, "salvaged").stderr);
        assert_eq!(report["sealed_as"], "shop.age");
        std::fs::remove_file(folder.path("out")).expect("it is there");
    }
    // Where nobody is trusted, it is said; also where nothing but errors is shown.
    salvage(&["--salvage"]).ends_with(1, &format!("dbseal: warning: {renamed}"));
    salvage(&["--salvage", "--quiet"]).ends_with(1, "called shop.age by its seal: it may be an older backup");
    for end in ["", ".seal"] {
        std::fs::rename(folder.path(&format!("shop-4.age{end}")), folder.path(&format!("shop.age{end}"))).expect("it is there");
    }
    let own = folder.dbseal(job).args(["--salvage=sealed", "--json", "shop.age"]).args(trust).run();
    assert!(report(&own.ends_with(1, "salvaged").stderr)["sealed_as"].is_null());
}

#[test]
fn it_never_ends_with_0_and_never_leaves_nothing() {
    let folder = folder();
    let salvage = |args: &[&str]| folder.dbseal(["decrypt", "--salvage", "-o", "out"]).args(args.iter().copied()).run();
    let away = || std::fs::remove_file(folder.path("out")).expect("it is there");
    salvage(&["-i", "backup.key", "--metrics", "shop.prom", "shop.age"]).ends_with(1, "nothing is missing");
    assert!(folder.read_text("shop.prom").contains("\ndbseal_success{command=\"decrypt\",name=\"shop\"} 0\n"));
    assert!(folder.read("out") == folder.read("plain"));
    away();
    salvage(&["-i", "backup.key", "--seal", "plain", "shop.age"]).ends_with(1, "the seal is broken, and is not used");
    away();
    // Without the nonce there is no key to the chunks, and with another key none to the header.
    let mut file = folder.read("shop.age");
    file[HEADER_LEN] ^= 1;
    folder.write("nonce.age", file);
    folder.dbseal(["keygen", "-o", "other.key"]).run().succeeds();
    salvage(&["-i", "backup.key", "nonce.age"]).ends_with(1, "nothing of nonce.age can be opened");
    salvage(&["-i", "other.key", "shop.age"]).ends_with(1, "none of the given keys opens this file");
    for args in [&["--range", "0..1", "shop.age"][..], &["--decompress", "shop.age"], &["shop.age", "--", "cat"], &["-"]] {
        salvage(&[&["-i", "backup.key"], args].concat()).ends_with(2, "dbseal: error: ");
    }
    assert!(!folder.has("out"));
}

/// The same of a disk of which a part is really gone: where in the backup that is, is the file system's to say.
#[test]
#[ignore = "as root, with a loop device"]
fn a_disk_of_which_a_part_is_gone() {
    let folder = Folder::with_key();
    let script = "set -e; head -c 24M /dev/urandom >plain; truncate -s 40M disk; mkfs.ext4 -q -b 4096 -O ^has_journal disk; mkdir mnt
        loop=$(losetup -f --show disk); trap 'umount mnt; losetup -d $loop' EXIT; mount $loop mnt
        $DBSEAL encrypt -R backup.pub -o mnt/shop.age plain; umount mnt; truncate -s 36M disk; mount $loop mnt
        echo 3 >/proc/sys/vm/drop_caches; cat mnt/shop.age >/dev/null && exit 3
        $DBSEAL decrypt -i backup.key --salvage --json -o out mnt/shop.age";
    let ended = folder.program("unshare").args(["--mount", "sh", "-c", script]).env("DBSEAL", dbseal()).run().ends_with(1, "salvaged");
    let report = report(&ended.stderr);
    let (mut plain, out) = (folder.read("plain"), folder.read("out"));
    let lost: Vec<[usize; 2]> = serde_json::from_value(report["plaintext"]["lost"].clone()).expect("ranges");
    let slots: Vec<_> = lost.iter().map(|range| range.map(|at| slot(at / CHUNK_LEN))).collect();
    assert_eq!(report["file"]["unreadable"], json!(slots));
    assert!((CHUNK_LEN as u64..20 << 20).contains(&total(&report["plaintext"]["lost"])), "{report}");
    lost.iter().for_each(|&[start, end]| plain[start..end].fill(0));
    assert!(out == plain, "{report}");
}

/// As much as a disk that lost a few sectors holds: `verify` names the damage without a key, and all the rest comes back.
#[test]
#[ignore = "3 GiB, a minute or two"]
fn three_gibibytes_with_damage_of_every_kind() {
    const MIB: usize = 1 << 20;
    const LAST: usize = 3 * 1024 * 16 - 1;
    let folder = Folder::with_key();
    folder.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
    let shell = |script: &str| folder.shell(script).run().succeeds();
    shell("head -c 3G /dev/urandom >plain; mkdir trusted; cp db1.sign.pub trusted/");
    folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "shop.age", "plain"]).run().succeeds();
    let write_zeros = |file: &str, at: usize, len: usize| {
        shell(&format!("head -c {len} /dev/zero | dd of={file} bs=1M seek={at} oflag=seek_bytes conv=notrunc status=none"));
    };
    // A byte, a chunk, a group, a hole, the last chunk, and the header.
    let damages =
        [(slot(5) + 9, 2), (slot(900), SLOT_LEN), (HEADER_LEN + 700 * MIB, MIB), (slot(30_000), 5 * MIB), (slot(LAST), 100), (0, 4096)];
    damages.into_iter().for_each(|(at, len)| write_zeros("shop.age", at, len));

    let verified = folder.dbseal(["verify", "--json", "--trust", "trusted/db1.sign.pub", "shop.age"]).run().ends_with(1, "");
    let answer: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    for (at, len) in damages.into_iter().filter(|(at, _)| *at > 0) {
        let holds = |range: &Value| range[0].as_u64() <= Some(at as u64) && range[1].as_u64() >= Some((at + len) as u64);
        assert!(answer["damage"].as_array().expect("a list").iter().any(holds), "{at}: {answer}");
    }
    assert!(total(&answer["damage"]) <= 14 * MIB as u64, "{answer}");

    let ended = folder.dbseal(["decrypt", "-i", "backup.key", "--salvage", "--json", "-o", "out", "shop.age"]).run().ends_with(1, "");
    let lost = &report(&ended.stderr)["plaintext"]["lost"];
    assert!(total(lost) <= 9 * MIB as u64, "{lost}");
    for range in lost.as_array().expect("a list") {
        let at = |index: usize| usize::try_from(range[index].as_u64().expect("a number")).expect("it fits");
        write_zeros("plain", at(0), at(1) - at(0));
    }
    shell("cmp plain out");
}
