//! What a secret leaves on the stack. A type wipes itself where it is dropped, but not the copies that were made of it while it was moved
//! or held in registers: of the key, of the one-time key and of the keystream.

use core::hint::black_box;

/// How much of the stack a backend takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Depth {
    /// Less than 9 KiB.
    Shallow,
    /// Less than 16 KiB.
    #[cfg(target_arch = "x86_64")]
    Deep,
}

/// Runs `work` and overwrites the stack that it used: half as much again as it takes, and a hundredth of the time of a chunk.
// None of these may be inlined, or `work` would use memory of its caller, above what is overwritten.
#[inline(never)]
pub(crate) fn with_wiped_stack<T>(depth: Depth, work: impl FnOnce() -> T) -> T {
    let result = run(work);
    match depth {
        Depth::Shallow => overwrite::<{ 13 << 10 }>(),
        #[cfg(target_arch = "x86_64")]
        Depth::Deep => overwrite::<{ 24 << 10 }>(),
    }
    result
}

#[inline(never)]
fn run<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite<const LEN: usize>() {
    // Or the compiler would leave out what nobody reads.
    black_box(&mut [0_u8; LEN]);
}
