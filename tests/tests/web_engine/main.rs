//! The browser app's jobs, without a browser: over files in memory.

mod backup;
mod check;
#[cfg(unix)]
mod grant;
mod memory;
mod open;
mod opening;
mod salvage;

/// Bytes of plaintext: two batches and a part of one, and nine groups.
const LEN: usize = 9_000_000;
const GROUP_LEN: usize = 1 << 20;
const NAME: &str = "shop.age";
