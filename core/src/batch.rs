//! Batches of chunks on their way through: what is read into them, sealed or opened, and written out of them.

use alloc::collections::TryReserveError;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::keys::{FileKey, PayloadNonce};
use crate::layout::{CheckedLayout, Layout};
use crate::memory::ReadBuffer;
use crate::payload::{CHUNK_LEN, PayloadError, PayloadKey, Position, SLOT_LEN, TAG_LEN};
use crate::spread::Spread;

/// A fixed number of slots in one piece of memory, laid out as in the file, so that a sealed batch leaves in one write.
///
/// A batch knows what it holds: plaintext cannot be taken for sealed bytes, nor unopened bytes for plaintext. Wiped on drop.
pub struct Batch {
    slots: ReadBuffer,
    holds: Holds,
}

/// What is in the slots, with its length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Plaintext(usize),
    Sealed(usize),
    Ciphertext(usize),
    Opened(usize),
}

impl Batch {
    /// Room for `chunk_count` chunks.
    ///
    /// # Panics
    /// Without memory for them; see [`Batch::try_with_chunks`].
    #[must_use]
    pub fn with_chunks(chunk_count: usize) -> Self {
        Self::try_with_chunks(chunk_count).expect("memory for a batch")
    }

    /// As [`Batch::with_chunks`], where a lack of memory is to end in a message.
    ///
    /// # Errors
    /// There is no memory for so many chunks.
    ///
    /// # Panics
    /// For no chunk at all.
    pub fn try_with_chunks(chunk_count: usize) -> Result<Self, TryReserveError> {
        assert!(chunk_count > 0, "a batch without a slot");
        Ok(Self { slots: ReadBuffer::try_with_len(chunk_count * SLOT_LEN)?, holds: Holds::Plaintext(0) })
    }

    /// How many bytes of plaintext fit.
    #[must_use]
    pub fn plaintext_capacity(&self) -> usize {
        self.slots.len() / SLOT_LEN * CHUNK_LEN
    }

    /// Where plaintext is read to before it is sealed: one slice of [`CHUNK_LEN`] bytes for each slot, in order.
    pub fn plaintext_slots_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.slots.chunks_exact_mut(SLOT_LEN).map(|slot| &mut slot[..CHUNK_LEN])
    }

    /// Declares that the first `len` bytes of the plaintext slots were filled.
    ///
    /// # Panics
    /// If they are more than [`Batch::plaintext_capacity`].
    pub fn set_plaintext_len(&mut self, len: usize) {
        assert!(len <= self.plaintext_capacity(), "more plaintext than the batch holds");
        self.holds = Holds::Plaintext(len);
    }

    /// Where a payload's sealed bytes are read to before they are opened, in one piece.
    pub fn ciphertext_mut(&mut self) -> &mut [u8] {
        &mut self.slots
    }

    /// Declares that the first `len` bytes of [`Batch::ciphertext_mut`] were filled.
    ///
    /// # Panics
    /// If they are more than fit.
    pub fn set_ciphertext_len(&mut self, len: usize) {
        assert!(len <= self.slots.len(), "more ciphertext than the batch holds");
        self.holds = Holds::Ciphertext(len);
    }

    /// The batch as it goes into the file; empty until it was sealed.
    #[must_use]
    pub fn sealed_bytes(&self) -> &[u8] {
        match self.holds {
            Holds::Sealed(len) => &self.slots[..len],
            _ => &[],
        }
    }

    /// The plaintext of the chunks that were opened, in order: those before the first that was refused, or none until
    /// the batch was opened.
    pub fn opened_slots(&self) -> impl Iterator<Item = &[u8]> {
        let len = match self.holds {
            Holds::Opened(len) => len,
            _ => 0,
        };
        let slots = self.slots.chunks_exact(SLOT_LEN);
        slots
            .take(len.div_ceil(CHUNK_LEN))
            .enumerate()
            .map(move |(slot_index, slot)| &slot[..(len - slot_index * CHUNK_LEN).min(CHUNK_LEN)])
    }

    /// Length in bytes of what [`Batch::opened_slots`] yields.
    #[must_use]
    pub fn opened_len(&self) -> usize {
        match self.holds {
            Holds::Opened(len) => len,
            _ => 0,
        }
    }

    /// How many bytes of plaintext were declared; a programming error where the batch holds anything else, such as what
    /// was sealed already.
    fn plaintext_len(&self) -> usize {
        match self.holds {
            Holds::Plaintext(len) => len,
            other => panic!("a batch to seal holds {other:?}"),
        }
    }

    /// How many bytes of ciphertext were declared; a programming error where the batch holds anything else, such as what
    /// was opened already.
    fn ciphertext_len(&self) -> usize {
        match self.holds {
            Holds::Ciphertext(len) => len,
            other => panic!("a batch to open holds {other:?}"),
        }
    }
}

/// Seals a payload. It hands out each chunk's index once, which keeps one nonce to one chunk.
pub struct Sealer {
    key: Arc<PayloadKey>,
    next_index: u64,
}

impl Sealer {
    /// The sealer of the one payload with this file key and nonce.
    #[must_use]
    pub fn new(file_key: &FileKey, nonce: &PayloadNonce) -> Self {
        Self { key: Arc::new(PayloadKey::new(file_key, nonce)), next_index: 0 }
    }

    /// Seals a batch of full chunks that more will follow.
    ///
    /// # Panics
    /// If the batch does not hold full chunks.
    pub fn seal_batch(&mut self, batch: &mut Batch, spread: Spread) {
        let chunk_count = batch.plaintext_len() / CHUNK_LEN;
        self.claim(chunk_count).seal(batch, spread);
    }

    /// Seals the batch that ends with the final chunk.
    ///
    /// # Panics
    /// If the batch is empty though it is not the first.
    pub fn finish(self, batch: &mut Batch, spread: Spread) {
        let chunk_count = batch.plaintext_len().div_ceil(CHUNK_LEN).max(1);
        self.claim_last(chunk_count).seal(batch, spread);
    }

    /// The right to seal the next `chunk_count` chunks, all inner ones, on any thread.
    pub fn claim(&mut self, chunk_count: usize) -> Claim {
        let first_index = self.next_index;
        self.next_index += chunk_count as u64;
        Claim { key: Arc::clone(&self.key), first_index, chunk_count, last: Position::Inner }
    }

    /// The right to seal the last `chunk_count` chunks of the payload.
    pub fn claim_last(mut self, chunk_count: usize) -> Claim {
        Claim { last: Position::Final, ..self.claim(chunk_count) }
    }
}

/// The right to seal a run of chunks, once: used up by sealing them.
#[must_use = "chunks that are claimed and not sealed leave a hole in the file"]
pub struct Claim {
    key: Arc<PayloadKey>,
    first_index: u64,
    chunk_count: usize,
    last: Position,
}

impl Claim {
    /// The index, from 0, of the first chunk.
    #[must_use]
    pub fn first_index(&self) -> u64 {
        self.first_index
    }

    /// Seals what the batch holds.
    ///
    /// # Panics
    /// If that is not exactly the claimed run: full chunks, but for the final one, which is empty only as the only one.
    pub fn seal(self, batch: &mut Batch, spread: Spread) {
        let len = batch.plaintext_len();
        let fits = match self.last {
            Position::Inner => self.chunk_count > 0 && len == self.chunk_count * CHUNK_LEN,
            Position::Final if len == 0 => self.first_index == 0 && self.chunk_count == 1,
            Position::Final => len.div_ceil(CHUNK_LEN) == self.chunk_count,
        };
        assert!(fits, "a batch that is not the run of chunks it was claimed for");
        let sealed_len = len + self.chunk_count * TAG_LEN;
        let last_index = self.first_index + self.chunk_count as u64 - 1;
        spread.find_first(&mut batch.slots[..sealed_len], |offset, slot| {
            let index = self.first_index + offset as u64;
            let position = if index == last_index { self.last } else { Position::Inner };
            self.key.seal(index, position, slot);
            None::<()>
        });
        batch.holds = Holds::Sealed(sealed_len);
    }
}

/// Whether the payload ends with a batch, as far as its reader can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// There is no byte after this batch.
    Here,
    /// There are more.
    Later,
}

/// What is left of a chunk that was tried on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Salvaged<'a> {
    /// Its plaintext; more chunks were sealed after it.
    Inner(&'a [u8]),
    /// Its plaintext, the last of the payload.
    Final(&'a [u8]),
    /// Nothing: it is not what was sealed.
    Lost,
}

/// What a slot holds that was refused, which decides whether it is released.
enum Refused {
    /// What it held before: never released.
    Sealed,
    /// The plaintext of a chunk that is authentic, only not in this position: released.
    Opened,
}

/// Opens a payload, in order or at any chunk.
pub struct Opener {
    key: PayloadKey,
    next_index: u64,
}

impl Opener {
    /// The opener of the payload with this file key and nonce.
    #[must_use]
    pub fn new(file_key: &FileKey, nonce: &PayloadNonce) -> Self {
        Self { key: PayloadKey::new(file_key, nonce), next_index: 0 }
    }

    /// Opens the batch that follows the one opened before, of a payload whose end its reader has not seen.
    ///
    /// # Errors
    /// The first chunk, in the order of the file, that is not as it should be. Those before it are opened, and so is one
    /// that is authentic but in the wrong position: the last of a truncated payload, a final one that data follows.
    ///
    /// # Panics
    /// If the batch holds no ciphertext, or a chunk that is not full though more will follow.
    pub fn open_batch(&mut self, batch: &mut Batch, end: StreamEnd, spread: Spread) -> Result<(), PayloadError> {
        let result = self.open_run(self.next_index, batch, end, spread);
        self.next_index += batch.opened_len().div_ceil(CHUNK_LEN) as u64;
        result
    }

    /// As [`Opener::open_batch`], for a batch whose first chunk has index `first_index`, in any order.
    ///
    /// # Errors
    /// As [`Opener::open_batch`].
    ///
    /// # Panics
    /// As [`Opener::open_batch`].
    pub fn open_run(&self, first_index: u64, batch: &mut Batch, end: StreamEnd, spread: Spread) -> Result<(), PayloadError> {
        let len = batch.ciphertext_len();
        assert!(end == StreamEnd::Here || (len > 0 && len.is_multiple_of(SLOT_LEN)), "a chunk that is not full but not the last");
        let slot_count = len.div_ceil(SLOT_LEN);
        let opened_len = |slot_count: usize| (slot_count * SLOT_LEN).min(len).saturating_sub(slot_count * TAG_LEN);
        let refused = spread.find_first(&mut batch.slots[..len], |offset, slot| {
            let is_last = offset + 1 == slot_count && end == StreamEnd::Here;
            let expected = if is_last { Position::Final } else { Position::Inner };
            self.open_slot(first_index + offset as u64, expected, slot).err().map(|(refused, error)| match refused {
                Refused::Sealed => (offset, error),
                Refused::Opened => (offset + 1, error),
            })
        });
        let (slots_opened, result) = match refused {
            None if slot_count == 0 => (0, Err(PayloadError::Truncated { index: first_index })),
            None => (slot_count, Ok(())),
            Some((slots_opened, error)) => (slots_opened, Err(error)),
        };
        batch.holds = Holds::Opened(opened_len(slots_opened));
        result
    }

    /// Opens the batch whose first chunk has index `first_index`, of a payload whose end [`Opener::check_end`] has opened.
    ///
    /// # Errors
    /// As [`Opener::open_batch`].
    ///
    /// # Panics
    /// If the batch does not hold the ciphertext of a run of whole chunks, at least one, that starts there.
    pub fn open_at(&self, checked: &CheckedLayout, first_index: u64, batch: &mut Batch, spread: Spread) -> Result<(), PayloadError> {
        let layout = checked.layout();
        let slots = layout.slots(first_index, batch.ciphertext_len().div_ceil(SLOT_LEN) as u64);
        let fits = !slots.is_empty() && slots.end - slots.start == batch.ciphertext_len() as u64;
        assert!(fits, "a batch that is no run of the payload's chunks");
        let end = if slots.end == layout.section_len() { StreamEnd::Here } else { StreamEnd::Later };
        self.open_run(first_index, batch, end, spread)
    }

    /// Opens each chunk of a batch on its own, as an inner one or as the final one, of a payload of which anything may be damaged. The
    /// first has index `first_index`; all slots but the last are full. What does not open is not given out.
    ///
    /// # Panics
    /// If the batch holds no ciphertext.
    pub fn salvage_at<'b>(&self, first_index: u64, batch: &'b mut Batch) -> Vec<Salvaged<'b>> {
        let len = batch.ciphertext_len();
        batch.holds = Holds::Opened(0);
        let slots = batch.slots[..len].chunks_mut(SLOT_LEN).zip(first_index..);
        slots.map(|(slot, index)| self.salvage(index, slot)).collect()
    }

    /// The plaintext of the final chunk, if that is what `bytes` start with: for a payload that something was appended to, where its
    /// length is not known. Every length is tried, which takes about a second for a full slot.
    pub fn find_final<'b>(&self, index: u64, bytes: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut slot_lens = shortest_final(index)..=bytes.len().min(SLOT_LEN);
        let slot_len = slot_lens.find(|&slot_len| self.key.open(index, Position::Final, &mut bytes[..slot_len]).is_ok())?;
        Some(&bytes[..slot_len - TAG_LEN])
    }

    fn salvage<'b>(&self, index: u64, slot: &'b mut [u8]) -> Salvaged<'b> {
        let text_len = slot.len().saturating_sub(TAG_LEN);
        if slot.len() == SLOT_LEN && self.key.open(index, Position::Inner, slot).is_ok() {
            Salvaged::Inner(&slot[..text_len])
        } else if slot.len() >= shortest_final(index) && self.key.open(index, Position::Final, slot).is_ok() {
            Salvaged::Final(&slot[..text_len])
        } else {
            Salvaged::Lost
        }
    }

    /// Opens one slot; with an error comes what the slot holds then.
    fn open_slot(&self, index: u64, expected: Position, slot: &mut [u8]) -> Result<(), (Refused, PayloadError)> {
        let is_full = slot.len() == SLOT_LEN;
        if slot.len() < TAG_LEN {
            return Err((Refused::Sealed, PayloadError::Truncated { index }));
        }
        if slot.len() == TAG_LEN && index > 0 {
            return Err((Refused::Sealed, PayloadError::EmptyFinal { index }));
        }
        if self.key.open(index, expected, slot).is_ok() {
            return Ok(());
        }
        // Only a full chunk can stand at either position; the other one tells truncation and appended data from damage.
        match expected {
            Position::Final if is_full && self.key.open(index, Position::Inner, slot).is_ok() => {
                Err((Refused::Opened, PayloadError::Truncated { index: index + 1 }))
            }
            Position::Inner if self.key.open(index, Position::Final, slot).is_ok() => {
                Err((Refused::Opened, PayloadError::DataAfterFinal { index }))
            }
            _ => Err((Refused::Sealed, PayloadError::Damaged { index })),
        }
    }

    /// Opens the final chunk, without which no length and no position of the payload can be believed (age, "Payload": who
    /// seeks from the end must first check that the last chunk is a final one). `final_slot` is what stands in the section
    /// at [`Layout::final_slot`]; it is opened in place.
    ///
    /// # Errors
    /// Where it is not the final chunk that was sealed.
    ///
    /// # Panics
    /// If it is not as long as the layout says: an authentic chunk of another length would vouch for a wrong one.
    pub fn check_end(&self, layout: Layout, final_slot: &mut [u8]) -> Result<CheckedLayout, PayloadError> {
        let slot = layout.final_slot();
        assert!(final_slot.len() as u64 == slot.end - slot.start, "a final slot of another length than the layout's");
        let index = layout.chunk_count() - 1;
        self.open_slot(index, Position::Final, final_slot).map_err(|(_, error)| error)?;
        Ok(CheckedLayout::checked(layout))
    }
}

/// Bytes of the shortest slot of a final chunk: no writer ends a payload with an empty one, unless it is the only one.
fn shortest_final(index: u64) -> usize {
    if index == 0 { TAG_LEN } else { TAG_LEN + 1 }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_final_chunk_is_found_before_what_was_appended() {
        let opener = Opener::new(&FileKey::from_bytes(&[1; 16]), &PayloadNonce::from_bytes([2; 16]));
        for (index, text_len) in [(0, 0), (0, 1), (7, 1), (7, 400)] {
            let mut slot = vec![5; text_len + TAG_LEN];
            opener.key.seal(index, Position::Final, &mut slot);
            for appended_len in [0, 1, 100] {
                let mut bytes = [&slot[..], &vec![9; appended_len]].concat();
                assert_eq!(opener.find_final(index + 1, &mut bytes), None);
                assert_eq!(opener.find_final(index, &mut bytes), Some(&vec![5; text_len][..]));
            }
            assert_eq!(opener.find_final(index, &mut slot[..TAG_LEN - 1]), None);
        }
        let mut inner = [5; TAG_LEN + 1];
        opener.key.seal(7, Position::Inner, &mut inner);
        assert_eq!(opener.find_final(7, &mut inner), None);
        let mut empty = [0; TAG_LEN];
        opener.key.seal(7, Position::Final, &mut empty);
        assert_eq!(opener.find_final(7, &mut empty), None);
    }
}
