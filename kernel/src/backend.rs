//! Which implementation works.

use core::sync::atomic::{AtomicU8, Ordering};

use inout::InOutBuf;

use crate::stack::Depth;
use crate::{NotAuthentic, portable};

#[cfg(target_arch = "x86_64")]
use crate::{avx2::Avx2, avx512::Avx512, avx512f::Avx512f, engine};
#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
use crate::{engine, neon::Neon};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::{engine, simd128::Simd128};

/// An implementation that this machine can run.
#[derive(Clone, Copy, Debug)]
pub struct Backend(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx512f(Avx512f),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128(Simd128),
    #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
    Neon(Neon),
    Portable,
}

/// One more than the place in [`Backend::all`] of the one that was forced; 0 for none.
static FORCED: AtomicU8 = AtomicU8::new(0);

impl Backend {
    /// The fastest; or the one that was forced.
    #[must_use]
    pub fn detect() -> Self {
        let forced = usize::from(FORCED.load(Ordering::Relaxed));
        Self::all().nth(forced.saturating_sub(1)).unwrap_or(Self(Kind::Portable))
    }

    /// All that this machine can run, from the fastest on. The last is RustCrypto's, which every machine can.
    pub fn all() -> impl Iterator<Item = Self> {
        [
            #[cfg(target_arch = "x86_64")]
            Avx512::detect().map(Kind::Avx512),
            #[cfg(target_arch = "x86_64")]
            Avx512f::detect().map(Kind::Avx512f),
            #[cfg(target_arch = "x86_64")]
            Avx2::detect().map(Kind::Avx2),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Some(Kind::Simd128(Simd128)),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            Some(Kind::Neon(Neon)),
            Some(Kind::Portable),
        ]
        .into_iter()
        .flatten()
        .map(Self)
    }

    /// From now on, makes [`Backend::detect`] answer with the backend of this name, in the whole process: for tests and for measuring.
    ///
    /// # Errors
    /// This machine has none of that name.
    pub fn force(name: &str) -> Result<(), NoBackend> {
        let place = Self::all().position(|backend| backend.name() == name).ok_or(NoBackend)?;
        FORCED.store(u8::try_from(place + 1).map_err(|_| NoBackend)?, Ordering::Relaxed);
        Ok(())
    }

    /// Its name, as [`Backend::force`] takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512f(_) => "avx512f",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(_) => "simd128",
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            Kind::Neon(_) => "neon",
            Kind::Portable => "portable",
        }
    }

    pub(crate) fn depth(self) -> Depth {
        match self.0 {
            // The factors of AVX2 are long.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512f(_) | Kind::Avx2(_) => Depth::Deep,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => Depth::Shallow,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(_) => Depth::Shallow,
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            Kind::Neon(_) => Depth::Shallow,
            Kind::Portable => Depth::Shallow,
        }
    }

    pub(crate) fn seal(self, key: &[u8; 32], nonce: &[u8; 12], text: InOutBuf<'_, '_, u8>) -> [u8; 16] {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(avx512) => engine::seal(avx512, key, nonce, text),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512f(avx512f) => engine::seal(avx512f, key, nonce, text),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(avx2) => engine::seal(avx2, key, nonce, text),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(simd128) => engine::seal(simd128, key, nonce, text),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            Kind::Neon(neon) => engine::seal(neon, key, nonce, text),
            Kind::Portable => portable::seal(key, nonce, text),
        }
    }

    pub(crate) fn open(self, key: &[u8; 32], nonce: &[u8; 12], text: InOutBuf<'_, '_, u8>, tag: &[u8; 16]) -> Result<(), NotAuthentic> {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(avx512) => engine::open(avx512, key, nonce, text, tag),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512f(avx512f) => engine::open(avx512f, key, nonce, text, tag),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(avx2) => engine::open(avx2, key, nonce, text, tag),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kind::Simd128(simd128) => engine::open(simd128, key, nonce, text, tag),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
            Kind::Neon(neon) => engine::open(neon, key, nonce, text, tag),
            Kind::Portable => portable::open(key, nonce, text, tag),
        }
    }
}

/// This machine has no backend of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoBackend;

#[cfg(test)]
mod tests;
