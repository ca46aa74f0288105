//! The payload section of a file, read and hashed on all threads.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use dbseal_core::{Groups, MIN_GROUP_LEN, ReadBuffer, Tree};

use crate::error::JobError;
use crate::input::Input;
use crate::pace::Pace;
use crate::pool;
use crate::report::Observer;
use crate::shared_tree::SharedTree;

/// Bytes that are read at a time: they stay in a core's own cache from the read to the hash.
const READ_LEN: usize = 256 << 10;

/// What is read, and how.
pub(crate) struct Section<'a> {
    pub(crate) input: &'a Input,
    /// Where it starts in the file, in bytes.
    pub(crate) offset: u64,
    /// Bytes that there are.
    pub(crate) len: u64,
    pub(crate) threads: NonZeroUsize,
    pub(crate) pace: &'a Pace,
    pub(crate) observer: &'a dyn Observer,
}

impl Section<'_> {
    /// The hash of all of it.
    pub(crate) fn hash(&self) -> Result<Tree, JobError> {
        let tree = SharedTree::default();
        let count = usize::try_from(self.len.div_ceil(MIN_GROUP_LEN)).map_err(|_| JobError::Memory)?;
        self.each(count, buffer, |index, buffer| {
            let start = index as u64 * MIN_GROUP_LEN;
            let piece = start..self.len.min(start + MIN_GROUP_LEN);
            self.read(piece, buffer, |offset, bytes| tree.add(offset, bytes))
        })?;
        Ok(tree.finish().expect("every byte was taken in"))
    }

    /// Which of some of the groups are damaged, in order, as bytes of the section. What is missing at the end is damaged too.
    pub(crate) fn damaged(&self, groups: &Groups, indices: &[u64]) -> Result<Vec<Range<u64>>, JobError> {
        let damaged = Mutex::new(Vec::new());
        self.each(indices.len(), buffer, |index, buffer| {
            let range = groups.range(indices[index]);
            let mut check = groups.check(indices[index]);
            self.read(range.start.min(self.len)..range.end.min(self.len), buffer, |_, bytes| check.update(bytes))?;
            if !check.is_authentic() {
                damaged.lock().unwrap_or_else(PoisonError::into_inner).push(range);
            }
            Ok(())
        })?;
        let mut damaged = damaged.into_inner().unwrap_or_else(PoisonError::into_inner);
        damaged.sort_by_key(|range| range.start);
        Ok(damaged)
    }

    fn read(&self, range: Range<u64>, buffer: &mut [u8], mut take: impl FnMut(u64, &[u8])) -> Result<(), JobError> {
        let mut at = range.start;
        while at < range.end {
            let len = usize::try_from((range.end - at).min(READ_LEN as u64)).expect("a buffer fits the memory");
            self.pace.wait_for(len);
            self.input.read_exact_at(&mut buffer[..len], self.offset + at)?;
            self.input.drop_cached(self.offset + at, len);
            take(at, &buffer[..len]);
            self.observer.advanced(len as u64);
            at += len as u64;
        }
        Ok(())
    }

    /// Runs `work` with each number below `count`, in that order, on all threads, until one fails. Each thread has a `room` of its own.
    pub(crate) fn each<R: Send>(
        &self,
        count: usize,
        room: impl Fn() -> Result<R, JobError>,
        work: impl Fn(usize, &mut R) -> Result<(), JobError> + Sync,
    ) -> Result<(), JobError> {
        let next_index = AtomicUsize::new(0);
        let next = |_: &mut R| {
            let index = next_index.fetch_add(1, Ordering::Relaxed);
            Ok((index < count).then_some((index as u64, index)))
        };
        pool::run(self.threads, room, next, |room, _, index| work(index, room), || {})
    }
}

fn buffer() -> Result<ReadBuffer, JobError> {
    ReadBuffer::try_with_len(READ_LEN).map_err(|_| JobError::Memory)
}
