//! Salvage: what is left of a damaged backup.

use std::ops::Range;

use dbseal_core::{CHUNK_LEN, FileKey, Header, HeaderPadding, PAYLOAD_NONCE_LEN, SLOT_LEN};
use dbseal_tests::inputs::Replay;
use dbseal_web::messages::{End, Opened, Part, SealPolicy};

use crate::LEN;
use crate::backup::{Backup, other_recipient, sealed};
use crate::opening::Opening;

/// The parts of the plaintext that salvaging has to give up.
fn salvage(opening: Opening<'_>, plain: &[u8], lost: &[Range<usize>], unsealed: &[Range<usize>]) -> Opened {
    let (opened, bytes) = opening.open().expect("something is left");
    let mut expected = plain.to_vec();
    lost.iter().for_each(|range| expected[range.clone()].fill(0));
    assert!(bytes == expected, "{lost:?}");
    let in_output = |ranges: &[Range<usize>]| ranges.iter().map(|range| range.start as u64..range.end as u64).collect::<Vec<_>>();
    assert_eq!((&opened.lost, &opened.unsealed), (&in_output(lost), &in_output(unsealed)));
    let lost_len: usize = lost.iter().map(|range| range.end - range.start).sum();
    assert_eq!(opened.written_len, (plain.len() - lost_len) as u64);
    opened
}

#[test]
#[expect(clippy::single_range_in_vec_init, reason = "lists of one range")]
fn salvage_saves_what_opens() {
    let backup = Backup::of(LEN);
    let (part, header_len) = (Part::Salvage, backup.header.len());
    let with = |file: Vec<u8>| Opening { file, ..Opening::of(&backup, &part) };
    let bare = |file: Vec<u8>| Opening { file, ..Opening::without_seal(&backup, &part) };
    let chunk = |index: usize| index * CHUNK_LEN..((index + 1) * CHUNK_LEN).min(LEN);
    let slot_at = |index: usize| header_len + PAYLOAD_NONCE_LEN + index * SLOT_LEN;

    let opened = salvage(with(backup.file()), &backup.plain, &[], &[]);
    assert_eq!(opened.claims.expect("a seal").proven, Some(true));
    assert_eq!(salvage(bare(backup.file()), &backup.plain, &[], &[]).claims, None);

    // A hole of two chunks; and one in the first, whose group has chunks that open and are not as they were sealed.
    let mut file = backup.file();
    for index in [0, 70, 71] {
        file[slot_at(index) + 5] ^= 1;
    }
    let lost = [chunk(0), chunk(70).start..chunk(71).end];
    salvage(bare(file.clone()), &backup.plain, &lost, &[]);
    // Group 0 has the chunks up to 15; group 4 those from 63 to 79.
    let unsealed = [chunk(1).start..chunk(15).end, chunk(63).start..chunk(69).end, chunk(72).start..chunk(79).end];
    salvage(with(file), &backup.plain, &lost, &unsealed);

    // The end is missing: the seal of somebody who is trusted knows how long it was. Nobody else does, whoever has the public key can make
    // a file that is sealed as longer than any disk.
    let file = backup.file()[..slot_at(100) + 7].to_vec();
    let unsealed = [chunk(95).start..chunk(99).end];
    let opened = salvage(with(file.clone()), &backup.plain, &[chunk(100).start..LEN], &unsealed);
    assert_eq!(opened.end, End::Known);
    let there = &backup.plain[..chunk(100).start];
    assert_eq!(salvage(bare(file.clone()), there, &[], &[]).end, End::Missing);
    let untrusted = Opening { trust: String::new(), ..with(file) };
    assert_eq!(salvage(untrusted, there, &[], &unsealed).end, End::Missing);

    // Something was appended.
    let file = [backup.file(), vec![7; 100]].concat();
    salvage(bare(file.clone()), &backup.plain, &[], &[]);
    salvage(with(file), &backup.plain, &[], &[]);

    // The header is lost: the seal has a copy.
    let mut file = backup.file();
    file[30] ^= 1;
    salvage(with(file.clone()), &backup.plain, &[], &[]);
    bare(file.clone()).open().expect_err("there is no other header");
    Opening { policy: SealPolicy::Ignored, ..with(file) }.open().expect_err("there is no other header");

    // The nonce is lost, or all is another's.
    let mut file = backup.file();
    file[header_len] ^= 1;
    assert!(with(file.clone()).fails("nothing of the backup can be opened").is_empty());
    assert!(bare(file).fails("nothing of the backup can be opened").is_empty());
    assert!(with(backup.file()[..header_len + 3].to_vec()).fails("nothing of the backup can be opened").is_empty());
}

/// A seal that is not about the backup says of no part of it that it was sealed.
#[test]
#[expect(clippy::single_range_in_vec_init, reason = "lists of one range")]
fn salvage_believes_only_its_own_seal() {
    let (backup, part) = (Backup::of(200_000), Part::Salvage);
    let other = Header::wrap(&FileKey::from_bytes(&[8; 16]), &[other_recipient()], HeaderPadding::Fixed, &mut Replay(3));
    let other = other.expect("a header").to_bytes();
    let anothers = sealed(&backup.key, &other, &backup.section, &FileKey::from_bytes(&[8; 16]));
    let all = [0..200_000];
    let opened = salvage(Opening { seal: Some(&anothers), ..Opening::of(&backup, &part) }, &backup.plain, &[], &all);
    assert_eq!(opened.claims, None);
    Opening { seal: None, ..Opening::of(&backup, &part) }.fails("nobody whom you trust vouches");
    Opening { name: "old.age", ..Opening::of(&backup, &part) }.fails("is called shop.age by its seal: it may be an older backup");
    let others = Opening { seal: Some(&anothers), name: "old.age", ..Opening::of(&backup, &part) };
    others.fails("or the seal is another backup's");
    Opening { trust: String::new(), name: "old.age", ..Opening::of(&backup, &part) }.open().expect("nobody is believed");
    // A broken seal is not used, where nobody has to vouch.
    let broken = Opening { seal: Some(&backup.seal[..300]), trust: String::new(), ..Opening::of(&backup, &part) };
    salvage(broken, &backup.plain, &[], &[]);
}
