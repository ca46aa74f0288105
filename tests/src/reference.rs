//! The age file format in the plainest Rust: a chunk at a time, a slice in, a `Vec` out, and no code shared with the core.
//!
//! Slow and short on purpose (age, "Payload", "Header", "The X25519 recipient type"): everything is compared to it.

use std::fmt::Write as _;

use base64ct::{Base64Unpadded, Encoding};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};

const CHUNK_LEN: usize = 64 * 1024;
const TAG_LEN: usize = 16;
const NONCE_LEN: usize = 16;

/// The identity of the age specification's example, and the private key that it spells.
pub const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const PRIVATE_KEY: [u8; 32] = [0x42; 32];

/// A payload section: the nonce, then the sealed chunks.
#[must_use]
pub fn seal_payload(file_key: &[u8; 16], nonce: &[u8; NONCE_LEN], plaintext: &[u8]) -> Vec<u8> {
    let mut section = nonce.to_vec();
    let mut index = 0;
    let mut rest = plaintext;
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK_LEN));
        let is_final = after.is_empty();
        section.extend(seal_chunk(file_key, nonce, index, is_final, chunk));
        if is_final {
            return section;
        }
        rest = after;
        index += 1;
    }
}

/// One chunk, at any place: also where a writer who has the key but not the rules would seal it.
#[must_use]
pub fn seal_chunk(file_key: &[u8; 16], nonce: &[u8; NONCE_LEN], index: u64, is_final: bool, chunk: &[u8]) -> Vec<u8> {
    let cipher = ChaCha20Poly1305::new(&hkdf_sha256(file_key, nonce, b"payload").into());
    cipher.encrypt(&chunk_nonce(index, is_final), chunk).expect("a short text")
}

/// The plaintext of a payload section, or `None` where it is not exactly what was sealed.
#[must_use]
pub fn open_payload(file_key: &[u8; 16], section: &[u8]) -> Option<Vec<u8>> {
    let (nonce, mut rest) = section.split_at_checked(NONCE_LEN)?;
    let cipher = ChaCha20Poly1305::new(&hkdf_sha256(file_key, nonce, b"payload").into());
    let mut plaintext = Vec::new();
    let mut index = 0;
    loop {
        let (slot, after) = rest.split_at(rest.len().min(CHUNK_LEN + TAG_LEN));
        let is_final = after.is_empty();
        let chunk = cipher.decrypt(&chunk_nonce(index, is_final), slot).ok()?;
        plaintext.extend(&chunk);
        if is_final {
            return if chunk.is_empty() && index > 0 { None } else { Some(plaintext) };
        }
        rest = after;
        index += 1;
    }
}

/// A header with one X25519 stanza for [`IDENTITY`].
#[must_use]
pub fn x25519_header(file_key: &[u8; 16], ephemeral_secret: [u8; 32]) -> Vec<u8> {
    let ephemeral_secret = StaticSecret::from(ephemeral_secret);
    let share = PublicKey::from(&ephemeral_secret);
    let recipient = PublicKey::from(&StaticSecret::from(PRIVATE_KEY));
    let shared_secret = ephemeral_secret.diffie_hellman(&recipient);
    let salt = [share.to_bytes(), recipient.to_bytes()].concat();
    let wrap_key = hkdf_sha256(shared_secret.as_bytes(), &salt, b"age-encryption.org/v1/X25519");
    let body = ChaCha20Poly1305::new(&wrap_key.into()).encrypt(&Nonce::from([0; 12]), &file_key[..]).expect("a short text");
    header(file_key, &[("X25519".into(), vec![base64(share.as_bytes())], body)])
}

/// A header of any stanzas, each a tag, its arguments and a body, with its MAC.
#[must_use]
pub fn header(file_key: &[u8; 16], stanzas: &[(String, Vec<String>, Vec<u8>)]) -> Vec<u8> {
    let mut text = String::from("age-encryption.org/v1\n");
    for (tag, args, body) in stanzas {
        text += &format!("-> {tag}");
        for arg in args {
            text += &format!(" {arg}");
        }
        text.push('\n');
        // Lines of 64 characters; the last one is shorter, and empty where the body fills all others.
        let body = base64(body);
        let (full, last) = body.split_at(body.len() / 64 * 64);
        for line in full.as_bytes().chunks(64) {
            text += &format!("{}\n", str::from_utf8(line).expect("base64"));
        }
        text += &format!("{last}\n");
    }
    text += "---";
    let mut mac = Hmac::<Sha256>::new_from_slice(&hkdf_sha256(file_key, b"", b"header")).expect("a key of any length");
    mac.update(text.as_bytes());
    text += &format!(" {}\n", base64(&mac.finalize().into_bytes()));
    text.into_bytes()
}

/// A test vector in the form of the published ones: a file for [`IDENTITY`] that opens.
#[must_use]
pub fn vector(plaintext: &[u8]) -> Vec<u8> {
    let file_key = *b"YELLOW SUBMARINE";
    let head = format!(
        "expect: success\npayload: {}\nfile key: {}\nidentity: {IDENTITY}\ncomment: sealed by our reference\n\n",
        hex(&Sha256::digest(plaintext)),
        hex(&file_key)
    );
    [head.into_bytes(), x25519_header(&file_key, [7; 32]), seal_payload(&file_key, &[9; NONCE_LEN], plaintext)].concat()
}

/// An 11-byte big-endian counter, and a byte that is 1 for the final chunk.
fn chunk_nonce(index: u64, is_final: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = is_final.into();
    nonce.into()
}

fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, &mut key).expect("32 bytes");
    key
}

fn base64(bytes: &[u8]) -> String {
    Base64Unpadded::encode_string(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}
