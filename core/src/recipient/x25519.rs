//! The classical recipient type, `age1...` (age, "The X25519 recipient type").

use alloc::string::String;
use core::fmt;

use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::KeyError;
use super::wrap::{open_file_key, seal_file_key};
use crate::encoding::{Case, decode_base64_array, decode_bech32, encode_base64, encode_bech32};
use crate::header::UnwrapError;
use crate::keys::{FileKey, hkdf_sha256};
use crate::stanza::Stanza;

pub(crate) const TAG: &str = "X25519";
const RECIPIENT_PREFIX: &str = "age";
const IDENTITY_PREFIX: &str = "AGE-SECRET-KEY-";
pub(super) const IDENTITY_PREFIX_AND_SEPARATOR: &str = "AGE-SECRET-KEY-1";
const INFO: &[u8] = b"age-encryption.org/v1/X25519";

/// An X25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct X25519Recipient(PublicKey);

impl X25519Recipient {
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = decode_bech32(RECIPIENT_PREFIX, text, Case::Lower)
            .and_then(|data| data.as_slice().try_into().ok())
            .ok_or(KeyError::Mistyped)?;
        if is_low_order(&bytes) {
            return Err(KeyError::Unusable);
        }
        Ok(Self(bytes.into()))
    }

    pub(super) fn wrap(&self, file_key: &FileKey, rng: &mut impl CryptoRng) -> Stanza {
        let ephemeral_secret = StaticSecret::random_from_rng(rng);
        let share = PublicKey::from(&ephemeral_secret);
        let key = wrap_key(&ephemeral_secret.diffie_hellman(&self.0), &share, &self.0);
        Stanza::new(TAG, &[&encode_base64(share.as_bytes())], &seal_file_key(&key, file_key))
    }
}

impl fmt::Display for X25519Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode_bech32(RECIPIENT_PREFIX, self.0.as_bytes(), Case::Lower))
    }
}

/// An X25519 private key, with its public one, which every stanza takes.
pub(crate) struct X25519Identity {
    secret: StaticSecret,
    recipient: X25519Recipient,
}

impl X25519Identity {
    pub(super) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::new(StaticSecret::random_from_rng(rng))
    }

    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let data = decode_bech32(IDENTITY_PREFIX, text, Case::Upper).ok_or(KeyError::Mistyped)?;
        let bytes = Zeroizing::new(<[u8; 32]>::try_from(data.as_slice()).map_err(|_| KeyError::Mistyped)?);
        Ok(Self::from_bytes(&bytes))
    }

    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self::new(StaticSecret::from(*bytes))
    }

    pub(super) fn expose_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes())
    }

    fn new(secret: StaticSecret) -> Self {
        let recipient = X25519Recipient(PublicKey::from(&secret));
        Self { secret, recipient }
    }

    pub(super) fn recipient(&self) -> X25519Recipient {
        self.recipient.clone()
    }

    pub(super) fn expose_text(&self) -> Zeroizing<String> {
        encode_bech32(IDENTITY_PREFIX, self.secret.as_bytes(), Case::Upper)
    }

    pub(super) fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, UnwrapError> {
        for stanza in stanzas.iter().filter(|stanza| stanza.tag == TAG) {
            let [share] = stanza.args.as_slice() else {
                return Err(UnwrapError::Malformed("an X25519 stanza has not exactly one argument"));
            };
            let share: [u8; 32] =
                decode_base64_array(share).ok_or(UnwrapError::Malformed("an X25519 share is not 32 bytes in canonical base64"))?;
            let body = stanza.body.as_slice().try_into().map_err(|_| UnwrapError::Malformed("an X25519 body is not 32 bytes long"))?;
            let share = PublicKey::from(share);
            let shared_secret = self.secret.diffie_hellman(&share);
            // A low-order share makes the secret zero for everybody, so that anybody could open the stanza.
            if !shared_secret.was_contributory() {
                return Err(UnwrapError::Malformed("an X25519 share is a point of low order"));
            }
            let key = wrap_key(&shared_secret, &share, &self.recipient.0);
            if let Some(file_key) = open_file_key(&key, body) {
                return Ok(Some(file_key));
            }
        }
        Ok(None)
    }
}

fn wrap_key(shared_secret: &SharedSecret, share: &PublicKey, recipient: &PublicKey) -> Zeroizing<[u8; 32]> {
    let mut salt = [0; 64];
    salt[..32].copy_from_slice(share.as_bytes());
    salt[32..].copy_from_slice(recipient.as_bytes());
    hkdf_sha256(shared_secret.as_bytes(), &salt, INFO)
}

/// Whether every shared secret with this public key is zero. Clamped scalars are multiples of the cofactor, so one of them
/// answers for all (RFC 7748, section 6.1).
pub(super) fn is_low_order(public_key: &[u8; 32]) -> bool {
    !StaticSecret::from([1; 32]).diffie_hellman(&PublicKey::from(*public_key)).was_contributory()
}
