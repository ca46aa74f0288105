//! Check and Inspect: what is said of a backup without a key.

use std::ops::Range;

use dbseal_core::{CHUNK_LEN, FileKey, Header, HeaderPadding, Integrity, PayloadNonce, Spread};
use dbseal_tests::inputs::Replay;
use dbseal_tests::seal::seal_in_order;
use dbseal_web::engine;
use dbseal_web::messages::{Checked, Part, Place, Trusted};

use crate::backup::{Backup, armored, other_recipient};
use crate::memory::{Memory, Watcher, block_on};
use crate::opening::Opening;
use crate::{GROUP_LEN, LEN, NAME};

fn check_named(name: &str, file: Vec<u8>, seal: Option<&[u8]>, trust: &str) -> Checked {
    let spreads = [Spread::Serial, Spread::Rayon];
    let file = Memory::new(file);
    let [serial, spread] = spreads.map(|spread| {
        let watcher = Watcher::default();
        let checked = block_on(engine::check(name, &file, seal, trust, spread, &watcher)).expect("an answer");
        if checked.located {
            let seen: u64 = watcher.0.into_inner().damage.iter().map(|range| range.end - range.start).sum();
            let told: u64 = checked.damage.iter().map(|range| range.end - range.start).sum();
            assert_eq!(seen + checked.excess_len, told, "all damage is seen as it is found: {checked:?}");
        }
        checked
    });
    assert_eq!(serial, spread);
    assert!(file.longest_read.get() <= 4 << 20, "no more is read at a time");
    serial
}

fn check(file: Vec<u8>, seal: Option<&[u8]>, trust: &str) -> Checked {
    check_named(NAME, file, seal, trust)
}

fn integrity(checked: &Checked) -> Integrity {
    Integrity::from_word(&checked.integrity).expect("a word of the specification")
}

#[test]
fn a_check_answers_in_two_halves() {
    let backup = Backup::of(LEN);
    let trust = backup.trust();
    let seal = Some(&backup.seal[..]);
    let good = check(backup.file(), seal, &trust);
    assert_eq!((integrity(&good), good.place, good.damage.len(), good.located), (Integrity::Intact, Place::InSeries, 0, true));
    let claims = good.claims.expect("a seal");
    assert_eq!((claims.vouched_by.as_deref(), claims.trusted, claims.made, claims.proven), (Some("host"), Trusted::Yes, true, None));
    assert_eq!((claims.series, claims.named.as_deref()), (Some(("shop".into(), 1)), Some(NAME)));
    assert_eq!((claims.source.as_deref(), claims.time.as_deref()), (Some("file"), Some("2026-11-24T02:00:13Z")));

    let renamed = check_named("shop (1).age", backup.file(), seal, &trust);
    assert_eq!((integrity(&renamed), renamed.place), (Integrity::Intact, Place::Renamed));
    let unvouched = check(backup.file(), seal, "");
    assert_eq!((integrity(&unvouched), unvouched.place), (Integrity::Unvouched, Place::Unknown));
    assert_eq!(unvouched.claims.expect("a seal").trusted, Trusted::Stranger);
    let other_role = check(backup.file(), seal, &format!("{trust} may=drill"));
    assert_eq!(other_role.claims.expect("a seal").trusted, Trusted::NotForSealing);
    let other_series = check(backup.file(), seal, &format!("{trust} series=web"));
    assert_eq!(other_series.claims.expect("a seal").trusted, Trusted::NotForThisSeries);
    assert_eq!(integrity(&check(backup.file(), None, &trust)), Integrity::Unsealed);

    let mut broken = backup.seal.clone();
    broken[40] ^= 1;
    for broken in [&broken[..], &backup.seal[..300], b"", b"hello"] {
        let checked = check(backup.file(), Some(broken), &trust);
        assert_eq!((integrity(&checked), checked.claims), (Integrity::BrokenSeal, None));
        assert!(checked.broken.expect("a sentence").starts_with("the seal is broken: "));
    }
    let by_root = check(backup.file(), Some(&backup.seal_without_groups()), &trust);
    assert_eq!((integrity(&by_root), by_root.located), (Integrity::Intact, true));
}

#[test]
fn a_check_finds_damage_where_it_is() {
    let backup = Backup::of(LEN);
    let (trust, header_len, file_len) = (backup.trust(), backup.header.len(), backup.header.len() + backup.section.len());
    let in_file = |range: Range<usize>| range.start as u64..range.end as u64;
    let group = |index: usize| in_file(header_len + index * GROUP_LEN..file_len.min(header_len + (index + 1) * GROUP_LEN));
    let group_count = backup.section.len().div_ceil(GROUP_LEN);
    for index in 0..group_count {
        for at in [index * GROUP_LEN, backup.section.len().min((index + 1) * GROUP_LEN) - 1] {
            let mut file = backup.file();
            file[header_len + at] ^= 0x40;
            let checked = check(file, Some(&backup.seal), &trust);
            assert_eq!((integrity(&checked), &checked.damage[..]), (Integrity::Damaged, &[group(index)][..]), "byte {at}");
        }
    }
    // Cut off in a group, between two, in the nonce, in the header, before everything.
    for len in [file_len - 1, header_len + 3 * GROUP_LEN + 5, header_len + 2 * GROUP_LEN, header_len + 7, header_len, 100, 0] {
        let checked = check(backup.file()[..len].to_vec(), Some(&backup.seal), &trust);
        let first = len.saturating_sub(header_len) / GROUP_LEN;
        // A header that was cut off ends where the file does.
        let offset = header_len.min(len) as u64;
        let expected = offset + (first * GROUP_LEN) as u64..offset + backup.section.len() as u64;
        assert_eq!((integrity(&checked), &checked.damage[..]), (Integrity::Damaged, &[expected][..]), "{len} bytes");
        assert_eq!(checked.missing_len, backup.section.len() as u64 - (len as u64 - offset), "{len} bytes");
        assert!(!checked.is_all_other, "{len} bytes");
    }
    let checked = check([backup.file(), vec![0; 10]].concat(), Some(&backup.seal), &trust);
    let excess = in_file(file_len..file_len + 10);
    assert_eq!((integrity(&checked), &checked.damage[..], checked.excess_len), (Integrity::Damaged, &[excess][..], 10));
    assert!(checked.missing_len == 0 && !checked.is_all_other);

    let without = backup.seal_without_groups();
    let mut file = backup.file();
    file[header_len + 5_000_000] ^= 1;
    for file in [file, backup.file()[..file_len - 1].to_vec()] {
        let checked = check(file, Some(&without), &trust);
        let all = in_file(header_len..file_len);
        assert_eq!((integrity(&checked), &checked.damage[..], checked.located), (Integrity::Damaged, &[all][..], false));
    }
}

#[test]
fn the_seal_of_another_backup_is_told_from_damage() {
    let (backup, len) = (Backup::of(LEN), 300_000);
    let file_key = FileKey::from_bytes(&[1; 16]);
    let header = Header::wrap(&file_key, &[other_recipient()], HeaderPadding::Fixed, &mut Replay(3)).expect("a header").to_bytes();
    let section = seal_in_order(&file_key, &PayloadNonce::from_bytes([9; 16]), &vec![1; len], 1, Spread::Serial);
    for seal in [backup.seal.clone(), backup.seal_without_groups()] {
        let checked = check([&header[..], &section].concat(), Some(&seal), &backup.trust());
        assert_eq!((integrity(&checked), checked.is_all_other), (Integrity::Damaged, true));
        // One that has but a bit flipped has its header.
        let mut file = backup.file();
        file[backup.header.len() + 5] ^= 1;
        assert!(!check(file, Some(&seal), &backup.trust()).is_all_other);
    }
}

#[test]
fn a_header_that_changed_is_no_damage() {
    let backup = Backup::of(100_000);
    let mut file = backup.file();
    file[30] ^= 1;
    let other = Header::wrap(&FileKey::from_bytes(&[1; 16]), &[other_recipient()], HeaderPadding::None, &mut Replay(3));
    let shorter = [other.expect("a header").to_bytes(), backup.section.clone()].concat();
    for file in [file, shorter] {
        let checked = check(file, Some(&backup.seal), &backup.trust());
        assert_eq!((integrity(&checked), checked.damage.len()), (Integrity::HeaderChanged, 0));
    }
}

#[test]
fn small_backups_are_checked() {
    for len in [0, 1, CHUNK_LEN, GROUP_LEN - 100, GROUP_LEN, 4 * GROUP_LEN - 16 * 65 + 16] {
        let backup = Backup::of(len);
        for seal in [backup.seal.clone(), backup.seal_without_groups()] {
            assert_eq!(integrity(&check(backup.file(), Some(&seal), &backup.trust())), Integrity::Intact, "{len} bytes");
        }
        let opened = Opening::of(&backup, &Part::Whole).open().expect("it opens");
        assert!(opened.1 == backup.plain, "{len} bytes");
    }
}

#[test]
fn what_is_no_backup_is_not_checked_without_a_seal() {
    let check = |file: &[u8]| block_on(engine::check(NAME, &Memory::new(file.to_vec()), None, "", Spread::Serial, &Watcher::default()));
    for (file, words) in
        [(&b"AGE-SECRET-KEY-1"[..], "not an age file"), (b"", "there is nothing in the backup"), (b"age-encrypt0r", "not an age file")]
    {
        assert!(check(file).expect_err(words).what.contains(words), "{words}");
    }
    let backup = Backup::of(100);
    for file in [b"age-".to_vec(), backup.file(), armored(&backup.file()), [b"\n \n", &armored(&backup.file())[..]].concat()] {
        assert_eq!(integrity(&check(&file).expect("an age file")), Integrity::Unsealed);
    }
}

#[test]
fn what_no_complete_backup_can_be_is_seen_without_a_seal() {
    let backup = Backup::of(CHUNK_LEN);
    let file = backup.file();
    let damaged_header = [b"age-encryption.org/v1\n-> \0", &file[24..]].concat();
    for (file, is_possible) in [
        (file.clone(), true),
        (armored(&file), true),
        (damaged_header, true),
        (file[..file.len() - CHUNK_LEN - 1].to_vec(), false),
        (file[..backup.header.len()].to_vec(), false),
        (file[..100].to_vec(), false),
        // As the command ends what it could not complete.
        ([&file[..], &[0]].concat(), false),
    ] {
        let checked = check(file.clone(), None, "");
        assert_eq!((integrity(&checked), checked.has_possible_len), (Integrity::Unsealed, is_possible), "{} bytes", file.len());
    }
}

#[test]
fn inspect_reads_without_a_key() {
    let backup = Backup::of(200_000);
    let trust = engine::trust_of(&backup.trust()).expect("a key");
    let inspect = |file: Vec<u8>, seal: Option<&[u8]>| block_on(engine::inspect(&Memory::new(file), seal, &trust));
    let seen = inspect(backup.file(), Some(&backup.seal)).expect("an age file");
    assert_eq!((seen.armored, seen.header_len, seen.plaintext_len, seen.as_sealed), (false, 4096, Some(200_000), Some(true)));
    assert_eq!((&seen.recipients[..], seen.broken), (&["X25519".to_string()][..], None));
    assert_eq!(seen.claims.expect("a seal").vouched_by.as_deref(), Some("host"));
    let seen = inspect(armored(&backup.file()), Some(&backup.seal)).expect("an age file");
    assert_eq!((seen.armored, seen.header_len, seen.plaintext_len, seen.as_sealed), (true, 4096, None, Some(false)));
    let seen = inspect(backup.file()[..5000].to_vec(), Some(b"hello")).expect("an age file");
    assert_eq!((seen.as_sealed, seen.claims, seen.broken.is_some()), (None, None, true));
    assert!(inspect(b"hello".to_vec(), None).expect_err("none").what.contains("not an age file"));
}
