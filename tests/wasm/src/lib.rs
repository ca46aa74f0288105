//! The same functions that judge a test vector natively, callable from JavaScript.

#[path = "../../src/open.rs"]
pub mod open;
#[path = "../../src/seal.rs"]
pub mod seal;
#[path = "../../src/seal_vectors.rs"]
pub mod seal_vectors;
#[path = "../../src/vectors.rs"]
pub mod vectors;

use dbseal_core::{Batch, CHUNK_LEN, FileKey, Opener, PayloadNonce, Run, Sealer, Spread, StreamEnd, TreeBuilder};
use dbseal_kernel::Backend;
use wasm_bindgen::prelude::wasm_bindgen;
#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;

#[cfg(not(feature = "threads"))]
const SPREAD: Spread = Spread::Serial;
#[cfg(feature = "threads")]
const SPREAD: Spread = Spread::Rayon;

/// Checks a vector with batches of `batch_chunks`. Empty where it holds, or what is wrong.
#[wasm_bindgen]
#[must_use]
pub fn check_vector(vector: &[u8], batch_chunks: usize) -> String {
    vectors::check(vector, batch_chunks, SPREAD).err().unwrap_or_default()
}

/// Checks a seal vector with the age file that it is about. Empty where it holds, or what is wrong.
#[wasm_bindgen]
#[must_use]
pub fn check_seal_vector(vector: &[u8], backup: &[u8]) -> String {
    seal_vectors::Vector::parse(vector).and_then(|vector| vector.check(backup)).err().unwrap_or_default()
}

/// The names of the kernel's backends, from the fastest on.
#[wasm_bindgen]
#[must_use]
pub fn backends() -> Vec<String> {
    Backend::all().map(|backend| backend.name().to_owned()).collect()
}

/// From now on, vectors are checked with this backend. Whether there is one of this name.
#[wasm_bindgen]
#[must_use]
pub fn force_backend(name: &str) -> bool {
    Backend::force(name).is_ok()
}

/// Bytes in memory that are worked on, to measure how fast that is: many times what a job has there at once, and more than most processors
/// keep beside themselves.
const MEASURED_LEN: usize = 64 << 20;
/// Chunks that are opened at a time, as by the page.
const BATCH_CHUNKS: usize = 64;

/// Bytes to hash.
#[wasm_bindgen]
pub struct HashedMemory(Vec<u8>);

#[wasm_bindgen]
impl HashedMemory {
    /// Takes that memory.
    #[wasm_bindgen(constructor)]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is called from JavaScript")]
    pub fn new() -> Self {
        Self(vec![1; MEASURED_LEN])
    }

    /// Hashes all of it, as a payload section; how many bytes that were.
    #[must_use]
    pub fn pass(&self) -> usize {
        let mut builder = TreeBuilder::new();
        Run::hash_spread(0, &self.0, SPREAD).into_iter().for_each(|run| builder.add(run));
        builder.finish().map_or(0, |_| self.0.len())
    }
}

/// A payload to open, where it lies.
#[wasm_bindgen]
pub struct SealedMemory {
    file_key: FileKey,
    nonce: PayloadNonce,
    batches: Vec<Batch>,
}

#[wasm_bindgen]
impl SealedMemory {
    /// Takes that memory.
    ///
    /// # Panics
    /// If there is not enough.
    #[wasm_bindgen(constructor)]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is called from JavaScript")]
    pub fn new() -> Self {
        let batch = || Batch::try_with_chunks(BATCH_CHUNKS).expect("memory");
        let batches = (0..MEASURED_LEN / (BATCH_CHUNKS * CHUNK_LEN)).map(|_| batch()).collect();
        Self { file_key: FileKey::from_bytes(&[1; 16]), nonce: PayloadNonce::from_bytes([2; 16]), batches }
    }

    /// Seals what is in it, before each pass.
    pub fn prepare(&mut self) {
        let mut sealer = Sealer::new(&self.file_key, &self.nonce);
        for batch in &mut self.batches {
            batch.set_plaintext_len(batch.plaintext_capacity());
            sealer.seal_batch(batch, SPREAD);
            batch.set_ciphertext_len(batch.sealed_bytes().len());
        }
    }

    /// Opens all of it; how many bytes came out.
    ///
    /// # Panics
    /// If it does not open.
    #[must_use]
    pub fn pass(&mut self) -> usize {
        let mut opener = Opener::new(&self.file_key, &self.nonce);
        let mut open = |batch: &mut Batch| {
            opener.open_batch(batch, StreamEnd::Later, SPREAD).expect("it was sealed so");
            batch.opened_len()
        };
        self.batches.iter_mut().map(&mut open).sum()
    }
}
