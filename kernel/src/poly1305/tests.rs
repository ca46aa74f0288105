//! Against Poly1305 in the plainest way: the only thing it does with numbers is to add two and, where p is reached, subtract p.

use std::vec::Vec;

use super::*;

/// Any r there can be is below this, bit by bit.
pub(crate) const MAX_R: u128 = 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;

/// A number below p, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number([u8; 17]);

impl Number {
    const P: [u8; 17] = [0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3];

    pub(crate) fn new(number: u128) -> Self {
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }

    pub(crate) fn add(self, other: Self) -> Self {
        let mut sum = self.0;
        let mut carry = 0;
        for (digit, other) in sum.iter_mut().zip(other.0) {
            let both = u16::from(*digit) + u16::from(other) + u16::from(carry);
            [*digit, carry] = both.to_le_bytes();
        }
        if sum.iter().rev().lt(Self::P.iter().rev()) {
            return Self(sum);
        }
        let mut borrow = 0;
        for (digit, p) in sum.iter_mut().zip(Self::P) {
            let difference = i16::from(*digit) - i16::from(p) - borrow;
            [*digit, _] = difference.to_le_bytes();
            borrow = i16::from(difference < 0);
        }
        Self(sum)
    }

    pub(crate) fn doubled(self, times: usize) -> Self {
        (0..times).fold(self, |number, _| number.add(number))
    }

    fn mul(self, other: Self) -> Self {
        let mut product = Self::new(0);
        for bit in (0..130).rev() {
            product = product.doubled(1);
            if self.0[bit / 8] >> (bit % 8) & 1 == 1 {
                product = product.add(other);
            }
        }
        product
    }

    fn from_limbs(limbs: [u128; 3]) -> Self {
        limbs.into_iter().enumerate().fold(Self::new(0), |sum, (index, limb)| sum.add(Self::new(limb).doubled(44 * index)))
    }

    /// Takes in blocks as the RFC says it.
    pub(crate) fn update(self, r: u128, message: &[u8]) -> Self {
        message.chunks(BLOCK_LEN).fold(self, |h, bytes| {
            let mut block = [0; 17];
            block[..bytes.len()].copy_from_slice(bytes);
            block[16] = 1;
            h.add(Self(block)).mul(Self::new(r))
        })
    }

    fn tag(self, s: u128) -> [u8; 16] {
        let number = u128::from_le_bytes(self.0[..16].try_into().expect("16 of 17 bytes"));
        number.wrapping_add(s).to_le_bytes()
    }
}

impl From<Limbs> for Number {
    fn from(Limbs(limbs): Limbs) -> Self {
        Self::from_limbs(limbs.map(u128::from))
    }
}

/// All triples of these limbs.
fn triples<T: Copy>(limbs: &[T]) -> impl Iterator<Item = [T; 3]> {
    limbs.iter().flat_map(move |&low| limbs.iter().flat_map(move |&middle| limbs.iter().map(move |&high| [low, middle, high])))
}

fn assert_reduced(Limbs(limbs): Limbs) {
    let bounds = [1 << 44, (1 << 44) + (1 << 24), 1 << 42];
    assert!(limbs.iter().zip(bounds).all(|(&limb, bound)| limb < bound), "{limbs:x?} are too long");
}

#[test]
fn products_of_the_longest_limbs_are_right() {
    let numbers: Vec<Limbs> = triples(&[0, 1, MASK_42, MASK_44, 1 << 44, (1 << 50) - 1]).map(Limbs).collect();
    for &left in &numbers {
        for &right in &numbers {
            let product = left.mul(right);
            assert_reduced(product);
            assert_eq!(Number::from(product), Number::from(left).mul(right.into()), "{:x?} · {:x?}", left.0, right.0);
        }
    }
}

#[test]
fn every_carry_arrives() {
    // Each limb at its edge, one above it, and as long as it may be: the carries run through all, and round.
    let limbs = [0, 1, (1 << 42) - 1, 1 << 42, (1 << 44) - 1, 1 << 44, (1 << 88) - 1, (1 << 107) - 1];
    for limbs in triples(&limbs) {
        let carried = Limbs::carry(limbs);
        assert_reduced(carried);
        assert_eq!(Number::from(carried), Number::from_limbs(limbs), "{limbs:x?}");
    }
}

#[test]
fn the_tag_is_that_of_the_number_below_p() {
    let longest_middle = (1 << 44) + (1 << 24) - 1;
    let around_p = (0..=MASK_44).rev().take(12).map(|low| [low, MASK_44, MASK_42]);
    let around_zero = (0..12).map(|low| [low, 0, 0]);
    // The middle limb is long: the number is 2^130 or more, and its carry runs through the upper limb.
    let long = (0..12).chain(MASK_44 - 12..=MASK_44);
    let long = long.flat_map(|low| [[low, 1 << 44, MASK_42], [low, longest_middle, MASK_42]]);
    let edges = triples(&[0, 1, MASK_42 - 1, MASK_42, MASK_42 + 1, MASK_44]).map(|[low, middle, high]| [low, middle, high & MASK_42]);
    for h in around_p.chain(around_zero).chain(long).chain(edges).map(Limbs) {
        for s in [0, 1, u128::MAX] {
            let poly = Poly1305 { r: Limbs([0; 3]), s, h };
            assert_eq!(poly.finish(), Number::from(h).tag(s), "{:x?}", h.0);
        }
    }
}

#[test]
fn blocks_are_taken_in_from_every_extreme_state() {
    let starts = triples(&[0, 1, MASK_44 - 5, MASK_44 - 4, MASK_44]).map(|[low, middle, high]| [low, middle, high & MASK_42]);
    let starts: Vec<Limbs> = starts.chain([[MASK_44, (1 << 45) - 1, MASK_42]]).map(Limbs).collect();
    // A limb of r of all ones, or all limbs. All blocks of ones but for the last, which is not whole.
    let r_masks = [u128::MAX, u128::from(MASK_44), u128::from(MASK_44) << 44, u128::MAX << 88, 1, 0];
    for r in r_masks.map(|mask| mask & MAX_R) {
        for message in [[0xff; 35], [0; 35]] {
            for &h in &starts {
                let mut poly = Poly1305 { r: Limbs::from_bytes(&r.to_le_bytes()), s: 0, h };
                poly.update_padded(&message);
                assert_eq!(poly.finish(), Number::from(h).update(r, &message).tag(0), "{:x?} and r = {r:x}", h.0);
            }
        }
    }
}

#[test]
fn the_bits_of_r_are_cleared() {
    let mut poly = Poly1305::new(&[0xff; 32]);
    assert_eq!(Number::from(poly.r), Number::new(MAX_R));
    let message = [0xff; 100 * BLOCK_LEN];
    poly.update_padded(&message);
    assert_eq!(poly.finish(), Number::new(0).update(MAX_R, &message).tag(u128::MAX));
}

/// RFC 8439, section 2.5.2.
#[test]
fn the_example_of_the_rfc_has_its_tag() {
    let key = [
        0x85, 0xd6, 0xbe, 0x78, 0x57, 0x55, 0x6d, 0x33, 0x7f, 0x44, 0x52, 0xfe, 0x42, 0xd5, 0x06, 0xa8, 0x01, 0x03, 0x80, 0x8a, 0xfb, 0x0d,
        0xb2, 0xfd, 0x4a, 0xbf, 0xf6, 0xaf, 0x41, 0x49, 0xf5, 0x1b,
    ];
    let (blocks, last) = b"Cryptographic Forum Research Group".split_at(32);
    let mut poly = Poly1305::new(&key);
    poly.update_padded(blocks);
    // Alone, Poly1305 puts a one after the last byte. The AEAD fills with zeros, so nothing here does that.
    let mut block = [0; 16];
    block[..3].copy_from_slice(&[last[0], last[1], 1]);
    poly.h = poly.h.add(Limbs::from_bytes(&block)).mul(poly.r);
    let tag = [0xa8, 0x06, 0x1d, 0xc1, 0x30, 0x51, 0x36, 0xc6, 0xc2, 0x2b, 0x8b, 0xaf, 0x0c, 0x01, 0x27, 0xa9];
    assert_eq!(poly.finish(), tag);
}

/// RFC 8439, appendix A.3, test vectors 5 to 11: what a reduction that is not whole gets wrong.
#[test]
fn the_hard_cases_of_the_rfc_have_their_tags() {
    const ONES: u128 = u128::MAX;
    let long_r = 1 + (4 << 64);
    let [first, second] = [0xb943_5e50_d794_35e3, 0x0001_cd79_435e_50d7_9433];
    let cases: [(u128, u128, &[u128], u128); 7] = [
        (2, 0, &[ONES], 3),
        (2, ONES, &[2], 3),
        (1, 0, &[ONES, ONES - 15, 0x11], 5),
        (1, 0, &[ONES, u128::from_le_bytes([0xfe; 16]) - 3, u128::from_le_bytes([1; 16])], 0),
        (2, 0, &[ONES - 2], ONES - 5),
        (long_r, 0, &[first, second, 0, 1], 0x14 + (0x55 << 64)),
        (long_r, 0, &[first, second, 0], 0x13),
    ];
    for (number, (r, s, blocks, tag)) in (5..).zip(cases) {
        let mut poly = Poly1305::new(&[r.to_le_bytes(), s.to_le_bytes()].concat().try_into().expect("32 bytes"));
        blocks.iter().for_each(|block| poly.update_padded(&block.to_le_bytes()));
        assert_eq!(poly.finish(), tag.to_le_bytes(), "test vector {number}");
    }
}
