//! What the tests share. The tests themselves are in the folder beside this one; nothing that ships depends on it.
//!
//! A long test is ignored with its time as the reason, next to a short sibling that calls the same function with less.
//!
//! The fuzz targets, for whose sake all that they depend on is compiled anew, need no browsers and no programs.

#[cfg(all(unix, not(fuzzing)))]
pub mod browser;
#[cfg(all(unix, not(fuzzing)))]
pub mod cli;
#[cfg(all(unix, not(fuzzing)))]
pub mod databases;
#[cfg(all(unix, not(fuzzing)))]
pub mod desktop;
pub mod fuzz_seeds;
pub mod inputs;
#[cfg(all(unix, not(fuzzing)))]
pub mod memory;
pub mod open;
pub mod passphrase_vectors;
pub mod published;
pub mod readme;
pub mod reference;
pub mod seal;
pub mod seal_cases;
pub mod seal_judge;
pub mod seal_vectors;
pub mod seal_writer;
pub mod tools;
pub mod vectors;
#[cfg(all(unix, not(fuzzing)))]
pub mod wasm;
