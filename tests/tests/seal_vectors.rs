//! The seal vectors: that the folder has what the generator writes, and that the core and a plain second judge answer as they say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use dbseal_core::{MAX_SEAL_LEN, Seal, SealError, Trust};
use dbseal_tests::inputs::Replay;
use dbseal_tests::seal_cases::{backups, seal_of_groups, seal_of_len, seal_of_notes, three_groups, vectors};
use dbseal_tests::seal_judge::{Answer, judge};
use dbseal_tests::seal_vectors::{INTEGRITY, REASONS, UNSIGNED, Vector};
use dbseal_tests::seal_writer::Key;
use dbseal_tests::vectors::hex;

const SPECIFICATION: &str = include_str!("../../core/SEAL.md");
/// Rules that only a seal breaks which is too large to be stored.
const NOT_STORED: [&str; 2] = ["too-long", "too-many-notes"];

type Files = BTreeMap<String, Vec<u8>>;

fn folder(name: &str) -> Files {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    let file = |entry: fs::DirEntry| (entry.file_name().into_string().expect("a name"), fs::read(entry.path()).expect("a file"));
    fs::read_dir(folder).expect("a folder").map(|entry| file(entry.expect("an entry"))).collect()
}

fn all_backups() -> Files {
    let mut backups = folder("backups");
    backups.insert("three-groups.age".into(), three_groups());
    backups
}

/// Each vector that is stored, taken apart.
fn for_each(mut check: impl FnMut(&str, &Vector<'_>)) {
    for (name, bytes) in &folder("seal") {
        check(name, &Vector::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}")));
    }
}

#[test]
fn the_folders_have_what_the_generator_writes() {
    let written: Vec<_> = vectors();
    assert!(written.len() > 150, "vectors that were lost");
    let count = written.len();
    let written: Files = written.into_iter().collect();
    assert_eq!(written.len(), count, "two vectors have one name");
    let (seals, files) = (folder("seal"), folder("backups"));
    assert_eq!(seals.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>());
    let differ: Vec<_> = written.iter().filter(|(name, bytes)| seals[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(differ.is_empty(), "cargo run -p dbseal-tests --bin seal_vectors writes others: {differ:?}");
    assert_eq!(files, backups().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect());
}

#[test]
fn the_core_answers_as_the_vectors_say() {
    let backups = all_backups();
    let mut wrong = Vec::new();
    for_each(|name, vector| wrong.extend(vector.check(&backups[vector.backup]).err().map(|error| format!("{name}: {error}"))));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_second_judge_answers_the_same_and_finds_one_rule_broken() {
    let backups = all_backups();
    for_each(|name, vector| {
        let file_key = vector.file_key.map(|key| hex(key).expect("hexadecimal").try_into().expect("16 bytes"));
        let answer = match judge(vector.seal, &vector.trust, &backups[vector.backup], file_key.as_ref()) {
            Ok(answer) => answer,
            Err(reasons) => return assert_eq!(("broken-seal", reasons), (vector.expect, vector.reason.into_iter().collect()), "{name}"),
        };
        let proof = answer.proven.map(|right| if right { "right" } else { "wrong" });
        let found = (answer.integrity, Some(answer.counted), Some(answer.unsigned), proof);
        assert_eq!(found, (vector.expect, vector.counted, vector.unsigned, vector.proof), "{name}");
    });
}

/// A vector that expected something else would fail.
#[test]
fn an_answer_that_is_not_the_vectors_is_noticed() {
    let backups = all_backups();
    for_each(|name, vector| {
        let check = |vector: &Vector<'_>| assert!(vector.check(&backups[vector.backup]).is_err(), "{name}");
        let copy = || Vector { trust: vector.trust.clone(), ..*vector };
        if vector.reason.is_some() {
            return check(&Vector { expect: "intact", reason: None, ..copy() });
        }
        INTEGRITY.iter().filter(|word| **word != vector.expect).for_each(|expect| check(&Vector { expect, ..copy() }));
        check(&Vector { reason: Some("grammar"), ..copy() });
        check(&Vector { counted: Some(9), ..copy() });
        let others = if vector.unsigned == Some("usable") { &UNSIGNED[1..] } else { &UNSIGNED[..1] };
        others.iter().for_each(|word| check(&Vector { unsigned: Some(word), ..copy() }));
        if let Some(proof) = vector.proof {
            check(&Vector { proof: Some(if proof == "right" { "wrong" } else { "right" }), ..copy() });
        }
    });
}

#[test]
fn every_rule_and_every_answer_has_a_vector_and_every_broken_one_a_whole_neighbour() {
    let (mut seen, seals) = (BTreeSet::new(), folder("seal"));
    for_each(|name, vector| {
        seen.extend([Some(vector.expect), vector.reason, vector.unsigned, vector.proof].into_iter().flatten().map(str::to_owned));
        let Some(neighbour) = vector.neighbour else { return };
        let neighbour = Vector::parse(&seals[neighbour]).unwrap_or_else(|error| panic!("{neighbour}: {error}"));
        assert!(neighbour.reason.is_none() && neighbour.seal != vector.seal, "{name}");
        assert_eq!((neighbour.backup, &neighbour.trust), (vector.backup, &vector.trust), "{name}");
        assert!(vector.reason.is_some_and(|reason| name.starts_with(reason)), "{name}");
    });
    seen.extend(NOT_STORED.map(str::to_owned));
    let reasons = REASONS.iter().map(|(reason, _)| *reason);
    let known: BTreeSet<String> = reasons.chain(INTEGRITY).chain(UNSIGNED).chain(["right", "wrong"]).map(str::to_owned).collect();
    assert_eq!(seen, known);
}

#[test]
fn the_rules_are_those_of_the_specification() {
    let (_, rejected) = SPECIFICATION.split_once("\n## Rejected\n").expect("a section");
    let (rules, _) = rejected.split_once("\nA broken unsigned section").expect("the end of the list");
    let rules: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix("- ")).collect();
    assert_eq!(rules.len(), REASONS.len());
    for (rule, (reason, start)) in rules.iter().zip(REASONS) {
        assert!(rule.starts_with(start), "{reason}: {rule:?} starts with {start:?}");
    }
}

/// Texts with something changed at random and signed as they are: the two readers agree on which are seals, why the others are none, and
/// what is answered.
#[test]
fn the_core_and_the_second_judge_agree_on_changed_texts_too() {
    const CHANGES: [&str; 24] = [
        "",
        " ",
        "\n",
        "\n\n",
        "\r",
        "\t",
        "0",
        "1",
        "9",
        "a",
        "F",
        "Z",
        "-",
        "+",
        ".",
        "%",
        "%20",
        "%2F",
        "/",
        "~",
        "\u{e9}",
        "check x passed\n",
        "file",
        "99999999",
    ];
    let keys = [Key::new("host", 1), Key::new("custodian", 2), Key::new("drill", 3)];
    let (backups, mut rng) = (all_backups(), Replay(1));
    let mut whole_count = 0;
    for (name, bytes) in folder("seal") {
        let vector = Vector::parse(&bytes).expect("a vector");
        // The text of the last note; whoever it names has signed it.
        let Ok(seal) = std::str::from_utf8(vector.seal) else { continue };
        let (before, last) = seal.split_at(seal.rfind("\n\ndbseal/v1 ").map_or(0, |at| at + 2));
        let Some((text, _)) = last.split_once("\n\n") else { continue };
        for _ in 0..100 {
            let mut text = format!("{text}\n");
            for _ in 0..=rng.below(2) {
                let at = rng.below(text.len());
                let end = (at + rng.below(3)).min(text.len());
                if text.is_char_boundary(at) && text.is_char_boundary(end) {
                    text.replace_range(at..end, CHANGES[rng.below(CHANGES.len())]);
                }
            }
            let signatures: String = keys.iter().map(|key| key.sign(&text)).collect();
            let seal = format!("{before}{text}\n{signatures}");
            let copy = || Vector { trust: vector.trust.clone(), proof: None, identity: None, seal: seal.as_bytes(), ..vector };
            let backup = &backups[vector.backup];
            let checked = match judge(seal.as_bytes(), &vector.trust, backup, None) {
                Ok(Answer { integrity: expect, counted, unsigned, .. }) => {
                    whole_count += 1;
                    Vector { expect, reason: None, counted: Some(counted), unsigned: Some(unsigned), ..copy() }.check(backup)
                }
                // Of several rules that are broken each may be the one that is named.
                Err(reasons) => {
                    let checks = reasons.iter().map(|reason| Vector { reason: Some(reason), ..copy() }.check(backup));
                    checks.reduce(Result::or).expect("a reason")
                }
            };
            checked.unwrap_or_else(|error| panic!("{name}: {error}\n{seal}"));
        }
    }
    assert!(whole_count > 300, "{whole_count} that are still seals");
}

/// What is too large to be stored, beside what is just small enough.
#[test]
fn limits_hold_to_the_byte_and_the_note() {
    let reasons = |seal: &[u8]| judge(seal, &[], &backups()[0].1, None).map(|answer| answer.unsigned);
    for (reason, whole, broken, error) in [
        ("too-long", seal_of_len(MAX_SEAL_LEN), seal_of_len(MAX_SEAL_LEN + 1), SealError::TooLong),
        ("too-many-notes", seal_of_notes(1024), seal_of_notes(1025), SealError::TooManyNotes),
    ] {
        assert_eq!(Seal::parse(&whole).map(|seal| seal.to_bytes() == whole), Ok(true), "{reason}");
        assert!(reasons(&whole).is_ok(), "{reason}");
        assert_eq!((Seal::parse(&broken), reasons(&broken)), (Err(error), Err(vec![reason])));
    }
    // As well spelled as it can be, but not this file's; and one more.
    for (count, word) in [(65_536, "foreign"), (65_537, "unusable")] {
        let bytes = seal_of_groups(count);
        let seal = Seal::parse(&bytes).expect("a seal");
        assert_eq!(reasons(&bytes), Ok(word));
        assert_eq!(seal.judge(&Trust::default()).header_copy().is_some(), word == "foreign", "the copy of the header is asked on its own");
    }
}
