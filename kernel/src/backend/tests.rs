//! The lanes of every backend against Poly1305 of one block at a time, at what carries furthest.

use std::vec::Vec;

use super::*;
use crate::engine::{Engine, STRIDE_LEN};
use crate::poly1305::{Limbs, Poly1305};

/// Strides that are taken in, one after the other: 25,600 blocks.
const STRIDES: usize = 100;

#[test]
fn lanes_of_every_backend_are_right_at_the_extremes() {
    for backend in Backend::all() {
        match backend.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(engine) => check_lanes(engine),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512f(engine) => check_lanes(engine),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(engine) => check_lanes(engine),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(engine) => check_lanes(engine),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            Kind::Neon(engine) => check_lanes(engine),
            Kind::Portable => {} // Has none.
        }
    }
}

fn check_lanes<E: Engine>(engine: E) {
    // All bits of r that there may be, those of one limb or of its edges, none, and any.
    let masks = [!0, (1 << 44) - 1, ((1 << 44) - 1) << 44, !0 << 88, 1 << 43 | 1 << 44 | 1 << 87 | 1 << 88, 1, 0];
    let painted = u128::from_le_bytes([3; 16]).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for r in masks.into_iter().chain([painted]) {
        let key: [u8; 32] = [r.to_le_bytes(), [0; 16]].concat().try_into().expect("32 bytes");
        for block in masks {
            check_stream(engine, &key, |_| block);
        }
        // Now these, now others, in an order that has no cycle of the lanes'.
        check_stream(engine, &key, |index| masks[index % 251 % masks.len()]);
        check_stream(engine, &key, |index| painted.wrapping_mul(index as u128));
    }
}

/// Strides of these blocks. After each, the lanes stand where one block at a time does.
fn check_stream<E: Engine>(engine: E, key: &[u8; 32], block: impl Fn(usize) -> u128) {
    let tag = |h: Limbs| {
        let mut poly = Poly1305::new(key);
        poly.h = h;
        poly.finish()
    };
    let mut poly = Poly1305::new(key);
    let mut lanes = engine.lanes(poly.r);
    for stride in 0..STRIDES {
        let blocks = stride * STRIDE_LEN / 16..(stride + 1) * STRIDE_LEN / 16;
        let blocks: Vec<u8> = blocks.flat_map(|index| block(index).to_le_bytes()).collect();
        // One call for the least there can be, and one for all the rest.
        let (first, rest) = blocks.split_at(E::MAC_LEN);
        engine.absorb(&mut lanes, first);
        engine.absorb(&mut lanes, rest);
        poly.update_padded(&blocks);
        assert_eq!(tag(engine.fold(&lanes)), tag(poly.h), "after stride {stride}, r = {:x?}, s = 0", &key[..16]);
    }
}
