//! Real browsers, driven as a person drives them, and the server that hands the page to them.
//!
//! All three drivers speak WebDriver: a dozen calls of JSON over HTTP, which need no client library with a runtime of its own.

mod driver;
mod element;
mod kind;
mod memory;
mod server;
mod visit;

use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use dbseal_web_build::{Output, build_web};

use crate::wasm::wasm_build;
pub use driver::Browser;
pub use element::Element;
pub use kind::Kind;
pub use memory::descendants;
pub use server::{HEADERS, Listener, PageServer, Policy};
pub use visit::{NO_PICK, Origin, PICK, Visit};

/// After this long a browser hangs, and its test fails. A bound for a broken build, not a measure of speed.
pub const HANGS: Duration = Duration::from_secs(120);
/// Between two looks at something that is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// The browser app, built from this workspace once for each test program.
///
/// # Panics
/// If it does not build.
pub fn page() -> &'static Output {
    static PAGE: OnceLock<Output> = OnceLock::new();
    PAGE.get_or_init(|| {
        let (care, target_dir) = wasm_build();
        build_web(&target_dir.join("page"), &target_dir, care).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// Looks again and again, until there is something.
///
/// # Panics
/// If there is nothing after [`HANGS`].
#[track_caller]
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(HANGS, what, look)
}

/// Looks again and again, until there is something.
///
/// # Panics
/// If there is nothing after `limit`.
#[track_caller]
pub fn wait_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < limit, "{what}: not after {} s", limit.as_secs());
        thread::sleep(PAUSE);
    }
}
