//! The worker.

use wasm_bindgen::prelude::wasm_bindgen;

/// Waits for a request.
#[wasm_bindgen]
pub fn start_worker() {}
