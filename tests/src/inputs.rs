//! What the tests feed: lengths at the edges, painted bytes, batch sizes, replayable randomness. Named once, shared by all.

use core::convert::Infallible;

use dbseal_core::CHUNK_LEN;
use rand_core::{TryCryptoRng, TryRng};

/// The batch size of the command from a stream, in chunks: 1 MiB of plaintext, and more only above four threads.
pub const PRODUCTION_BATCH_CHUNKS: usize = 16;
/// The batch size of the command from file to file, in chunks.
pub const FILE_BATCH_CHUNKS: usize = 8;
/// A batch longer than the longest published vector (258 chunks), so that those alone cannot see what goes wrong in it.
pub const LONG_BATCH_CHUNKS: usize = 512;
/// The batch sizes, in chunks, that everything runs at.
pub const BATCH_CHUNKS: [usize; 6] = [1, 3, FILE_BATCH_CHUNKS, PRODUCTION_BATCH_CHUNKS, 64, LONG_BATCH_CHUNKS];
/// The sizes, in threads, of the rayon pools that everything runs in.
pub const POOL_THREADS: [usize; 3] = [1, 2, 4];

/// Lengths in bytes around the ends of chunks and of batches of `batch_chunks`: 0, 1, and n-1, n, n+1, 2n-1, 2n, 2n+1.
#[must_use]
pub fn edge_lens(batch_chunks: usize) -> Vec<usize> {
    let around = |n: usize| [n - 1, n, n + 1, 2 * n - 1, 2 * n, 2 * n + 1];
    let mut lens = [&[0, 1][..], &around(CHUNK_LEN), &around(batch_chunks * CHUNK_LEN)].concat();
    lens.sort_unstable();
    lens.dedup();
    lens
}

/// `len` bytes in a cycle of 251, a prime, so that no chunk looks like another (251 divides no power of two).
#[must_use]
pub fn paint(len: usize) -> Vec<u8> {
    let cycle: Vec<u8> = (0..251).collect();
    let mut bytes = cycle.repeat(len / cycle.len() + 1);
    bytes.truncate(len);
    bytes
}

/// SplitMix64: the same numbers for the same seed, and worth nothing as randomness. For tests only.
#[derive(Clone, Debug)]
pub struct Replay(pub u64);

impl Replay {
    /// The next number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let Ok(number) = self.try_next_u64();
        usize::try_from(number % bound as u64).expect("less than a usize")
    }

    /// `items` in another order (Fisher and Yates).
    #[must_use]
    pub fn shuffled<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
        items
    }
}

impl TryRng for Replay {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(mixed ^ (mixed >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Replay {}
