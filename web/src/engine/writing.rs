//! Plaintext on its way to an output.

use dbseal_core::{Batch, ChunkRange};

use super::failures;
use super::reading::length;
use super::source::Sink;
use crate::messages::Failure;

/// Bytes of zeros that are written at a time.
const ZEROS_LEN: u64 = 1 << 20;
/// How what is compressed with zstd begins: RFC 8878, section 3.1.1.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Writes what a run of chunks holds.
pub(super) struct Plaintext<K> {
    sink: K,
    /// Bytes before what is wanted.
    skip_len: u64,
    /// Whether what comes next is the start of what was backed up.
    is_at_start: bool,
    /// Bytes that are wanted.
    wanted_len: u64,
    written: Written,
}

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    /// In bytes.
    pub(super) len: u64,
    /// Whether it starts as zstd does, where it is the start of what was backed up.
    pub(super) is_zstd: bool,
}

impl<K: Sink> Plaintext<K> {
    pub(super) fn new(sink: K, run: ChunkRange) -> Self {
        Self {
            sink,
            skip_len: run.skip_len,
            is_at_start: run.first_index == 0 && run.skip_len == 0,
            wanted_len: run.len,
            written: Written::default(),
        }
    }

    /// Writes what was opened of a batch.
    pub(super) async fn write(&mut self, batch: &Batch) -> Result<(), Failure> {
        let mut parts = Vec::new();
        for slot in batch.opened_slots() {
            let slot = &slot[length(self.skip_len.min(slot.len() as u64))..];
            let slot = &slot[..length(self.wanted_len.min(slot.len() as u64))];
            self.written.is_zstd |= self.is_at_start && slot.starts_with(&ZSTD);
            (self.skip_len, self.is_at_start) = (0, false);
            self.wanted_len -= slot.len() as u64;
            self.written.len += slot.len() as u64;
            if !slot.is_empty() {
                parts.push(slot);
            }
        }
        if parts.is_empty() {
            return Ok(());
        }
        self.sink.write(&parts).await.map_err(|error| failures::write(&error))
    }

    /// All of it was written.
    pub(super) async fn commit(self) -> Result<Written, Failure> {
        self.sink.commit().await.map_err(|error| failures::write(&error))?;
        Ok(self.written)
    }
}

/// Writes pieces where they belong, in order, and zeros between them.
pub(super) struct Patches<K> {
    sink: K,
    /// Bytes that were written, with the zeros.
    len: u64,
    /// Whether they start as zstd does.
    pub(super) is_zstd: bool,
}

impl<K: Sink> Patches<K> {
    pub(super) fn new(sink: K) -> Self {
        Self { sink, len: 0, is_zstd: false }
    }

    /// Writes a piece that belongs `at` so many bytes from the start.
    pub(super) async fn write(&mut self, at: u64, piece: &[u8]) -> Result<(), Failure> {
        self.zeros_up_to(at).await?;
        self.is_zstd |= at == 0 && piece.starts_with(&ZSTD);
        self.len += piece.len() as u64;
        self.sink.write(&[piece]).await.map_err(|error| failures::write(&error))
    }

    /// All of it was written, up to `len` bytes.
    pub(super) async fn commit(mut self, len: u64) -> Result<(), Failure> {
        self.zeros_up_to(len).await?;
        self.sink.commit().await.map_err(|error| failures::write(&error))
    }

    async fn zeros_up_to(&mut self, at: u64) -> Result<(), Failure> {
        let zeros = vec![0; length(at.saturating_sub(self.len).min(ZEROS_LEN))];
        while self.len < at {
            let len = (at - self.len).min(ZEROS_LEN);
            self.sink.write(&[&zeros[..length(len)]]).await.map_err(|error| failures::write(&error))?;
            self.len += len;
        }
        Ok(())
    }
}
