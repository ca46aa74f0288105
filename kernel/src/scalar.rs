//! Poly1305 without vectors, one block at a time: for instruction sets whose vectors multiply few numbers at once.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::poly1305::Limbs;

/// What a limb is worth of the one before: u in the comments.
const U: u64 = 1 << 32;
const MASK_32: u64 = U - 1;

/// Poly1305 in limbs of 32 bits. A sum of products has room in 64 because r, with the bits that the RFC clears (section 2.5), has limbs
/// below 2^28.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Lane {
    /// Below 2.25 u, u, 2 u and 4 u.
    h: [u64; 4],
    /// Below 2^28; all but the first are multiples of 4.
    r: [u64; 4],
    /// r1 to r3 where a product wraps round: they are worth u^4 = 2^128 there, and four of that are 2^130 = 5 modulo p, so this is 5/4 of
    /// each, below 1.25 · 2^28.
    wrapped: [u64; 3],
    /// r · 2^128, what the bit above each block adds. Two bits of r0 stay up there, at u in the last limb: below 2^34, the others below 2^29.
    above: [u64; 4],
}

impl Lane {
    pub(crate) fn new(Limbs([low, middle, high]): Limbs) -> Self {
        let r = words(&(u128::from(low) | u128::from(middle) << 44 | u128::from(high) << 88).to_le_bytes());
        let [first, wrapped @ ..] = r.map(|limb| 5 * (limb / 4));
        let above = [first, wrapped[0], wrapped[1], wrapped[2] + r[0] % 4 * U];
        Self { h: [0; 4], r, wrapped, above }
    }

    pub(crate) fn absorb(&mut self, blocks: &[u8]) {
        let Self { mut h, r: [r0, r1, r2, r3], wrapped: [w1, w2, w3], above } = *self;
        for block in blocks.as_chunks().0 {
            let block = words(block);
            // Below 3.25 u, 2 u, 3 u and 5 u.
            let [a0, a1, a2, a3] = [h[0] + block[0], h[1] + block[1], h[2] + block[2], h[3] + block[3]];
            // In units of u · 2^28 = 2^60, of which 64 bits hold 16, the products add up to less than
            //   3.25 + 1.25 (2 + 3 + 5) = 15.75,  3.25 + 2 + 1.25 (3 + 5) = 15.25,  3.25 + 2 + 3 + 1.25 · 5 = 14.5,  3.25 + 2 + 3 + 5 = 13.25,
            // and neither `above` nor a carry, which is below u, makes up the quarter that is left.
            let sum0 = above[0] + a0 * r0 + a1 * w3 + a2 * w2 + a3 * w1;
            let sum1 = above[1] + a0 * r1 + a1 * r0 + a2 * w3 + a3 * w2 + (sum0 >> 32);
            let sum2 = above[2] + a0 * r2 + a1 * r1 + a2 * r0 + a3 * w3;
            let sum3 = above[3] + a0 * r3 + a1 * r2 + a2 * r1 + a3 * r0 + (sum2 >> 32);
            // What is over is below u, and worth 2^128: two bits of it stay there, the others wrap round, four of the one worth five of the
            // other. Limbs are carried no further than the bounds of `h` ask for: the next block waits for these carries.
            let over = sum3 >> 32;
            h = [(sum0 & MASK_32) + 5 * (over / 4), sum1 & MASK_32, (sum2 & MASK_32) + (sum1 >> 32), (sum3 & MASK_32) + over % 4 * U];
        }
        self.h = h;
    }

    pub(crate) fn fold(&self) -> Limbs {
        let [h0, h1, h2, h3] = self.h.map(u128::from);
        // 2^64 = 2^44 · 2^20, and 2^96 = 2^88 · 2^8.
        Limbs::carry([h0 + (h1 << 32), h2 << 20, h3 << 8])
    }
}

/// Four little-endian words.
fn words(bytes: &[u8; 16]) -> [u64; 4] {
    let words = bytes.as_chunks().0;
    let word = |index: usize| u64::from(u32::from_le_bytes(words[index]));
    [word(0), word(1), word(2), word(3)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poly1305::tests::{MAX_R, Number};

    /// States are never as long as [`Lane`] allows: so this one is put there by hand.
    #[test]
    fn the_largest_limbs_are_right() {
        let mut lane = Lane::new(Limbs::from_bytes(&MAX_R.to_le_bytes()));
        lane.h = [9 * U / 4, U, 2 * U, 4 * U].map(|bound| bound - 1);
        let limbs = lane.h.into_iter().enumerate();
        let mut h = limbs.fold(Number::new(0), |sum, (index, limb)| sum.add(Number::new(limb.into()).doubled(32 * index)));
        assert_eq!(Number::from(lane.fold()), h);
        for _ in 0..100 {
            lane.absorb(&[0xff; 16]);
            h = h.update(MAX_R, &[0xff; 16]);
            assert_eq!(Number::from(lane.fold()), h);
        }
    }
}
