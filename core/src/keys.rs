//! The file key and what is derived from it (age, "File key", "Header MAC", "Payload").

use alloc::boxed::Box;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes in a file key.
pub const FILE_KEY_LEN: usize = 16;
/// Bytes in a payload nonce.
pub const PAYLOAD_NONCE_LEN: usize = 16;
/// Bytes in a header MAC.
pub(crate) const MAC_LEN: usize = 32;

/// The key of one file: 128 bits from a CSPRNG, wrapped for each recipient in the header. Wiped on drop, never printed.
// On the heap, in one place however often the key is moved.
pub struct FileKey(Box<Zeroizing<[u8; FILE_KEY_LEN]>>);

impl FileKey {
    /// A fresh key. Each file gets its own.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Box::new(Zeroizing::new([0; FILE_KEY_LEN]));
        rng.fill_bytes(&mut **key);
        Self(key)
    }

    /// For a file key that came out of a stanza or a test vector.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; FILE_KEY_LEN]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; FILE_KEY_LEN] {
        &self.0
    }

    /// HMAC-SHA-256 over `header`, which ends with its `---`.
    pub(crate) fn header_mac(&self, header: &[u8]) -> [u8; MAC_LEN] {
        self.keyed_mac(header).finalize().into_bytes().into()
    }

    /// Compares in constant time.
    pub(crate) fn verify_header_mac(&self, header: &[u8], mac: &[u8; MAC_LEN]) -> bool {
        self.keyed_mac(header).verify_slice(mac).is_ok()
    }

    fn keyed_mac(&self, header: &[u8]) -> Hmac<Sha256> {
        let key = hkdf_sha256(self.as_bytes(), b"", b"header");
        let mut mac = Hmac::<Sha256>::new_from_slice(&*key).expect("HMAC takes a key of any length");
        mac.update(header);
        mac
    }

    /// What the proofs in a seal are made with (SEAL.md, "Fields").
    pub(crate) fn proof_key(&self) -> Zeroizing<[u8; 32]> {
        hkdf_sha256(self.as_bytes(), b"", b"dbseal/v1 proof")
    }

    pub(crate) fn payload_key(&self, nonce: &PayloadNonce) -> Zeroizing<[u8; 32]> {
        hkdf_sha256(self.as_bytes(), &nonce.0, b"payload")
    }
}

impl core::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FileKey(..)")
    }
}

/// The 16 bytes that start a payload section. Public, but fresh for every payload: with the file key it yields the payload
/// key, under which chunk counters start at zero again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadNonce([u8; PAYLOAD_NONCE_LEN]);

impl PayloadNonce {
    /// A fresh nonce.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        Self(nonce)
    }

    /// The nonce as it stands in a file.
    #[must_use]
    pub fn from_bytes(bytes: [u8; PAYLOAD_NONCE_LEN]) -> Self {
        Self(bytes)
    }

    /// As it goes into a file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PAYLOAD_NONCE_LEN] {
        &self.0
    }
}

/// HKDF-SHA-256 (RFC 5869) with 32 bytes of output, as everywhere in age.
pub(crate) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, &mut *key).expect("32 bytes are fewer than 255 hashes");
    key
}
