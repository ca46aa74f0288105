//! From regular file to regular file: every worker reads, works and writes at its own offset.

use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use dbseal_core::{Batch, CHUNK_LEN, CheckedLayout, Claim, Layout, Opener, Sealer, Spread};

use crate::error::JobError;
use crate::input::Input;
use crate::output::PendingFile;
use crate::pace::Pace;
use crate::report::Observer;

/// Chunks in a batch: 512 KiB stay in a core's own cache from read to write.
const BATCH_CHUNKS: usize = 8;

/// What both directions share.
pub(crate) struct Transfer<'a> {
    pub(crate) input: &'a Input,
    pub(crate) output: &'a PendingFile,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) pace: &'a Pace,
    pub(crate) threads: NonZeroUsize,
}

impl Transfer<'_> {
    /// Seals the whole input. `section_offset` is where the payload section starts in the output, in bytes.
    pub(crate) fn seal(&self, sealer: Sealer, layout: Layout, section_offset: u64) -> Result<(), JobError> {
        let claims = Mutex::new(Claims { sealer: Some(sealer), remaining: layout.chunk_count() });
        let next = || claims.lock().unwrap_or_else(PoisonError::into_inner).next();
        self.run(next, |batch, claim| {
            let first_index = claim.first_index();
            let offset = first_index * CHUNK_LEN as u64;
            let len = usize_len((layout.plaintext_len() - offset).min((BATCH_CHUNKS * CHUNK_LEN) as u64));
            let mut at = offset;
            for slot in batch.plaintext_slots_mut().take(len.div_ceil(CHUNK_LEN)) {
                let slot_len = (offset + len as u64 - at).min(CHUNK_LEN as u64);
                self.read_at(&mut slot[..usize_len(slot_len)], at)?;
                at += slot_len;
            }
            self.input.drop_cached(offset, len);
            batch.set_plaintext_len(len);
            claim.seal(batch, Spread::Serial);
            self.output.write_all_at(batch.sealed_bytes(), section_offset + layout.slots(first_index, 1).start)?;
            self.observer.advanced(len as u64);
            Ok(())
        })
    }

    /// Opens the whole payload. `section_offset` is where the payload section starts in the input, in bytes.
    pub(crate) fn open(&self, opener: &Opener, checked: CheckedLayout, section_offset: u64) -> Result<(), JobError> {
        let layout = checked.layout();
        let next_index = AtomicU64::new(0);
        let next = || Some(next_index.fetch_add(BATCH_CHUNKS as u64, Ordering::Relaxed)).filter(|&index| index < layout.chunk_count());
        self.run(next, |batch, first_index| {
            let slots = layout.slots(first_index, BATCH_CHUNKS as u64);
            let len = usize_len(slots.end - slots.start);
            self.read_at(&mut batch.ciphertext_mut()[..len], section_offset + slots.start)?;
            self.input.drop_cached(section_offset + slots.start, len);
            batch.set_ciphertext_len(len);
            opener
                .open_at(&checked, first_index, batch, Spread::Serial)
                .map_err(|error| JobError::Payload { what: self.input.what.clone(), error })?;
            let mut at = first_index * CHUNK_LEN as u64;
            for slot in batch.opened_slots() {
                self.output.write_all_at(slot, at)?;
                at += slot.len() as u64;
            }
            self.observer.advanced(len as u64);
            Ok(())
        })
    }

    /// Runs `work` on every item that `next` gives out, on all threads, until one fails.
    fn run<T>(
        &self,
        next: impl Fn() -> Option<T> + Sync,
        work: impl Fn(&mut Batch, T) -> Result<(), JobError> + Sync,
    ) -> Result<(), JobError> {
        let failed = AtomicBool::new(false);
        let worker = || {
            let mut batch = Batch::with_chunks(BATCH_CHUNKS);
            while !failed.load(Ordering::Relaxed)
                && let Some(item) = next()
            {
                work(&mut batch, item).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let start = |_| std::thread::Builder::new().spawn_scoped(scope, worker);
            let threads: Vec<_> = (0..self.threads.get()).map(start).collect();
            let results = threads.into_iter().map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(error) => Err(JobError::Spawn { program: "a thread".into(), error }),
            });
            results.fold(Ok(()), Result::and)
        })
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<(), JobError> {
        self.pace.wait_for(bytes.len());
        self.input.file.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
            // It was longer when it was opened.
            std::io::ErrorKind::UnexpectedEof => JobError::InputChanged { what: self.input.what.clone() },
            _ => JobError::read(&self.input.what, error),
        })
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
