//! Bytes of a file, a piece at a time, with the next ones on their way while one is worked on.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;

use dbseal_core::MAX_SEAL_LEN;

use super::failures;
use super::source::{Piece, ReadError, Source};
use crate::messages::Failure;

/// Pieces that are on their way at a time: a browser takes longer to answer than to read.
const AHEAD_COUNT: usize = 3;

type Coming<'a, P> = Pin<Box<dyn Future<Output = Result<P, ReadError>> + 'a>>;

/// Pieces of a range of a file, all but the last of one length.
pub(super) struct Pieces<'a, S: Source> {
    source: &'a S,
    piece_len: usize,
    /// What was not asked for yet.
    range: Range<u64>,
    /// What was asked for, with its length in bytes.
    coming: VecDeque<(usize, Coming<'a, S::Piece>)>,
}

impl<'a, S: Source> Pieces<'a, S> {
    /// Begins to read.
    pub(super) fn new(source: &'a S, range: Range<u64>, piece_len: usize) -> Self {
        let mut pieces = Self { source, piece_len, range, coming: VecDeque::with_capacity(AHEAD_COUNT) };
        pieces.ask();
        pieces
    }

    /// Puts the next piece at the start of `bytes`, which have room for one; its length, 0 after the last.
    pub(super) async fn next(&mut self, bytes: &mut [u8]) -> Result<usize, Failure> {
        let Some((len, piece)) = self.coming.pop_front() else { return Ok(0) };
        let piece = piece.await.map_err(|error| failures::read(&error))?;
        piece.copy_to(&mut bytes[..len]);
        // With its memory, and before this one is worked on.
        drop(piece);
        self.ask();
        Ok(len)
    }

    fn ask(&mut self) {
        while self.coming.len() < AHEAD_COUNT && self.range.start < self.range.end {
            let end = self.range.end.min(self.range.start.saturating_add(self.piece_len as u64));
            let piece = self.source.read(self.range.start..end);
            self.coming.push_back((length(end - self.range.start), Box::pin(piece)));
            self.range.start = end;
        }
    }
}

/// Reads bytes that the file has, few enough for the memory.
pub(super) async fn read_bytes<S: Source>(source: &S, range: Range<u64>) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![0; length(range.end - range.start)];
    if !bytes.is_empty() {
        source.read(range).await.map_err(|error| failures::read(&error))?.copy_to(&mut bytes);
    }
    Ok(bytes)
}

/// The bytes of a seal.
///
/// # Errors
/// A file that cannot be read, or is too long for a seal: of that nothing is read.
pub async fn read_seal<S: Source>(file: &S) -> Result<Vec<u8>, Failure> {
    if file.len() > MAX_SEAL_LEN as u64 {
        return Err(failures::seal_too_long());
    }
    read_bytes(file, 0..file.len()).await
}

/// A length that was bounded before.
pub(super) fn length(len: u64) -> usize {
    usize::try_from(len).expect("a piece fits the memory")
}
