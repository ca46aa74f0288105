//! The browser app: [`dbseal_core`] in a page that asks for nothing but its own files, and the worker that does its jobs.
//!
//! Page, worker and the [`messages`] between them are three modules; the messages, how numbers are written, what others chose is shown,
//! and a browser's objects are asked, are all that is shared. The jobs themselves, in [`engine`], know neither.

#![cfg_attr(not(feature = "many"), allow(dead_code, reason = "what is there for many backups alone"))]

pub mod engine;
pub mod messages;
mod numbers;
mod objects;
pub mod page;
mod visible;
pub mod worker;

pub use visible::visible;

#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;
