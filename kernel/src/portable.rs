//! RustCrypto's implementation, for every machine: what the others are measured by, in both senses.

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key};
use inout::InOutBuf;

use crate::NotAuthentic;

pub(crate) fn seal(key: &[u8; 32], nonce: &[u8; 12], text: InOutBuf<'_, '_, u8>) -> [u8; 16] {
    let cipher = ChaCha20Poly1305::new(<&Key>::from(key));
    cipher.encrypt_inout_detached(nonce.into(), b"", text).expect("a text that is far shorter than the cipher's limit").into()
}

pub(crate) fn open(key: &[u8; 32], nonce: &[u8; 12], text: InOutBuf<'_, '_, u8>, tag: &[u8; 16]) -> Result<(), NotAuthentic> {
    let cipher = ChaCha20Poly1305::new(<&Key>::from(key));
    cipher.decrypt_inout_detached(nonce.into(), b"", text, tag.into()).map_err(|_| NotAuthentic)
}
