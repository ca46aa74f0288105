//! NEON, which every 64-bit Arm processor has: four blocks of ChaCha20 side by side. Poly1305 is without vectors.

use core::arch::aarch64::*;

use inout::InOutBuf;

use crate::chacha20::{BLOCK_LEN, COUNTER, ChaCha20, QUARTERS};
use crate::engine::{Engine, STRIDE_LEN};
use crate::poly1305::{self, Limbs};
use crate::scalar::Lane;

/// Blocks of ChaCha20 at a time: one in each 32-bit lane.
const BLOCKS: usize = 4;
/// Bytes of text for them.
const GROUP_LEN: usize = BLOCKS * BLOCK_LEN;
const _: () = assert!(STRIDE_LEN.is_multiple_of(GROUP_LEN));
/// Bytes of a vector: four words of a block.
const VECTOR_LEN: usize = 16;

/// Says that the program was compiled for these instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Neon;

impl Engine for Neon {
    type Lanes = Lane;

    const MAC_LEN: usize = poly1305::BLOCK_LEN;

    fn xor(self, chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
        // SAFETY: this file is compiled only where the whole program is compiled for NEON.
        unsafe { xor(chacha, counter, text) }
    }

    fn lanes(self, r: Limbs) -> Lane {
        Lane::new(r)
    }

    fn absorb(self, lane: &mut Lane, blocks: &[u8]) {
        lane.absorb(blocks);
    }

    fn fold(self, lane: &Lane) -> Limbs {
        lane.fold()
    }
}

/// Adds the keystream from block `counter` on.
#[target_feature(enable = "neon")]
fn xor(chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
    debug_assert_eq!(text.len(), STRIDE_LEN);
    let mut counters = vaddq_u32(load32(&[0, 1, 2, 3]), vdupq_n_u32(counter));
    let mut rest = text;
    while rest.len() >= GROUP_LEN {
        let (mut group, later) = rest.split_at(GROUP_LEN);
        for (quarter, rows) in keystream(chacha, counters).as_chunks().0.iter().enumerate() {
            for (block, row) in transpose(rows).into_iter().enumerate() {
                let start = block * BLOCK_LEN + quarter * VECTOR_LEN;
                let at = start..start + VECTOR_LEN;
                let words = load(group.get_in()[at.clone()].try_into().expect("a vector"));
                store((&mut group.get_out()[at]).try_into().expect("a vector"), veorq_u8(words, row));
            }
        }
        counters = vaddq_u32(counters, vdupq_n_u32(4));
        rest = later;
    }
}

/// Four blocks: word i of each of them in row i.
#[target_feature(enable = "neon")]
fn keystream(chacha: &ChaCha20, counters: uint32x4_t) -> [uint32x4_t; 16] {
    // Where the bytes of four words that are rotated by 8 bits come from.
    let by_8 = load(&[3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14]);
    let mut rows = [counters; 16];
    for (index, (row, &word)) in rows.iter_mut().zip(&chacha.begun).enumerate() {
        if index != COUNTER {
            *row = vdupq_n_u32(word);
        }
    }
    quarter_round(&mut rows, QUARTERS[0], by_8);
    diagonals(&mut rows, by_8);
    for _ in 1..10 {
        columns(&mut rows, by_8);
        diagonals(&mut rows, by_8);
    }
    for (index, (row, &word)) in rows.iter_mut().zip(&chacha.start).enumerate() {
        let start = if index == COUNTER { counters } else { vdupq_n_u32(word) };
        *row = vaddq_u32(*row, start);
    }
    rows
}

// One after the other, not in a loop, so that each row is known by number and has a register.
#[target_feature(enable = "neon")]
fn columns(rows: &mut [uint32x4_t; 16], by_8: uint8x16_t) {
    quarter_round(rows, QUARTERS[0], by_8);
    quarter_round(rows, QUARTERS[1], by_8);
    quarter_round(rows, QUARTERS[2], by_8);
    quarter_round(rows, QUARTERS[3], by_8);
}

#[target_feature(enable = "neon")]
fn diagonals(rows: &mut [uint32x4_t; 16], by_8: uint8x16_t) {
    quarter_round(rows, QUARTERS[4], by_8);
    quarter_round(rows, QUARTERS[5], by_8);
    quarter_round(rows, QUARTERS[6], by_8);
    quarter_round(rows, QUARTERS[7], by_8);
}

#[target_feature(enable = "neon")]
#[inline]
fn quarter_round(rows: &mut [uint32x4_t; 16], [a, b, c, d]: [usize; 4], by_8: uint8x16_t) {
    rows[a] = vaddq_u32(rows[a], rows[b]);
    rows[d] = vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(veorq_u32(rows[d], rows[a]))));
    rows[c] = vaddq_u32(rows[c], rows[d]);
    rows[b] = rotate_left::<12, 20>(veorq_u32(rows[b], rows[c]));
    rows[a] = vaddq_u32(rows[a], rows[b]);
    rows[d] = vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(veorq_u32(rows[d], rows[a])), by_8));
    rows[c] = vaddq_u32(rows[c], rows[d]);
    rows[b] = rotate_left::<7, 25>(veorq_u32(rows[b], rows[c]));
}

#[target_feature(enable = "neon")]
#[inline]
fn rotate_left<const LEFT: i32, const RIGHT: i32>(words: uint32x4_t) -> uint32x4_t {
    const { assert!(LEFT + RIGHT == 32) };
    vsriq_n_u32::<RIGHT>(vshlq_n_u32::<LEFT>(words), words)
}

/// Rows become columns, of words: four words of block i in vector i, as bytes.
#[target_feature(enable = "neon")]
fn transpose([a, b, c, d]: &[uint32x4_t; 4]) -> [uint8x16_t; 4] {
    let [low, high] = [vzip1q_u32(*a, *b), vzip2q_u32(*a, *b)];
    let [low, high] = [vreinterpretq_u64_u32(low), vreinterpretq_u64_u32(high)];
    let [later_low, later_high] = [vzip1q_u32(*c, *d), vzip2q_u32(*c, *d)];
    let [later_low, later_high] = [vreinterpretq_u64_u32(later_low), vreinterpretq_u64_u32(later_high)];
    [
        vreinterpretq_u8_u64(vzip1q_u64(low, later_low)),
        vreinterpretq_u8_u64(vzip2q_u64(low, later_low)),
        vreinterpretq_u8_u64(vzip1q_u64(high, later_high)),
        vreinterpretq_u8_u64(vzip2q_u64(high, later_high)),
    ]
}

#[target_feature(enable = "neon")]
fn load32(words: &[u32; 4]) -> uint32x4_t {
    // SAFETY: 16 bytes are there, and they need no alignment.
    unsafe { vld1q_u32(words.as_ptr()) }
}

#[target_feature(enable = "neon")]
fn load(bytes: &[u8; VECTOR_LEN]) -> uint8x16_t {
    // SAFETY: 16 bytes are there, and they need no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
fn store(bytes: &mut [u8; VECTOR_LEN], vector: uint8x16_t) {
    // SAFETY: there is room for 16 bytes, and they need no alignment.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), vector) }
}
