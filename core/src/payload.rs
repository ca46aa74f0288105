//! The chunk: the only work that grows with the data, and so the one thing that the kernel does (age, "Payload").

use dbseal_kernel::{Backend, Key};

use crate::keys::{FileKey, PayloadNonce};

/// Bytes of plaintext in every chunk but the final one.
pub const CHUNK_LEN: usize = 64 * 1024;
/// Bytes of the Poly1305 tag after each chunk.
pub const TAG_LEN: usize = 16;
/// A full chunk and its tag, as in the file: 65,552 bytes.
pub const SLOT_LEN: usize = CHUNK_LEN + TAG_LEN;

/// Whether a chunk is the last one of its payload, which its nonce says: a payload cannot be cut short at a chunk's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Inner,
    Final,
}

/// The key of one payload. Seals and opens any chunk, in any order, on any thread; whoever owns it sees to it that no
/// index is sealed twice. Wiped on drop.
pub(crate) struct PayloadKey(Key);

impl PayloadKey {
    pub(crate) fn new(file_key: &FileKey, nonce: &PayloadNonce) -> Self {
        Self(Key::new(&file_key.payload_key(nonce), Backend::detect()))
    }

    /// Seals a slot in place: plaintext, then room for the tag.
    pub(crate) fn seal(&self, index: u64, position: Position, slot: &mut [u8]) {
        let (text, tag) = slot.split_at_mut(slot.len() - TAG_LEN);
        tag.copy_from_slice(&self.0.seal(&chunk_nonce(index, position), text.into()));
    }

    /// Opens a slot in place. A slot that is refused is left as it was, so that it can be tried at the other position.
    pub(crate) fn open(&self, index: u64, position: Position, slot: &mut [u8]) -> Result<(), NotAuthentic> {
        let text_len = slot.len().checked_sub(TAG_LEN).ok_or(NotAuthentic)?;
        let (text, tag) = slot.split_at_mut(text_len);
        let tag = <&[u8; TAG_LEN]>::try_from(&*tag).map_err(|_| NotAuthentic)?;
        self.0.open(&chunk_nonce(index, position), text.into(), tag).map_err(|_| NotAuthentic)
    }
}

/// The slot was not sealed under this key, index and position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

/// An 11-byte big-endian counter and a flag. A `u64` reaches 2^64 · 64 KiB = 2^80 bytes.
fn chunk_nonce(index: u64, position: Position) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = match position {
        Position::Inner => 0,
        Position::Final => 1,
    };
    nonce
}

/// Why a payload is refused. What was opened before the failure is authentic, what comes after it was not released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Chunk `index` (from 0) is not the one that was sealed.
    #[error("the payload is damaged or was altered in chunk {index}, from byte {} of the plaintext", start_of(*index))]
    Damaged {
        /// The chunk's index, from 0.
        index: u64,
    },
    /// The payload ends, before chunk `index`, without a final chunk.
    #[error("the payload is cut off: chunk {index} and all after it are missing, from byte {} of the plaintext", start_of(*index))]
    Truncated {
        /// The index, from 0, of the first chunk that is missing or not whole.
        index: u64,
    },
    /// There is data after the final chunk `index`.
    #[error("there is data after the final chunk {index}")]
    DataAfterFinal {
        /// The final chunk's index, from 0.
        index: u64,
    },
    /// The final chunk is empty though it is not the only one, which no writer does.
    #[error("the final chunk {index} is empty")]
    EmptyFinal {
        /// The final chunk's index, from 0.
        index: u64,
    },
}

/// The first byte of the plaintext that a chunk holds.
fn start_of(index: u64) -> u64 {
    index.saturating_mul(CHUNK_LEN as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_slot_is_left_as_it_was() {
        let key = PayloadKey::new(&FileKey::from_bytes(&[1; 16]), &PayloadNonce::from_bytes([2; 16]));
        let mut slot = [7; 100];
        key.seal(5, Position::Final, &mut slot);
        let sealed = slot;
        assert_eq!(key.open(5, Position::Inner, &mut slot), Err(NotAuthentic));
        assert_eq!(key.open(4, Position::Final, &mut slot), Err(NotAuthentic));
        assert_eq!(slot, sealed);
        assert_eq!(key.open(5, Position::Final, &mut slot), Ok(()));
        assert_eq!(slot[..84], [7; 84]);
        assert_eq!(key.open(5, Position::Final, &mut slot[..15]), Err(NotAuthentic));
    }
}
