//! Where a job reads, where it writes, and whom it tells.

use std::ops::Range;

use crate::messages::Progress;

/// A file that can be read anywhere.
#[expect(clippy::len_without_is_empty, reason = "nobody asks")]
pub trait Source {
    /// What a read gives.
    type Piece: Piece;

    /// Its length in bytes, as it was when the job began.
    fn len(&self) -> u64;

    /// Begins to read these bytes, now, and not when the answer is awaited: so the next piece comes while one is worked on. Fewer bytes
    /// than these are an error.
    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<Self::Piece, ReadError>> + use<Self>;
}

/// Bytes that were read, which may lie outside the memory of this program.
pub trait Piece {
    /// Copies them to where they are needed.
    ///
    /// # Panics
    /// If that has another length.
    fn copy_to(&self, bytes: &mut [u8]);
}

/// An output. Dropped before it is committed, it leaves nothing.
pub trait Sink {
    /// Writes these bytes, one part after the other, after those before: all at once, as each write costs a browser more than to join them.
    fn write(&mut self, parts: &[&[u8]]) -> impl Future<Output = Result<(), WriteError>>;

    /// Makes all that was written a file.
    fn commit(self) -> impl Future<Output = Result<(), WriteError>>;
}

/// Who is told how far a job is.
pub trait Observer {
    /// Called often; what is new since the last call.
    fn progress(&self, progress: Progress);
}

/// A file could not be read: it is gone, or another than it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError(pub String);

/// An output could not be written: the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The disk, or the share of it that the browser gives to a page, is full.
    Full,
    /// More than this kind of output may hold, in bytes.
    TooLong(u64),
    /// Anything else, in the browser's words.
    Other(String),
}
