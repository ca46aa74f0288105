//! How X25519 and scrypt seal a file key under a wrap key.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};

use super::WRAPPED_KEY_LEN;
use crate::keys::{FILE_KEY_LEN, FileKey};

/// The nonce is zero: each wrap key comes from a fresh ephemeral share or salt and seals one file key in its life.
const ZERO_NONCE: [u8; 12] = [0; 12];

pub(super) fn seal_file_key(wrap_key: &[u8; 32], file_key: &FileKey) -> [u8; WRAPPED_KEY_LEN] {
    let mut body = [0; WRAPPED_KEY_LEN];
    body[..FILE_KEY_LEN].copy_from_slice(file_key.as_bytes());
    let (text, tag) = body.split_at_mut(FILE_KEY_LEN);
    let sealed = ChaCha20Poly1305::new(wrap_key.into())
        .encrypt_inout_detached(&Nonce::from(ZERO_NONCE), b"", text.into())
        .expect("16 bytes are far below the cipher's limit");
    tag.copy_from_slice(&sealed);
    body
}

/// `None` where the body was sealed under another key.
pub(super) fn open_file_key(wrap_key: &[u8; 32], body: &[u8; WRAPPED_KEY_LEN]) -> Option<FileKey> {
    let mut text = zeroize::Zeroizing::new([0; FILE_KEY_LEN]);
    text.copy_from_slice(&body[..FILE_KEY_LEN]);
    let tag = Tag::try_from(&body[FILE_KEY_LEN..]).ok()?;
    ChaCha20Poly1305::new(wrap_key.into()).decrypt_inout_detached(&Nonce::from(ZERO_NONCE), b"", text.as_mut_slice().into(), &tag).ok()?;
    Some(FileKey::from_bytes(&text))
}
