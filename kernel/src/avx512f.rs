//! AVX-512 without IFMA, as in Xeons from 2017 to 2020: ChaCha20 as in [`crate::avx512`], Poly1305 as in [`crate::avx2`].

use inout::InOutBuf;

use crate::avx2::Avx2;
use crate::avx512;
use crate::chacha20::ChaCha20;
use crate::engine::Engine;
use crate::poly1305::Limbs;

/// Says that this processor, and the operating system, have the instructions of both: only [`Avx512f::detect`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512f(Avx2);

cpufeatures::new!(has_avx512f, "avx512f");

impl Avx512f {
    pub(crate) fn detect() -> Option<Self> {
        Avx2::detect().filter(|_| has_avx512f::get()).map(Self)
    }
}

impl Engine for Avx512f {
    type Lanes = <Avx2 as Engine>::Lanes;

    const MAC_LEN: usize = Avx2::MAC_LEN;

    fn xor(self, chacha: &ChaCha20, counter: u32, text: InOutBuf<'_, '_, u8>) {
        // SAFETY: `self` says that the processor has the instructions.
        unsafe { avx512::xor(chacha, counter, text) }
    }

    fn lanes(self, r: Limbs) -> Self::Lanes {
        self.0.lanes(r)
    }

    fn absorb(self, lanes: &mut Self::Lanes, blocks: &[u8]) {
        self.0.absorb(lanes, blocks);
    }

    fn fold(self, lanes: &Self::Lanes) -> Limbs {
        self.0.fold(lanes)
    }
}
