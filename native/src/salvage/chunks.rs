//! Every chunk of a payload, tried on its own and written where it belongs.

use std::sync::{Mutex, PoisonError};

use dbseal_core::{Batch, CHUNK_LEN, Opener, PAYLOAD_NONCE_LEN, SLOT_LEN, Salvaged};

use super::reading::Reading;
use crate::error::JobError;
use crate::output::PendingFile;
use crate::ranges::Ranges;
use crate::section::Section;
use crate::shared_tree::SharedTree;

/// Chunks that a thread tries at a time.
const BATCH_CHUNKS: usize = 8;

/// What is read, where what opens goes, and what opened so far.
pub(super) struct Chunks<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) section: Section<'a>,
    pub(super) output: &'a PendingFile,
    pub(super) found: Mutex<Found>,
}

/// What opened.
#[derive(Default)]
pub(super) struct Found {
    /// In bytes of plaintext.
    pub(super) opened: Ranges,
    /// Where the plaintext ends, if its final chunk opened.
    pub(super) end: Option<u64>,
}

impl Chunks<'_> {
    /// Which of some openers opens the first chunk that any of them opens.
    pub(super) fn choose(&self, openers: &[Opener]) -> Result<Option<usize>, JobError> {
        let mut batch = room_for(1)?;
        for index in 0..self.count() {
            let len = self.read(index, &mut batch)?;
            for (which, opener) in openers.iter().enumerate() {
                // A chunk that was refused is as it was.
                batch.set_ciphertext_len(len);
                if opener.salvage_at(index, &mut batch) != [Salvaged::Lost] {
                    return Ok(Some(which));
                }
            }
        }
        Ok(None)
    }

    /// Tries all of them. What was read is taken into `tree`: what is as it was sealed is then what was opened, and not what the storage
    /// gives to whoever reads again.
    pub(super) fn open_all(&self, opener: &Opener, tree: Option<&SharedTree>) -> Result<(), JobError> {
        let batch_count = usize::try_from(self.count().div_ceil(BATCH_CHUNKS as u64)).map_err(|_| JobError::Memory)?;
        self.section.each(
            batch_count,
            || room_for(BATCH_CHUNKS),
            |index, batch| {
                let first_index = (index * BATCH_CHUNKS) as u64;
                let len = self.read(first_index, batch)?;
                if let Some(tree) = tree {
                    tree.add(slot_start(first_index), &batch.ciphertext_mut()[..len]);
                }
                batch.set_ciphertext_len(len);
                for (salvaged, index) in opener.salvage_at(first_index, batch).into_iter().zip(first_index..) {
                    self.keep(index, salvaged)?;
                }
                self.section.observer.advanced(len as u64);
                Ok(())
            },
        )
    }

    /// Looks for the final chunk after the last one that opened: where something was appended, it ends where no slot does.
    pub(super) fn look_for_end(&self, opener: &Opener) -> Result<(), JobError> {
        let (end, opened_end) = self.with_found(|found| (found.end, found.opened.end()));
        let index = opened_end.unwrap_or(0) / CHUNK_LEN as u64;
        if end.is_some() || index >= self.count() {
            return Ok(());
        }
        let mut batch = room_for(1)?;
        let len = self.read(index, &mut batch)?;
        opener.find_final(index, &mut batch.ciphertext_mut()[..len]).map_or(Ok(()), |text| self.keep(index, Salvaged::Final(text)))
    }

    /// How many there are, the last one perhaps a short one.
    fn count(&self) -> u64 {
        self.section.len.saturating_sub(PAYLOAD_NONCE_LEN as u64).div_ceil(SLOT_LEN as u64)
    }

    /// Fills a batch, from a chunk on, as far as there are bytes; how many these are.
    fn read(&self, first_index: u64, batch: &mut Batch) -> Result<usize, JobError> {
        let Section { offset, len, pace, .. } = self.section;
        let start = slot_start(first_index);
        let room = batch.ciphertext_mut();
        let len = usize::try_from(len - start).map_or(room.len(), |len| len.min(room.len()));
        pace.wait_for(len);
        self.reading.read_at(&mut room[..len], offset + start, SLOT_LEN)?;
        self.reading.input.drop_cached(offset + start, len);
        Ok(len)
    }

    fn keep(&self, index: u64, salvaged: Salvaged<'_>) -> Result<(), JobError> {
        let (text, is_final) = match salvaged {
            Salvaged::Inner(text) => (text, false),
            Salvaged::Final(text) => (text, true),
            Salvaged::Lost => return Ok(()),
        };
        let at = index * CHUNK_LEN as u64;
        let end = at + text.len() as u64;
        self.output.write_all_at(text, at)?;
        self.with_found(|found| {
            found.opened.add(at..end);
            if is_final {
                found.end = Some(found.end.map_or(end, |other| other.min(end)));
            }
        });
        Ok(())
    }

    fn with_found<T>(&self, work: impl FnOnce(&mut Found) -> T) -> T {
        work(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn room_for(chunk_count: usize) -> Result<Batch, JobError> {
    Batch::try_with_chunks(chunk_count).map_err(|_| JobError::Memory)
}

/// Where the slot of a chunk starts in the payload section.
fn slot_start(index: u64) -> u64 {
    PAYLOAD_NONCE_LEN as u64 + index * SLOT_LEN as u64
}
