//! The fuzz targets, on the stable compiler: 10 seconds each, or 2 minutes in the long tier.
//!
//! Their first corpora are made from the published vectors at run time; what they find stays in `target/fuzz`.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use dbseal_core::{Adopted, Extent, Label, Note, Restored, Seal, SigningKey, TestResult, Time, Tree};
use dbseal_tests::inputs::{Replay, paint};
use dbseal_tests::tools::{tool, workspace_dir};
use dbseal_tests::{published, reference};

/// Bytes of the longest seed: longer ones teach the fuzzer nothing that a chunk's edge does not.
const MAX_SEED_LEN: usize = 200_000;

#[test]
fn fuzz_targets_find_nothing_in_ten_seconds_each() {
    fuzz_all(10);
}

#[test]
#[ignore = "not run here: long tier (12 minutes)"]
fn fuzz_targets_find_nothing_in_two_minutes_each() {
    fuzz_all(120);
}

/// One after the other, since they share one folder of builds.
fn fuzz_all(seconds: u32) {
    let seeds = seeds();
    for target in ["header", "payload", "armor", "keys", "seal", "note"] {
        let target_dir = workspace_dir().join("target/fuzz");
        let corpus_dir = target_dir.join("corpus").join(target);
        let artifact_dir = target_dir.join("artifacts").join(target);
        for folder in [&corpus_dir, &artifact_dir] {
            fs::create_dir_all(folder).expect("a folder under target");
        }
        let mut seed_count = 0;
        for (name, bytes) in seeds.iter().filter(|seed| seed.0 == target).map(|seed| (&seed.1, &seed.2)) {
            fs::write(corpus_dir.join(name), bytes).expect("a seed");
            seed_count += 1;
        }
        assert!(seed_count > 0, "no seed for {target}");
        let output = Command::new(tool("cargo-fuzz"))
            .args(["run", "--sanitizer", "none", "--debug-assertions", "--fuzz-dir"])
            .arg(workspace_dir().join("tests/fuzz"))
            .arg("--target-dir")
            .arg(&target_dir)
            .arg(target)
            .arg(&corpus_dir)
            .args(["--", &format!("-max_total_time={seconds}"), &format!("-max_len={MAX_SEED_LEN}")])
            .arg(format!("-artifact_prefix={}/", artifact_dir.display()))
            // The coverage instrumentation is stable; cargo-fuzz passes other flags that want this said.
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(workspace_dir().join("tests/fuzz"))
            .output()
            .expect("cargo-fuzz starts");
        let log = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<&str> = log.lines().rev().take(30).collect();
        let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
        assert!(output.status.success(), "{target} found something or does not build:\n{tail}");
        assert!(log.contains(" cov: "), "{target} ran without coverage:\n{tail}");
    }
}

/// A note of each kind; what stands for the signer and the note before is filled in by the target, and for hashes here.
const NOTES: [&str; 6] = [
    "sealed\nsigner -\nseries shop 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c 2 HASH\nfile shop%201.age\ntime 2026-11-24T02:00:13Z\nsource command 0\n\
     process dbseal/0.1.0 x25519 none\nheader 168 HASH\npayload 42 HASH\ngroup 1048576\nproof HASH\n",
    "adopted\nsigner -\nfile shop.age\ntime 1970-01-01T00:00:00Z\nheader 168 HASH\npayload 42 HASH\ngroup 1048576\n",
    "rewrapped\nprevious -\nsigner -\ntime 2026-11-24T02:00:13Z\nold-header 168 HASH\nheader 168 HASH\nproof HASH\n",
    "reencrypted\nprevious -\nsigner -\ntime 2026-11-24T02:00:13Z\nold-header 168 HASH\nheader 168 HASH\n\
     old-payload 42 HASH\npayload 42 HASH\ngroup 1048576\nproof HASH\n",
    "restored\nprevious -\nsigner -\ntime 2026-11-24T02:00:13Z\npayload 42 HASH\nseconds 41\nresult passed\ncheck rows passed\n",
    "blessed\nprevious -\nby nobody\n",
];

/// Each with the name of its target and its own.
fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut add = |target, name: &str, bytes: Vec<u8>| {
        if bytes.len() <= MAX_SEED_LEN {
            seeds.push((target, name.to_owned(), bytes));
        }
    };
    for (name, vector) in published::vectors() {
        let head_len = vector.windows(2).position(|pair| pair == b"\n\n").expect("an empty line");
        let head = String::from_utf8_lossy(&vector[..head_len]);
        let file = &vector[head_len + 2..];
        for (index, identity) in head.lines().filter_map(|line| line.strip_prefix("identity: ")).enumerate() {
            add("keys", &format!("{name}-{index}"), identity.as_bytes().to_vec());
        }
        if head.contains("armored: yes") {
            add("armor", &name, [b"A", file].concat());
        } else if !head.contains("compressed: ") {
            add("header", &name, file.to_vec());
            if let Ok((_, header_len)) = dbseal_core::Header::parse(file) {
                add("payload", &name, [&[0, 0], &file[header_len..]].concat());
            }
        }
    }
    // Batches of two chunks; a payload of up to three; each edit that the target knows, or none.
    for chunk_count in 0..4 {
        add("payload", &format!("sealed-{chunk_count}"), vec![1, 1, chunk_count, 150]);
        for what in 0..9 {
            add("payload", &format!("edited-{chunk_count}-{what}"), vec![1, 1, chunk_count, 150, what, 1, 0]);
        }
    }
    let identity: dbseal_core::Identity = reference::IDENTITY.parse().expect("an identity");
    let recipient = identity.recipient().expect("a public half").to_string();
    add("keys", "recipients", format!("# of whom\n\n{recipient}\n{recipient}\r\n").into_bytes());
    add("keys", "identities", format!("# secret\n{}\n", reference::IDENTITY).into_bytes());
    for (name, section_len) in [("empty", 32), ("chunk", 65_568), ("groups", (1 << 20) + 1000)] {
        let (seal, section) = (sealed(section_len), paint(section_len));
        // Of a long section only the start: that is damaged, and short enough.
        let section = &section[..section_len.min(MAX_SEED_LEN / 2)];
        add("seal", name, [&u16::try_from(seal.len()).expect("a short seal").to_be_bytes(), &seal[..], section].concat());
    }
    for note in NOTES {
        let kind = note.lines().next().expect("a kind");
        add("note", kind, format!("dbseal/v1 {}", note.replace("HASH", &"0a".repeat(32))).into_bytes());
    }
    seeds
}

/// A seal with a restore test, of a section of [`paint`].
fn sealed(section_len: usize) -> Vec<u8> {
    let key = SigningKey::generate("fuzz".parse::<Label>().expect("a label"), &mut Replay(1));
    let tree = Tree::of(&paint(section_len));
    let (signer, time, payload) = (key.verifier_key().clone(), Time::default(), Extent::from(&tree));
    let header = b"a header";
    let file = dbseal_core::FileName::of(b"shop.age").expect("a name");
    let first = Note::Adopted(Adopted { signer: signer.clone(), file, time, header: Extent::of(header), payload });
    let mut seal = Seal::new(first, &key, &tree, header);
    let (previous, result) = (seal.last_hash(), TestResult::Passed);
    let checks = vec![("starts".parse().expect("a label"), result)];
    seal.append(Note::Restored(Restored { previous, signer, time, payload, seconds: 1, result, checks }), &key).expect("room for a note");
    seal.to_bytes()
}
