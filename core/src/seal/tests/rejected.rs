//! Every rejection that the specification lists (SEAL.md, "Rejected"), and what is accepted just beside it.

use alloc::string::ToString;

use base64ct::{Base64, Encoding};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::*;
use crate::tree::Blake3;

/// In hexadecimal, what is no hash of anything here.
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn refusal(seal: impl AsRef<[u8]>) -> SealError {
    Seal::parse(seal.as_ref()).unwrap_err()
}

#[test]
fn what_parses_prints_back() {
    let small = tree(0, 0);
    for seal in [full_seal(), Seal::new(adopted(&key("host"), &small), &key("host"), &small, HEADER)] {
        let bytes = seal.to_bytes();
        assert_eq!(seal.len(), bytes.len());
        assert_eq!(Seal::parse(&bytes).as_ref(), Ok(&seal));
        let without = Seal { unsigned: Vec::new(), ..seal };
        assert_eq!((Seal::parse(&without.to_bytes()), without.len()), (Ok(without.clone()), without.to_bytes().len()));
    }
    let seal = full_seal();
    let kinds: Vec<_> = seal.notes().iter().map(|note| note.note().kind()).collect();
    assert_eq!(kinds, ["sealed", "rewrapped", "restored", "blessed", "reencrypted"]);
}

#[test]
fn a_first_note_is_spelled_as_it_should_be() {
    let (host, section) = (key("host"), tree(10, 0));
    let text = sealed(&host, series(), &section).to_text();
    let root = section.root();
    let expected = format!(
        "dbseal/v1 sealed\nsigner {}\nseries shop-eu 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c 1 -\nfile shop.age\ntime 2026-11-24T02:00:13Z\n\
         source command 0\nprocess dbseal/0.1.0 x25519 none\nheader 8 {}\npayload 42 {root}\ngroup 1048576\nproof ",
        host.verifier_key(),
        Blake3::of(HEADER)
    );
    let mut proof_key = [0; 32];
    Hkdf::<Sha256>::new(Some(b""), &FILE_KEY).expand(b"dbseal/v1 proof", &mut proof_key).unwrap();
    let before = expected.strip_suffix("proof ").unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(&proof_key).unwrap().chain_update(before).finalize().into_bytes();
    assert_eq!(text, format!("{expected}{}\n", Blake3::from_bytes(mac.into())));

    let seal = Seal::parse(signed(&text, "host").as_bytes()).unwrap();
    assert_eq!(seal.first_hash().to_string(), Blake3::from_bytes(Sha256::digest(&text).into()).to_string());
    assert_eq!(seal.to_bytes(), signed(&text, "host").as_bytes());
}

#[test]
fn a_field_that_breaks_a_rule_breaks_the_seal() {
    let (host, section) = (key("host"), tree(10, 0));
    let text = sealed(&host, series(), &section).to_text();
    let (vkey, root) = (host.verifier_key().to_string(), section.root());
    for (field, from, to) in [
        ("signer", "signer ", "signer  "),
        ("signer", "signer ", "Signer "),
        ("signer", vkey.as_str(), "host"),
        ("signer", &vkey[..14], "host+00000000+"),
        ("series", "series shop-eu", "series -shop"),
        ("series", "series shop-eu", "series shop/eu"),
        ("series", "3c3c3c", "3C3C3C"),
        ("series", "3c3c3c", "3c3c"),
        ("series", " 1 -", " 0 -"),
        ("series", " 1 -", " 01 -"),
        ("series", " 1 -", " 2 -"),
        ("series", " 1 -", &format!(" 1 {ZEROS}")),
        ("series", " 1 -", &format!(" 9223372036854775808 {ZEROS}")),
        ("series", " 1 -", &format!(" 2 {}", &ZEROS[1..])),
        ("series", " 1 -", " 1 - -"),
        ("series", " 1 -", " 1"),
        ("series", "shop-eu 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c 1 -", "- -"),
        ("file", "shop.age", "../shop.age"),
        ("file", "shop.age", "%2e"),
        ("file", "shop.age", ".."),
        ("file", "file shop.age", "file "),
        ("time", "2026-11-24", "2026-13-24"),
        ("time", "00:13Z", "00:13"),
        ("source", "command 0", "command 1"),
        ("source", "command 0", "command"),
        ("source", "command 0", "pipe"),
        ("process", "dbseal/0.1.0", "dbseal"),
        ("process", "x25519 none", "x25519"),
        ("process", "x25519 none", "x25519 none none"),
        ("process", "x25519 none", "x25519  none"),
        ("header", "header 8", "header 0"),
        ("header", "header 8", "header 1048577"),
        ("header", "header 8", "header +8"),
        ("header", "header 8", "header 8 8"),
        ("payload", "payload 42", "payload 31"),
        ("payload", "payload 42", "payload 65584"),
        ("payload", "payload 42", "payload 9223372036854775808"),
        ("payload", "payload 42", "payload 99999999999999999999999"),
        ("payload", &root.to_string(), &root.to_string().to_uppercase()),
        ("group", "1048576", "524288"),
        ("group", "1048576", "0"),
        ("group", "group 1048576\n", ""),
        ("proof", "proof ", "proof 00"),
        ("proof", "proof ", "mac "),
        ("time", "time 2026-11-24T02:00:13Z\nsource", "source"),
        ("time", "file shop.age\n", "file shop.age\nfile shop.age\n"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert_eq!(refusal(signed(&changed, "host")), SealError::Field(field), "{from:?} -> {to:?}");
    }
    let accepted = text.replace(" 1 -", &format!(" 9223372036854775807 {ZEROS}"));
    assert!(Seal::parse(signed(&accepted, "host").as_bytes()).is_ok());
    let accepted = text.replace("shop-eu 3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c 1 -", "-");
    assert!(Seal::parse(signed(&accepted, "host").as_bytes()).is_ok());
}

#[test]
fn a_text_that_breaks_a_rule_breaks_the_seal() {
    let text = sealed(&key("host"), series(), &tree(10, 0)).to_text();
    let malformed = |text: &str| matches!(refusal(signed(text, "host")), SealError::Malformed(_));
    for other in [
        format!("{text}more\n"),
        text.replace('\n', "\r\n"),
        text.replace("shop.age\n", "shop.age\r\n"),
        text.replace("shop.age", "shop\t.age"),
        text.replace("shop.age", "shop\u{e9}.age"),
        text.replace("shop.age", "shop\u{0}.age"),
        text.replace(" sealed\n", " restored!\n"),
        text.replace(" sealed\n", "  sealed\n"),
        text.replace(" sealed\n", "\n"),
        text.replace("v1 ", "v01 "),
        text.replace("v1 ", "v "),
        format!("\u{2014} {text}"),
        text.replacen('\n', "", 1),
    ] {
        assert!(malformed(&other) || refusal(signed(&other, "host")) == SealError::NotASeal, "{other}");
    }
    for other in ["", "\n", "age-encryption.org/v1\n", "\u{feff}dbseal/v1 sealed\n", "DBSEAL/V1 sealed\n", " dbseal/v1 sealed\n"] {
        assert_eq!(refusal(other), SealError::NotASeal, "{other}");
    }
    // Of a later version no rule is known but its name.
    for other in
        [text.replace("v1 ", "v2 "), text.replace("v1 ", "v10 "), text.replace("v1 sealed\n", "v2\n\u{e9}"), "dbseal/v2 ".repeat(900)]
    {
        assert_eq!(refusal(&other), SealError::NewerVersion);
    }
    let bytes = signed(&text, "host");
    for len in 0..bytes.len() {
        assert!(Seal::parse(&bytes.as_bytes()[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn a_later_note_that_breaks_a_rule_breaks_the_seal() {
    let section = tree(10, 0);
    let seal = Seal { unsigned: Vec::new(), ..Seal::new(adopted(&key("host"), &section), &key("host"), &section, HEADER) };
    let start = String::from_utf8(seal.to_bytes()).unwrap();
    let refusal = |text: &str| Seal::parse(format!("{start}\n{}", signed(text, "host")).as_bytes()).err();
    let host = key("host");
    let test = restored(&seal, &host, &section, TestResult::Passed).to_text();
    assert_eq!(refusal(&test), None);
    for (field, from, to) in [
        ("check", "check starts passed\ncheck rows passed\n", ""),
        ("check", "check rows passed", "check rows maybe"),
        ("check", "check rows passed", "check rows"),
        ("check", "check rows passed", "note rows passed"),
        ("result", "result passed", "result Passed"),
        ("seconds", "seconds 41", "seconds 4.1"),
        ("payload", "payload 42", "payload 33 42"),
        ("previous", "previous ", "prior "),
        ("signer", "signer ", "by "),
    ] {
        assert_eq!(refusal(&test.replacen(from, to, 1)), Some(SealError::Field(field)), "{from} -> {to}");
    }
    assert_eq!(refusal(&test.replace("starts passed", "starts failed").replace("result passed", "result failed")), None);
    assert!(matches!(refusal(&test.replace("starts passed", "starts failed")), Some(SealError::Malformed(_))));
    let checks = |count| format!("{test}{}", "check more passed\n".repeat(count));
    assert_eq!((refusal(&checks(6)), matches!(refusal(&checks(7)), Some(SealError::Malformed(_)))), (None, true));

    let other = reencrypted(&seal, &host, (HEADER, &section), (b"another", &section), &proof_key()).to_text();
    assert_eq!(refusal(&other), None);
    for (field, from, to) in [
        ("old-header", "old-header 8", "old-header 0"),
        ("header", "\nheader 7", "\nheader 0"),
        ("old-payload", "old-payload 42", "old-payload 1"),
        ("payload", "\npayload 42", "\npayload 1"),
        ("group", "group 1048576", "group 2097152"),
        ("proof", "proof", "Proof"),
    ] {
        assert_eq!(refusal(&other.replacen(from, to, 1)), Some(SealError::Field(field)), "{from} -> {to}");
    }
    let previous = seal.last_hash().to_string();
    for text in [&test, &other] {
        assert_eq!(refusal(&text.replace(&previous, ZEROS)), Some(SealError::ChainBroken));
    }
    assert!(matches!(refusal(&adopted(&host, &section).to_text()), Some(SealError::Malformed(_))));
    assert!(matches!(Seal::parse(signed(&test, "host").as_bytes()), Err(SealError::Malformed(_))));
    assert!(matches!(refusal("dbseal/v1 blessed\nprevious -\n"), Some(SealError::Field("previous"))));
}

#[test]
fn notes_can_neither_be_removed_nor_put_in_nor_moved() {
    let seal = full_seal();
    let with = |notes: Vec<SignedNote>| Seal { notes, unsigned: Vec::new() }.to_bytes();
    let count = seal.notes.len();
    for index in 0..count {
        let mut notes = seal.notes.clone();
        notes.remove(index);
        assert_eq!(Seal::parse(&with(notes)).is_ok(), index == count - 1, "without note {index}");
        let mut notes = seal.notes.clone();
        notes.insert(index, seal.notes[index].clone());
        assert!(Seal::parse(&with(notes)).is_err(), "twice note {index}");
        for other in index + 1..count {
            let mut notes = seal.notes.clone();
            notes.swap(index, other);
            assert!(Seal::parse(&with(notes)).is_err(), "notes {index} and {other}");
        }
    }
}

#[test]
fn a_note_is_signed_by_who_it_names() {
    let text = adopted(&key("host"), &tree(10, 0)).to_text();
    let (own, by_other) = (key("host").sign(&text), key("stranger").sign(&text));
    let of_other_text = key("host").sign("another text\n");
    let same_name = SigningKey::from_seed_for_tests("host", 1).sign(&text);
    let long = |len: usize| format!("\u{2014} x {}\n", &"A".repeat(len)[..len / 4 * 4]);
    let parse = |signatures: &[&str]| Seal::parse(format!("{text}\n{}", signatures.concat()).as_bytes());
    let accepted: [&[&str]; 7] = [
        &[&own],
        &[&by_other, &own],
        &[&own, &own],
        &[&same_name, &own],
        &[&own, "\u{2014} x.example/a,b AAAAAAA=\n"],
        &[&own, &long(16_300)],
        &[own.as_str(); 8],
    ];
    for signatures in accepted {
        let seal = parse(signatures).unwrap();
        assert_eq!(seal.to_bytes(), format!("{text}\n{}", signatures.concat()).as_bytes());
    }
    let malformed = SealError::Malformed("a signature is malformed");
    let refused: [(&[&str], SealError); 20] = [
        (&[&by_other], SealError::NotSigned),
        (&[], SealError::NotSigned),
        (&[&same_name], SealError::NotSigned),
        (&[&of_other_text], SealError::WrongSignature),
        (&[&own, &of_other_text], SealError::WrongSignature),
        (&[&own[..own.len() - 1]], malformed),
        (&[&own.replace("=\n", "\n")], malformed),
        (&[&own.replace(" host ", " ")], malformed),
        (&[&own.replace(" host ", "  ")], malformed),
        (&[&own.replace(" host ", " ho st ")], malformed),
        (&[&own, "\u{2014} a+b AAAAAAA=\n"], malformed),
        (&[&own, "\u{2014} a\u{202e}b AAAAAAA=\n"], malformed),
        (&[&own, "\u{2014} a\u{7f}b AAAAAAA=\n"], malformed),
        (&[&own, "\u{2014} x AAAAAA==\n"], malformed),
        (&[&own, "\u{2014} x AAAAAAB=\n"], malformed),
        (&[&own, "\u{2014} x AAAAAAA\n"], malformed),
        (&[&own, "\u{2014} x \n"], malformed),
        (&[&own, &long(17_000)], malformed),
        (&[own.as_str(); 9], SealError::Malformed("a note has more than 8 signatures")),
        (&[&own, "- x AAAAAAA=\n"], SealError::Malformed("there is no empty line after a note")),
    ];
    for (signatures, error) in refused {
        assert_eq!(parse(signatures), Err(error), "{signatures:?}");
    }
    // The signature of a key of its name, but another length than Ed25519's.
    let short = format!("\u{2014} host {}\n", Base64::encode_string(&[&key("host").verifier_key().id()[..], &[0; 8]].concat()));
    assert_eq!(parse(&[&own, &short]), Err(SealError::WrongSignature));
    // Of an unknown kind, any will do; none will not.
    let mut seal = Seal::parse(format!("{text}\n{own}").as_bytes()).unwrap();
    seal.notes.push(unknown(&seal, "", &key("stranger")));
    assert!(Seal::parse(&seal.to_bytes()).is_ok());
    seal.notes[1].signatures.clear();
    assert_eq!(refusal(seal.to_bytes()), SealError::NotSigned);
}

#[test]
fn a_seal_has_limits() {
    let section = tree(10, 0);
    let host = key("host");
    let mut seal = Seal::new(adopted(&host, &section), &host, &section, HEADER);
    let start = String::from_utf8(Seal { unsigned: Vec::new(), ..seal.clone() }.to_bytes()).unwrap();
    // The length of the longest copy of a header has six digits more.
    let longest = vec![b'x'; MAX_SEAL_LEN - seal.len() + HEADER.len() - 6];
    assert_eq!((seal.set_header_copy(&longest), seal.len()), (Ok(()), MAX_SEAL_LEN));
    assert_eq!(Seal::parse(&seal.to_bytes()).as_ref(), Ok(&seal));
    assert_eq!(refusal([&seal.to_bytes()[..], b"x"].concat()), SealError::TooLong);
    let before = seal.clone();
    assert_eq!(seal.set_header_copy(&[&longest[..], b"x"].concat()), Err(SealError::TooLong));
    assert_eq!(seal.set_groups(&tree(3_000_000, 0)), Err(SealError::TooLong));
    assert_eq!(seal.append(restored(&seal, &host, &section, TestResult::Passed), &host), Err(SealError::TooLong));
    assert_eq!(seal, before);
    seal.unsigned.clear();

    let text_of = |len: usize| {
        let text = unknown(&seal, "", &host).text;
        format!("{text}{}\n", "x".repeat(len - text.len() - 1))
    };
    for (len, fits) in [(1022, true), (1023, true), (1024, false), (4096, false)] {
        assert_eq!(Seal::parse(format!("{start}\n{}", signed(&text_of(len), "host")).as_bytes()).is_ok(), fits, "{len} bytes");
    }
    let mut log = seal;
    while log.notes.len() < MAX_NOTES {
        log.append(restored(&log, &host, &section, TestResult::Passed), &host).unwrap();
    }
    assert!(Seal::parse(&log.to_bytes()).is_ok());
    let before = log.clone();
    assert_eq!(log.append(restored(&log, &host, &section, TestResult::Passed), &host), Err(SealError::TooManyNotes));
    assert_eq!(log, before);
    log.notes.push(unknown(&log, "", &host));
    assert_eq!(refusal(log.to_bytes()), SealError::TooManyNotes);
}

/// The longest that a host of ours can write: all names as long as they may be, and what it says of itself.
#[test]
fn a_text_has_room_for_the_longest_names() {
    let (long, section) = (label(&"x".repeat(64)), tree(10, 0));
    let signer = SigningKey::from_seed_for_tests(long.as_str(), 7);
    let Note::Sealed(note) = sealed(&signer, series(), &section) else { unreachable!() };
    let note = Note::Sealed(Sealed {
        series: Some(SeriesPlace { label: long, number: (1 << 63) - 1, previous: Some(ZEROS.parse().unwrap()), ..series().unwrap() }),
        file: FileName::of(&[b'x'; 255]).unwrap(),
        process: Process { preset: label("mlkem768x25519"), version: label("10.10.10-rc.10"), ..note.process },
        ..note
    });
    let seal = Seal::new(note.proven(&proof_key()), &signer, &section, HEADER);
    assert_eq!(Seal::parse(&seal.to_bytes()), Ok(seal));
}

/// What a writer must not put into a seal, since the whole of it would be broken.
mod writers_refuse {
    use super::*;

    fn write(change: impl FnOnce(&mut Sealed)) {
        let section = tree(10, 0);
        let Note::Sealed(mut note) = sealed(&key("host"), series(), &section) else { unreachable!() };
        change(&mut note);
        let _ = Seal::new(Note::Sealed(note), &key("host"), &section, HEADER);
    }

    #[test]
    #[should_panic(expected = "a note says what a note can say")]
    fn a_number_that_does_not_fit() {
        write(|note| note.series = Some(SeriesPlace { number: 2, ..series().unwrap() }));
    }

    #[test]
    #[should_panic(expected = "a note says what a note can say")]
    fn a_payload_that_cannot_be() {
        write(|note| note.payload.len = 1);
    }

    #[test]
    #[should_panic(expected = "a note says what a note can say")]
    fn a_text_that_is_too_long() {
        let long = || label(&"x".repeat(64));
        write(|note| {
            note.series = Some(SeriesPlace { label: long(), number: 2, previous: Some(ZEROS.parse().unwrap()), ..series().unwrap() });
            note.file = FileName::of(&[b'x'; 255]).unwrap();
            note.process = Process { tool: long(), version: long(), preset: long(), compression: long() };
        });
    }

    #[test]
    #[should_panic(expected = "a note is signed by who it names")]
    fn another_signer() {
        write(|note| note.signer = key("stranger").verifier_key().clone());
    }

    #[test]
    #[should_panic(expected = "a note follows the last one")]
    fn a_note_after_another() {
        let mut seal = full_seal();
        let Note::Restored(test) = restored(&seal, &key("drill"), &tree(10, 0), TestResult::Passed) else { unreachable!() };
        let _ = seal.append(Note::Restored(Restored { previous: seal.first_hash(), ..test }), &key("drill"));
    }
}
