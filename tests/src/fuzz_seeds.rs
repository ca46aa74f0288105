//! What the fuzzer begins with: made from the published vectors, and of every kind of note.

use std::path::PathBuf;

use dbseal_core::{
    Adopted, Extent, FileKey, FileName, Grant, Header, HeaderPadding, Identity, Journal, Label, NewHeaders, Note, Purpose, Request,
    RequestedFile, Restored, Seal, SigningKey, Strength, TestResult, Time, Tree, Trust, split_parts,
};

use crate::inputs::{Replay, paint};
use crate::tools::workspace_dir;
use crate::{published, reference};

/// Bytes of the longest seed: longer ones teach the fuzzer nothing that a chunk's edge does not.
pub const MAX_SEED_LEN: usize = 200_000;

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

/// Where the fuzzer keeps what it found for a target.
#[must_use]
pub fn corpus_dir(target: &str) -> PathBuf {
    workspace_dir().join("target/fuzz/corpus").join(target)
}

/// Each with the name of its target and its own.
///
/// # Panics
/// Never: what they are made from is valid.
#[must_use]
pub fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
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
            if let Ok((_, header_len)) = Header::parse(file) {
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
    let identity: Identity = reference::IDENTITY.parse().expect("an identity");
    let recipient = identity.recipient().expect("a public half").to_string();
    add("keys", "recipients", format!("# of whom\n\n{recipient}\n{recipient}\r\n").into_bytes());
    add("keys", "identities", format!("# secret\n{}\n", reference::IDENTITY).into_bytes());
    for (name, section_len) in [("empty", 32), ("chunk", 65_568), ("groups", (1 << 20) + 1000)] {
        let (seal, section) = (sealed(section_len), paint(section_len));
        // Of a long section only the start: that is damaged, and short enough.
        let section = &section[..section_len.min(MAX_SEED_LEN / 2)];
        add("seal", name, [&u16::try_from(seal.len()).expect("a short seal").to_be_bytes(), &seal[..], section].concat());
    }
    for (name, bytes) in crossing() {
        add("handoff", name, bytes);
    }
    let [before, after] = [1, 2].map(|seed| header_of(seed).to_bytes());
    let journal = Journal::of(header_of(1), header_of(2)).to_bytes();
    let len = u16::try_from(journal.len()).expect("a short journal").to_be_bytes();
    let middle = 512.min(before.len());
    for (name, start) in [("before", before.clone()), ("after", after.clone()), ("torn", [&after[..middle], &before[middle..]].concat())] {
        add("journal", name, [&len[..], &journal, &start].concat());
    }
    for note in NOTES {
        let kind = note.lines().next().expect("a kind");
        add("note", kind, format!("dbseal/v1 {}", note.replace("HASH", &"0a".repeat(32))).into_bytes());
    }
    seeds
}

fn header_of(seed: u64) -> Header {
    let recipient = Identity::generate_x25519(&mut Replay(seed)).recipient().expect("a public half");
    Header::wrap(&FileKey::from_bytes(&[7; 16]), &[recipient], HeaderPadding::Fixed, &mut Replay(seed)).expect("it fits")
}

/// What crosses the air gap, of each kind.
fn crossing() -> Vec<(&'static str, Vec<u8>)> {
    let (identity, once) = (Identity::generate_x25519(&mut Replay(1)), Identity::generate_x25519(&mut Replay(3)));
    let recipient = once.recipient().expect("a public half");
    let key = SigningKey::generate("fuzz".parse::<Label>().expect("a label"), &mut Replay(1));
    let file = || RequestedFile::new(FileName::of(b"shop.age").expect("a name"), header_of(1), None).expect("no passphrase");
    let request = |purpose, key| Request::new(purpose, vec![file()], key, &mut Replay(4)).expect("one file");
    let (asked, wanted) = (request(Purpose::Open(recipient.clone()), None), request(Purpose::Rewrap(vec![recipient]), Some(&key)));
    let unlocked = asked.files()[0].unlock(std::slice::from_ref(&identity)).expect("it opens");
    let grant = Grant::of(&asked, &[unlocked], &mut Replay(5)).expect("it is of this request");
    let review = wanted.review(std::slice::from_ref(&identity), &Trust::default()).expect("it opens");
    let answers = review.new_headers(std::slice::from_ref(&identity), Strength::Kept, None, &mut Replay(6)).expect("it has no seal");
    let headers = NewHeaders::of(&wanted, answers, Some(&key)).expect("one answer");
    let parts = split_parts(&asked.to_bytes(), 300).expect("it is short").join(&0);
    vec![
        ("request", asked.to_bytes()),
        ("request-text", asked.to_text().into_bytes()),
        ("request-rewrap", wanted.to_bytes()),
        ("grant", grant.to_bytes()),
        ("grant-text", grant.to_text().into_bytes()),
        ("new-headers", headers.to_bytes()),
        ("new-headers-text", headers.to_text().into_bytes()),
        ("parts", parts),
    ]
}

/// A seal with a restore test, of a section of [`paint`].
fn sealed(section_len: usize) -> Vec<u8> {
    let key = SigningKey::generate("fuzz".parse::<Label>().expect("a label"), &mut Replay(1));
    let tree = Tree::of(&paint(section_len));
    let (signer, time, payload) = (key.verifier_key().clone(), Time::default(), Extent::from(&tree));
    let header = b"a header";
    let file = FileName::of(b"shop.age").expect("a name");
    let first = Note::Adopted(Adopted { signer: signer.clone(), file, time, header: Extent::of(header), payload });
    let mut seal = Seal::new(first, &key, &tree, header);
    let (previous, result) = (seal.last_hash(), TestResult::Passed);
    let checks = vec![("starts".parse().expect("a label"), result)];
    seal.append(Note::Restored(Restored { previous, signer, time, payload, seconds: 1, result, checks }), &key).expect("room for a note");
    seal.to_bytes()
}
