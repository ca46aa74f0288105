//! The browser app: [`dbseal_core`] in a page that asks for nothing but its own files, and the worker that does its jobs.
//!
//! Page, worker and the [`messages`] between them are three modules; the messages, how numbers are written, and how a browser's objects are
//! asked, are all that is shared. The jobs themselves, in [`engine`], know neither.

pub mod engine;
pub mod messages;
mod numbers;
mod objects;
pub mod page;
pub mod worker;

#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;
