//! Where each chunk lies in a payload section of known length, and which chunks hold a range of the plaintext.

use core::ops::Range;

use crate::keys::PAYLOAD_NONCE_LEN;
use crate::payload::{CHUNK_LEN, PayloadError, SLOT_LEN, TAG_LEN};

/// The geometry of a payload section, from its length alone: a claim until [`crate::Opener::check_end`] has opened the
/// final chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    section_len: u64,
    chunk_count: u64,
}

impl Layout {
    /// The geometry of a section of `section_len` bytes: everything after the header.
    ///
    /// # Errors
    /// Where no payload has that length.
    pub fn of_section(section_len: u64) -> Result<Self, PayloadError> {
        let slots_len = section_len.saturating_sub(PAYLOAD_NONCE_LEN as u64);
        let chunk_count = slots_len.div_ceil(SLOT_LEN as u64);
        let final_len = slots_len - chunk_count.saturating_sub(1) * SLOT_LEN as u64;
        let index = chunk_count.saturating_sub(1);
        if final_len < TAG_LEN as u64 {
            Err(PayloadError::Truncated { index })
        } else if final_len == TAG_LEN as u64 && chunk_count > 1 {
            Err(PayloadError::EmptyFinal { index })
        } else {
            Ok(Self { section_len, chunk_count })
        }
    }

    /// The geometry of the section that `plaintext_len` bytes are sealed into.
    ///
    /// # Panics
    /// If the section would have 2^64 bytes or more; 2^63 bytes of plaintext, more than a file can have, are far from it.
    #[must_use]
    pub fn of_plaintext(plaintext_len: u64) -> Self {
        let chunk_count = plaintext_len.div_ceil(CHUNK_LEN as u64).max(1);
        let added_len = PAYLOAD_NONCE_LEN as u64 + chunk_count * TAG_LEN as u64;
        Self { section_len: plaintext_len.checked_add(added_len).expect("a section of less than 2^64 bytes"), chunk_count }
    }

    /// Bytes in the section, nonce and tags included.
    #[must_use]
    pub fn section_len(&self) -> u64 {
        self.section_len
    }

    /// How many chunks there are; at least one.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        self.chunk_count
    }

    /// Bytes of plaintext.
    #[must_use]
    pub fn plaintext_len(&self) -> u64 {
        self.section_len - PAYLOAD_NONCE_LEN as u64 - self.chunk_count * TAG_LEN as u64
    }

    /// Where the sealed chunks from `first_index` on, `chunk_count` of them or up to the end, lie in the section.
    #[must_use]
    pub fn slots(&self, first_index: u64, chunk_count: u64) -> Range<u64> {
        // What saturates is beyond any section, and so its end.
        let at = |index: u64| index.saturating_mul(SLOT_LEN as u64).saturating_add(PAYLOAD_NONCE_LEN as u64).min(self.section_len);
        at(first_index)..at(first_index.saturating_add(chunk_count))
    }

    /// Where the final chunk lies in the section.
    #[must_use]
    pub fn final_slot(&self) -> Range<u64> {
        self.slots(self.chunk_count - 1, 1)
    }
}

/// A [`Layout`] whose final chunk was opened: the payload has this length and no other. Only
/// [`crate::Opener::check_end`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedLayout(Layout);

impl CheckedLayout {
    pub(crate) fn checked(layout: Layout) -> Self {
        Self(layout)
    }

    /// The geometry.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.0
    }

    /// The chunks that hold these bytes of the plaintext.
    ///
    /// # Errors
    /// A range that runs backwards or beyond the end.
    pub fn chunks_of(&self, range: &Range<u64>) -> Result<ChunkRange, RangeError> {
        let plaintext_len = self.0.plaintext_len();
        if range.start > range.end {
            return Err(RangeError::Backwards);
        }
        if range.end > plaintext_len {
            return Err(RangeError::BeyondEnd { plaintext_len });
        }
        let chunk_len = CHUNK_LEN as u64;
        let first_index = range.start / chunk_len;
        let chunk_count = if range.is_empty() { 0 } else { range.end.div_ceil(chunk_len) - first_index };
        let skip_len = range.start - first_index * chunk_len;
        Ok(ChunkRange { first_index, chunk_count, skip_len, len: range.end - range.start })
    }
}

/// The chunks that hold a range of the plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRange {
    /// The index, from 0, of the first chunk.
    pub first_index: u64,
    /// How many chunks; 0 for an empty range.
    pub chunk_count: u64,
    /// Bytes of the first chunk before the range.
    pub skip_len: u64,
    /// Bytes in the range.
    pub len: u64,
}

/// Why a range of the plaintext cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// The start is after the end.
    #[error("the range ends before it starts")]
    Backwards,
    /// The end is after the end of the plaintext.
    #[error("the range is not within the {plaintext_len} bytes of plaintext that there are")]
    BeyondEnd {
        /// Bytes of plaintext.
        plaintext_len: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_and_plaintext_agree() {
        let chunk = CHUNK_LEN as u64;
        for plaintext_len in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 1, 5_000_000_000] {
            let layout = Layout::of_plaintext(plaintext_len);
            assert_eq!(layout.plaintext_len(), plaintext_len);
            assert_eq!(Layout::of_section(layout.section_len()), Ok(layout));
            assert_eq!(layout.final_slot().end, layout.section_len());
        }
        let slot = SLOT_LEN as u64;
        let layout = Layout::of_plaintext(chunk + 1);
        assert_eq!(layout.slots(1, u64::MAX), layout.final_slot());
        assert!(layout.slots(u64::MAX, 1).is_empty() && layout.slots(2, u64::MAX).is_empty());
        assert_eq!(Layout::of_section(0), Err(PayloadError::Truncated { index: 0 }));
        assert_eq!(Layout::of_section(16 + 15), Err(PayloadError::Truncated { index: 0 }));
        assert_eq!(Layout::of_section(16 + slot + 1), Err(PayloadError::Truncated { index: 1 }));
        assert_eq!(Layout::of_section(16 + slot + 16), Err(PayloadError::EmptyFinal { index: 1 }));
    }

    #[test]
    fn ranges_name_their_chunks() {
        let chunk = CHUNK_LEN as u64;
        let checked = CheckedLayout::checked(Layout::of_plaintext(3 * chunk));
        let run = |range: Range<u64>| checked.chunks_of(&range).map(|run| (run.first_index, run.chunk_count, run.skip_len, run.len));
        assert_eq!(run(0..0), Ok((0, 0, 0, 0)));
        assert_eq!(run(0..1), Ok((0, 1, 0, 1)));
        assert_eq!(run(chunk - 1..chunk + 1), Ok((0, 2, chunk - 1, 2)));
        assert_eq!(run(chunk..2 * chunk), Ok((1, 1, 0, chunk)));
        assert_eq!(run(3 * chunk..3 * chunk), Ok((3, 0, 0, 0)));
        assert_eq!(run(0..3 * chunk + 1), Err(RangeError::BeyondEnd { plaintext_len: 3 * chunk }));
        #[expect(clippy::reversed_empty_ranges, reason = "what a person may type")]
        let backwards = 2..1;
        assert_eq!(run(backwards), Err(RangeError::Backwards));
    }
}
