//! Builds the browser app: [`dbseal-web`] in both variants, the page that a server hands out, and the kit, which is all of it in one
//! HTML file.
//!
//! The tests build their own WASM through here too, so that a compiler is looked for in one place.
//!
//! [`dbseal-web`]: https://docs.rs/dbseal-web

mod error;
mod kit;
mod site;
mod sums;
mod toolchain;
mod variant;

pub use error::BuildError;
pub use kit::write_kit;
pub use site::{Output, build_web, workspace_dir};
pub use sums::{Listed, SUMS, write_sums};
pub use toolchain::{Care, CargoJob, Library, SIMD, WASM};
pub use variant::{Form, Variant, compile, write_glue};
