//! A plain writer of seals for the vectors: text put together by hand, and nothing of the core's. It writes whatever it is told to.

use std::fmt::Write as _;

use base64ct::{Base64, Base64Unpadded, Encoding};
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// The order of the base point, L in RFC 8032, section 5.1: 64 bits a word, the lowest first.
const ORDER: [u64; 4] = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];
const ONE: [u64; 4] = [1, 0, 0, 0];
/// The neutral point: on the curve, and of order 1.
pub const NEUTRAL: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};
/// A point of order 8.
const ORDER_8: [u8; 32] =
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05";

/// Who signs.
pub struct Key {
    name: &'static str,
    key: SigningKey,
}

impl Key {
    /// The key of this name whose seed is 32 times one byte.
    #[must_use]
    pub fn new(name: &'static str, seed: u8) -> Self {
        Self { name, key: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// Its verifier key.
    #[must_use]
    pub fn vkey(&self) -> String {
        vkey(self.name, &self.point())
    }

    /// Its ID.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        key_id(self.name, &self.point())
    }

    /// Text, empty line, and the signature over the text.
    #[must_use]
    pub fn note(&self, text: &str) -> String {
        format!("{text}\n{}", self.sign(text))
    }

    /// A signature line.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        self.line(&self.key.sign(text.as_bytes()).to_bytes())
    }

    fn line(&self, signature: &[u8]) -> String {
        signature_line(self.name, &[&self.id()[..], signature].concat())
    }

    /// The signature cut or stretched to this length, in bytes.
    #[must_use]
    pub fn cut(&self, text: &str, len: usize) -> String {
        let mut signature = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        signature.resize(len, 0);
        self.line(&signature)
    }

    /// The signature with L added to S: its other spelling.
    #[must_use]
    pub fn malleated(&self, text: &str) -> String {
        let mut signature = self.key.sign(text.as_bytes()).to_bytes();
        let scalar = plus(words(&signature[32..]), ORDER);
        signature[32..].copy_from_slice(&bytes(scalar));
        self.line(&signature)
    }

    /// A signature whose R is the neutral point: the equation holds.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn sign_with_small_r(&self, text: &str) -> String {
        let signature = self.forge(text, NEUTRAL, [0; 4]);
        assert!(self.key.verifying_key().verify(text.as_bytes(), &Signature::from_bytes(&signature)).is_ok(), "but strictly");
        self.line(&signature)
    }

    /// A signature whose R has a part of order 8: the equation holds only with both sides times 8.
    ///
    /// # Panics
    /// If it does not hold without that part.
    #[must_use]
    pub fn sign_with_mixed_r(&self, text: &str) -> String {
        let nonce = Self::new("nonce", 0x55);
        let whole = self.forge(text, nonce.point(), nonce.scalar());
        assert!(self.key.verify_strict(text.as_bytes(), &Signature::from_bytes(&whole)).is_ok(), "a signature like any other");
        let order_8 = VerifyingKey::from_bytes(&ORDER_8).expect("a point").to_edwards();
        let mixed = nonce.key.verifying_key().to_edwards() + order_8;
        self.line(&self.forge(text, mixed.compress().to_bytes(), nonce.scalar()))
    }

    /// Whose R is this point; `nonce` is its logarithm, but for a part of small order.
    fn forge(&self, text: &str, point: [u8; 32], nonce: [u64; 4]) -> [u8; 64] {
        let hash = Sha512::new().chain_update(point).chain_update(self.point()).chain_update(text).finalize();
        let scalar = bytes(reduced(plus(nonce, times(&hash, self.scalar()))));
        core::array::from_fn(|at| if at < 32 { point[at] } else { scalar[at - 32] })
    }

    fn scalar(&self) -> [u64; 4] {
        let mut scalar = Sha512::digest(self.key.to_bytes())[..32].to_vec();
        scalar[0] &= 0xf8;
        scalar[31] = scalar[31] & 0x7f | 0x40;
        times(&scalar, ONE)
    }

    fn point(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }
}

/// A signature by the neutral point as a key, which a verifier that is not strict takes over every text.
///
/// # Panics
/// If it does not.
#[must_use]
pub fn sign_with_neutral_key(name: &str) -> String {
    let nonce = Key::new("nonce", 0x55);
    let signature = [nonce.point(), bytes(nonce.scalar())].concat();
    let key = VerifyingKey::from_bytes(&NEUTRAL).expect("a point");
    assert!(key.verify(b"anything", &Signature::from_slice(&signature).expect("64 bytes")).is_ok(), "but strictly");
    signature_line(name, &[&key_id(name, &NEUTRAL)[..], &signature].concat())
}

/// A coordinate of less than 19 with 2^255 - 19 added, which is another spelling of a point.
///
/// # Panics
/// If the library refuses all of them.
#[must_use]
pub fn noncanonical_point() -> [u8; 32] {
    let spelled = |low: u8| {
        let mut point = [0xff; 32];
        (point[0], point[31]) = (0xed + low, 0x7f);
        point
    };
    (2..19).map(spelled).find(|point| VerifyingKey::from_bytes(point).is_ok()).expect("a point below 19")
}

/// A coordinate that no point has.
///
/// # Panics
/// If all have one.
#[must_use]
pub fn no_point() -> [u8; 32] {
    (0..=255).map(|byte| [byte; 32]).find(|point| VerifyingKey::from_bytes(point).is_err()).expect("half of all are none")
}

/// A verifier key of any 32 bytes, with the ID that they have.
#[must_use]
pub fn vkey(name: &str, point: &[u8; 32]) -> String {
    format!("{name}+{}+{}", hex(&key_id(name, point)), Base64::encode_string(&[&[1], &point[..]].concat()))
}

/// What stands before the signature in its line.
#[must_use]
pub fn key_id(name: &str, point: &[u8; 32]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update(b"\n\x01").chain_update(point).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A signature line of any bytes.
#[must_use]
pub fn signature_line(name: &str, bytes: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", Base64::encode_string(bytes))
}

/// The text with the line that proves that its signer has the file key.
///
/// # Panics
/// Never: the key and the output have lengths that are allowed.
#[must_use]
pub fn proven(text: &str, file_key: &[u8; 16]) -> String {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, file_key).expand(b"dbseal/v1 proof", &mut key).expect("32 bytes");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    mac.update(text.as_bytes());
    format!("{text}proof {}\n", hex(&mac.finalize().into_bytes()))
}

/// The line of a header or a payload section: name, length and hash.
#[must_use]
pub fn extent(name: &str, bytes: &[u8]) -> String {
    format!("{name} {} {}\n", bytes.len(), blake3::hash(bytes).to_hex())
}

/// SHA-256 of the text of the last note in these.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn last_hash(notes: &str) -> String {
    let start = notes.rfind("\n\ndbseal/v1 ").map_or(0, |at| at + 2);
    let len = notes[start..].find("\n\n").expect("a note") + 1;
    hex(&Sha256::digest(&notes[start..start + len]))
}

/// The unsigned section, with the line feed before it.
#[must_use]
pub fn unsigned(groups: &[String], header: &[u8]) -> Vec<u8> {
    let groups = format!("\nunsigned\ngroups {}\n{}header {}\n", groups.len(), groups.concat(), header.len());
    [groups.as_bytes(), header].concat()
}

/// The line of a group's hash.
#[must_use]
pub fn base64_unpadded(hash: &[u8; 32]) -> String {
    format!("{}\n", Base64Unpadded::encode_string(hash))
}

/// Lowercase digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A number of any length, the lowest byte first, times another, modulo L.
fn times(factor: &[u8], value: [u64; 4]) -> [u64; 4] {
    let bits = factor.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.fold([0; 4], |product, bit| {
        let doubled = reduced(plus(product, product));
        if bit == 1 { reduced(plus(doubled, value)) } else { doubled }
    })
}

/// Of numbers that leave room for the sum.
fn plus(one: [u64; 4], other: [u64; 4]) -> [u64; 4] {
    let (mut sum, mut carry) = ([0; 4], false);
    for at in 0..4 {
        let (partial, first) = one[at].overflowing_add(other[at]);
        let (word, second) = partial.overflowing_add(u64::from(carry));
        (sum[at], carry) = (word, first || second);
    }
    sum
}

/// Less L, where it is L or more; below 2 L.
fn reduced(value: [u64; 4]) -> [u64; 4] {
    let (mut rest, mut borrow) = ([0; 4], false);
    for at in 0..4 {
        let (partial, first) = value[at].overflowing_sub(ORDER[at]);
        let (word, second) = partial.overflowing_sub(u64::from(borrow));
        (rest[at], borrow) = (word, first || second);
    }
    if borrow { value } else { rest }
}

fn words(bytes: &[u8]) -> [u64; 4] {
    core::array::from_fn(|at| u64::from_le_bytes(bytes[8 * at..8 * at + 8].try_into().expect("8 bytes")))
}

fn bytes(words: [u64; 4]) -> [u8; 32] {
    core::array::from_fn(|at| words[at / 8].to_le_bytes()[at % 8])
}
