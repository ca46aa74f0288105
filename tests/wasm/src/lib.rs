//! The same functions that judge a test vector natively, callable from JavaScript.

#[path = "../../src/open.rs"]
pub mod open;
#[path = "../../src/seal.rs"]
pub mod seal;
#[path = "../../src/seal_vectors.rs"]
pub mod seal_vectors;
#[path = "../../src/vectors.rs"]
pub mod vectors;

use dbseal_core::{Run, Spread, TreeBuilder};
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

/// Bytes in memory, to measure how fast they are hashed.
#[wasm_bindgen]
pub struct HashedMemory(Vec<u8>);

/// Many times what is hashed at once by a check, and more than a processor keeps beside itself.
const HASHED_LEN: usize = 64 << 20;

#[wasm_bindgen]
impl HashedMemory {
    /// Takes that memory.
    #[wasm_bindgen(constructor)]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it is called from JavaScript")]
    pub fn new() -> Self {
        Self(vec![1; HASHED_LEN])
    }

    /// Hashes all of it, as a payload section; how many bytes that were.
    #[must_use]
    pub fn hash(&self) -> usize {
        let mut builder = TreeBuilder::new();
        Run::hash_spread(0, &self.0, SPREAD).into_iter().for_each(|run| builder.add(run));
        builder.finish().map_or(0, |_| self.0.len())
    }
}
