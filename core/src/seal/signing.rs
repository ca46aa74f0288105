//! Keys that sign notes, and the keys that verify them: Ed25519 in the text forms of signed notes
//! ([c2sp.org/signed-note](https://c2sp.org/signed-note)).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::words::Label;
use crate::recipient::{KeyError, Recipient, place_of};
use crate::stack::with_wiped_stack;

/// The signature type of a signed note for Ed25519.
const ED25519: u8 = 0x01;
const KEY_LEN: usize = 32;
/// Bytes in a key ID.
pub(crate) const ID_LEN: usize = 4;
const PRIVATE_START: &str = "PRIVATE+KEY+";

/// Who signs: a name and an Ed25519 key. Wiped on drop, never printed by accident.
// On the heap, in one place however often it is moved.
pub struct SigningKey {
    verifier: VerifierKey,
    key: Box<ed25519_dalek::SigningKey>,
}

impl SigningKey {
    /// A new key of this name.
    pub fn generate(name: Label, rng: &mut impl CryptoRng) -> Self {
        let mut seed = Box::new(Zeroizing::new([0; KEY_LEN]));
        rng.fill_bytes(&mut **seed);
        Self::of(name, &seed)
    }

    fn of(name: Label, seed: &[u8; KEY_LEN]) -> Self {
        let key = with_wiped_stack(|| Box::new(ed25519_dalek::SigningKey::from_bytes(seed)));
        let verifier = VerifierKey { name, key: key.verifying_key() };
        Self { verifier, key }
    }

    /// Its public half.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Where its secret lies in memory as long as it is there, for who keeps that out of swap space. What lies there is not to be read.
    #[must_use]
    pub fn place(&self) -> Range<*const u8> {
        place_of(&*self.key)
    }

    /// The text that goes into a file, `PRIVATE+KEY+NAME+ID+KEY`. The one way out for a secret, and named so.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        with_wiped_stack(|| {
            let mut bytes = Zeroizing::new([ED25519; 1 + KEY_LEN]);
            bytes[1..].copy_from_slice(self.key.as_bytes());
            let encoded = Zeroizing::new(Base64::encode_string(&*bytes));
            let id = self.verifier.id_text();
            Zeroizing::new([PRIVATE_START, self.verifier.name.as_str(), "+", &id, "+", &encoded].concat())
        })
    }

    /// The signature line over a note's text, with its line feed.
    pub(crate) fn sign(&self, text: &str) -> String {
        let signature = with_wiped_stack(|| self.key.sign(text.as_bytes()));
        let bytes = [&self.verifier.id()[..], &signature.to_bytes()].concat();
        format!("\u{2014} {} {}\n", self.verifier.name, Base64::encode_string(&bytes))
    }
}

impl FromStr for SigningKey {
    type Err = SigningKeyError;

    fn from_str(text: &str) -> Result<Self, SigningKeyError> {
        let Some(rest) = text.strip_prefix(PRIVATE_START) else {
            return Err(match text.parse::<VerifierKey>() {
                Ok(_) => SigningKeyError::PublicNotPrivate,
                Err(VerifierKeyError::AgeIdentity | VerifierKeyError::AgeRecipient) => SigningKeyError::AgeKey,
                Err(_) => SigningKeyError::NotASigningKey,
            });
        };
        let (name, id, encoded) = parts(rest).ok_or(SigningKeyError::Mistyped)?;
        let seed = with_wiped_stack(|| decode_seed(encoded)).ok_or(SigningKeyError::Mistyped)?;
        let key = Self::of(name, &seed);
        if key.verifier.id_text() == id { Ok(key) } else { Err(SigningKeyError::Mistyped) }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

/// The one signing key in a file; `#` starts a comment.
///
/// # Errors
/// None, several, or a line that is none.
pub fn signing_key_from_text(text: &str) -> Result<SigningKey, SigningKeyError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = lines.next().ok_or(SigningKeyError::Empty)?.parse()?;
    if lines.next().is_some() { Err(SigningKeyError::Several) } else { Ok(key) }
}

/// Why a text is not a signing key. No variant repeats the text: it may be a secret in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// A verifier key where a signing key belongs.
    #[error("this is a verifier key, which is public: only a PRIVATE+KEY+... signs")]
    PublicNotPrivate,
    /// A key that opens files, or that files are encrypted to.
    #[error("this is a key of age, which signs nothing: a signing key starts with PRIVATE+KEY+")]
    AgeKey,
    /// Something else.
    #[error("this is not a signing key: one starts with PRIVATE+KEY+")]
    NotASigningKey,
    /// A typo or a truncation.
    #[error("the signing key is mistyped or incomplete: its ID does not match")]
    Mistyped,
    /// No key at all.
    #[error("there is no signing key in it")]
    Empty,
    /// More than one key.
    #[error("there is more than one signing key in it")]
    Several,
}

/// Whom a signature is verified for: `NAME+ID+KEY`, public.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: Label,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The name that it was made under.
    #[must_use]
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// What tells it from other keys of its name in a signature line: SHA-256 over name and key, cut to 32 bits.
    pub(crate) fn id(&self) -> [u8; ID_LEN] {
        let hash =
            Sha256::new().chain_update(self.name.as_str()).chain_update([b'\n', ED25519]).chain_update(self.key.as_bytes()).finalize();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    fn id_text(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id()))
    }

    /// Whether who has the one has the other, whatever they are called.
    pub(super) fn is_same_point(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// Whether the signature is this key's over this text.
    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        // Strictly: else whoever holds a key of small order has one signature for every text (RFC 8032, section 8.9 is silent on it).
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        if text.starts_with(PRIVATE_START) {
            return Err(VerifierKeyError::PrivateNotPublic);
        }
        let (name, id, encoded) = parts(text).ok_or_else(|| match text.parse::<Recipient>() {
            Err(KeyError::PrivateNotPublic) => VerifierKeyError::AgeIdentity,
            Err(KeyError::NotARecipient) => VerifierKeyError::NotAVerifierKey,
            Ok(_) | Err(_) => VerifierKeyError::AgeRecipient,
        })?;
        let bytes = decode(encoded).ok_or(VerifierKeyError::Mistyped)?;
        let key: &[u8; KEY_LEN] = match bytes.split_first() {
            Some((&ED25519, key)) => key.try_into().map_err(|_| VerifierKeyError::Mistyped)?,
            _ => return Err(VerifierKeyError::Unsupported),
        };
        let key = VerifyingKey::from_bytes(key).ok().filter(is_usable).ok_or(VerifierKeyError::Unusable)?;
        let verifier = Self { name, key };
        if verifier.id_text() == id { Ok(verifier) } else { Err(VerifierKeyError::Mistyped) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[ED25519], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{}+{}", self.name, self.id_text(), Base64::encode_string(&bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// Why a text is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierKeyError {
    /// A signing key where a verifier key belongs.
    #[error("this is a private signing key: only the public verifier key belongs here")]
    PrivateNotPublic,
    /// A private key of age.
    #[error("this is a private key, which opens files, not a verifier key: keep it secret")]
    AgeIdentity,
    /// A public key of age.
    #[error("this is a recipient, which files are encrypted to, not a verifier key: one looks like NAME+1234abcd+AbCd...")]
    AgeRecipient,
    /// Something else.
    #[error("this is not a verifier key: one looks like NAME+1234abcd+AbCd...")]
    NotAVerifierKey,
    /// A typo or a truncation.
    #[error("the verifier key is mistyped or incomplete: its ID does not match")]
    Mistyped,
    /// Not Ed25519.
    #[error("this kind of verifier key is not supported: only Ed25519 is")]
    Unsupported,
    /// Well spelled, but no public key.
    #[error("the verifier key is well spelled but is not a usable public key")]
    Unusable,
}

/// Name, ID and encoded key. The name of a key has no `+`, the encoding may have.
fn parts(text: &str) -> Option<(Label, &str, &str)> {
    let (name, rest) = text.split_once('+')?;
    let (id, encoded) = rest.split_once('+')?;
    Some((name.parse().ok()?, id, encoded))
}

/// Not of small order, for which one signature verifies over every text; and in its one spelling: the library decodes a coordinate
/// of 2^255 - 19 or more as well, which RFC 8032 does not (section 5.1.3), and keeps its bytes, so that one key would have two IDs.
fn is_usable(key: &VerifyingKey) -> bool {
    !key.is_weak() && key.to_edwards().compress().as_bytes() == key.as_bytes()
}

/// The seed of a signing key, of which no copy is left behind. Its 33 bytes fill 44 characters: there is no padding, and no bit that
/// another spelling could have.
fn decode_seed(text: &str) -> Option<Box<Zeroizing<[u8; KEY_LEN]>>> {
    let mut bytes = Zeroizing::new([0; 1 + KEY_LEN]);
    match Base64::decode(text, &mut *bytes).ok()?.split_first()? {
        (&ED25519, seed) => {
            let seed: &[u8; KEY_LEN] = seed.try_into().ok()?;
            Some(Box::new(Zeroizing::new(*seed)))
        }
        _ => None,
    }
}

/// Base64 with padding, in its one spelling. For what is public: the copies that it makes are not wiped.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64::decode_vec(text).ok()?;
    (Base64::encode_string(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
impl SigningKey {
    pub(crate) fn from_seed_for_tests(name: &str, seed: u8) -> Self {
        Self::of(name.parse().expect("a label"), &[seed; KEY_LEN])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    // The examples of the age specification.
    const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

    fn key() -> SigningKey {
        SigningKey::of("db1".parse().unwrap(), &[7; KEY_LEN])
    }

    #[test]
    fn keys_print_back() {
        let key = key();
        let text = key.expose_text();
        assert_eq!(text.parse::<SigningKey>().unwrap().expose_text(), text);
        assert_eq!(signing_key_from_text(&format!("# the host's\n{}\n", *text)).unwrap().verifier_key(), key.verifier_key());
        let public = key.verifier_key().to_string();
        assert_eq!(public.parse::<VerifierKey>().unwrap(), *key.verifier_key());
        // SHA-256 over name, line feed, type and key, by hand.
        let hash = Sha256::digest([b"db1\n\x01", &key.key.verifying_key().to_bytes()[..]].concat());
        assert_eq!(u32::from_str_radix(&public[4..12], 16).unwrap().to_be_bytes(), hash[..4]);
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn other_texts_are_named() {
        let (key, verifier) = (key(), key().verifier_key().to_string());
        let private = |text: &str| text.parse::<SigningKey>().unwrap_err();
        assert_eq!(private(&verifier), SigningKeyError::PublicNotPrivate);
        assert_eq!(private("hunter2"), SigningKeyError::NotASigningKey);
        assert_eq!(private(""), SigningKeyError::NotASigningKey);
        assert_eq!([private(RECIPIENT), private(IDENTITY)], [SigningKeyError::AgeKey; 2]);
        assert_eq!(private(&key.expose_text().replace("db1", "db2")), SigningKeyError::Mistyped);
        let text = key.expose_text();
        let (start, encoded) = text.rsplit_once('+').unwrap();
        for len in 0..encoded.len() {
            assert_eq!(private(&format!("{start}+{}", &encoded[..len])), SigningKeyError::Mistyped, "{len} characters");
        }
        for other in [format!("{encoded}="), format!("{encoded}AAAA"), encoded.replacen('A', "B", 1), encoded.to_lowercase()] {
            assert_eq!(private(&format!("{start}+{other}")), SigningKeyError::Mistyped, "{other}");
        }
        let public = |text: &str| text.parse::<VerifierKey>().unwrap_err();
        assert_eq!(public(&key.expose_text()), VerifierKeyError::PrivateNotPublic);
        assert_eq!(public(&verifier.replace("db1", "db2")), VerifierKeyError::Mistyped);
        assert_eq!(public(&verifier[..verifier.len() - 1]), VerifierKeyError::Mistyped);
        for other in ["", "db1", "db1+", "+00000000+AAAA", "a b+00000000+AAAA"] {
            assert_eq!(public(other), VerifierKeyError::NotAVerifierKey, "{other}");
        }
        assert_eq!([public(RECIPIENT), public("ssh-ed25519 AAAA"), public("age1pq1qq")], [VerifierKeyError::AgeRecipient; 3]);
        assert_eq!(public(IDENTITY), VerifierKeyError::AgeIdentity);
        assert_eq!(public(&verifier.to_uppercase()), VerifierKeyError::Unsupported);
        assert_eq!(public(&format!("db1+00000000+{}", Base64::encode_string(&[2; 33]))), VerifierKeyError::Unsupported);
        let identity_point = [&[ED25519, 1], &[0; 31][..]].concat();
        assert_eq!(public(&format!("db1+00000000+{}", Base64::encode_string(&identity_point))), VerifierKeyError::Unusable);
        assert_eq!(signing_key_from_text("# nothing\n").unwrap_err(), SigningKeyError::Empty);
        assert_eq!(signing_key_from_text(&format!("{}\n{}\n", *text, *text)).unwrap_err(), SigningKeyError::Several);
    }

    /// The verifier key `db1` with these bytes and the ID that belongs to them.
    fn verifier_text(key: &[u8; KEY_LEN]) -> String {
        let hash = Sha256::digest([b"db1\n\x01", &key[..]].concat());
        let id: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("db1+{id}+{}", Base64::encode_string(&[&[ED25519], &key[..]].concat()))
    }

    // RFC 8032, section 7.1, TEST 1.
    #[test]
    fn keys_and_signatures_match_the_rfc() {
        let hex =
            |text: &str| -> Vec<u8> { (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect() };
        let seed: [u8; KEY_LEN] = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").try_into().unwrap();
        let public: [u8; KEY_LEN] = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").try_into().unwrap();
        let key = SigningKey::of("db1".parse().unwrap(), &seed);
        assert_eq!(key.verifier_key().to_string(), verifier_text(&public));
        let line = key.sign("");
        let signature = &decode(line.trim_end().rsplit_once(' ').unwrap().1).unwrap()[ID_LEN..];
        let expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        assert_eq!(signature, hex(expected));
    }

    #[test]
    fn a_point_has_one_spelling() {
        // Small order: of orders 1, 2, 4 and 8.
        let mut minus_one = [0xff; KEY_LEN];
        (minus_one[0], minus_one[31]) = (0xec, 0x7f);
        let mut one = [0; KEY_LEN];
        one[0] = 1;
        let order_8 = b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05";
        for small in [&one, &minus_one, &[0; KEY_LEN], order_8] {
            assert_eq!(verifier_text(small).parse::<VerifierKey>(), Err(VerifierKeyError::Unusable), "{small:x?}");
        }
        // The same coordinate, below 2^255 - 19 and plus 2^255 - 19.
        let (mut usable, mut refused) = (0, 0);
        for y in 2..19 {
            let mut canonical = [0; KEY_LEN];
            canonical[0] = y;
            let mut other = [0xff; KEY_LEN];
            (other[0], other[31]) = (0xed + y, 0x7f);
            usable += usize::from(verifier_text(&canonical).parse::<VerifierKey>().is_ok());
            refused += usize::from(VerifyingKey::from_bytes(&other).is_ok());
            assert_eq!(verifier_text(&other).parse::<VerifierKey>(), Err(VerifierKeyError::Unusable), "{y}");
        }
        assert!(usable > 0 && usable == refused, "{usable} of the points below 19, of which the library takes the other spelling too");
    }

    #[test]
    fn signatures_are_of_one_key_and_one_text() {
        let key = key();
        let line = key.sign("text\n");
        let (start, encoded) = line.trim_end().rsplit_once(' ').unwrap();
        assert_eq!(start, "\u{2014} db1");
        let bytes = decode(encoded).unwrap();
        assert_eq!(bytes[..ID_LEN], key.verifier_key().id());
        assert!(key.verifier_key().verify("text\n", &bytes[ID_LEN..]));
        assert!(!key.verifier_key().verify("text", &bytes[ID_LEN..]));
        let other = SigningKey::of("db1".parse().unwrap(), &[8; KEY_LEN]);
        assert!(!other.verifier_key().verify("text\n", &bytes[ID_LEN..]));
        // Malleable: the scalar plus the group's order, 2^252 + 27742317777372353535851937790883648493 (RFC 8032, section 8.4).
        let order = b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
        let mut malleable = bytes[ID_LEN..].to_vec();
        let mut carry = 0;
        for (byte, &add) in malleable[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert!(!key.verifier_key().verify("text\n", &malleable));
        for len in [0, 63, 65] {
            let mut cut = bytes[ID_LEN..].to_vec();
            cut.resize(len, 0);
            assert!(!key.verifier_key().verify("text\n", &cut), "{len} bytes");
        }
    }
}
