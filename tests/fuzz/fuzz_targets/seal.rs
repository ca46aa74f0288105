//! A seal that parses prints back, and no judge is led astray by what it claims; the groups that it lists are damaged or not,
//! whatever bytes they are looked for in, and they are all whole only where the section is.
#![no_main]

use dbseal_core::{Extent, Integrity, MIN_GROUP_LEN, Seal, SectionHasher, Trust};
use libfuzzer_sys::fuzz_target;

// Two bytes that say how long the seal is, the seal, and the payload section of the file.
fuzz_target!(|bytes: &[u8]| {
    let [high, low, rest @ ..] = bytes else { return };
    let (seal, section) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
    let Ok(parsed) = Seal::parse(seal) else { return };
    assert_eq!(parsed.to_bytes(), seal);
    assert_eq!(Seal::parse(&parsed.to_bytes()).as_ref(), Ok(&parsed));

    let judgement = parsed.judge(&Trust::default());
    assert_eq!(judgement.vouched_by(), None, "nobody is trusted");
    assert!(judgement.counted().count() <= parsed.notes().len());
    if let Some(header) = judgement.header_copy() {
        assert_eq!(Extent::of(header), judgement.header());
    }
    let mut hasher = SectionHasher::new();
    section.chunks(1000).for_each(|piece| hasher.update(piece));
    let tree = hasher.finish();
    let is_whole = Extent::from(&tree) == judgement.payload();
    for header in [judgement.header(), Extent::of(b"another")] {
        let integrity = judgement.integrity(header, section.len() as u64, &tree.root());
        assert_eq!(integrity == Integrity::Damaged, !is_whole);
        assert_ne!(integrity, Integrity::Intact, "nobody vouches");
    }
    if let Some(groups) = judgement.groups() {
        assert!(groups.count() <= judgement.payload().len / MIN_GROUP_LEN + 1);
        let all_whole = (0..groups.count()).all(|index| {
            let range = groups.range(index);
            assert_eq!(groups.index_of(range.start), index);
            let at = |offset: u64| usize::try_from(offset).map_or(section.len(), |offset| offset.min(section.len()));
            let mut check = groups.check(index);
            section[at(range.start)..at(range.end)].chunks(4096).for_each(|piece| check.update(piece));
            check.is_authentic()
        });
        if section.len() as u64 == judgement.payload().len {
            assert_eq!(all_whole, is_whole);
        }
    }
    assert!(judgement.verified().is_none());
});
