//! What the tests of seals share: keys, payload sections, and a note of every kind.

mod counted;
mod rejected;
mod succeeded;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::keys::FileKey;
use crate::layout::Layout;

const HEADER: &[u8] = b"a header";
const FILE_KEY: [u8; 16] = [9; 16];

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed_for_tests(name, name.as_bytes()[0])
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn time() -> Time {
    Time::from_unix(1_795_485_613).unwrap()
}

fn proof_key() -> ProofKey {
    ProofKey::of(&FileKey::from_bytes(&FILE_KEY))
}

/// A section of a length that a payload can have.
fn tree(plaintext_len: u64, seed: u8) -> Tree {
    let len = usize::try_from(Layout::of_plaintext(plaintext_len).section_len()).unwrap();
    Tree::of(&(0..len).map(|index| u8::try_from(index % 251).unwrap() ^ seed).collect::<Vec<_>>())
}

fn series() -> Option<SeriesPlace> {
    Some(SeriesPlace { label: label("shop-eu"), epoch: Epoch::from_bytes([0x3c; 16]), number: 1, previous: None })
}

fn sealed(signer: &SigningKey, series: Option<SeriesPlace>, tree: &Tree) -> Note {
    let note = Note::Sealed(Sealed {
        signer: signer.verifier_key().clone(),
        series,
        file: FileName::of(b"shop.age").unwrap(),
        time: time(),
        source: SourceKind::Command,
        process: Process { tool: label("dbseal"), version: label("0.1.0"), preset: label("x25519"), compression: label("none") },
        header: Extent::of(HEADER),
        payload: tree.into(),
        proof: Proof::none(),
    });
    note.proven(&proof_key())
}

fn adopted(signer: &SigningKey, tree: &Tree) -> Note {
    let (signer, file) = (signer.verifier_key().clone(), FileName::of(b"shop.age").unwrap());
    Note::Adopted(Adopted { signer, file, time: time(), header: Extent::of(HEADER), payload: tree.into() })
}

fn rewrapped(seal: &Seal, signer: &SigningKey, old: &[u8], new: &[u8]) -> Note {
    let (previous, signer) = (seal.last_hash(), signer.verifier_key().clone());
    let (old_header, header) = (Extent::of(old), Extent::of(new));
    Note::Rewrapped(Rewrapped { previous, signer, time: time(), old_header, header, proof: Proof::none() }).proven(&proof_key())
}

fn reencrypted(seal: &Seal, signer: &SigningKey, old: (&[u8], &Tree), new: (&[u8], &Tree), key: &ProofKey) -> Note {
    let (previous, signer, proof) = (seal.last_hash(), signer.verifier_key().clone(), Proof::none());
    let (old_header, header) = (Extent::of(old.0), Extent::of(new.0));
    let (old_payload, payload) = (old.1.into(), new.1.into());
    Note::Reencrypted(Reencrypted { previous, signer, time: time(), old_header, header, old_payload, payload, proof }).proven(key)
}

fn restored(seal: &Seal, signer: &SigningKey, tree: &Tree, result: TestResult) -> Note {
    let (previous, signer, payload) = (seal.last_hash(), signer.verifier_key().clone(), tree.into());
    let checks = vec![(label("starts"), TestResult::Passed), (label("rows"), result)];
    Note::Restored(Restored { previous, signer, time: time(), payload, seconds: 41, result, checks })
}

fn unknown(seal: &Seal, rest: &str, by: &SigningKey) -> SignedNote {
    let note = Note::Unknown(Unknown { kind: label("blessed"), previous: seal.last_hash(), rest: rest.into() });
    SignedNote { text: note.to_text(), signatures: by.sign(&note.to_text()), note }
}

/// A log with a note of every kind, and a section of three groups.
fn full_seal() -> Seal {
    let (old, new) = (tree(100, 0), tree(3_000_000, 1));
    let mut seal = Seal::new(sealed(&key("host"), series(), &old), &key("host"), &old, HEADER);
    seal.append(rewrapped(&seal, &key("custodian"), HEADER, b"another"), &key("custodian")).unwrap();
    seal.append(restored(&seal, &key("drill"), &old, TestResult::Failed), &key("drill")).unwrap();
    seal.notes.push(unknown(&seal, "with words\n  and ~\n", &key("stranger")));
    let note = reencrypted(&seal, &key("custodian"), (b"another", &old), (b"a third", &new), &proof_key());
    seal.append(note, &key("custodian")).unwrap();
    seal.set_groups(&new).unwrap();
    seal.set_header_copy(b"a third").unwrap();
    seal
}

/// A note's text as somebody may write it, with a good signature by `name`.
fn signed(text: &str, name: &str) -> String {
    format!("{text}\n{}", key(name).sign(text))
}
