//! The state of ChaCha20 (RFC 8439, section 2.3), and one block of it in any instruction set.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes of keystream in a block.
pub(crate) const BLOCK_LEN: usize = 64;
/// Where the block counter stands in the state.
pub(crate) const COUNTER: usize = 12;
/// "expand 32-byte k", little-endian.
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
/// The columns and then the diagonals of a double round.
pub(crate) const QUARTERS: [[usize; 4]; 8] =
    [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];

/// What the blocks of one chunk have in common.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct ChaCha20 {
    /// The words of the first state, the counter zero.
    pub(crate) start: [u32; 16],
    /// The same after the quarter-rounds of the first round that the counter is not in: those of all columns but the first.
    pub(crate) begun: [u32; 16],
}

impl ChaCha20 {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; 12]) -> Self {
        let mut start = [0; 16];
        start[..4].copy_from_slice(&CONSTANTS);
        for (word, bytes) in start[4..12].iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        for (word, bytes) in start[13..].iter_mut().zip(nonce.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut begun = start;
        QUARTERS[1..4].iter().for_each(|&quarter| quarter_round(&mut begun, quarter));
        Self { start, begun }
    }

    /// The key of Poly1305: half of block 0 (RFC 8439, section 2.6). The text begins at block 1.
    pub(crate) fn one_time_key(&self) -> [u8; 32] {
        let mut words = self.begun;
        quarter_round(&mut words, QUARTERS[0]);
        QUARTERS[4..].iter().for_each(|&quarter| quarter_round(&mut words, quarter));
        for _ in 1..10 {
            QUARTERS.iter().for_each(|&quarter| quarter_round(&mut words, quarter));
        }
        let mut key = [0; 32];
        for ((bytes, word), start) in key.as_chunks_mut().0.iter_mut().zip(words).zip(self.start) {
            *bytes = word.wrapping_add(start).to_le_bytes();
        }
        words.zeroize();
        key
    }
}

/// RFC 8439, section 2.1.
fn quarter_round(words: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (left, right) in [(16, 12), (8, 7)] {
        words[a] = words[a].wrapping_add(words[b]);
        words[d] = (words[d] ^ words[a]).rotate_left(left);
        words[c] = words[c].wrapping_add(words[d]);
        words[b] = (words[b] ^ words[c]).rotate_left(right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, section 2.6.2.
    #[test]
    fn the_one_time_key_is_that_of_the_rfc() {
        let key = core::array::from_fn(|index| u8::try_from(0x80 + index).expect("a byte"));
        let chacha = ChaCha20::new(&key, &[0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
        let expected = [
            0x8a, 0xd5, 0xa0, 0x8b, 0x90, 0x5f, 0x81, 0xcc, 0x81, 0x50, 0x40, 0x27, 0x4a, 0xb2, 0x94, 0x71, 0xa8, 0x33, 0xb6, 0x37, 0xe3,
            0xfd, 0x0d, 0xa5, 0x08, 0xdb, 0xb8, 0xe2, 0xfd, 0xd1, 0xa6, 0x46,
        ];
        assert_eq!(chacha.one_time_key(), expected);
    }
}
