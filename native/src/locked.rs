//! Memory that the system does not write to its swap space: what is there outlives the program, and the wiping.

use std::ops::Range;

/// Keeps the pages of this range in memory until the process ends, or gives them back. Where the system refuses, as it does beyond a limit
/// (`RLIMIT_MEMLOCK`, 8 MiB on most), it goes on: a restore must not fail of that.
pub fn keep_in_memory(range: Range<*const u8>) {
    let len = range.end.addr().saturating_sub(range.start.addr());
    if let Ok(guard) = region::lock(range.start, len) {
        // Never unlocked: of two secrets that share a page, the first to go would else take the lock from the other.
        std::mem::forget(guard);
    }
}
