//! AVX2: eight blocks of ChaCha20 side by side, thirty-two of Poly1305 in one sum.

use core::arch::x86_64::*;
use core::hint::black_box;

use inout::InOutBuf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::chacha20::{BLOCK_LEN, COUNTER, ChaCha20, QUARTERS};
use crate::engine::{Engine, STRIDE_LEN};
use crate::poly1305::Limbs;

/// Blocks of ChaCha20 at a time: one in each 32-bit lane.
const BLOCKS: usize = 8;
/// Bytes of text for them.
const GROUP_LEN: usize = BLOCKS * BLOCK_LEN;
const _: () = assert!(STRIDE_LEN.is_multiple_of(GROUP_LEN));
/// Bytes of two blocks of Poly1305: a register.
const ROW_LEN: usize = 32;
/// Rows between two reductions: as many as sums of 64 bits have room for.
const ROWS: usize = 16;

/// Says that this processor, and the operating system, have the instructions: only [`Avx2::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

cpufeatures::new!(has_avx2, "avx2");

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        has_avx2::get().then_some(Self(()))
    }
}

impl Engine for Avx2 {
    type Lanes = Powers;

    const MAC_LEN: usize = ROWS * ROW_LEN;

    fn xor(self, chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
        // SAFETY: `self` says that the processor has the instructions.
        unsafe { xor(chacha, counter, text) }
    }

    fn lanes(self, r: Limbs) -> Powers {
        Powers::new(r)
    }

    fn absorb(self, powers: &mut Powers, blocks: &[u8]) {
        // SAFETY: `self` says that the processor has the instructions.
        unsafe { absorb(powers, blocks) }
    }

    fn fold(self, powers: &Powers) -> Limbs {
        powers.h
    }
}

/// Adds the keystream from block `counter` on.
#[target_feature(enable = "avx2")]
fn xor(chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
    debug_assert_eq!(text.len(), STRIDE_LEN);
    let mut counters = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), splat32(counter));
    let rotations = Rotations::new();
    let mut rest = text;
    while rest.len() >= GROUP_LEN {
        let (mut group, later) = rest.split_at(GROUP_LEN);
        let rows = keystream(chacha, counters, &rotations);
        for (half, rows) in rows.as_chunks::<8>().0.iter().enumerate() {
            for (index, row) in transpose(rows).into_iter().enumerate() {
                let at = index * BLOCK_LEN + half * 32;
                let text = load(group.get_in()[at..at + 32].try_into().expect("half a block"));
                store((&mut group.get_out()[at..at + 32]).try_into().expect("half a block"), _mm256_xor_si256(text, row));
            }
        }
        counters = _mm256_add_epi32(counters, splat32(8));
        rest = later;
    }
}

/// Eight blocks: word i of each of them in row i.
#[target_feature(enable = "avx2")]
fn keystream(chacha: &ChaCha20, counters: __m256i, rotations: &Rotations) -> [__m256i; 16] {
    let mut rows = [_mm256_setzero_si256(); 16];
    for (row, &word) in rows.iter_mut().zip(&chacha.begun) {
        *row = splat32(word);
    }
    rows[COUNTER] = counters;
    quarter_round(&mut rows, QUARTERS[0], rotations);
    round::<4>(&mut rows, rotations);
    for _ in 1..10 {
        round::<0>(&mut rows, rotations);
        round::<4>(&mut rows, rotations);
    }
    for (index, (row, &word)) in rows.iter_mut().zip(&chacha.start).enumerate() {
        let start = if index == COUNTER { counters } else { splat32(word) };
        *row = _mm256_add_epi32(*row, start);
    }
    rows
}

/// Four quarter-rounds. Not in a loop: the compiler would leave it one, with the rows in memory, at half the speed.
#[inline]
#[target_feature(enable = "avx2")]
fn round<const FIRST: usize>(rows: &mut [__m256i; 16], rotations: &Rotations) {
    quarter_round(rows, QUARTERS[FIRST], rotations);
    quarter_round(rows, QUARTERS[FIRST + 1], rotations);
    quarter_round(rows, QUARTERS[FIRST + 2], rotations);
    quarter_round(rows, QUARTERS[FIRST + 3], rotations);
}

#[inline]
#[target_feature(enable = "avx2")]
fn quarter_round(rows: &mut [__m256i; 16], [a, b, c, d]: [usize; 4], rotations: &Rotations) {
    rows[a] = _mm256_add_epi32(rows[a], rows[b]);
    rows[d] = _mm256_shuffle_epi8(_mm256_xor_si256(rows[d], rows[a]), rotations.by_16);
    rows[c] = _mm256_add_epi32(rows[c], rows[d]);
    rows[b] = rotate_left::<12, 20>(_mm256_xor_si256(rows[b], rows[c]));
    rows[a] = _mm256_add_epi32(rows[a], rows[b]);
    rows[d] = _mm256_shuffle_epi8(_mm256_xor_si256(rows[d], rows[a]), rotations.by_8);
    rows[c] = _mm256_add_epi32(rows[c], rows[d]);
    rows[b] = rotate_left::<7, 25>(_mm256_xor_si256(rows[b], rows[c]));
}

/// Where bytes come from in words that are rotated by whole bytes: that is one instruction.
struct Rotations {
    by_16: __m256i,
    by_8: __m256i,
}

impl Rotations {
    /// Byte i of a word comes from byte i - 2, or i - 1. The compiler must not know them: it would write two other instructions for each.
    #[target_feature(enable = "avx2")]
    fn new() -> Self {
        let by_16 = _mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
        let by_8 = _mm_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
        let [by_16, by_8] = [by_16, by_8].map(|bytes| black_box(_mm256_broadcastsi128_si256(bytes)));
        Self { by_16, by_8 }
    }
}

/// `LEFT` and `RIGHT` are 32 bits together.
#[target_feature(enable = "avx2")]
fn rotate_left<const LEFT: i32, const RIGHT: i32>(words: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_slli_epi32::<LEFT>(words), _mm256_srli_epi32::<RIGHT>(words))
}

/// Rows become columns, of words: half of block i in row i.
#[target_feature(enable = "avx2")]
fn transpose(rows: &[__m256i; 8]) -> [__m256i; 8] {
    let mut blocks = [_mm256_setzero_si256(); 8];
    // Four rows at a time, within halves of a register: half h of `fours[f][b]` holds words 4 f to 4 f + 3 of block 4 h + b.
    let mut fours = [[_mm256_setzero_si256(); 4]; 2];
    for (four, rows) in fours.iter_mut().zip(rows.as_chunks::<4>().0) {
        let low = [_mm256_unpacklo_epi32(rows[0], rows[1]), _mm256_unpacklo_epi32(rows[2], rows[3])];
        let high = [_mm256_unpackhi_epi32(rows[0], rows[1]), _mm256_unpackhi_epi32(rows[2], rows[3])];
        *four = [
            _mm256_unpacklo_epi64(low[0], low[1]),
            _mm256_unpackhi_epi64(low[0], low[1]),
            _mm256_unpacklo_epi64(high[0], high[1]),
            _mm256_unpackhi_epi64(high[0], high[1]),
        ];
    }
    for block in 0..4 {
        let [a, b] = fours.map(|four| four[block]);
        blocks[block] = _mm256_permute2x128_si256::<0x20>(a, b);
        blocks[4 + block] = _mm256_permute2x128_si256::<0x31>(a, b);
    }
    blocks
}

/// Poly1305 as a sum: after n more blocks b, h is (h + b_1) · r^n + b_2 · r^(n - 1) + ... + b_n · r, and no product waits for another.
///
/// A block is taken as it lies, as four words of 32 bits and the bit above them, not as limbs. What a word is worth, 2^32, 2^64 or 2^96,
/// is in its factor or, for every other word, in what the sum of those is multiplied by in the end.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Powers {
    h: Limbs,
    /// r^32.
    step: Limbs,
    /// What the bits above 32 blocks add up to: 2^128 · (r^32 + r^31 + ... + r).
    bits: Limbs,
    /// The factors of two blocks each, in limbs of 26 bits; a lane for each half of a block.
    rows: [[Factors; 5]; ROWS],
}

impl Powers {
    fn new(r: Limbs) -> Self {
        let mut rows = [[Factors([0; 4]); 5]; ROWS];
        let [mut power, mut sum] = [Limbs([1, 0, 0]), Limbs([0; 3])];
        for row in rows.iter_mut().rev() {
            for block in [1, 0] {
                power = power.mul(r);
                // 32 times limbs below 2^45: below 2^50.
                sum = sum.add(power);
                // 2^64 = 2^44 · 2^20.
                let halves = [power, power.mul(Limbs([0, 1 << 20, 0]))].map(limbs_26);
                for (limb, factors) in row.iter_mut().enumerate() {
                    factors.0[2 * block..][..2].copy_from_slice(&halves.map(|half| half[limb]));
                }
            }
        }
        // 2^128 = 2^88 · 2^40.
        Self { h: Limbs([0; 3]), step: power, bits: sum.mul(Limbs([0, 0, 1 << 40])), rows }
    }
}

/// Aligned, so that none lies across two cache lines.
#[derive(Clone, Copy, Zeroize)]
#[repr(align(32))]
struct Factors([u64; 4]);

/// A product as five limbs of 26 bits. It is below 2^130 + 2^68, so only the last limb may reach 2^26, and none exceeds that.
#[expect(clippy::cast_possible_truncation, reason = "each is masked to its limb, the last is what is left above 104 bits: 27")]
fn limbs_26(Limbs([low, middle, high]): Limbs) -> [u64; 5] {
    const MASK_26: u64 = (1 << 26) - 1;
    let bottom = u128::from(low) + (u128::from(middle) << 44);
    // What is above 52 bits: there the last limb, which is worth 2^88, is worth 2^36.
    let top = (bottom >> 52) + (u128::from(high) << 36);
    let bottom = bottom as u64;
    [bottom & MASK_26, bottom >> 26 & MASK_26, top as u64 & MASK_26, (top >> 26) as u64 & MASK_26, (top >> 52) as u64]
}

#[target_feature(enable = "avx2")]
fn absorb(powers: &mut Powers, blocks: &[u8]) {
    for group in blocks.as_chunks::<{ ROWS * ROW_LEN }>().0 {
        let [mut even, mut odd] = [[_mm256_setzero_si256(); 5]; 2];
        for (blocks, row) in group.as_chunks().0.iter().zip(&powers.rows) {
            // A multiplication takes the lower word of each lane and ignores the upper one.
            let words = load(blocks);
            let odd_words = _mm256_shuffle_epi32::<0b11_11_01_01>(words);
            for (limb, factors) in row.iter().enumerate() {
                let factors = load_factors(factors);
                even[limb] = _mm256_add_epi64(even[limb], _mm256_mul_epu32(words, factors));
                odd[limb] = _mm256_add_epi64(odd[limb], _mm256_mul_epu32(odd_words, factors));
            }
        }
        let [products, even, odd] = [powers.h.products(powers.step), collect(even), collect(odd)];
        let [Limbs(odd), Limbs(bits)] = [Limbs::carry(odd), powers.bits];
        // Below 2^106, 2^99, 2^77 and 2^45.
        powers.h = Limbs::carry([0, 1, 2].map(|limb| products[limb] + even[limb] + (u128::from(odd[limb]) << 32) + u128::from(bits[limb])));
    }
}

/// All lanes of five limbs in three.
///
/// A lane is the sum of 16 products of a word, below 2^32, and a limb, not above 2^26. So four lanes make at most 2^32 - 1 times 2^32,
/// which 64 bits hold.
#[target_feature(enable = "avx2")]
fn collect(sums: [__m256i; 5]) -> [u128; 3] {
    let [s0, s1, s2, s3, s4] = sums.map(|sum| {
        let pairs = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        u128::from(_mm_cvtsi128_si64(pairs).cast_unsigned() + _mm_extract_epi64::<1>(pairs).cast_unsigned())
    });
    // 2^26; 2^52 = 2^44 · 2^8 and 2^78 = 2^44 · 2^34; 2^104 = 2^88 · 2^16. Below 2^91, 2^99 and 2^80.
    [s0 + (s1 << 26), (s2 << 8) + (s3 << 34), s4 << 16]
}

#[target_feature(enable = "avx2")]
fn splat32(word: u32) -> __m256i {
    _mm256_set1_epi32(word.cast_signed())
}

#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are there, and they need no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn store(bytes: &mut [u8; 32], vector: __m256i) {
    // SAFETY: there is room for 32 bytes, and they need no alignment.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx2")]
fn load_factors(factors: &Factors) -> __m256i {
    // SAFETY: 32 bytes are there, and they are aligned.
    unsafe { _mm256_load_si256((&raw const *factors).cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poly1305::Poly1305;

    /// Factors are never all as large as [`collect`] allows: so these are put there by hand.
    #[test]
    fn the_largest_sums_are_right() {
        let Some(engine) = Avx2::detect() else { return };
        let longest = Limbs([(1 << 45) - 1; 3]);
        let mut powers = engine.lanes(longest);
        [powers.h, powers.step, powers.bits] = [longest; 3];
        powers.rows = [[Factors([1 << 26; 4]); 5]; ROWS];
        engine.absorb(&mut powers, &[0xff; ROWS * ROW_LEN]);
        // Each limb of 26 bits is the sum of 64 products, once of even and once of odd words.
        let limb = Limbs::carry([64 * (u128::from(u32::MAX) << 26), 0, 0]).mul(Limbs([1 + (1 << 32), 0, 0]));
        let expected = (0..5).fold(longest.mul(longest).add(longest), |sum, index| {
            let mut worth = [0; 3];
            worth[26 * index / 44] = 1 << (26 * index % 44);
            sum.add(limb.mul(Limbs(worth)))
        });
        let [mut found, mut wanted] = [Poly1305::new(&[0; 32]), Poly1305::new(&[0; 32])];
        found.h = engine.fold(&powers);
        wanted.h = expected.mul(Limbs([1, 0, 0]));
        assert_eq!(found.finish(), wanted.finish());
    }

    /// Those of 2^130 and more among them, which no power in another test is.
    #[test]
    fn limbs_of_26_bits_are_right_around_2_130() {
        let [edge, longest] = [1 << 44, (1 << 44) + (1 << 25)];
        for number in
            [[0; 3], [1, 0, 1 << 41], [edge - 1, edge - 1, (1 << 42) - 1], [0, edge, (1 << 42) - 1], [edge - 1, longest, (1 << 42) - 1]]
        {
            let limbs = limbs_26(Limbs(number));
            assert!(limbs[..4].iter().all(|&limb| limb < 1 << 26) && limbs[4] <= 1 << 26, "{limbs:x?} of {number:x?}");
            // 2^78 = 2^26 · 2^52: two halves, so that all of it has room.
            let [low, middle, high] = number.map(u128::from);
            let [first, second, third, fourth, fifth] = limbs.map(u128::from);
            let bottom = low + (middle << 44);
            assert_eq!(first + (second << 26), bottom & ((1 << 52) - 1), "{number:x?}");
            assert_eq!(third + (fourth << 26) + (fifth << 52), (bottom >> 52) + (high << 36), "{number:x?}");
        }
    }
}
