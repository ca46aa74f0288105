//! Poly1305 (RFC 8439, section 2.5) for what is left when whole vectors were taken: one block at a time, in any instruction set.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes in a block.
pub(crate) const BLOCK_LEN: usize = 16;

/// A number modulo p = 2^130 - 5 in limbs of 44, 44 and 42 bits, each worth 2^44 of the one before. A limb may be longer:
/// each function says by how much.
#[derive(Clone, Copy, Zeroize)]
pub(crate) struct Limbs(pub(crate) [u64; 3]);

pub(crate) const MASK_44: u64 = (1 << 44) - 1;
pub(crate) const MASK_42: u64 = (1 << 42) - 1;

impl Limbs {
    /// 16 bytes as a number below 2^128, little-endian.
    pub(crate) fn from_bytes(bytes: &[u8; 16]) -> Self {
        let number = u128::from_le_bytes(*bytes);
        #[expect(clippy::cast_possible_truncation, reason = "each is masked to its limb, the last is what is left of 128 bits: 40")]
        Self([number as u64 & MASK_44, (number >> 44) as u64 & MASK_44, (number >> 88) as u64])
    }

    /// A block of a message: its bytes with a bit above them, 2^128 = 2^88 · 2^40.
    fn from_block(block: &[u8; BLOCK_LEN]) -> Self {
        let Self([low, middle, high]) = Self::from_bytes(block);
        Self([low, middle, high | 1 << 40])
    }

    /// Limb by limb. Two that were reduced make limbs below 2^46.
    pub(crate) fn add(self, other: Self) -> Self {
        Self([self.0[0] + other.0[0], self.0[1] + other.0[1], self.0[2] + other.0[2]])
    }

    /// The product, reduced. Limbs may have up to 50 bits.
    pub(crate) fn mul(self, other: Self) -> Self {
        Self::carry(self.products(other))
    }

    /// The limbs of the product as they come, below 2^106, of limbs of up to 50 bits.
    ///
    /// A product of limbs i and j is worth 2^(44 (i + j)). From 2^132 on it wraps round: 2^132 = 4 · 2^130 = 4 · 5 = 20 modulo p.
    pub(crate) fn products(self, other: Self) -> [u128; 3] {
        let [a0, a1, a2] = self.0.map(u128::from);
        let [b0, b1, b2] = other.0.map(u128::from);
        // Each product is below 2^100, 20 times that below 2^104.4.
        [a0 * b0 + 20 * (a1 * b2 + a2 * b1), a0 * b1 + a1 * b0 + 20 * a2 * b2, a0 * b2 + a1 * b1 + a2 * b0]
    }

    /// Limbs of up to 107 bits back to 44, 44 and 42: only the middle one may be longer, below 2^44 + 2^24.
    #[expect(clippy::cast_possible_truncation, reason = "what is cast was masked, or is a carry that is below 2^64")]
    pub(crate) fn carry(limbs: [u128; 3]) -> Self {
        let [low, middle, high] = limbs;
        let middle = middle + (low >> 44);
        let high = high + (middle >> 44);
        // What is above 2^130 is worth 5 times as much at the bottom: below 2^66 · 5, so it is still a long one there.
        let low = u128::from(low as u64 & MASK_44) + 5 * (high >> 42);
        let middle = (middle as u64 & MASK_44) + (low >> 44) as u64;
        Self([low as u64 & MASK_44, middle, high as u64 & MASK_42])
    }
}

/// The authenticator: h = (h + block) · r for each block, the tag is h + s.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Poly1305 {
    pub(crate) r: Limbs,
    s: u128,
    pub(crate) h: Limbs,
}

impl Poly1305 {
    /// `key` may authenticate a single message: r, whose bits are cleared as the RFC has it, then s.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let (r, s) = key.split_at(16);
        let half = |bytes: &[u8]| u128::from_le_bytes(bytes.try_into().expect("half of 32 bytes"));
        let r = half(r) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;
        Self { r: Limbs::from_bytes(&r.to_le_bytes()), s: half(s), h: Limbs([0; 3]) }
    }

    /// Takes in blocks; zeros fill the last one up, as the AEAD has it (RFC 8439, section 2.8).
    pub(crate) fn update_padded(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(BLOCK_LEN) {
            let mut block = [0; BLOCK_LEN];
            block[..bytes.len()].copy_from_slice(bytes);
            self.h = self.h.add(Limbs::from_block(&block)).mul(self.r);
        }
    }

    /// The tag.
    pub(crate) fn finish(self) -> [u8; 16] {
        // It is 0 or comes out of a carry: below 2^130 + 2^68, so below 2 p.
        let Limbs([low, middle, high]) = self.h;
        // h + 5 reaches 2^130 exactly if h is p or more. Then h - p is h + 5 without that bit.
        let carry = (low + 5) >> 44;
        let carry = (middle + carry) >> 44;
        let is_above = (high + carry) >> 42;
        let number = u128::from(low + 5 * is_above).wrapping_add(u128::from(middle) << 44).wrapping_add(u128::from(high) << 88);
        number.wrapping_add(self.s).to_le_bytes()
    }
}

#[cfg(test)]
pub(crate) mod tests;
