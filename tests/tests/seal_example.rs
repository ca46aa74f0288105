//! The worked example of core/SEAL.md, read out of the document.

use dbseal_core::{
    Extent, FileKey, Header, Identity, Integrity, Maker, Note, ProofKey, Seal, SigningKey, TestResult, Tree, Trust, WrongProof,
};

const DOCUMENT: &str = include_str!("../../core/SEAL.md");

/// The block of the document that is fenced under this name.
fn block(name: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n```text {name}\n")).expect("a block of this name");
    &rest[..rest.find("\n```\n").expect("the end of a block") + 1]
}

fn section() -> Vec<u8> {
    let digits: String = block("payload").split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal")).collect()
}

fn header() -> &'static str {
    block("seal").rsplit_once("header 168\n").expect("a copy of the header").1
}

fn file_key() -> FileKey {
    let identity: Identity = block("identity").trim().parse().expect("an identity");
    let (header, _) = Header::parse(header().as_bytes()).expect("a header");
    header.unwrap(&[identity]).expect("the key of the example")
}

#[test]
fn the_example_is_intact_and_proven() {
    let seal = Seal::parse(block("seal").as_bytes()).expect("a seal");
    assert_eq!(seal.to_bytes(), block("seal").as_bytes());
    let trust = Trust::parse(block("trust")).expect("whom to trust");
    let judgement = seal.judge(&trust);
    let tree = Tree::of(&section());
    let header = Extent::of(header().as_bytes());
    assert_eq!(judgement.integrity(header, tree.section_len(), &tree.root()), Integrity::Intact);
    assert_eq!(judgement.vouched_by().map(ToString::to_string).as_deref(), Some("db1"));
    assert_eq!(judgement.header_copy(), Some(block("seal").rsplit_once("header 168\n").expect("a copy").1.as_bytes()));
    assert_eq!(judgement.groups().map(|groups| groups.count()), Some(1));
    assert_eq!(judgement.file().map(ToString::to_string).as_deref(), Some("shop%201.age"));
    let restored = judgement.counted().filter_map(|counted| if let Note::Restored(note) = counted.note.note() { Some(note) } else { None });
    assert_eq!(restored.map(|note| note.result).collect::<Vec<_>>(), [TestResult::Passed]);
    assert_eq!(judgement.check_proof(&ProofKey::of(&file_key())), Ok(Maker::Signer));
    assert_eq!(judgement.check_proof(&ProofKey::of(&FileKey::from_bytes(&[0; 16]))), Err(WrongProof));
}

/// Whoever has the keys of the example makes the same bytes of what it says.
#[test]
fn the_example_is_signed_with_the_keys_that_it_gives() {
    let example = Seal::parse(block("seal").as_bytes()).expect("a seal");
    let keys: Vec<SigningKey> = block("signing").lines().map(|line| line.parse().expect("a signing key")).collect();
    let vkeys: Vec<String> = keys.iter().map(|key| key.verifier_key().to_string()).collect();
    let trusted: Vec<&str> = block("trust").lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(vkeys, trusted);
    let [first, later] = example.notes() else { panic!("two notes") };
    let note = first.note().clone().proven(&ProofKey::of(&file_key()));
    let mut seal = Seal::new(note, &keys[0], &Tree::of(&section()), header().as_bytes());
    seal.append(later.note().clone(), &keys[1]).expect("room for a note");
    assert_eq!(String::from_utf8(seal.to_bytes()).expect("text"), block("seal"));
}

/// Without whom the example trusts, or with less, less is believed.
#[test]
fn the_example_says_less_to_others() {
    let seal = Seal::parse(block("seal").as_bytes()).expect("a seal");
    let host = block("trust").lines().next().expect("a line");
    let counted = |trust: &str| seal.judge(&Trust::parse(trust).expect("whom to trust")).counted().count();
    assert_eq!(counted(block("trust")), 2);
    assert_eq!(counted(host), 1);
    for other in [host.replace("may=seal", "may=drill"), format!("{host} series=other*")] {
        assert!(seal.judge(&Trust::parse(&other).expect("whom to trust")).vouched_by().is_none(), "{other}");
    }
    assert!(seal.judge(&Trust::default()).verified().is_none());
}
