//! What a secret leaves on the stack. A type can wipe itself where it is dropped, but not the copies that were made of it while it
//! was moved, passed by value or held in registers, in this crate and in those it calls.

use core::hint::black_box;

/// Bytes that are overwritten: several times what the deepest of our callees takes, which is a decapsulation with ML-KEM.
const WIPED_LEN: usize = 128 << 10;

/// Runs `work` and overwrites the stack that it used. What it returns is not wiped: secrets in it lie on the heap.
// None of the three may be inlined, or `work` would use memory of its caller, above what is overwritten.
#[inline(never)]
pub(crate) fn with_wiped_stack<T>(work: impl FnOnce() -> T) -> T {
    let result = run(work);
    overwrite();
    result
}

#[inline(never)]
fn run<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    // Or the compiler would leave out what nobody reads.
    black_box(&mut [0_u8; WIPED_LEN]);
}
