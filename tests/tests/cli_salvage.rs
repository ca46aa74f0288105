//! What is left of a damaged backup comes back, every byte of it, at its place; what is lost is named, and nothing else is written.

use dbseal_core::{CHUNK_LEN, SLOT_LEN};
use dbseal_tests::cli::Folder;
use dbseal_tests::inputs::paint;
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
fn salvage(folder: &Folder, args: &[&str], damage: Damage) -> (Vec<u8>, Value) {
    let mut file = folder.read("shop.age");
    damage(&mut file);
    folder.write("damaged.age", file);
    let job = ["decrypt", "-i", "backup.key", "--salvage", "--json", "-f", "-o", "out", "damaged.age"];
    let ended = folder.dbseal(job).args(args.iter().copied()).run().ends_with(1, "salvaged");
    (folder.read("out"), report(&ended.stderr))
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
            assert_eq!(total(&report["lost"]), lost_len, "{name}: {report}");
            assert_eq!((&report["written_bytes"], &report["plaintext_bytes"]), (&json!(LEN as u64 - lost_len), &json!(LEN)), "{name}");
            // What opens near the damage is kept apart, if there is a seal to tell.
            assert_eq!(total(&report["unsealed"]) > 0, !seal.is_empty() && name != "a group", "{name}: {report}");
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
        assert_eq!(report["lost"], json!([[LAST * CHUNK_LEN, LEN]]), "{name}");
    }
    let (out, report) = salvage(&folder, &["--seal", "the.seal"], |file| file.extend(b"garbage"));
    assert!(out == folder.read("plain"));
    assert_eq!(total(&report["garbage"]), 7, "{report}");
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
    let lost = &report(&ended.stderr)["lost"];
    assert!(total(lost) <= 9 * MIB as u64, "{lost}");
    for range in lost.as_array().expect("a list") {
        let at = |index: usize| usize::try_from(range[index].as_u64().expect("a number")).expect("it fits");
        write_zeros("plain", at(0), at(1) - at(0));
    }
    shell("cmp plain out");
}
