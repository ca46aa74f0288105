//! The hash in a seal is what everybody's `b3sum` prints for the payload section, however the backup was made.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Command, Stdio};

use dbseal_core::{Extent, Header, Note, PAYLOAD_NONCE_LEN, Seal, TAG_LEN};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;

/// Bytes that a section of one chunk has beside the plaintext.
const OVERHEAD: usize = PAYLOAD_NONCE_LEN + TAG_LEN;

/// What the seal says of the payload section.
fn sealed(folder: &Folder, name: &str) -> Extent {
    let seal = Seal::parse(&folder.read(&format!("{name}.seal"))).expect("a seal");
    match seal.notes()[0].note() {
        Note::Sealed(note) => note.payload,
        Note::Adopted(note) => note.payload,
        note => panic!("{note:?}"),
    }
}

/// What is there: its length, and its hash by the tool.
fn there(folder: &Folder, name: &str) -> (u64, String) {
    let mut file = fs::File::open(folder.path(name)).expect("a backup");
    let mut start = Vec::new();
    file.by_ref().take(1 << 16).read_to_end(&mut start).expect("it can be read");
    let (_, header_len) = Header::parse(&start).expect("a header");
    let header_len = header_len as u64;
    file.seek(SeekFrom::Start(header_len)).expect("a file");
    let len = file.metadata().expect("a file").len() - header_len;
    let output = Command::new(tool("b3sum")).arg("--no-names").stdin(Stdio::from(file)).output().expect("b3sum starts");
    (len, String::from_utf8(output.stdout).expect("text").trim().into())
}

#[track_caller]
fn assert_hash(folder: &Folder, name: &str, how: &str) -> u64 {
    let (sealed, (len, hash)) = (sealed(folder, name), there(folder, name));
    assert_eq!((sealed.len, sealed.hash.to_string()), (len, hash), "{how}");
    len
}

/// Makes the backup in every way there is, and compares.
fn check(len: usize) {
    let folder = seals::folder();
    folder.write("dump", paint(len));
    let small = ["--min-size", "0"];
    let ways: [(&str, &[&str]); 7] = [
        ("file", &["dump"]),
        ("file-1", &["--threads", "1", "dump"]),
        ("file-4", &["--threads", "4", "dump"]),
        ("zstd", &["--zstd", "dump"]),
        ("command", &["--", "cat", "dump"]),
        ("command-1", &["--threads", "1", "--", "cat", "dump"]),
        ("stdin", &["--threads", "3"]),
    ];
    for (name, args) in ways {
        let name = format!("b/{name}.age");
        let run = seals::encrypt(&folder, &["-o", &name]).args(small).args(args.iter().copied());
        if args.contains(&"3") { run.stdin(paint(len)) } else { run }.run().succeeds();
        assert_hash(&folder, &name, &format!("{name} of {len} bytes"));
    }
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "b/adopted.age", "dump"]).run().succeeds();
    for threads in ["1", "3"] {
        folder.dbseal(["seal", "--sign", "host.key", "--threads", threads, "b/adopted.age"]).run().succeeds();
        assert_hash(&folder, "b/adopted.age", &format!("adopted, of {len} bytes"));
        fs::remove_file(folder.path("b/adopted.age.seal")).expect("it is there");
    }
    folder.dbseal(["seal", "--sign", "host.key", "b/adopted.age"]).run().succeeds();
    seals::verify(&folder, &["b"]).run().succeeds();
}

#[test]
fn the_hash_is_the_tools_around_the_ends_of_blake3_chunks() {
    check(0);
    check(1);
    for section_len in [1023, 1024, 1025, 2048, 2049, 16_383, 16_384, 16_385] {
        check(section_len - OVERHEAD);
    }
}

#[test]
fn the_hash_is_the_tools_around_the_ends_of_groups() {
    // A group and its 16 chunks' overhead: a section of 1 MiB and one byte less and more, and so for three groups.
    for groups in [1, 3] {
        let section_len = groups << 20;
        let chunk_count = section_len / (65_536 + TAG_LEN) + 1;
        let plaintext_len = section_len - PAYLOAD_NONCE_LEN - chunk_count * TAG_LEN;
        for len in [plaintext_len - 1, plaintext_len, plaintext_len + 1] {
            check(len);
        }
    }
    check(1 << 20);
}

#[test]
#[ignore = "not run here: long tier (2 minutes)"]
fn the_hash_is_the_tools_beyond_four_gibibytes() {
    let folder = seals::folder();
    let dump = ["-o", "b/1.age", "--", "head", "-c", "4296015873", "/dev/zero"];
    seals::encrypt(&folder, &dump).run().succeeds();
    assert!(assert_hash(&folder, "b/1.age", "by pipe") > 1 << 32);
    seals::verify(&folder, &["b/1.age"]).run().succeeds();
}
