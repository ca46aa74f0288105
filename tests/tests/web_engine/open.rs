//! Open: what comes out, of what, and with which keys.

use dbseal_core::{CHUNK_LEN, FileKey, Header, HeaderPadding, Identity, PAYLOAD_NONCE_LEN, PayloadNonce, SLOT_LEN, SigningKey, Spread};
use dbseal_tests::inputs::Replay;
use dbseal_tests::seal::seal_in_order;
use dbseal_web::engine::{self, Keys};
use dbseal_web::messages::{Failure, KeyKind, Opened, Part, Place, SealPolicy};
use zeroize::Zeroizing;

use crate::backup::{Backup, armored, keys, locked, other_recipient, sealed};
use crate::memory::{Memory, Watcher, block_on};
use crate::opening::Opening;
use crate::{LEN, NAME};

fn open(backup: &Backup, part: &Part) -> Result<(Opened, Vec<u8>), (Failure, Vec<u8>)> {
    Opening::of(backup, part).open()
}

#[test]
fn what_was_sealed_comes_out() {
    let backup = Backup::of(LEN);
    let part = Part::Whole;
    let (opened, bytes) = open(&backup, &part).expect("it opens");
    assert!(bytes == backup.plain);
    assert_eq!(opened.written_len, LEN as u64);
    assert_eq!(opened.claims.expect("a seal").proven, Some(true));
    let (opened, bytes) = Opening::without_seal(&backup, &part).open().expect("it opens");
    assert!(bytes == backup.plain && opened.claims.is_none());
    let without_groups = backup.seal_without_groups();
    let (_, bytes) = Opening { seal: Some(&without_groups), ..Opening::of(&backup, &part) }.open().expect("it opens");
    assert!(bytes == backup.plain);
    for (start, end) in [
        (0, Some(0)),
        (0, Some(1)),
        (1000, None),
        (CHUNK_LEN - 1, Some(CHUNK_LEN + 1)),
        (3_000_000, Some(3_000_010)),
        (1000, Some(8_000_000)),
        (LEN, None),
        (LEN - 1, Some(LEN)),
    ] {
        let part = Part::Bytes(start as u64, end.map(|end| end as u64));
        for opening in [Opening::of(&backup, &part), Opening::without_seal(&backup, &part)] {
            let (opened, bytes) = opening.open().expect("it opens");
            assert!(bytes == backup.plain[start..end.unwrap_or(LEN)], "{start} to {end:?}");
            assert_eq!(opened.written_len, bytes.len() as u64);
        }
    }
    let beyond = Part::Bytes(0, Some(LEN as u64 + 1));
    Opening::of(&backup, &beyond).fails("the range is not within");
    let some = Part::Bytes(0, Some(5));
    Opening { seal: Some(&without_groups), ..Opening::of(&backup, &some) }.fails("no usable hashes");
}

#[test]
fn what_is_not_vouched_for_does_not_open() {
    let backup = Backup::of(200_000);
    let other = Backup::of(100_000);
    let part = Part::Whole;
    let stranger = SigningKey::generate("host".parse().expect("a label"), &mut Replay(50)).verifier_key().to_string();
    let opening = || Opening::of(&backup, &part);
    let anothers = sealed(&backup.key, &backup.header, &backup.section, &FileKey::from_bytes(&[0; 16]));
    let refused = [
        (Opening { seal: None, ..opening() }, "has no seal"),
        (Opening { trust: stranger, ..opening() }, "nobody whom you trust vouches"),
        (Opening { trust: format!("{} may=rewrap", backup.trust()), ..opening() }, "whom you trust, but not to seal backups"),
        (Opening { trust: format!("{} series=web", backup.trust()), ..opening() }, "whom you trust, but not for the series shop"),
        (Opening { name: "old.age", ..opening() }, "is called shop.age by its seal"),
        (Opening { seal: Some(&backup.seal[..300]), ..opening() }, "the seal is broken"),
        (Opening { seal: Some(&backup.seal[..300]), trust: String::new(), ..opening() }, "the seal is broken"),
        (Opening { file: other.file(), ..opening() }, "was cut off: "),
        (Opening { file: [backup.file(), vec![0; 1234]].concat(), ..opening() }, "longer than its seal says, by 1.2 KiB (1,234 bytes)"),
        (Opening { seal: Some(&anothers), ..opening() }, "made by somebody who did not make the backup"),
        (Opening { file: armored(&backup.file()), ..opening() }, "is armor, and a seal is of a binary file"),
        (Opening { file: armored(&backup.file()), seal: None, ..opening() }, "has no seal"),
        (Opening { trust: "# nobody".into(), ..opening() }, "whom you trust is not understood"),
    ];
    for (opening, words) in refused {
        assert!(opening.fails(words).is_empty(), "{words}: nothing comes out");
    }
    // Who says that it may have another name is asked about nothing else.
    let renamed = || Opening { policy: SealPolicy::Renamed(NAME.into()), name: "old.age", ..opening() };
    let (opened, bytes) = renamed().open().expect("it opens");
    assert!(bytes == backup.plain && opened.is_vouched() && opened.place == Place::Renamed);
    Opening { policy: SealPolicy::Renamed("newer.age".into()), ..renamed() }.fails("is called shop.age by its seal");
    Opening { seal: None, ..renamed() }.fails("has no seal");
    Opening { trust: format!("{} series=web", backup.trust()), ..renamed() }.fails("not for the series shop");
    let header = Header::wrap(&backup.file_key, &[other_recipient()], HeaderPadding::Fixed, &mut Replay(3)).expect("a header").to_bytes();
    let file = [header, backup.section.clone()].concat();
    assert!(Opening { file, ..opening() }.fails("is not the one that was signed last").is_empty());
    // Who says that it does not matter gets what opens.
    let (opened, bytes) =
        Opening { seal: Some(b"hello"), policy: SealPolicy::Ignored, name: "old.age", ..opening() }.open().expect("it opens");
    assert!(bytes == backup.plain && opened.claims.is_none());
    // Where nobody is trusted, a seal that is there still has to be about this backup.
    let (opened, _) = Opening { trust: String::new(), ..opening() }.open().expect("it opens");
    assert_eq!(opened.claims.expect("a seal").vouched_by, None);
}

/// Whoever has had the file key can make another payload that opens under the same header.
#[test]
fn another_payload_under_the_same_header_is_refused() {
    let backup = Backup::of(LEN);
    let mut hostile = backup.plain.clone();
    hostile[3_000_000] ^= 1;
    let section = seal_in_order(&backup.file_key, &PayloadNonce::from_bytes([9; 16]), &hostile, 16, Spread::Serial);
    let file = [&backup.header[..], &section].concat();
    let (whole, part) = (Part::Whole, Part::Bytes(100, Some(200)));
    let without_groups = backup.seal_without_groups();
    for part in [&whole, &part] {
        Opening { file: file.clone(), ..Opening::without_seal(&backup, part) }.open().expect("it opens");
        Opening { file: file.clone(), ..Opening::of(&backup, part) }.fails("is not what its seal says: bytes 4,096 to");
    }
    Opening { file, seal: Some(&without_groups), ..Opening::of(&backup, &whole) }.fails("is not what its seal says: bytes 4,096 to");
}

#[test]
fn nothing_that_is_not_authentic_comes_out() {
    let backup = Backup::of(LEN);
    let (whole, range) = (Part::Whole, Part::Bytes(10, Some(LEN as u64 - 10)));
    let header_len = backup.header.len();
    for at in [0, 20, 3 * SLOT_LEN, 70 * SLOT_LEN, backup.section.len() - 1] {
        let mut file = backup.file();
        file[header_len + at] ^= 1;
        for part in [&whole, &range] {
            for opening in [Opening::of(&backup, part), Opening::without_seal(&backup, part)] {
                let (failure, bytes) = Opening { file: file.clone(), ..opening }.open().expect_err("it is damaged");
                let skipped = if part == &whole { 0 } else { 10 };
                assert!(backup.plain[skipped..].starts_with(&bytes) && bytes.len() <= at, "byte {at}: {failure:?}");
            }
        }
    }
    let file_len = backup.file().len();
    for len in [file_len - 1, file_len - 100_000, header_len + PAYLOAD_NONCE_LEN + 20 * SLOT_LEN, header_len + 10, header_len, 50, 0] {
        let file = backup.file()[..len].to_vec();
        for opening in [Opening::of(&backup, &whole), Opening::without_seal(&backup, &range)] {
            let (_, bytes) = Opening { file: file.clone(), ..opening }.open().expect_err("it was cut off");
            assert!(bytes.is_empty(), "{len} bytes: it is refused before anything comes out");
        }
    }
    Opening { file: [backup.file(), vec![0; 5]].concat(), ..Opening::without_seal(&backup, &whole) }.fails("the end of the backup");
}

#[test]
fn what_goes_wrong_beside_it_leaves_nothing() {
    let backup = Backup::of(LEN);
    let part = Part::Whole;
    for reads_left in 0..5 {
        Opening { reads_left, ..Opening::of(&backup, &part) }.fails("the file cannot be read: it is shorter than it was");
    }
    Opening { room: Some(5_000_000), ..Opening::of(&backup, &part) }.fails("the disk is full");
    let other = Identity::generate_x25519(&mut Replay(99)).expose_text().expect("it has one");
    Opening { keys: keys(KeyKind::Identity, &other), ..Opening::of(&backup, &part) }.fails("none of the given keys opens this file");
    Opening { keys: keys(KeyKind::Passphrase, "x"), ..Opening::of(&backup, &part) }.fails("encrypted to a key");
    let file = Memory::new(backup.file());
    file.reads_left.set(2);
    let checked = block_on(engine::check(NAME, &file, Some(&backup.seal), &backup.trust(), Spread::Serial, &Watcher::default()));
    assert!(checked.expect_err("it shrank").what.contains("it is shorter than it was"));
}

#[test]
fn every_kind_of_key_opens() {
    let part = Part::Whole;
    let hybrid = Identity::generate_hybrid(&mut Replay(2));
    let backup = Backup::made(300_000, &hybrid.recipient().expect("it has one"), hybrid.expose_text().expect("it has one").as_str());
    assert!(open(&backup, &part).expect("it opens").1 == backup.plain);

    let with_passphrase = |secret: &str| Opening {
        file: locked(&backup.plain, "correct horse", 4),
        keys: keys(KeyKind::Passphrase, secret),
        ..Opening::without_seal(&backup, &part)
    };
    assert!(with_passphrase("correct horse").open().expect("it opens").1 == backup.plain);
    with_passphrase("correct house").fails("the passphrase does not open the backup");
    Opening { keys: backup.keys(), ..with_passphrase("x") }.fails("encrypted with a passphrase, not to a key");

    let file = locked(format!("# mine\n{}\n", backup.identity).as_bytes(), "battery staple", 4);
    let secret = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let protected = |file: &[u8], text: &str| Keys::new(KeyKind::ProtectedIdentity, secret(text), Some(Zeroizing::new(file.to_vec())));
    for file in [file.clone(), armored(&file), backup.identity.clone().into_bytes()] {
        let keys = protected(&file, "battery staple").expect("it opens");
        assert!(Opening { keys, ..Opening::of(&backup, &part) }.open().expect("it opens").1 == backup.plain);
    }
    let refused = |result: Result<Keys, Failure>, words: &str| {
        let failure = result.err().expect(words);
        assert!(failure.what.contains(words), "{words}: {failure:?}");
    };
    refused(protected(&file, "battery"), "the passphrase does not open the identity file");
    refused(protected(&file[..file.len() - 1], "battery staple"), "the identity file is damaged");
    refused(protected(&backup.file(), "battery staple"), "is an age file that no passphrase opens");
    refused(Keys::new(KeyKind::ProtectedIdentity, secret("x"), None), "there is no identity file");
    refused(Keys::new(KeyKind::Identity, Zeroizing::new(file), None), "protected by a passphrase");
    refused(Keys::new(KeyKind::Identity, secret("age1abc"), None), "line 1: this is a public key");
    refused(Keys::new(KeyKind::Identity, Zeroizing::new(vec![0xff]), None), "there is no key in it");
    refused(Keys::new(KeyKind::Passphrase, secret(""), None), "the passphrase is empty");
    refused(Keys::new(KeyKind::Passphrase, Zeroizing::new(vec![0xff]), None), "the passphrase is not text");
}

#[test]
fn a_work_factor_that_no_page_can_hold_is_refused_untried() {
    let part = Part::Whole;
    let backup = Backup::of(10);
    let costly = |log_n: &str| {
        let file = locked(b"x", "x", 4);
        let end = file.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
        let line_end = end + file[end..].iter().position(|&byte| byte == b'\n').expect("a line");
        [&file[..line_end - 1], log_n.as_bytes(), &file[line_end..]].concat()
    };
    for log_n in ["20", "22", "63", "64", "4000000000"] {
        let keys = keys(KeyKind::Passphrase, "x");
        let (failure, _) = Opening { file: costly(log_n), keys, ..Opening::without_seal(&backup, &part) }.open().expect_err(log_n);
        assert!(failure.what.contains(&format!("its work factor is 2^{log_n}")), "{failure:?}");
        assert!(failure.next.contains("dbseal decrypt"), "{failure:?}");
        let identity = Keys::new(KeyKind::ProtectedIdentity, Zeroizing::new(b"x".to_vec()), Some(Zeroizing::new(costly(log_n))));
        assert!(identity.err().expect("refused").what.contains("its work factor"));
    }
}

#[test]
fn armor_opens_as_a_whole() {
    let backup = Backup::of(5_000_000);
    let (whole, range) = (Part::Whole, Part::Bytes(0, Some(5)));
    let opening = |part, file: &[u8]| Opening { file: file.to_vec(), ..Opening::without_seal(&backup, part) };
    let file = armored(&backup.file());
    assert!(opening(&whole, &file).open().expect("it opens").1 == backup.plain);
    opening(&range, &file).fails("is armor, so no range of it");
    opening(&Part::Salvage, &file).fails("is armor, which cannot be salvaged");
    opening(&whole, &file[..file.len() - 100]).fails("the armor is");
    opening(&whole, &file[..1000]).fails("the armor is");
    let binary = backup.file();
    for len in [binary.len() - 1, backup.header.len() + PAYLOAD_NONCE_LEN + 64 * SLOT_LEN, backup.header.len() + 3, 100] {
        let (_, bytes) = opening(&whole, &armored(&binary[..len])).open().expect_err("it was cut off");
        assert!(backup.plain.starts_with(&bytes));
    }
}

#[test]
fn what_comes_out_compressed_is_told() {
    // RFC 8878, section 3.1.1.
    let plain = [&[0x28, 0xb5, 0x2f, 0xfd][..], &[7; 200_000]].concat();
    let (whole, rest, salvaged) = (Part::Whole, Part::Bytes(1, None), Part::Salvage);
    let backup = Backup::of(5_000);
    let file = |plain: &[u8]| {
        let section = seal_in_order(&backup.file_key, &PayloadNonce::from_bytes([9; 16]), plain, 1, Spread::Serial);
        [&backup.header[..], &section].concat()
    };
    for (part, plain, expected) in [
        (&whole, &plain[..], true),
        (&salvaged, &plain, true),
        (&rest, &plain, false),
        (&rest, &[&[0], &plain[..]].concat(), false),
        (&whole, &[&[0], &plain[..]].concat(), false),
        (&whole, &plain[..3], false),
    ] {
        let (opened, _) = Opening { file: file(plain), ..Opening::without_seal(&backup, part) }.open().expect("it opens");
        assert_eq!(opened.is_zstd, expected, "{part:?} of {} bytes", plain.len());
    }
}

#[test]
fn hostile_starts_end_in_a_sentence() {
    let backup = Backup::of(10);
    let part = Part::Whole;
    // What goes on without an end is given up after a few reads, some of which were asked for ahead.
    let opening = |file: Vec<u8>| Opening { file, reads_left: 8, ..Opening::without_seal(&backup, &part) };
    let endless = 24 << 20;
    opening(vec![]).fails("there is nothing in the backup");
    opening(b"hello".to_vec()).fails("this is not an age file");
    opening([&b"age-encryption.org/v1\n-> "[..], &vec![b'a'; endless]].concat()).fails("the header is longer than 1 MiB");
    opening([&b"-----BEGIN AGE ENCRYPTED FILE-----\n"[..], &vec![b'A'; endless]].concat()).fails("a line is too long");
    let lines = format!("{}\n", "A".repeat(64)).repeat(endless / 65);
    opening(format!("-----BEGIN AGE ENCRYPTED FILE-----\n{lines}").into_bytes()).fails("this is not an age file");
    opening(vec![b' '; endless]).fails("this is not an age file");
    let long = Memory::new(vec![0; dbseal_core::MAX_SEAL_LEN + 1]);
    long.reads_left.set(0);
    assert!(block_on(engine::read_seal(&long)).expect_err("too long").what.contains("longer than 8 MiB"));
    assert!(block_on(engine::read_identity(&long)).expect_err("too long").what.contains("too large"));
}
