//! Runs of a section's bytes, hashed in any order, and the tree that they make together.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use blake3::hazmat::{ChainingValue, HasherExt as _};

use crate::spread::Spread;

use super::{Blake3, ClosedGroups, MAX_GROUPS, MIN_GROUP_LEN, Tree, hasher_at, merge_pair, merge_pair_root};

/// The smallest subtree that is hashed by itself: as many of BLAKE3's chunks as the widest SIMD takes at once. One alone takes as long as
/// several together.
const BLOCK_LEN: usize = 16 * blake3::CHUNK_LEN;
/// Bytes of a batch that a thread takes at a time: enough for SIMD to be in its stride.
const PIECE_LEN: usize = 128 << 10;

/// What is left of a run of a section's bytes once it was hashed: at most some 32 KiB, whatever the length of the run.
///
/// A run starts anywhere, the blocks of the tree do not: its ends wait, as bytes, for the runs beside it.
#[derive(Clone)]
pub struct Run {
    range: Range<u64>,
    /// Bytes before the first block.
    head: Vec<u8>,
    /// The largest subtrees of whole blocks, none longer than a group.
    subtrees: Vec<Subtree>,
    /// Bytes after the last block.
    tail: Vec<u8>,
}

impl Run {
    /// Hashes the bytes that stand at `offset` in the section, on the calling thread.
    ///
    /// # Panics
    /// If they end beyond 2^63 - 1, where no file ends.
    #[must_use]
    pub fn hash(offset: u64, bytes: &[u8]) -> Self {
        let end = offset.checked_add(bytes.len() as u64).filter(|&end| end < 1 << 63).expect("a section of less than 2^63 bytes");
        let mut start = first_block(offset);
        let head_len = usize::try_from(start - offset).map_or(bytes.len(), |len| len.min(bytes.len()));
        let (head, mut rest) = bytes.split_at(head_len);
        let mut subtrees = Vec::new();
        while rest.len() >= BLOCK_LEN {
            let fitting = 1 << rest.len().ilog2();
            let aligned = 1 << start.trailing_zeros();
            let len = MIN_GROUP_LEN.min(fitting).min(aligned);
            #[expect(clippy::cast_possible_truncation, reason = "at most MIN_GROUP_LEN")]
            let (subtree, later) = rest.split_at(len as usize);
            subtrees.push(Subtree { len, hash: hasher_at(start).update(subtree).finalize_non_root() });
            rest = later;
            start += len;
        }
        Self { range: offset..end, head: head.to_vec(), subtrees, tail: rest.to_vec() }
    }

    /// As [`Run::hash`], in pieces of 128 KiB, which rayon's threads share out.
    ///
    /// # Panics
    /// As [`Run::hash`].
    #[must_use]
    pub fn hash_spread(offset: u64, bytes: &[u8], spread: Spread) -> Vec<Self> {
        // Pieces that end where subtrees of their length do are hashed at full speed.
        let to_boundary = usize::try_from(offset.next_multiple_of(PIECE_LEN as u64) - offset).map_or(0, |len| len.min(bytes.len()));
        let (first, rest) = bytes.split_at(to_boundary);
        let rest_offset = offset + to_boundary as u64;
        let hash = |(index, piece): (usize, &[u8])| Self::hash(rest_offset + (index * PIECE_LEN) as u64, piece);
        let mut runs = match spread {
            Spread::Serial => rest.chunks(PIECE_LEN).enumerate().map(hash).collect::<Vec<_>>(),
            #[cfg(feature = "rayon")]
            Spread::Rayon => {
                use rayon::prelude::*;
                rest.par_chunks(PIECE_LEN).enumerate().map(hash).collect()
            }
        };
        runs.push(Self::hash(offset, first));
        runs
    }

    /// Takes in the run that stands right after this one.
    fn append(&mut self, next: &Self) {
        self.append_bytes(&next.head);
        for &subtree in &next.subtrees {
            self.subtrees.push(subtree);
            self.range.end += subtree.len;
        }
        self.append_bytes(&next.tail);
    }

    fn append_bytes(&mut self, bytes: &[u8]) {
        let to_block = first_block(self.range.start).saturating_sub(self.range.end);
        let (head, mut rest) = bytes.split_at(usize::try_from(to_block).map_or(bytes.len(), |len| len.min(bytes.len())));
        self.head.extend_from_slice(head);
        self.range.end += bytes.len() as u64;
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((BLOCK_LEN - self.tail.len()).min(rest.len()));
            self.tail.extend_from_slice(piece);
            rest = later;
            if self.tail.len() == BLOCK_LEN {
                let start = self.range.end - (rest.len() + BLOCK_LEN) as u64;
                self.subtrees.push(Subtree { len: BLOCK_LEN as u64, hash: hasher_at(start).update(&self.tail).finalize_non_root() });
                self.tail.clear();
            }
        }
    }
}

/// Where the first block starts that a run from `offset` hashes. The first one of the section is kept: it may be all there is, and then its
/// hash is another one, the root. The subtrees after it are none that starts at 0, so no root can be among them.
fn first_block(offset: u64) -> u64 {
    let block_len = BLOCK_LEN as u64;
    offset.next_multiple_of(block_len).max(block_len)
}

/// A subtree of the section: full, and so a power of two, unless the section ends in it.
#[derive(Clone, Copy)]
struct Subtree {
    len: u64,
    hash: ChainingValue,
}

/// Puts the runs of a section together, in whatever order they come.
///
/// Runs are taken up as soon as all before them were. Those that are ahead of one that is missing are joined where they stand side by side:
/// while a disk is slow to give that one, thousands may come. What it holds is bounded by the number of groups and of their subtrees.
pub struct TreeBuilder {
    /// Runs ahead of the one that is missing, by offset.
    pending: BTreeMap<u64, Run>,
    /// Two runs claimed the same byte: there is no tree.
    overlaps: bool,
    /// Bytes taken up: the runs before were all there.
    taken_len: u64,
    closed: ClosedGroups,
    /// Subtrees of the group that has begun, of falling length. As in BLAKE3, two are merged only when more follows, since the last
    /// merge of all makes the root; then the two last are at most as long as each other.
    open: Vec<Subtree>,
    /// Bytes in `open`.
    open_len: u64,
    /// Bytes after `open`: at most a block, which becomes a subtree only when more follows.
    block: Vec<u8>,
}

impl TreeBuilder {
    /// Nothing of the section is there yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_groups(MAX_GROUPS)
    }

    pub(super) fn with_max_groups(max_count: usize) -> Self {
        Self {
            pending: BTreeMap::new(),
            overlaps: false,
            taken_len: 0,
            closed: ClosedGroups::new(max_count),
            open: Vec::new(),
            open_len: 0,
            block: Vec::with_capacity(BLOCK_LEN),
        }
    }

    /// Adds a run; in any order.
    pub fn add(&mut self, run: Run) {
        if self.overlaps || run.range.is_empty() {
            return;
        }
        self.keep(run);
        while let Some(next) = self.pending.first_entry().filter(|next| *next.key() <= self.taken_len) {
            let run = next.remove();
            if run.range.start < self.taken_len {
                self.overlaps = true;
            } else {
                self.take(&run);
            }
        }
    }

    /// Keeps a run until all before it were taken up, as one with those beside it.
    fn keep(&mut self, run: Run) {
        let start = match self.pending.range_mut(..=run.range.start).next_back() {
            Some((_, before)) if before.range.end > run.range.start => {
                self.overlaps = true;
                return;
            }
            Some((&start, before)) if before.range.end == run.range.start => {
                before.append(&run);
                start
            }
            _ => {
                let start = run.range.start;
                self.pending.insert(start, run);
                start
            }
        };
        let end = self.pending.get(&start).map_or(start, |run| run.range.end);
        if let Some(next) = self.pending.remove(&end)
            && let Some(run) = self.pending.get_mut(&start)
        {
            run.append(&next);
        }
    }

    /// The section has ended: its tree, if the runs cover it without a gap and without an overlap.
    #[must_use]
    pub fn finish(mut self) -> Option<Tree> {
        if self.overlaps || !self.pending.is_empty() {
            return None;
        }
        let section_len = self.taken_len;
        if section_len <= BLOCK_LEN as u64 {
            return Some(Tree { section_len, root: Blake3::of(&self.block), groups: Vec::new() });
        }
        self.close_block();
        if !self.closed.hashes.is_empty() {
            let last = merge_open(&self.open)?;
            return Some(self.closed.finish(section_len, last));
        }
        let (left, right) = self.open.split_first()?;
        Some(Tree { section_len, root: merge_pair_root(&left.hash, &merge_open(right)?), groups: Vec::new() })
    }

    fn take(&mut self, run: &Run) {
        self.take_bytes(&run.head);
        for &subtree in &run.subtrees {
            self.close_block();
            self.push(subtree);
        }
        self.take_bytes(&run.tail);
        self.taken_len = run.range.end;
    }

    fn take_bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.block.len() == BLOCK_LEN {
                self.close_block();
            }
            let (piece, rest) = bytes.split_at((BLOCK_LEN - self.block.len()).min(bytes.len()));
            self.block.extend_from_slice(piece);
            bytes = rest;
        }
    }

    /// The block, if there is one, is full or the section's last.
    fn close_block(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let start = self.closed.end() + self.open_len;
        let hash = hasher_at(start).update(&self.block).finalize_non_root();
        self.push(Subtree { len: self.block.len() as u64, hash });
        self.block.clear();
    }

    fn push(&mut self, subtree: Subtree) {
        if self.open_len == self.closed.group_len {
            self.closed.push(merge_open(&self.open).expect("a group that is full"));
            self.open.clear();
            self.open_len = 0;
        }
        while let [.., left, right] = self.open.as_slice()
            && left.len == right.len
        {
            let merged = Subtree { len: 2 * left.len, hash: merge_pair(&left.hash, &right.hash) };
            self.open.truncate(self.open.len() - 2);
            self.open.push(merged);
        }
        self.open_len += subtree.len;
        self.open.push(subtree);
    }
}

impl Default for TreeBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash over the subtrees of a group; `None` without any. From the right, as each is at least as long as all after it.
fn merge_open(subtrees: &[Subtree]) -> Option<ChainingValue> {
    subtrees.iter().map(|subtree| subtree.hash).rev().reduce(|right, left| merge_pair(&left, &right))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECTION_LENS, painted};
    use super::*;

    fn xorshift(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state >> 32).unwrap()
    }

    /// Runs of random lengths up to `max_len`, shuffled.
    fn shuffled_runs(section: &[u8], max_len: usize, state: &mut u64) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut offset = 0;
        while offset < section.len() {
            let len = (xorshift(state) % max_len + 1).min(section.len() - offset);
            runs.push(Run::hash(offset as u64, &section[offset..offset + len]));
            offset += len;
        }
        for index in (1..runs.len()).rev() {
            runs.swap(index, xorshift(state) % (index + 1));
        }
        runs
    }

    fn build(runs: impl IntoIterator<Item = Run>) -> Option<Tree> {
        let mut builder = TreeBuilder::new();
        runs.into_iter().for_each(|run| builder.add(run));
        builder.finish()
    }

    #[test]
    fn runs_in_any_order_make_the_tree() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for section_len in SECTION_LENS {
            let section = painted(section_len);
            let expected = Some(Tree::of(&section));
            assert_eq!(build([Run::hash(0, &section)]), expected, "{section_len} in one run");
            let (nonce, chunks) = section.split_at(section_len.min(16));
            let spread = Run::hash_spread(nonce.len() as u64, chunks, Spread::Serial);
            assert_eq!(build(spread.into_iter().chain([Run::hash(0, nonce)])), expected, "{section_len} in pieces");
            for max_len in [3000, 65_552, 2_000_000] {
                assert_eq!(build(shuffled_runs(&section, max_len, &mut state)), expected, "{section_len} in runs up to {max_len}");
            }
        }
        let section = painted(5000);
        assert_eq!(build(shuffled_runs(&section, 1, &mut state)), Some(Tree::of(&section)));
    }

    #[test]
    fn batches_of_a_file_make_the_tree() {
        let section = painted(16 + 5 * 16 * 65_552 + 12_345);
        let (nonce, chunks) = section.split_at(16);
        let batches = chunks.chunks(16 * 65_552).enumerate().map(|(index, batch)| Run::hash(16 + (index * 16 * 65_552) as u64, batch));
        let runs: Vec<_> = batches.collect();
        for run in &runs {
            assert!(run.head.len() + run.tail.len() + size_of_val(run.subtrees.as_slice()) < 4 * BLOCK_LEN);
        }
        assert_eq!(build(runs.into_iter().rev().chain([Run::hash(0, nonce)])), Some(Tree::of(&section)));
    }

    #[test]
    fn runs_that_do_not_cover_the_section_once_make_none() {
        let section = painted(3_000_000);
        let run = |range: Range<usize>| Run::hash(range.start as u64, &section[range]);
        assert_eq!(build([run(0..1_000_000), run(1_000_001..3_000_000)]), None, "a gap");
        assert_eq!(build([run(1..1_000_000)]), None, "no start");
        assert_eq!(build([run(0..1_000_000), run(999_999..3_000_000)]), None, "an overlap");
        assert_eq!(build([run(999_999..3_000_000), run(0..1_000_000)]), None, "an overlap, backwards");
        assert_eq!(build([run(0..1_000_000), run(0..1_000_000), run(1_000_000..3_000_000)]), None, "one twice");
        assert_eq!(build([run(2_000_000..3_000_000), run(2_000_000..2_500_000), run(0..2_000_000)]), None, "one in another");
        assert_eq!(build([run(7..7), run(0..3_000_000), run(0..0)]), Some(Tree::of(&section)), "empty ones do no harm");
        assert_eq!(build([]), Some(Tree::of(b"")));
    }

    /// While the first batch does not come, a thousand others do.
    #[test]
    fn runs_that_wait_for_one_are_joined() {
        let section = painted(16 + 20 * 65_552);
        let mut builder = TreeBuilder::new();
        let batches: Vec<(u64, &[u8])> = (0..).map(|index| 16 + index * 65_552).zip(section[16..].chunks(65_552)).collect();
        for (first, step) in [(2, 2), (1, 2)] {
            batches.iter().skip(first).step_by(step).for_each(|&(offset, bytes)| builder.add(Run::hash(offset, bytes)));
        }
        assert_eq!(builder.pending.len(), 1);
        let run = builder.pending.first_entry().expect("one").remove();
        assert!(run.head.len() < BLOCK_LEN && run.tail.len() < BLOCK_LEN, "no more bytes than those of one");
        builder.add(run);
        builder.add(Run::hash(0, &section[..16 + 65_552]));
        assert_eq!(builder.finish(), Some(Tree::of(&section)));
    }

    #[test]
    fn a_run_may_stand_far_out() {
        let last = (1 << 63) - 1 - 5000;
        assert_eq!(build([Run::hash(last, &painted(5000))]), None);
    }
}
