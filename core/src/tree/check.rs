//! Checking the groups of a section, one by one, against hashes that belong to a root.

use alloc::vec::Vec;
use core::ops::Range;

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt as _};

use super::{Blake3, Tree, group_len, hasher_at, merge_pair, merge_root};
use crate::spread::Spread;

/// The hashes of a section's groups that were checked against its root: as good as the root is, wherever they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    section_len: u64,
    root: Blake3,
    /// Empty where the section is a single group.
    hashes: Vec<ChainingValue>,
}

impl Groups {
    /// The groups of a section of `section_len` bytes, if `hashes` are as many as it has and merge to `root`; both have to be what
    /// one note says. A section of a single group has no hashes but the root.
    #[must_use]
    pub fn checked(section_len: u64, hashes: Vec<[u8; 32]>, root: &Blake3) -> Option<Self> {
        let groups = Self { section_len, root: *root, hashes };
        let belong = match groups.count() {
            1 => groups.hashes.is_empty(),
            count => groups.hashes.len() as u64 == count && merge_root(&groups.hashes) == *root,
        };
        belong.then_some(groups)
    }

    /// How many groups there are; at least one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.section_len.div_ceil(group_len(self.section_len)).max(1)
    }

    /// Where the group with this index, from 0, lies in the section; empty, at the end, where there is no such group.
    #[must_use]
    pub fn range(&self, index: u64) -> Range<u64> {
        let at = |index: u64| index.saturating_mul(group_len(self.section_len)).min(self.section_len);
        at(index)..at(index.saturating_add(1))
    }

    /// The index, from 0, of the group that holds the byte at `offset` in the section.
    #[must_use]
    pub fn index_of(&self, offset: u64) -> u64 {
        offset / group_len(self.section_len)
    }

    /// Which of the groups a section with this tree lacks, in order, as bytes of the section. One that is shorter than it was has those
    /// that at least a byte follows.
    #[must_use]
    pub fn damaged_in(&self, tree: &Tree) -> Vec<Range<u64>> {
        let (mut hashes, mut hashed_len) = (tree.groups().to_vec(), tree.group_len());
        // A shorter section can have shorter groups.
        while hashed_len < group_len(self.section_len) {
            hashes = hashes.as_chunks().0.iter().map(|[left, right]| merge_pair(left, right)).collect();
            hashed_len *= 2;
        }
        let is_there = |index: u64| match usize::try_from(index).ok().and_then(|index| Some((self.hashes.get(index)?, index))) {
            Some((hash, index)) => hashed_len == group_len(self.section_len) && hashes.get(index) == Some(hash),
            None => (tree.section_len(), tree.root()) == (self.section_len, self.root),
        };
        (0..self.count()).filter(|&index| !is_there(index)).map(|index| self.range(index)).collect()
    }

    /// Begins to check the bytes of the group with this index.
    ///
    /// # Panics
    /// If there is no such group.
    #[must_use]
    pub fn check(&self, index: u64) -> GroupCheck {
        assert!(index < self.count(), "a group that the section does not have");
        let range = self.range(index);
        let expected = match usize::try_from(index).ok().and_then(|index| self.hashes.get(index)) {
            Some(hash) => Expected::Group(*hash),
            None => Expected::Root(self.root),
        };
        GroupCheck { hasher: hasher_at(range.start), room: Some(range.end - range.start), expected }
    }
}

/// The check of one group's bytes, in order and in pieces of any length.
pub struct GroupCheck {
    hasher: Hasher,
    /// How many bytes are still to come; `None` once there were too many.
    room: Option<u64>,
    expected: Expected,
}

/// What the bytes of a group have to hash to.
enum Expected {
    /// One of several: its chaining value.
    Group(ChainingValue),
    /// The only one.
    Root(Blake3),
}

impl GroupCheck {
    /// Takes the bytes that follow.
    pub fn update(&mut self, bytes: &[u8]) {
        self.room = self.room.and_then(|room| room.checked_sub(bytes.len() as u64));
        // The hasher would not have more bytes than belong to the subtree.
        if self.room.is_some() {
            self.hasher.update(bytes);
        }
    }

    /// As [`GroupCheck::update`] for several groups at once, which rayon's threads share out.
    pub fn update_spread(parts: &mut [(Self, &[u8])], spread: Spread) {
        match spread {
            Spread::Serial => parts.iter_mut().for_each(|(check, bytes)| check.update(bytes)),
            #[cfg(feature = "rayon")]
            Spread::Rayon => {
                use rayon::prelude::*;
                parts.par_iter_mut().for_each(|(check, bytes)| check.update(bytes));
            }
        }
    }

    /// Whether the bytes are the group's: all of them, none more, none other.
    #[must_use]
    pub fn is_authentic(self) -> bool {
        self.room == Some(0)
            && match self.expected {
                Expected::Group(hash) => self.hasher.finalize_non_root() == hash,
                Expected::Root(root) => self.hasher.finalize() == *root.as_bytes(),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECTION_LENS, painted};
    use super::super::{MIN_GROUP_LEN, Tree};
    use super::*;
    use alloc::vec;

    fn is_authentic(groups: &Groups, index: u64, bytes: &[u8]) -> bool {
        let mut check = groups.check(index);
        bytes.chunks(65_552).for_each(|piece| check.update(piece));
        check.is_authentic()
    }

    /// Both ways to tell agree.
    fn damaged(groups: &Groups, section: &[u8]) -> Vec<u64> {
        let bytes = |range: Range<u64>| &section[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        let damaged: Vec<u64> = (0..groups.count()).filter(|&index| !is_authentic(groups, index, bytes(groups.range(index)))).collect();
        let ranges: Vec<_> = damaged.iter().map(|&index| groups.range(index)).collect();
        assert_eq!(groups.damaged_in(&Tree::of(section)), ranges);
        damaged
    }

    #[test]
    fn a_flipped_bit_damages_its_group_alone() {
        for section_len in SECTION_LENS {
            let mut section = painted(section_len);
            let tree = Tree::of(&section);
            let groups = Groups::checked(section_len as u64, tree.groups().to_vec(), &tree.root()).unwrap();
            assert_eq!(damaged(&groups, &section), []);
            for offset in [0, section_len / 2, (1 << 20) - 1, 1 << 20, section_len.saturating_sub(1)] {
                if offset < section_len {
                    section[offset] ^= 1;
                    assert_eq!(damaged(&groups, &section), [groups.index_of(offset as u64)], "bit at {offset} of {section_len}");
                    section[offset] ^= 1;
                }
            }
        }
    }

    #[test]
    fn a_shorter_section_lacks_its_last_groups() {
        let section = painted(3 << 20);
        let tree = Tree::of(&section);
        let groups = Groups::checked(3 << 20, tree.groups().to_vec(), &tree.root()).unwrap();
        for (len, whole_count) in [(0, 0), (1 << 20, 0), ((1 << 20) + 1, 1), ((3 << 20) - 1, 2)] {
            let mut shorter = section[..len].to_vec();
            let damaged: Vec<_> = (whole_count..3).map(|index| groups.range(index)).collect();
            assert_eq!(groups.damaged_in(&Tree::of(&shorter)), damaged, "{len}");
            shorter.resize(len + (2 << 20), 0);
            assert_eq!(groups.damaged_in(&Tree::of(&shorter))[0].start, (len as u64) >> 20 << 20, "{len}");
        }
        // One group of two that are half as long, of a section that was so much longer.
        let [first, second, _] = tree.groups() else { unreachable!() };
        let longer = Groups { section_len: (64 << 30) + 1, root: tree.root(), hashes: vec![merge_pair(first, second); 32_769] };
        assert_eq!(longer.damaged_in(&tree).first(), Some(&longer.range(1)));
        let shorter = Groups { section_len: 1 << 20, root: Blake3::of(&section[..1 << 20]), hashes: vec![] };
        assert_eq!(shorter.damaged_in(&tree), [shorter.range(0)]);
    }

    #[test]
    fn hashes_count_only_where_they_merge_to_the_root() {
        let section_len = 3 * MIN_GROUP_LEN + 1;
        let tree = Tree::of(&painted(usize::try_from(section_len).unwrap()));
        let hashes = tree.groups().to_vec();
        assert!(Groups::checked(section_len, hashes.clone(), &tree.root()).is_some());
        assert_eq!(Groups::checked(section_len, hashes.clone(), &Blake3::of(b"another")), None);
        assert_eq!(Groups::checked(section_len, vec![], &tree.root()), None);
        assert_eq!(Groups::checked(section_len + MIN_GROUP_LEN, hashes.clone(), &tree.root()), None);
        assert_eq!(Groups::checked(u64::MAX, hashes.clone(), &tree.root()), None);
        assert_eq!(Groups::checked(1, hashes[..1].to_vec(), &tree.root()), None);
        for index in 0..hashes.len() {
            let mut other = hashes.clone();
            other[index][31] ^= 1;
            assert_eq!(Groups::checked(section_len, other, &tree.root()), None);
        }
        let swapped = vec![hashes[1], hashes[0], hashes[2], hashes[3]];
        assert_eq!(Groups::checked(section_len, swapped, &tree.root()), None);
    }

    #[test]
    fn a_group_has_its_length() {
        for section_len in [0, 1, 1024, 1 << 20, (1 << 20) + 1, 3 << 20] {
            let section = painted(section_len);
            let tree = Tree::of(&section);
            let groups = Groups::checked(section_len as u64, tree.groups().to_vec(), &tree.root()).unwrap();
            let first = &section[..section_len.min(1 << 20)];
            assert!(is_authentic(&groups, 0, first));
            assert!(!is_authentic(&groups, 0, &painted(first.len() + 1)));
            assert!(!is_authentic(&groups, 0, &painted(3 << 20)[..(3 << 20).min(2 * first.len() + 2)]));
            if let Some((_, shorter)) = first.split_last() {
                assert!(!is_authentic(&groups, 0, shorter));
            }
            assert!(groups.range(groups.count()).is_empty() && groups.range(u64::MAX).is_empty());
        }
    }
}
