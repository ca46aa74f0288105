//! From a regular file: every worker reads and works at its own offset, and writes there, or in its turn.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use dbseal_core::{Batch, CHUNK_LEN, CheckedLayout, Claim, Layout, Opener, Sealer, Spread};

use crate::error::JobError;
use crate::input::Input;
use crate::output::PendingFile;
use crate::pace::Pace;
use crate::pool;
use crate::report::{Observer, tell_if_compressed};
use crate::shared_tree::SharedTree;

/// Chunks in a batch: 512 KiB stay in a core's own cache from read to write.
pub(crate) const BATCH_CHUNKS: usize = 8;

/// Where workers write to.
pub(crate) trait PutAt: Sync {
    /// Writes at an offset in bytes; from any thread.
    fn put_at(&self, bytes: &[u8], offset: u64) -> Result<(), JobError>;

    /// Ends whatever a worker may be waiting for here, but for a reader that is no process of ours.
    fn call_off(&self);
}

impl PutAt for PendingFile {
    fn put_at(&self, bytes: &[u8], offset: u64) -> Result<(), JobError> {
        self.write_all_at(bytes, offset)
    }

    fn call_off(&self) {}
}

/// What both directions share.
pub(crate) struct Transfer<'a> {
    pub(crate) input: &'a Input,
    pub(crate) output: &'a dyn PutAt,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) pace: &'a Pace,
    pub(crate) threads: NonZeroUsize,
}

/// A payload that is opened.
pub(crate) struct Opening<'a> {
    pub(crate) opener: &'a Opener,
    pub(crate) checked: CheckedLayout,
    /// Where the payload section starts in the input, in bytes.
    pub(crate) section_offset: u64,
    /// What takes in all that is read there, before it is opened.
    pub(crate) tree: Option<&'a SharedTree>,
}

impl Transfer<'_> {
    /// Seals the whole input. `section_offset` is where the payload section starts in the output, in bytes; what is written there is
    /// taken into `tree` while it is still in the core's cache.
    pub(crate) fn seal(&self, sealer: Sealer, layout: Layout, section_offset: u64, tree: Option<&SharedTree>) -> Result<(), JobError> {
        let claims = Mutex::new(Claims { sealer: Some(sealer), remaining: layout.chunk_count() });
        let next = || claims.lock().unwrap_or_else(PoisonError::into_inner).next().map(|claim| (claim.first_index(), claim));
        self.run(next, |batch, first_index, claim| {
            let offset = first_index * CHUNK_LEN as u64;
            let len = usize_len((layout.plaintext_len() - offset).min((BATCH_CHUNKS * CHUNK_LEN) as u64));
            self.pace.wait_for(len);
            let mut at = offset;
            for slot in batch.plaintext_slots_mut().take(len.div_ceil(CHUNK_LEN)) {
                let slot_len = (offset + len as u64 - at).min(CHUNK_LEN as u64);
                self.input.read_exact_at(&mut slot[..usize_len(slot_len)], at)?;
                at += slot_len;
            }
            self.input.drop_cached(offset, len);
            batch.set_plaintext_len(len);
            claim.seal(batch, Spread::Serial);
            let at = layout.slots(first_index, 1).start;
            if let Some(tree) = tree {
                tree.add(at, batch.sealed_bytes());
            }
            self.output.put_at(batch.sealed_bytes(), section_offset + at)?;
            self.observer.advanced(len as u64);
            Ok(())
        })
    }

    /// Opens the whole payload.
    pub(crate) fn open(&self, from: &Opening<'_>) -> Result<(), JobError> {
        let layout = from.checked.layout();
        let next_index = AtomicU64::new(0);
        let next = || {
            let first_index = next_index.fetch_add(BATCH_CHUNKS as u64, Ordering::Relaxed);
            (first_index < layout.chunk_count()).then_some((first_index, ()))
        };
        self.run(next, |batch, first_index, ()| {
            let len = self.open_run(from, batch, first_index)?;
            let mut at = first_index * CHUNK_LEN as u64;
            for slot in batch.opened_slots() {
                if at == 0 {
                    tell_if_compressed(slot, self.observer);
                }
                self.output.put_at(slot, at)?;
                at += slot.len() as u64;
            }
            self.observer.advanced(len as u64);
            Ok(())
        })
    }

    /// Opens the whole payload and seals it again, each run of chunks where it lies, so that no plaintext leaves its batch.
    /// `section_offset` is where the new payload section starts in the output, in bytes; what is written there is taken into `tree`.
    pub(crate) fn reseal(
        &self,
        from: &Opening<'_>,
        sealer: Sealer,
        section_offset: u64,
        tree: Option<&SharedTree>,
    ) -> Result<(), JobError> {
        let layout = from.checked.layout();
        let claims = Mutex::new(Claims { sealer: Some(sealer), remaining: layout.chunk_count() });
        let next = || claims.lock().unwrap_or_else(PoisonError::into_inner).next().map(|claim| (claim.first_index(), claim));
        self.run(next, |batch, first_index, claim| {
            let len = self.open_run(from, batch, first_index)?;
            // Opened chunks lie as those do that are read to be sealed; of a batch of which one was refused none gets here.
            batch.set_plaintext_len(batch.opened_len());
            claim.seal(batch, Spread::Serial);
            let at = layout.slots(first_index, 1).start;
            if let Some(tree) = tree {
                tree.add(at, batch.sealed_bytes());
            }
            self.output.put_at(batch.sealed_bytes(), section_offset + at)?;
            self.observer.advanced(len as u64);
            Ok(())
        })
    }

    /// Reads the run of chunks that starts at `first_index`, and opens it. Returns the bytes that were read.
    fn open_run(&self, from: &Opening<'_>, batch: &mut Batch, first_index: u64) -> Result<usize, JobError> {
        let slots = from.checked.layout().slots(first_index, BATCH_CHUNKS as u64);
        let len = usize_len(slots.end - slots.start);
        self.pace.wait_for(len);
        self.input.read_exact_at(&mut batch.ciphertext_mut()[..len], from.section_offset + slots.start)?;
        self.input.drop_cached(from.section_offset + slots.start, len);
        if let Some(tree) = from.tree {
            tree.add(slots.start, &batch.ciphertext_mut()[..len]);
        }
        batch.set_ciphertext_len(len);
        from.opener
            .open_at(&from.checked, first_index, batch, Spread::Serial)
            .map_err(|error| JobError::Payload { what: self.input.what.clone(), error })?;
        Ok(len)
    }

    /// Runs `work` on every run of chunks that `next` gives out with its first index.
    fn run<T>(
        &self,
        next: impl Fn() -> Option<(u64, T)> + Sync,
        work: impl Fn(&mut Batch, u64, T) -> Result<(), JobError> + Sync,
    ) -> Result<(), JobError> {
        let room = || Batch::try_with_chunks(BATCH_CHUNKS).map_err(|_| JobError::Memory);
        pool::run(self.threads, room, |_| Ok(next()), work, || self.output.call_off())
    }
}

/// A length of at most a batch.
fn usize_len(len: u64) -> usize {
    usize::try_from(len).expect("a batch fits the memory")
}

/// The chunks that are not sealed yet.
struct Claims {
    /// Taken with the last claim.
    sealer: Option<Sealer>,
    remaining: u64,
}

impl Claims {
    fn next(&mut self) -> Option<Claim> {
        let mut sealer = self.sealer.take()?;
        if self.remaining <= BATCH_CHUNKS as u64 {
            return Some(sealer.claim_last(usize_len(self.remaining)));
        }
        self.remaining -= BATCH_CHUNKS as u64;
        let claim = sealer.claim(BATCH_CHUNKS);
        self.sealer = Some(sealer);
        Some(claim)
    }
}
