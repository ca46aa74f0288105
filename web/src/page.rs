//! The page.

use wasm_bindgen::prelude::wasm_bindgen;

/// Shows the first screen.
#[wasm_bindgen]
pub fn start_page() {}
