//! The browser app: [`dbseal_core`] in a page that makes no request, and the worker that does its jobs.
//!
//! Page, worker and the [`messages`] between them are three modules, and only the messages are shared. The jobs themselves, in
//! [`engine`], know neither.

pub mod engine;
pub mod messages;
pub mod page;
pub mod worker;

#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;
