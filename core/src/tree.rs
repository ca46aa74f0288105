//! BLAKE3 of a payload section, and the hashes of its groups, which say where damage lies (SEAL.md, "Groups").
//!
//! Two ways lead to the same [`Tree`]: [`SectionHasher`] for bytes that come in order on one thread, and [`TreeBuilder`] for
//! [`Run`]s that were hashed in any order on any thread. [`Groups`] is the way back: what a group's bytes are checked against.

mod check;
mod run;

use alloc::vec::Vec;
use core::fmt;

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};

pub use check::{GroupCheck, Groups};
pub use run::{Run, TreeBuilder};

/// Bytes in a group, as long as 65,536 of them are enough.
pub const MIN_GROUP_LEN: u64 = 1 << 20;

/// The most groups a section is split into; beyond, they become longer.
pub(crate) const MAX_GROUPS: usize = 65_536; // with MIN_GROUP_LEN, enough for 64 GiB; listed in a seal, 2.75 MiB

/// The length in bytes of the groups of a section of `section_len` bytes; the last one may be shorter.
#[must_use]
pub fn group_len(section_len: u64) -> u64 {
    section_len.div_ceil(MAX_GROUPS as u64).next_power_of_two().max(MIN_GROUP_LEN)
}

/// A BLAKE3 hash: 32 bytes of output, unkeyed. Printed as `b3sum` prints it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Blake3([u8; 32]);

impl Blake3 {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }

    /// A hash that was computed before.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Blake3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Blake3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blake3({self})")
    }
}

/// What is known of a payload section once all of it was hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    section_len: u64,
    root: Blake3,
    groups: Vec<[u8; 32]>,
}

impl Tree {
    /// The tree of a whole section that is in memory.
    #[must_use]
    pub fn of(section: &[u8]) -> Self {
        let mut hasher = SectionHasher::new();
        hasher.update(section);
        hasher.finish()
    }

    /// Bytes in the section.
    #[must_use]
    pub fn section_len(&self) -> u64 {
        self.section_len
    }

    /// BLAKE3 of the section.
    #[must_use]
    pub fn root(&self) -> Blake3 {
        self.root
    }

    /// Bytes in a group: [`group_len`] of the section.
    #[must_use]
    pub fn group_len(&self) -> u64 {
        group_len(self.section_len)
    }

    /// The groups' hashes in order; none where the section is a single group, for which the root stands.
    #[must_use]
    pub fn groups(&self) -> &[[u8; 32]] {
        &self.groups
    }
}

/// Hashes a section that comes in order, in pieces of any length.
pub struct SectionHasher {
    /// Of the last group that has begun. It is closed only when more follows: until then it may be the root.
    open: Hasher,
    closed: ClosedGroups,
}

impl SectionHasher {
    /// The hasher of a section of which nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self { open: Hasher::new(), closed: ClosedGroups::new(MAX_GROUPS) }
    }

    /// Takes the bytes that follow.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let mut room = self.closed.group_len - self.open.count();
            if room == 0 {
                self.closed.push(self.open.finalize_non_root());
                self.open = hasher_at(self.closed.end());
                room = self.closed.group_len;
            }
            let (piece, rest) = bytes.split_at(usize::try_from(room).map_or(bytes.len(), |room| room.min(bytes.len())));
            self.open.update(piece);
            bytes = rest;
        }
    }

    /// The section has ended.
    #[must_use]
    pub fn finish(self) -> Tree {
        let section_len = self.closed.end() + self.open.count();
        if self.closed.hashes.is_empty() {
            return Tree { section_len, root: Blake3(self.open.finalize().into()), groups: Vec::new() };
        }
        self.closed.finish(section_len, self.open.finalize_non_root())
    }
}

impl Default for SectionHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// The hashes of groups that are full and that more follows, in order, while the length of the section is unknown. When they would
/// be too many, two become one of twice the length.
struct ClosedGroups {
    group_len: u64,
    max_count: usize,
    hashes: Vec<ChainingValue>,
}

impl ClosedGroups {
    /// None yet. `max_count` is a power of two, from 2.
    fn new(max_count: usize) -> Self {
        Self { group_len: MIN_GROUP_LEN, max_count, hashes: Vec::new() }
    }

    /// Where in the section the last of them ends.
    fn end(&self) -> u64 {
        self.group_len * self.hashes.len() as u64
    }

    fn push(&mut self, hash: ChainingValue) {
        self.hashes.push(hash);
        // What follows would be one group too many.
        if self.hashes.len() == self.max_count {
            self.hashes = self.hashes.as_chunks().0.iter().map(|[left, right]| merge_pair(left, right)).collect();
            self.group_len *= 2;
        }
    }

    /// The tree whose last group, at least the second, has this hash.
    fn finish(mut self, section_len: u64, last: ChainingValue) -> Tree {
        self.hashes.push(last);
        Tree { section_len, root: merge_root(&self.hashes), groups: self.hashes }
    }
}

/// A hasher for the subtree that starts at `offset` in the section; a chunk does start there.
fn hasher_at(offset: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset);
    hasher
}

fn merge_pair(left: &ChainingValue, right: &ChainingValue) -> ChainingValue {
    merge_subtrees_non_root(left, right, Mode::Hash)
}

fn merge_pair_root(left: &ChainingValue, right: &ChainingValue) -> Blake3 {
    Blake3(merge_subtrees_root(left, right, Mode::Hash).into())
}

/// The root over groups; at least two.
fn merge_root(groups: &[ChainingValue]) -> Blake3 {
    let (left, right) = split(groups);
    merge_pair_root(&merge(left), &merge(right))
}

fn merge(groups: &[ChainingValue]) -> ChainingValue {
    if let [only] = groups {
        return *only;
    }
    let (left, right) = split(groups);
    merge_pair(&merge(left), &merge(right))
}

/// At least two groups, parted as BLAKE3 does: to the left as many as make a full subtree and leave something to the right.
fn split(groups: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    groups.split_at(groups.len().next_power_of_two() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString as _;

    const MIB: usize = 1 << 20;

    /// Where something could go wrong: at the edges of chunks and of groups.
    pub(super) const SECTION_LENS: [usize; 27] = [
        0,
        1,
        1023,
        1024,
        1025,
        2048,
        4095,
        4096,
        4097,
        16_383,
        16_384,
        16_385,
        32_769,
        MIB - 1,
        MIB,
        MIB + 1,
        2 * MIB - 1,
        2 * MIB,
        2 * MIB + 1,
        3 * MIB - 1,
        3 * MIB,
        3 * MIB + 1,
        4 * MIB - 1,
        4 * MIB,
        4 * MIB + 1,
        5 * MIB,
        5 * MIB + 1,
    ];

    /// Bytes in a cycle that no power of two divides, so that a chunk in the wrong place shows.
    pub(super) fn painted(len: usize) -> Vec<u8> {
        (0..251).cycle().take(len).collect()
    }

    #[test]
    fn groups_are_as_long_as_they_must_be() {
        const GIB: u64 = 1 << 30;
        let lens = [0, 1, MIN_GROUP_LEN, 64 * GIB - 1, 64 * GIB, 64 * GIB + 1, 128 * GIB, 128 * GIB + 1, 1 << 62, (1 << 63) - 1];
        let group_lens = lens.map(group_len);
        assert_eq!(group_lens, [1, 1, 1, 1, 1, 2, 2, 4, 1 << 26, 1 << 27].map(|mib| mib * MIN_GROUP_LEN));
        for (len, group_len) in lens.into_iter().zip(group_lens) {
            assert!(len.div_ceil(group_len) <= MAX_GROUPS as u64);
            assert!(group_len == MIN_GROUP_LEN || len.div_ceil(group_len / 2) > MAX_GROUPS as u64);
        }
        assert_eq!(group_len(u64::MAX), 1 << 48);
    }

    #[test]
    fn prints_as_b3sum_does() {
        let empty = Blake3::of(b"");
        assert_eq!(empty.to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"); // BLAKE3, test_vectors.json
        assert_eq!(format!("{empty:?}"), format!("Blake3({empty})"));
        assert_eq!(Blake3::from_bytes(*empty.as_bytes()), empty);
    }

    #[test]
    fn pieces_of_any_length_make_the_same_tree() {
        for section_len in SECTION_LENS {
            let section = painted(section_len);
            for piece_len in [7 * 1024 + 1, 65_552, MIB, usize::MAX] {
                let mut hasher = SectionHasher::new();
                section.chunks(piece_len).for_each(|piece| hasher.update(piece));
                let tree = hasher.finish();
                assert_eq!(tree.root(), Blake3::of(&section), "{section_len} in pieces of {piece_len}");
                assert_eq!(tree.section_len(), section_len as u64);
                assert_eq!(tree.groups().len(), if section_len > MIB { section_len.div_ceil(MIB) } else { 0 });
            }
        }
        let mut byte_by_byte = SectionHasher::new();
        painted(5000).iter().for_each(|&byte| byte_by_byte.update(&[byte]));
        assert_eq!(byte_by_byte.finish().root(), Blake3::of(&painted(5000)));
    }

    #[test]
    fn groups_double_when_they_would_be_too_many() {
        for (section_len, group_mib) in [(4 * MIB, 1), (4 * MIB + 1, 2), (8 * MIB, 2), (8 * MIB + 1, 4), (17 * MIB + 1, 8)] {
            let section = painted(section_len);
            let mut hasher = SectionHasher { closed: ClosedGroups::new(4), ..SectionHasher::new() };
            section.chunks(65_552).for_each(|piece| hasher.update(piece));
            let tree = hasher.finish();
            assert_eq!(tree.root(), Blake3::of(&section));
            let expected: Vec<_> = section
                .chunks(group_mib * MIB)
                .enumerate()
                .map(|(index, group)| hasher_at((index * group_mib * MIB) as u64).update(group).finalize_non_root())
                .collect();
            assert_eq!(tree.groups(), expected);

            let mut builder = TreeBuilder::with_max_groups(4);
            for (index, batch) in section.chunks(16 * 65_552).enumerate() {
                builder.add(Run::hash((index * 16 * 65_552) as u64, batch));
            }
            assert_eq!(builder.finish(), Some(tree));
        }
    }
}
