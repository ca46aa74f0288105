//! ChaCha20-Poly1305 (RFC 8439) as fast as the processor's vectors allow: of a text of up to a few megabytes, without additional data.
//!
//! Sealing chunks is the only work that grows with a backup. Each backend is a file of its own that does two things with many blocks at
//! once, adding keystream and authenticating; what they have in common is in `engine`. RustCrypto is the backend for every machine, and
//! what the others are tested against.
//!
//! ```
//! use dbseal_kernel::{Backend, Key};
//!
//! let key = Key::new(&[7; 32], Backend::detect());
//! let mut text = *b"a chunk of a backup";
//! let tag = key.seal(&[0; 12], text.as_mut_slice().into());
//! assert!(key.open(&[1; 12], text.as_mut_slice().into(), &tag).is_err());
//! assert!(key.open(&[0; 12], text.as_mut_slice().into(), &tag).is_ok());
//! assert_eq!(&text, b"a chunk of a backup");
//! ```
//!
//! This is the only crate of the workspace with `unsafe` in it: to call what needs a processor's feature, which a token vouches for, and
//! to load and store vectors.
#![no_std]
#![cfg_attr(
    not(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
        all(target_arch = "wasm32", target_feature = "simd128")
    )),
    allow(dead_code, reason = "the portable backend needs nothing of what the others share")
)]

#[cfg(test)]
extern crate std;

mod backend;
mod chacha20;
mod engine;
mod poly1305;
mod portable;
mod stack;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512f;
#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
mod neon;
#[cfg(any(
    test,
    all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

pub use inout::InOutBuf;
use zeroize::Zeroizing;

pub use backend::{Backend, NoBackend};
use stack::with_wiped_stack;

/// The longest text in bytes: far below what the block counter reaches, 256 GiB.
pub const MAX_TEXT_LEN: usize = 16 << 20;

/// The text was not sealed under this key and nonce, or not as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

/// A key for texts that each have a nonce of their own. Wiped on drop.
pub struct Key {
    bytes: Zeroizing<[u8; 32]>,
    backend: Backend,
}

impl Key {
    /// The key of 256 bits, to be used by this backend.
    #[must_use]
    pub fn new(bytes: &[u8; 32], backend: Backend) -> Self {
        Self { bytes: Zeroizing::new(*bytes), backend }
    }

    /// Encrypts a text, in place or into another buffer, and returns its tag of 128 bits. The nonce, of 96 bits, must be new.
    ///
    /// # Panics
    /// If the text is longer than [`MAX_TEXT_LEN`].
    #[must_use]
    pub fn seal(&self, nonce: &[u8; 12], text: InOutBuf<'_, '_, u8>) -> [u8; 16] {
        assert!(text.len() <= MAX_TEXT_LEN, "a text beyond the longest");
        with_wiped_stack(self.backend.depth(), || self.backend.seal(&self.bytes, nonce, text))
    }

    /// Verifies a text, and then decrypts it.
    ///
    /// # Errors
    /// It is not authentic. Then neither buffer was touched.
    ///
    /// # Panics
    /// If the text is longer than [`MAX_TEXT_LEN`].
    pub fn open(&self, nonce: &[u8; 12], text: InOutBuf<'_, '_, u8>, tag: &[u8; 16]) -> Result<(), NotAuthentic> {
        assert!(text.len() <= MAX_TEXT_LEN, "a text beyond the longest");
        with_wiped_stack(self.backend.depth(), || self.backend.open(&self.bytes, nonce, text, tag))
    }
}
