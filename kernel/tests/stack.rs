//! A key leaves nothing on the stack: no word of it, nor of the one-time key that comes of it, is below whoever sealed or opened.
//!
//! Of a release build, as it ships. Others keep everything in memory.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(debug_assertions)))]

use std::arch::asm;
use std::hint::black_box;

use dbseal_kernel::{Backend, Key};

/// RFC 8439, section 2.6.2. Constants are not on the stack.
static KEY: [u8; 32] = [
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95,
    0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f,
];
const NONCE: [u8; 12] = [0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7];
/// r, then s.
static ONE_TIME_KEY: [u8; 32] = [
    0x8a, 0xd5, 0xa0, 0x8b, 0x90, 0x5f, 0x81, 0xcc, 0x81, 0x50, 0x40, 0x27, 0x4a, 0xb2, 0x94, 0x71, 0xa8, 0x33, 0xb6, 0x37, 0xe3, 0xfd,
    0x0d, 0xa5, 0x08, 0xdb, 0xb8, 0xe2, 0xfd, 0xd1, 0xa6, 0x46,
];
/// The bits of r that stay (RFC 8439, section 2.5).
const R_MASK: u128 = 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;

/// Bytes below the stack pointer that are searched.
const SEARCHED_LEN: usize = 60 << 10;
/// Bytes at the top of them that who searches may use, and who works leaves free.
const FREE_LEN: usize = 512;

#[test]
fn a_key_leaves_nothing_on_the_stack() {
    let needles = needles();
    let mut text = vec![0x5a; 8192];
    overwrite();
    work(|| black_box(&mut KEY.map(|byte| byte)).len());
    assert_ne!(found(&needles), [], "or the search finds nothing at all");
    for backend in Backend::all() {
        let key = Key::new(&KEY, backend);
        for len in [0, 100, 512, 4096, 5000, 8192] {
            overwrite();
            let tag = work(|| key.seal(&NONCE, text[..len].as_mut().into()));
            assert_eq!(found(&needles), [], "{}: sealing {len} bytes", backend.name());
            overwrite();
            let opened = work(|| key.open(&NONCE, text[..len].as_mut().into(), &tag));
            assert_eq!(found(&needles), [], "{}: opening {len} bytes", backend.name());
            assert!(opened.is_ok());
        }
    }
}

/// Words of both keys, of r as it is used, and the limbs of r in two of the ways to cut it.
fn needles() -> Vec<u32> {
    let r = u128::from_le_bytes(ONE_TIME_KEY[..16].try_into().expect("half of 32 bytes")) & R_MASK;
    let limbs = [r, r >> 44, r >> 88, r >> 26, r >> 52, r >> 78];
    let lens = [32, 32, 32, 26, 26, 26];
    let limbs = limbs.into_iter().zip(lens).map(|(limb, len)| u32::try_from(limb & ((1 << len) - 1)).expect("32 bits"));
    let bytes = [&KEY[..], &ONE_TIME_KEY, &r.to_le_bytes()].concat();
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).chain(limbs).collect()
}

/// Those of the needles that are below the stack of the caller, as registers are laid there: at multiples of four.
#[inline(never)]
fn found(needles: &[u32]) -> Vec<u32> {
    let mut words = vec![0; (SEARCHED_LEN - FREE_LEN) / 4];
    let pointer: usize;
    // SAFETY: this reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack)) };
    let start = (pointer - SEARCHED_LEN) & !3;
    for (index, word) in words.iter_mut().enumerate() {
        // SAFETY: below the pointer is the rest of the stack, of megabytes, which `overwrite` has touched and nobody uses.
        *word = unsafe { ((start + 4 * index) as *const u32).read_volatile() };
    }
    words.retain(|word| needles.contains(word));
    words
}

#[inline(never)]
fn work<T>(work: impl FnOnce() -> T) -> T {
    black_box(&mut [0_u8; 4 * FREE_LEN]);
    let result = work();
    black_box(result)
}

#[inline(never)]
fn overwrite() {
    black_box(&mut [0_u8; SEARCHED_LEN + 4 * FREE_LEN]);
}
