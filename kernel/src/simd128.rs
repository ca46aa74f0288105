//! WASM's vectors of 128 bits: four blocks of ChaCha20 side by side. Poly1305 is without vectors: with them it is a third as fast, in V8
//! on x86-64.
//!
//! An engine without these instructions refuses the whole module, so there is nothing to detect.

use core::arch::wasm32::*;
use core::hint::black_box;

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

/// Says that the module was compiled for these instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Simd128;

impl Engine for Simd128 {
    type Lanes = Lane;

    const MAC_LEN: usize = poly1305::BLOCK_LEN;

    fn xor(self, chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
        debug_assert_eq!(text.len(), STRIDE_LEN);
        let rotations = Rotations::new();
        let mut counters = u32x4_add(u32x4(0, 1, 2, 3), u32x4_splat(counter));
        let mut rest = text;
        while rest.len() >= GROUP_LEN {
            let (mut group, later) = rest.split_at(GROUP_LEN);
            for (quarter, rows) in keystream(chacha, counters, rotations).as_chunks().0.iter().enumerate() {
                for (block, row) in transpose(rows).into_iter().enumerate() {
                    let start = block * BLOCK_LEN + quarter * VECTOR_LEN;
                    let at = start..start + VECTOR_LEN;
                    let words = load(group.get_in()[at.clone()].try_into().expect("a vector"));
                    store((&mut group.get_out()[at]).try_into().expect("a vector"), v128_xor(words, row));
                }
            }
            counters = u32x4_add(counters, u32x4_splat(4));
            rest = later;
        }
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

/// Where bytes come from in words that are rotated by whole bytes.
#[derive(Clone, Copy)]
struct Rotations {
    by_16: v128,
    by_8: v128,
}

impl Rotations {
    /// The compiler must not know them: it would write shuffles with a constant, which are a tenth slower in V8. Shifts are a fifth slower.
    fn new() -> Self {
        Self {
            by_16: black_box(u8x16(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)),
            by_8: black_box(u8x16(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14)),
        }
    }
}

/// Four blocks: word i of each of them in row i.
fn keystream(chacha: &ChaCha20, counters: v128, rotations: Rotations) -> [v128; 16] {
    let mut rows = chacha.begun.map(|word| u32x4_splat(word));
    rows[COUNTER] = counters;
    quarter_round(&mut rows, QUARTERS[0], rotations);
    diagonals(&mut rows, rotations);
    for _ in 1..10 {
        columns(&mut rows, rotations);
        diagonals(&mut rows, rotations);
    }
    for (index, (row, &word)) in rows.iter_mut().zip(&chacha.start).enumerate() {
        let start = if index == COUNTER { counters } else { u32x4_splat(word) };
        *row = u32x4_add(*row, start);
    }
    rows
}

// One after the other, not in a loop: the compiler would not unroll it, and rows that are not known by number are kept in memory.
fn columns(rows: &mut [v128; 16], rotations: Rotations) {
    quarter_round(rows, QUARTERS[0], rotations);
    quarter_round(rows, QUARTERS[1], rotations);
    quarter_round(rows, QUARTERS[2], rotations);
    quarter_round(rows, QUARTERS[3], rotations);
}

fn diagonals(rows: &mut [v128; 16], rotations: Rotations) {
    quarter_round(rows, QUARTERS[4], rotations);
    quarter_round(rows, QUARTERS[5], rotations);
    quarter_round(rows, QUARTERS[6], rotations);
    quarter_round(rows, QUARTERS[7], rotations);
}

#[inline(always)]
fn quarter_round(rows: &mut [v128; 16], [a, b, c, d]: [usize; 4], Rotations { by_16, by_8 }: Rotations) {
    rows[a] = u32x4_add(rows[a], rows[b]);
    rows[d] = i8x16_swizzle(v128_xor(rows[d], rows[a]), by_16);
    rows[c] = u32x4_add(rows[c], rows[d]);
    rows[b] = rotate_left::<12, 20>(v128_xor(rows[b], rows[c]));
    rows[a] = u32x4_add(rows[a], rows[b]);
    rows[d] = i8x16_swizzle(v128_xor(rows[d], rows[a]), by_8);
    rows[c] = u32x4_add(rows[c], rows[d]);
    rows[b] = rotate_left::<7, 25>(v128_xor(rows[b], rows[c]));
}

fn rotate_left<const LEFT: u32, const RIGHT: u32>(words: v128) -> v128 {
    const { assert!(LEFT + RIGHT == 32) };
    v128_or(u32x4_shl(words, LEFT), u32x4_shr(words, RIGHT))
}

/// Rows become columns, of words: four words of block i in vector i.
fn transpose([a, b, c, d]: &[v128; 4]) -> [v128; 4] {
    let low = [i32x4_shuffle::<0, 4, 1, 5>(*a, *b), i32x4_shuffle::<0, 4, 1, 5>(*c, *d)];
    let high = [i32x4_shuffle::<2, 6, 3, 7>(*a, *b), i32x4_shuffle::<2, 6, 3, 7>(*c, *d)];
    [
        i64x2_shuffle::<0, 2>(low[0], low[1]),
        i64x2_shuffle::<1, 3>(low[0], low[1]),
        i64x2_shuffle::<0, 2>(high[0], high[1]),
        i64x2_shuffle::<1, 3>(high[0], high[1]),
    ]
}

fn load(bytes: &[u8; VECTOR_LEN]) -> v128 {
    // SAFETY: 16 bytes are there, and they need no alignment.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

fn store(bytes: &mut [u8; VECTOR_LEN], vector: v128) {
    // SAFETY: there is room for 16 bytes, and they need no alignment.
    unsafe { v128_store(bytes.as_mut_ptr().cast(), vector) }
}
