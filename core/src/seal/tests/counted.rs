//! Which notes count, for whom, and what follows for a file (SEAL.md, "Groups", "Which notes count", "What is answered").

use super::*;
use crate::seal::trust::Trust;

fn trust_of(lines: &[(&str, &str)]) -> Trust {
    let lines: Vec<String> = lines.iter().map(|(name, rest)| format!("{} {rest}\n", key(name).verifier_key())).collect();
    Trust::parse(&lines.concat()).unwrap()
}

fn full_trust() -> Trust {
    trust_of(&[("host", "series=shop-*"), ("custodian", "may=rewrap"), ("drill", "may=drill")])
}

/// The kinds of the notes that count.
fn counted(seal: &Seal, trust: &[(&str, &str)]) -> Vec<String> {
    seal.judge(&trust_of(trust)).counted().map(|counted| format!("{} {}", counted.by, counted.note.note().kind())).collect()
}

/// What is answered for a file of this header and payload section.
fn integrity(seal: &Seal, trust: &Trust, header: &[u8], section: &Tree) -> Integrity {
    seal.judge(trust).integrity(Extent::of(header), section.section_len(), &section.root())
}

#[test]
fn a_note_counts_by_its_key_its_role_and_its_series() {
    let seal = full_seal();
    let all = ["host sealed", "custodian rewrapped", "drill restored", "custodian reencrypted"];
    assert_eq!(seal.judge(&full_trust()).counted().count(), 4);
    let (custodian, drill) = (("custodian", "may=rewrap"), ("drill", "may=drill"));
    assert_eq!(counted(&seal, &[("host", ""), custodian, drill]), all);
    assert_eq!(counted(&seal, &[("host", ""), custodian]), [all[0], all[1], all[3]]);
    assert_eq!(counted(&seal, &[("host", ""), drill]), [all[0], all[2]]);
    assert_eq!(counted(&seal, &[("host", ""), ("drill", "may=drill series=shop-us")]), [all[0]]);
    assert_eq!(counted(&seal, &[("host", ""), ("drill", "may=seal,rewrap")]), [all[0]]);
    for rest in ["series=*", "series=shop-*", "series=shop-e?", "may=drill,seal", "may=seal series=*-eu"] {
        assert_eq!(counted(&seal, &[("host", rest)]), [all[0]], "{rest}");
    }
    // A key has as many lines as somebody wants; one has to fit as a whole.
    assert_eq!(counted(&seal, &[("host", "may=drill"), ("host", "may=seal series=shop-eu")]), [all[0]]);
    assert!(counted(&seal, &[("host", "may=drill series=shop-eu"), ("host", "may=seal series=other")]).is_empty());
    // Without the first note nothing counts.
    for trust in [&[("stranger", "may=seal,rewrap,drill")][..], &[custodian, drill], &[("host", "may=rewrap,drill"), custodian, drill]] {
        let judgement = seal.judge(&trust_of(trust)).clone();
        assert!(judgement.counted().next().is_none() && judgement.vouched_by().is_none());
        assert_eq!(judgement.uncounted_len(), 5);
        assert!(judgement.verified().is_none());
    }
    let judgement = seal.judge(&full_trust());
    assert_eq!((judgement.vouched_by().map(Label::as_str), judgement.uncounted_len()), (Some("host"), 1));
    assert_eq!(judgement.verified().unwrap().vouched_by().as_str(), "host");
    assert!(seal.judge(&Trust::default()).verified().is_none());
}

#[test]
fn another_key_of_the_same_name_and_role_is_another() {
    let section = tree(10, 0);
    let other = SigningKey::from_seed_for_tests("host", 1);
    let seal = Seal::new(sealed(&other, series(), &section), &other, &section, HEADER);
    assert_eq!(integrity(&seal, &full_trust(), HEADER, &section), Integrity::Unvouched);
    // The same key under another name, too: names are what people go by.
    let renamed = SigningKey::from_seed_for_tests("hosta", b'h');
    let seal = Seal::new(sealed(&renamed, series(), &section), &renamed, &section, HEADER);
    assert_eq!(integrity(&seal, &full_trust(), HEADER, &section), Integrity::Unvouched);
}

/// A trusted key's signature on a note that names somebody else is kept, and makes nothing count.
#[test]
fn who_else_signs_does_not_matter() {
    let section = tree(10, 0);
    let mut seal = Seal::new(adopted(&key("stranger"), &section), &key("stranger"), &section, HEADER);
    let by_host = key("host").sign(&seal.notes[0].text);
    seal.notes[0].signatures.insert_str(0, &by_host);
    let seal = Seal::parse(&seal.to_bytes()).unwrap();
    assert_eq!(integrity(&seal, &trust_of(&[("host", "")]), HEADER, &section), Integrity::Unvouched);
    assert_eq!(integrity(&seal, &trust_of(&[("stranger", "")]), HEADER, &section), Integrity::Intact);
}

#[test]
fn without_a_series_only_a_key_for_all_series_counts() {
    let section = tree(10, 0);
    for note in [adopted(&key("host"), &section), sealed(&key("host"), None, &section)] {
        let seal = Seal::new(note, &key("host"), &section, HEADER);
        assert_eq!(counted(&seal, &[("host", "")]).len(), 1);
        assert_eq!(counted(&seal, &[("host", "series=*")]).len(), 1);
        for pattern in ["series=**", "series=shop-*", "series=?*"] {
            assert!(counted(&seal, &[("host", pattern)]).is_empty(), "{pattern}");
        }
    }
}

#[test]
fn the_current_header_and_payload_are_those_of_the_last_note_that_counts() {
    let (old, new) = (tree(100, 0), tree(3_000_000, 1));
    let seal = full_seal();
    let host = trust_of(&[("host", "")]);
    use Integrity::{Damaged, HeaderChanged, Intact, Unvouched};
    for (trust, header, section, answer) in [
        (&full_trust(), &b"a third"[..], &new, Intact),
        (&full_trust(), b"another", &new, HeaderChanged),
        (&full_trust(), HEADER, &new, HeaderChanged),
        (&full_trust(), b"a third", &old, Damaged),
        (&full_trust(), HEADER, &old, Damaged),
        (&host, HEADER, &old, Intact),
        (&host, b"another", &old, HeaderChanged),
        (&host, b"a third", &new, Damaged),
        (&Trust::default(), b"a third", &new, Unvouched),
        (&Trust::default(), b"another", &new, HeaderChanged),
        (&Trust::default(), HEADER, &old, Damaged),
    ] {
        assert_eq!(integrity(&seal, trust, header, section), answer, "{header:?} {}", section.section_len());
    }
    // The same bytes, claimed to be of another length.
    let judgement = seal.judge(&host);
    assert_eq!(judgement.integrity(Extent::of(HEADER), old.section_len() + 1, &old.root()), Damaged);
    assert_eq!((judgement.header(), judgement.payload()), (Extent::of(HEADER), Extent::from(&old)));
}

#[test]
fn a_note_that_does_not_follow_does_not_count() {
    let (section, other) = (tree(100, 0), tree(100, 1));
    let (host, custodian, drill) = (key("host"), key("custodian"), key("drill"));
    let start = || Seal::new(sealed(&host, series(), &section), &host, &section, HEADER);
    let answer = |seal: &Seal, header: &[u8]| (integrity(seal, &full_trust(), header, &section), seal.judge(&full_trust()).uncounted_len());

    let mut seal = start();
    seal.append(rewrapped(&seal, &custodian, b"somebody's", b"another"), &custodian).unwrap();
    assert_eq!(answer(&seal, HEADER), (Integrity::Intact, 1));

    // One that follows a note that does not count.
    let mut seal = start();
    seal.append(rewrapped(&seal, &drill, HEADER, b"another"), &drill).unwrap();
    seal.append(rewrapped(&seal, &custodian, b"another", b"a third"), &custodian).unwrap();
    assert_eq!(answer(&seal, HEADER), (Integrity::Intact, 2));
    // And one that goes on from where the first was right.
    seal.append(rewrapped(&seal, &custodian, HEADER, b"a fourth"), &custodian).unwrap();
    assert_eq!(answer(&seal, b"a fourth"), (Integrity::Intact, 2));
    assert_eq!(answer(&seal, HEADER), (Integrity::HeaderChanged, 2));

    for (old_header, old_section) in [(&b"somebody's"[..], &section), (HEADER, &other)] {
        let mut seal = start();
        let note = reencrypted(&seal, &custodian, (old_header, old_section), (b"another", &other), &proof_key());
        seal.append(note, &custodian).unwrap();
        assert_eq!(answer(&seal, HEADER), (Integrity::Intact, 1));
    }

    // A restore test of another file says nothing about this one, and a failed one does not say that it is damaged.
    let mut seal = start();
    seal.append(restored(&seal, &drill, &other, TestResult::Passed), &drill).unwrap();
    assert_eq!(answer(&seal, HEADER), (Integrity::Intact, 1));
    seal.append(restored(&seal, &drill, &section, TestResult::Failed), &drill).unwrap();
    assert_eq!(answer(&seal, HEADER), (Integrity::Intact, 1));
}

#[test]
fn a_proof_is_of_one_file_key_one_signer_and_one_text() {
    let (old, new, host) = (tree(100, 0), tree(200, 1), key("host"));
    let other_key = ProofKey::of(&FileKey::from_bytes(&[8; 16]));
    let trust = full_trust();
    let check = |seal: &Seal, key: &ProofKey| seal.judge(&trust).check_proof(key);
    let start = || Seal::new(sealed(&host, series(), &old), &host, &old, HEADER);
    assert_eq!(check(&start(), &proof_key()), Ok(Maker::Signer));
    assert_eq!(check(&start(), &other_key), Err(WrongProof));
    let seen = Seal::new(adopted(&host, &old), &host, &old, HEADER);
    assert_eq!([check(&seen, &proof_key()), check(&seen, &other_key)], [Ok(Maker::Unknown); 2]);

    // Somebody who saw the file and its seal puts an own name to it.
    let Note::Sealed(note) = start().notes[0].note().clone() else { unreachable!() };
    let stolen = Note::Sealed(Sealed { signer: key("stranger").verifier_key().clone(), ..note.clone() });
    let stolen = Seal::new(stolen, &key("stranger"), &old, HEADER);
    assert_eq!(stolen.judge(&trust_of(&[("stranger", "")])).check_proof(&proof_key()), Err(WrongProof));
    let later = Note::Sealed(Sealed { time: Time::default(), ..note });
    assert_eq!(check(&Seal::new(later, &host, &old, HEADER), &proof_key()), Err(WrongProof));

    // A new header is proven with the same key, by whoever may change it; what does not count is not asked.
    let custodian = key("custodian");
    let unproven = |seal: &Seal, signer: &SigningKey| match rewrapped(seal, signer, HEADER, b"another") {
        Note::Rewrapped(note) => Note::Rewrapped(Rewrapped { proof: Proof::none(), ..note }),
        _ => unreachable!(),
    };
    let mut seal = start();
    seal.append(unproven(&seal, &key("stranger")), &key("stranger")).unwrap();
    assert_eq!(check(&seal, &proof_key()), Ok(Maker::Signer));
    seal.append(unproven(&seal, &custodian), &custodian).unwrap();
    assert_eq!(check(&seal, &proof_key()), Err(WrongProof));

    // After a new file key, the first note's proof is of the old one.
    let mut seal = start();
    seal.append(reencrypted(&seal, &custodian, (HEADER, &old), (b"another", &new), &other_key), &custodian).unwrap();
    assert_eq!((check(&seal, &other_key), check(&seal, &proof_key())), (Ok(Maker::Signer), Err(WrongProof)));
    // To who trusts nobody, anybody may have put that note there.
    assert_eq!(seal.judge(&Trust::default()).check_proof(&other_key), Ok(Maker::Unknown));
    assert_eq!(format!("{:?} {:?}", proof_key(), Proof::none()), "ProofKey(..) Proof(..)");
}

#[test]
fn the_unsigned_section_is_believed_as_far_as_it_is_signed() {
    let section = tree(3_000_000, 0);
    let host = key("host");
    let seal = Seal::new(sealed(&host, series(), &section), &host, &section, HEADER);
    let usable = |seal: &Seal| {
        let judgement = seal.judge(&full_trust());
        (judgement.groups().is_some(), judgement.header_copy() == Some(HEADER))
    };
    assert_eq!(usable(&seal), (true, true));
    assert_eq!(usable(&Seal { unsigned: Vec::new(), ..seal.clone() }), (false, false));
    let unsigned = String::from_utf8(seal.unsigned.clone()).unwrap();
    let lines: Vec<_> = unsigned.split_inclusive('\n').collect();
    let groups = lines[2..5].concat();
    for (changed, answer) in [
        (unsigned.replace(&groups, &[lines[3], lines[2], lines[4]].concat()), (false, true)),
        (unsigned.replace(&groups, "").replace("groups 3", "groups 0"), (false, true)),
        (unsigned.replace("a header", "a heador"), (true, false)),
        (unsigned.replace("header 8\na header", "header 0\n"), (true, false)),
        (unsigned.replace("groups 3", "groups 2"), (false, false)),
        (unsigned.replace("groups 3", "groups 65537"), (false, false)),
        (unsigned.replace("groups 3", "groups 9223372036854775807"), (false, false)),
        (unsigned.replace("groups 3", "groups 03"), (false, false)),
        (unsigned.replace(lines[2], &lines[2].replace('\n', "=\n")), (false, false)),
        (unsigned.replace("header 8", "header 7"), (false, false)),
        (unsigned.replace("header 8", "header 9223372036854775807"), (false, false)),
        (format!("{unsigned}\n"), (false, false)),
        ("unsigned\n".into(), (false, false)),
        (format!("unsigned\n{}", "x".repeat(100_000)), (false, false)),
    ] {
        let bytes = Seal { unsigned: changed.clone().into_bytes(), ..seal.clone() }.to_bytes();
        let parsed = Seal::parse(&bytes).unwrap();
        assert_eq!((usable(&parsed), parsed.to_bytes() == bytes), (answer, true), "{changed}");
        assert_eq!(integrity(&parsed, &full_trust(), HEADER, &section), Integrity::Intact);
    }
    // A section of one group has none to list.
    let small = tree(10, 0);
    let seal = Seal::new(sealed(&host, series(), &small), &host, &small, HEADER);
    assert_eq!(usable(&seal), (true, true));
    let mut more = seal.clone();
    more.set_groups(&section).unwrap();
    assert_eq!(usable(&more), (false, true));
    more.set_groups(&small).unwrap();
    assert_eq!(more, seal);
    more.unsigned = b"unsigned\nnonsense".to_vec();
    more.set_header_copy(HEADER).unwrap();
    assert_eq!(more, seal);
}
