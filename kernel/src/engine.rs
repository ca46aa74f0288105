//! A whole chunk, by whichever instruction set: what they have in common.

use inout::InOutBuf;
use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::NotAuthentic;
use crate::chacha20::{self, ChaCha20};
use crate::poly1305::{Limbs, Poly1305};

/// Bytes that are encrypted, then authenticated while they are in a core's first cache.
pub(crate) const STRIDE_LEN: usize = 4096;

/// The two things an instruction set does with many blocks at once.
pub(crate) trait Engine: Copy {
    /// Poly1305 on its way, in the form that suits the instructions: one authenticator, several side by side, or a sum.
    type Lanes: ZeroizeOnDrop;

    /// Bytes that [`Engine::absorb`] takes at a time; divides [`STRIDE_LEN`].
    const MAC_LEN: usize;

    /// Adds the keystream from block `counter` on to a text of [`STRIDE_LEN`] bytes.
    fn xor(self, chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>);

    /// Authenticators that have taken in nothing.
    fn lanes(self, r: Limbs) -> Self::Lanes;

    /// Takes in blocks, a multiple of [`Engine::MAC_LEN`] bytes.
    fn absorb(self, lanes: &mut Self::Lanes, blocks: &[u8]);

    /// What Poly1305 is at after all blocks that the lanes took in.
    fn fold(self, lanes: &Self::Lanes) -> Limbs;
}

/// Encrypts a text and returns its tag (RFC 8439, section 2.8, without additional data).
pub(crate) fn seal<E: Engine>(engine: E, key: &[u8; 32], nonce: &[u8; 12], text: InOutBuf<'_, '_, u8>) -> [u8; 16] {
    let chacha = ChaCha20::new(key, nonce);
    let mut mac = Mac::new(engine, &chacha, text.len());
    xor_with(engine, &chacha, text, |sealed| mac.update(sealed));
    mac.finish()
}

/// Verifies a text, and only then decrypts it.
pub(crate) fn open<E: Engine>(
    engine: E,
    key: &[u8; 32],
    nonce: &[u8; 12],
    text: InOutBuf<'_, '_, u8>,
    tag: &[u8; 16],
) -> Result<(), NotAuthentic> {
    let chacha = ChaCha20::new(key, nonce);
    let mut mac = Mac::new(engine, &chacha, text.len());
    mac.update(text.get_in());
    if !bool::from(mac.finish().ct_eq(tag)) {
        return Err(NotAuthentic);
    }
    xor_with(engine, &chacha, text, |_| {});
    Ok(())
}

/// Adds the keystream to a text from its first byte, block 1, and shows what became of each stride.
fn xor_with<E: Engine>(engine: E, chacha: &ChaCha20, text: InOutBuf<'_, '_, u8>, mut done: impl FnMut(&[u8])) {
    #[expect(clippy::cast_possible_truncation, reason = "it is 64")]
    const BLOCKS: u32 = (STRIDE_LEN / chacha20::BLOCK_LEN) as u32;
    let mut counter = 1;
    let mut rest = text;
    while rest.len() >= STRIDE_LEN {
        let (mut stride, later) = rest.split_at(STRIDE_LEN);
        engine.xor(chacha, counter, stride.reborrow());
        done(stride.get_out());
        counter += BLOCKS;
        rest = later;
    }
    if !rest.is_empty() {
        let mut stride = Zeroizing::new([0; STRIDE_LEN]);
        stride[..rest.len()].copy_from_slice(rest.get_in());
        engine.xor(chacha, counter, stride.as_mut_slice().into());
        let len = rest.len();
        rest.get_out().copy_from_slice(&stride[..len]);
        done(rest.get_out());
    }
}

/// Poly1305 over a text whose pieces are whole strides, but for the last.
struct Mac<E: Engine> {
    engine: E,
    lanes: Option<E::Lanes>,
    poly: Poly1305,
    text_len: usize,
}

impl<E: Engine> Mac<E> {
    fn new(engine: E, chacha: &ChaCha20, text_len: usize) -> Self {
        const { assert!(STRIDE_LEN.is_multiple_of(E::MAC_LEN)) }
        let poly = Poly1305::new(&Zeroizing::new(chacha.one_time_key()));
        let lanes = (text_len >= E::MAC_LEN).then(|| engine.lanes(poly.r));
        Self { engine, lanes, poly, text_len }
    }

    fn update(&mut self, sealed: &[u8]) {
        let Some(lanes) = &mut self.lanes else {
            self.poly.update_padded(sealed);
            return;
        };
        let (blocks, last) = sealed.split_at(sealed.len() - sealed.len() % E::MAC_LEN);
        self.engine.absorb(lanes, blocks);
        if !last.is_empty() {
            self.fold();
            self.poly.update_padded(last);
        }
    }

    fn fold(&mut self) {
        if let Some(lanes) = &self.lanes {
            self.poly.h = self.engine.fold(lanes);
            self.lanes = None;
        }
    }

    fn finish(mut self) -> [u8; 16] {
        self.fold();
        let mut lengths = [0; 16];
        lengths[8..].copy_from_slice(&(self.text_len as u64).to_le_bytes());
        self.poly.update_padded(&lengths);
        self.poly.finish()
    }
}
