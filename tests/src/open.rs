//! An age file opened through the core, in the two ways it can be: as a stream of batches, and by ranges.
//!
//! Pure, no files: compiled to WASM too.

use core::ops::Range;

use dbseal_core::{
    Batch, CHUNK_LEN, CheckedLayout, FileKey, Header, Identity, Layout, Opener, PAYLOAD_NONCE_LEN, PayloadError, PayloadNonce, SLOT_LEN,
    Spread, StreamEnd, UnwrapError,
};

/// The layer that must catch a bad file, in the words of the age test vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The ASCII armor.
    Armor,
    /// The header's spelling, a stanza's rules, or a payload section too short for its nonce.
    Header,
    /// No stanza is addressed to the identities.
    NoMatch,
    /// The header's MAC.
    Mac,
    /// The payload's chunks.
    Payload,
}

/// A file whose header was unwrapped.
pub struct Unwrapped {
    /// The key of the payload.
    pub file_key: FileKey,
    /// The nonce of the payload.
    pub nonce: PayloadNonce,
    /// Length of the header in bytes; the payload section begins there.
    pub header_len: usize,
}

impl Unwrapped {
    /// The sealed chunks in `file`.
    #[must_use]
    pub fn slots<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        &file[self.header_len + PAYLOAD_NONCE_LEN..]
    }
}

/// Everything before the first chunk.
///
/// # Errors
/// The layer that refused the file.
pub fn unwrap(file: &[u8], identities: &[Identity]) -> Result<Unwrapped, Layer> {
    let (header, header_len) = Header::parse(file).map_err(|_| Layer::Header)?;
    let file_key = header.unwrap(identities).map_err(|error| match error {
        UnwrapError::NoMatch => Layer::NoMatch,
        UnwrapError::WrongMac => Layer::Mac,
        _ => Layer::Header,
    })?;
    let nonce = file[header_len..].first_chunk().ok_or(Layer::Header)?;
    Ok(Unwrapped { file_key, nonce: PayloadNonce::from_bytes(*nonce), header_len })
}

/// Opens the batches of one payload in order. The core's own way is [`CoreOpener`]; a test may plant another.
pub trait OpenNext {
    /// Opens what follows the batch before, and appends the plaintext it releases to `released`, also where it then fails.
    ///
    /// # Errors
    /// The first chunk that is refused.
    fn open_next(&mut self, sealed: &[u8], end: StreamEnd, released: &mut Vec<u8>) -> Result<(), PayloadError>;
}

/// [`Opener::open_batch`] and one [`Batch`], as a reader uses them.
pub struct CoreOpener {
    opener: Opener,
    batch: Batch,
    spread: Spread,
}

impl CoreOpener {
    /// An opener at the start of a payload of `sealed_len` bytes.
    #[must_use]
    pub fn new(unwrapped: &Unwrapped, sealed_len: usize, batch_chunks: usize, spread: Spread) -> Self {
        let opener = Opener::new(&unwrapped.file_key, &unwrapped.nonce);
        Self { opener, batch: batch_for(sealed_len, batch_chunks), spread }
    }
}

impl OpenNext for CoreOpener {
    fn open_next(&mut self, sealed: &[u8], end: StreamEnd, released: &mut Vec<u8>) -> Result<(), PayloadError> {
        fill(&mut self.batch, sealed);
        let result = self.opener.open_batch(&mut self.batch, end, self.spread);
        release(&self.batch, released);
        result
    }
}

/// A batch of `batch_chunks` for a payload of `len` bytes, sealed or not. It has at most one slot more than the payload fills:
/// most test files are small, and a batch of 512 chunks is 32 MiB to zero and to wipe.
#[must_use]
pub fn batch_for(len: usize, batch_chunks: usize) -> Batch {
    Batch::with_chunks(batch_chunks.min(len / CHUNK_LEN + 2))
}

/// Opens a payload's slots in batches of `batch_chunks`: what was released, and how it ended.
pub fn open_stream(slots: &[u8], batch_chunks: usize, opener: &mut impl OpenNext) -> (Vec<u8>, Result<(), PayloadError>) {
    let mut released = Vec::with_capacity(slots.len());
    let mut rest = slots;
    loop {
        let (sealed, after) = rest.split_at(rest.len().min(batch_chunks * SLOT_LEN));
        let end = if after.is_empty() { StreamEnd::Here } else { StreamEnd::Later };
        let result = opener.open_next(sealed, end, &mut released);
        if result.is_err() || end == StreamEnd::Here {
            return (released, result);
        }
        rest = after;
    }
}

/// Reads ranges of a payload whose final chunk was opened first.
pub struct RangeReader<'a> {
    opener: Opener,
    checked: CheckedLayout,
    section: &'a [u8],
    batch_chunks: usize,
    spread: Spread,
}

impl<'a> RangeReader<'a> {
    /// Checks the end of the payload in `file`.
    ///
    /// # Errors
    /// Where no payload has that length, or the final chunk is not one.
    pub fn check_end(file: &'a [u8], unwrapped: &Unwrapped, batch_chunks: usize, spread: Spread) -> Result<Self, PayloadError> {
        let section = &file[unwrapped.header_len..];
        let layout = Layout::of_section(section.len() as u64)?;
        let opener = Opener::new(&unwrapped.file_key, &unwrapped.nonce);
        let mut final_slot = section[in_memory(layout.final_slot())].to_vec();
        let checked = opener.check_end(layout, &mut final_slot)?;
        Ok(Self { opener, checked, section, batch_chunks, spread })
    }

    /// Bytes of plaintext.
    #[must_use]
    pub fn plaintext_len(&self) -> usize {
        usize::try_from(self.checked.layout().plaintext_len()).expect("a payload that is in memory")
    }

    /// What is released of a range, and how it ended.
    pub fn read(&self, range: &Range<usize>) -> (Vec<u8>, Result<(), PayloadError>) {
        let layout = self.checked.layout();
        let run = self.checked.chunks_of(&(range.start as u64..range.end as u64)).expect("a range of the plaintext");
        let skip_len = range.start % CHUNK_LEN;
        let mut batch = batch_for(skip_len + range.len(), self.batch_chunks);
        let mut released = Vec::new();
        let mut result = Ok(());
        let mut indices = run.first_index..run.first_index + run.chunk_count;
        while result.is_ok() && !indices.is_empty() {
            let chunk_count = (indices.end - indices.start).min(self.batch_chunks as u64);
            let slots = layout.slots(indices.start, chunk_count);
            fill(&mut batch, &self.section[in_memory(slots)]);
            result = self.opener.open_at(&self.checked, indices.start, &mut batch, self.spread);
            release(&batch, &mut released);
            indices.start += chunk_count;
        }
        assert!(run.chunk_count == 0 || run.skip_len == skip_len as u64, "chunks that do not hold the range");
        released.drain(..skip_len.min(released.len()));
        released.truncate(range.len());
        (released, result)
    }

    /// The whole plaintext in about `count` ranges, of which few begin or end with a chunk: what is released up to the
    /// first that fails, and how it ended.
    pub fn read_all(&self, count: usize) -> (Vec<u8>, Result<(), PayloadError>) {
        // Odd, and so no multiple of a chunk's length.
        let step_len = (self.plaintext_len() / count) | 1;
        let mut released = Vec::with_capacity(self.plaintext_len());
        let mut start = 0;
        loop {
            let range = start..(start + step_len).min(self.plaintext_len());
            let (bytes, result) = self.read(&range);
            released.extend(bytes);
            start = range.end;
            if result.is_err() || start == self.plaintext_len() {
                return (released, result);
            }
        }
    }
}

fn fill(batch: &mut Batch, sealed: &[u8]) {
    batch.ciphertext_mut()[..sealed.len()].copy_from_slice(sealed);
    batch.set_ciphertext_len(sealed.len());
}

fn release(batch: &Batch, released: &mut Vec<u8>) {
    let before_len = released.len();
    for slot in batch.opened_slots() {
        released.extend(slot);
    }
    assert_eq!(released.len() - before_len, batch.opened_len(), "the slots are not as long as the batch says");
}

fn in_memory(range: Range<u64>) -> Range<usize> {
    let index = |at: u64| usize::try_from(at).expect("a payload that is in memory");
    index(range.start)..index(range.end)
}
