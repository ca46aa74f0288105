//! The post-quantum recipient type, `age1pq...` (age, "The MLKEM768-X25519 hybrid post-quantum recipient type").

use alloc::string::String;
use core::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::x25519::is_low_order;
use super::{KeyError, WRAPPED_KEY_LEN};
use crate::encoding::{Case, decode_base64_array, decode_bech32, encode_base64, encode_bech32};
use crate::header::UnwrapError;
use crate::keys::{FILE_KEY_LEN, FileKey};
use crate::stanza::Stanza;

pub(crate) const TAG: &str = "mlkem768x25519";
const RECIPIENT_PREFIX: &str = "age1pq";
pub(super) const RECIPIENT_PREFIX_AND_SEPARATOR: &str = "age1pq1";
const IDENTITY_PREFIX: &str = "AGE-SECRET-KEY-PQ-";
pub(super) const IDENTITY_PREFIX_AND_SEPARATOR: &str = "AGE-SECRET-KEY-PQ-1";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// An encapsulated key and a public key both end with their 32 bytes of X25519 (draft-irtf-cfrg-concrete-hybrid-kems).
const X25519_LEN: usize = 32;
const ENCAPSULATED_KEY_LEN: usize = 1088 + X25519_LEN;
const SEED_LEN: usize = 32;

/// An ML-KEM-768 and an X25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HybridRecipient(<XWing as Kem>::PublicKey);

impl HybridRecipient {
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let data = decode_bech32(RECIPIENT_PREFIX, text, Case::Lower).ok_or(KeyError::Mistyped)?;
        if data.last_chunk::<X25519_LEN>().is_none_or(is_low_order) {
            return Err(KeyError::Unusable);
        }
        Deserializable::from_bytes(&data).map(Self).map_err(|_| KeyError::Unusable)
    }

    pub(super) fn wrap(&self, file_key: &FileKey, rng: &mut impl CryptoRng) -> Stanza {
        let (encapsulated_key, body) =
            single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeS::Base, &self.0, INFO, file_key.as_bytes(), b"", rng)
                .expect("encapsulation to a valid public key and 16 bytes to seal");
        Stanza::new(TAG, &[&encode_base64(&encapsulated_key.to_bytes())], &body)
    }
}

impl fmt::Display for HybridRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_bech32(RECIPIENT_PREFIX, &self.0.to_bytes(), Case::Lower))
    }
}

/// The 32-byte seed of an ML-KEM-768 and an X25519 private key.
pub(crate) struct HybridIdentity(<XWing as Kem>::PrivateKey);

impl HybridIdentity {
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        rng.fill_bytes(&mut *seed);
        Self::from_bytes(&seed)
    }

    pub(super) fn from_bytes(seed: &[u8; SEED_LEN]) -> Self {
        Self(Deserializable::from_bytes(seed).expect("any 32 bytes are a seed"))
    }

    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let seed = decode_bech32(IDENTITY_PREFIX, text, Case::Upper).ok_or(KeyError::Mistyped)?;
        Deserializable::from_bytes(&seed).map(Self).map_err(|_| KeyError::Mistyped)
    }

    pub(super) fn recipient(&self) -> HybridRecipient {
        HybridRecipient(XWing::sk_to_pk(&self.0))
    }

    pub(super) fn expose_text(&self) -> Zeroizing<String> {
        encode_bech32(IDENTITY_PREFIX, &*self.expose_bytes(), Case::Upper)
    }

    pub(super) fn expose_bytes(&self) -> Zeroizing<[u8; SEED_LEN]> {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        self.0.write_exact(&mut *seed);
        seed
    }

    pub(super) fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, UnwrapError> {
        for stanza in stanzas.iter().filter(|stanza| stanza.tag == TAG) {
            let [encapsulated_key] = stanza.args.as_slice() else {
                return Err(UnwrapError::Malformed("a mlkem768x25519 stanza has not exactly one argument"));
            };
            let encapsulated_key: [u8; ENCAPSULATED_KEY_LEN] = decode_base64_array(encapsulated_key)
                .ok_or(UnwrapError::Malformed("an encapsulated key is not 1120 bytes in canonical base64"))?;
            if stanza.body.len() != WRAPPED_KEY_LEN {
                return Err(UnwrapError::Malformed("a mlkem768x25519 body is not 32 bytes long"));
            }
            // The KEM's combiner would still bind it, but a zero X25519 secret is nobody's honest encapsulation.
            if encapsulated_key.last_chunk().is_some_and(is_low_order) {
                return Err(UnwrapError::Malformed("an encapsulated key holds a point of low order"));
            }
            let Ok(encapsulated_key) = Deserializable::from_bytes(&encapsulated_key) else { continue };
            let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
                &OpModeR::Base,
                &self.0,
                &encapsulated_key,
                INFO,
                &stanza.body,
                b"",
            );
            if let Ok(opened) = opened.map(Zeroizing::new)
                && let Ok(file_key) = <&[u8; FILE_KEY_LEN]>::try_from(opened.as_slice())
            {
                return Ok(Some(FileKey::from_bytes(file_key)));
            }
        }
        Ok(None)
    }
}
