//! AVX-512 with IFMA: sixteen blocks of ChaCha20 side by side, eight of Poly1305.

use core::arch::x86_64::*;

use inout::InOutBuf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::chacha20::{BLOCK_LEN, COUNTER, ChaCha20, QUARTERS};
use crate::engine::{Engine, STRIDE_LEN};
use crate::poly1305::{Limbs, MASK_42, MASK_44};

/// Blocks of ChaCha20 at a time: one in each 32-bit lane.
const BLOCKS: usize = 16;
/// Bytes of text for them.
const GROUP_LEN: usize = BLOCKS * BLOCK_LEN;
const _: () = assert!(STRIDE_LEN.is_multiple_of(GROUP_LEN));
/// Bytes of Poly1305's eight blocks, one in each 64-bit lane.
const ROW_LEN: usize = 128;
/// Rows between two reductions.
const ROWS: usize = 4;

/// Says that this processor, and the operating system, have the instructions: only [`Avx512::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

cpufeatures::new!(has_avx512, "avx512f", "avx512ifma");

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        has_avx512::get().then_some(Self(()))
    }
}

impl Engine for Avx512 {
    type Lanes = Lanes;

    const MAC_LEN: usize = ROWS * ROW_LEN;

    fn xor(self, chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
        // SAFETY: `self` says that the processor has the instructions.
        unsafe { xor(chacha, counter, text) }
    }

    fn lanes(self, r: Limbs) -> Lanes {
        Lanes::new(r)
    }

    fn absorb(self, lanes: &mut Lanes, blocks: &[u8]) {
        // SAFETY: `self` says that the processor has the instructions.
        unsafe { absorb(lanes, blocks) }
    }

    fn fold(self, lanes: &Lanes) -> Limbs {
        // SAFETY: `self` says that the processor has the instructions.
        unsafe { fold(lanes) }
    }
}

/// Adds the keystream from block `counter` on.
#[target_feature(enable = "avx512f")]
pub(crate) fn xor(chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
    debug_assert_eq!(text.len(), STRIDE_LEN);
    let numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let mut counters = _mm512_add_epi32(numbers, splat32(counter));
    let mut rest = text;
    while rest.len() >= GROUP_LEN {
        let (mut group, later) = rest.split_at(GROUP_LEN);
        let rows = transpose(keystream(chacha, counters));
        for (index, row) in rows.into_iter().enumerate() {
            let at = index * BLOCK_LEN..(index + 1) * BLOCK_LEN;
            let block = load(group.get_in()[at.clone()].try_into().expect("a block"));
            store((&mut group.get_out()[at]).try_into().expect("a block"), _mm512_xor_si512(block, row));
        }
        counters = _mm512_add_epi32(counters, splat32(16));
        rest = later;
    }
}

/// Sixteen blocks: word i of each of them in row i.
#[target_feature(enable = "avx512f")]
fn keystream(chacha: &ChaCha20, counters: __m512i) -> [__m512i; 16] {
    let mut rows = [_mm512_setzero_si512(); 16];
    for (row, &word) in rows.iter_mut().zip(&chacha.begun) {
        *row = splat32(word);
    }
    rows[COUNTER] = counters;
    quarter_round(&mut rows, QUARTERS[0]);
    for quarter in &QUARTERS[4..] {
        quarter_round(&mut rows, *quarter);
    }
    for _ in 1..10 {
        for quarter in &QUARTERS {
            quarter_round(&mut rows, *quarter);
        }
    }
    for (index, (row, &word)) in rows.iter_mut().zip(&chacha.start).enumerate() {
        let start = if index == COUNTER { counters } else { splat32(word) };
        *row = _mm512_add_epi32(*row, start);
    }
    rows
}

#[target_feature(enable = "avx512f")]
fn quarter_round(rows: &mut [__m512i; 16], [a, b, c, d]: [usize; 4]) {
    rows[a] = _mm512_add_epi32(rows[a], rows[b]);
    rows[d] = _mm512_rol_epi32::<16>(_mm512_xor_si512(rows[d], rows[a]));
    rows[c] = _mm512_add_epi32(rows[c], rows[d]);
    rows[b] = _mm512_rol_epi32::<12>(_mm512_xor_si512(rows[b], rows[c]));
    rows[a] = _mm512_add_epi32(rows[a], rows[b]);
    rows[d] = _mm512_rol_epi32::<8>(_mm512_xor_si512(rows[d], rows[a]));
    rows[c] = _mm512_add_epi32(rows[c], rows[d]);
    rows[b] = _mm512_rol_epi32::<7>(_mm512_xor_si512(rows[b], rows[c]));
}

/// Rows become columns, of words: block i in row i.
#[target_feature(enable = "avx512f")]
fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    let mut blocks = [_mm512_setzero_si512(); 16];
    // Four rows at a time, within quarters of a register: quarter q of `fours[f][b]` holds words 4 f to 4 f + 3 of block 4 q + b.
    let mut fours = [[_mm512_setzero_si512(); 4]; 4];
    for (four, rows) in fours.iter_mut().zip(rows.as_chunks::<4>().0) {
        let low = [_mm512_unpacklo_epi32(rows[0], rows[1]), _mm512_unpacklo_epi32(rows[2], rows[3])];
        let high = [_mm512_unpackhi_epi32(rows[0], rows[1]), _mm512_unpackhi_epi32(rows[2], rows[3])];
        *four = [
            _mm512_unpacklo_epi64(low[0], low[1]),
            _mm512_unpackhi_epi64(low[0], low[1]),
            _mm512_unpacklo_epi64(high[0], high[1]),
            _mm512_unpackhi_epi64(high[0], high[1]),
        ];
    }
    for block in 0..4 {
        let [a, b, c, d] = fours.map(|four| four[block]);
        let low = [_mm512_shuffle_i32x4::<0x44>(a, b), _mm512_shuffle_i32x4::<0x44>(c, d)];
        let high = [_mm512_shuffle_i32x4::<0xee>(a, b), _mm512_shuffle_i32x4::<0xee>(c, d)];
        blocks[block] = _mm512_shuffle_i32x4::<0x88>(low[0], low[1]);
        blocks[4 + block] = _mm512_shuffle_i32x4::<0xdd>(low[0], low[1]);
        blocks[8 + block] = _mm512_shuffle_i32x4::<0x88>(high[0], high[1]);
        blocks[12 + block] = _mm512_shuffle_i32x4::<0xdd>(high[0], high[1]);
    }
    blocks
}

/// Eight authenticators, each of every eighth block. Lane i of each limb is worth r^8, r^4, r^7, r^3, r^6, r^2, r^5, r in the end: that
/// is the order in which two registers of blocks come apart into low and high halves.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Lanes {
    h: [[u64; 8]; 3],
    /// r^32, r^24, r^16, r^8.
    steps: [Factor; ROWS],
    /// r to r^8.
    powers: [Limbs; 8],
}

impl Lanes {
    fn new(r: Limbs) -> Self {
        let mut powers = [r; 8];
        for index in 1..8 {
            powers[index] = powers[index - 1].mul(r);
        }
        let r8 = powers[7];
        let r16 = r8.mul(r8);
        Self { h: [[0; 8]; 3], steps: [r16.mul(r16), r16.mul(r8), r16, r8].map(Factor::new), powers }
    }
}

/// A number to multiply with: its limbs, and 20 times the upper two for what wraps round, below 2^50.
#[derive(Clone, Copy, Zeroize)]
struct Factor {
    limbs: [u64; 3],
    wrapped: [u64; 2],
}

impl Factor {
    fn new(Limbs(limbs): Limbs) -> Self {
        Self { limbs, wrapped: [20 * limbs[1], 20 * limbs[2]] }
    }
}

/// Sums of products, each in two halves: the lower 52 bits of the products, and what is above.
struct Sums {
    low: [__m512i; 3],
    high: [__m512i; 3],
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn absorb(lanes: &mut Lanes, blocks: &[u8]) {
    let mut h = lanes.h.map(|limb| load64(&limb));
    for rows in blocks.as_chunks::<{ ROWS * ROW_LEN }>().0 {
        let mut sums = Sums { low: [_mm512_setzero_si512(); 3], high: [_mm512_setzero_si512(); 3] };
        let rows: &[_; ROWS] = rows.as_chunks::<ROW_LEN>().0.try_into().expect("four rows");
        let [first, second, third, last] = rows.map(|row| limbs(&row));
        // h last: it is known last.
        add_product(&mut sums, first, splat(&lanes.steps[1]));
        add_product(&mut sums, second, splat(&lanes.steps[2]));
        add_product(&mut sums, third, splat(&lanes.steps[3]));
        add_product(&mut sums, h, splat(&lanes.steps[0]));
        let reduced = carry(sums);
        for index in 0..3 {
            h[index] = _mm512_add_epi64(reduced[index], last[index]);
        }
    }
    for (limb, h) in lanes.h.iter_mut().zip(h) {
        store64(limb, h);
    }
}

/// All lanes, each times its power, in one.
#[target_feature(enable = "avx512f,avx512ifma")]
fn fold(lanes: &Lanes) -> Limbs {
    let by_lane = [8, 4, 7, 3, 6, 2, 5, 1].map(|power| Factor::new(lanes.powers[power - 1]));
    let factors = [0, 1, 2, 3, 4].map(|index| {
        load64(&by_lane.map(|factor| {
            let Factor { limbs: [low, middle, high], wrapped: [middle_wrapped, high_wrapped] } = factor;
            [low, middle, high, middle_wrapped, high_wrapped][index]
        }))
    });
    let mut sums = Sums { low: [_mm512_setzero_si512(); 3], high: [_mm512_setzero_si512(); 3] };
    add_product(&mut sums, lanes.h.map(|limb| load64(&limb)), factors);
    #[expect(clippy::cast_sign_loss, reason = "eight limbs below 2^45 have a sum below 2^48")]
    Limbs::carry(carry(sums).map(|limb| u128::from(_mm512_reduce_add_epi64(limb) as u64)))
}

/// The limbs of eight blocks.
#[target_feature(enable = "avx512f")]
fn limbs(row: &[u8; ROW_LEN]) -> [__m512i; 3] {
    let (left, right) = row.split_at(64);
    let [left, right] = [left, right].map(|half| load(half.try_into().expect("half a row")));
    let low = _mm512_unpacklo_epi64(left, right);
    let high = _mm512_unpackhi_epi64(left, right);
    let mask = splat64(MASK_44);
    [
        _mm512_and_si512(low, mask),
        _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<44>(low), _mm512_slli_epi64::<20>(high)), mask),
        _mm512_or_si512(_mm512_srli_epi64::<24>(high), splat64(1 << 40)),
    ]
}

/// Adds a product. The limbs of `number` are below 2^46, the factor's below 2^50: the halves of a product are below 2^52 and 2^44, so
/// after four calls, of three products to each sum, these are below 2^56 and 2^48.
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_product(sums: &mut Sums, number: [__m512i; 3], [low, middle, high, middle_wrapped, high_wrapped]: [__m512i; 5]) {
    let factors = [[low, high_wrapped, middle_wrapped], [middle, low, high_wrapped], [high, middle, low]];
    for (index, factors) in factors.into_iter().enumerate() {
        for (limb, factor) in number.into_iter().zip(factors) {
            sums.low[index] = _mm512_madd52lo_epu64(sums.low[index], limb, factor);
            sums.high[index] = _mm512_madd52hi_epu64(sums.high[index], limb, factor);
        }
    }
}

/// The sums as limbs of 44 bits (the middle one with a carry below 2^17 on top) and 42.
///
/// An upper half is worth 2^52: 2^8 of the limb above, and for the last limb, of 42 bits, 2^10.
#[target_feature(enable = "avx512f")]
fn carry(Sums { low, high }: Sums) -> [__m512i; 3] {
    let mask_44 = splat64(MASK_44);
    // Below 2^12 + 2^56, so the next sums stay below 2^58.
    let up = _mm512_add_epi64(_mm512_srli_epi64::<44>(low[0]), _mm512_slli_epi64::<8>(high[0]));
    let middle = _mm512_add_epi64(low[1], up);
    let up = _mm512_add_epi64(_mm512_srli_epi64::<44>(middle), _mm512_slli_epi64::<8>(high[1]));
    let top = _mm512_add_epi64(low[2], up);
    // Below 2^16 + 2^58: five times that is below 2^61.
    let up = _mm512_add_epi64(_mm512_srli_epi64::<42>(top), _mm512_slli_epi64::<10>(high[2]));
    let wrapped = _mm512_add_epi64(up, _mm512_slli_epi64::<2>(up));
    let bottom = _mm512_add_epi64(_mm512_and_si512(low[0], mask_44), wrapped);
    [
        _mm512_and_si512(bottom, mask_44),
        _mm512_add_epi64(_mm512_and_si512(middle, mask_44), _mm512_srli_epi64::<44>(bottom)),
        _mm512_and_si512(top, splat64(MASK_42)),
    ]
}

#[target_feature(enable = "avx512f")]
fn splat(factor: &Factor) -> [__m512i; 5] {
    let Factor { limbs: [low, middle, high], wrapped: [middle_wrapped, high_wrapped] } = *factor;
    [splat64(low), splat64(middle), splat64(high), splat64(middle_wrapped), splat64(high_wrapped)]
}

#[target_feature(enable = "avx512f")]
fn splat32(word: u32) -> __m512i {
    _mm512_set1_epi32(word.cast_signed())
}

#[target_feature(enable = "avx512f")]
fn splat64(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are there, and they need no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn store(bytes: &mut [u8; 64], vector: __m512i) {
    // SAFETY: there is room for 64 bytes, and they need no alignment.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx512f")]
fn load64(words: &[u64; 8]) -> __m512i {
    // SAFETY: 64 bytes are there, and they need no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn store64(words: &mut [u64; 8], vector: __m512i) {
    // SAFETY: there is room for 64 bytes, and they need no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poly1305::Poly1305;

    /// States are never as long as [`add_product`] allows: so these are put there by hand.
    #[test]
    fn the_longest_limbs_are_right() {
        let Some(engine) = Avx512::detect() else { return };
        let mut poly = Poly1305::new(&[0xff; 32]);
        let mut lanes = engine.lanes(poly.r);
        lanes.h = [[(1 << 46) - 1; 8]; 3];
        let by_powers = lanes.powers.map(|power| Limbs([(1 << 46) - 1; 3]).mul(power).0.map(u128::from));
        poly.h = Limbs::carry(by_powers.into_iter().fold([0; 3], |sum, limbs| [0, 1, 2].map(|index| sum[index] + limbs[index])));
        for _ in 0..2 {
            let mut folded = Poly1305::new(&[0xff; 32]);
            folded.h = engine.fold(&lanes);
            let mut scalar = Poly1305::new(&[0xff; 32]);
            scalar.h = poly.h;
            assert_eq!(folded.finish(), scalar.finish());
            engine.absorb(&mut lanes, &[0xff; ROWS * ROW_LEN]);
            poly.update_padded(&[0xff; ROWS * ROW_LEN]);
        }
    }
}
