//! Recipients, which wrap a file key, and identities, which unwrap it: one kind a file, both sides in it.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::code::Code;
use crate::header::UnwrapError;
use crate::keys::{FILE_KEY_LEN, FileKey};
use crate::payload::TAG_LEN;
use crate::stack::with_wiped_stack;
use crate::stanza::Stanza;

pub(crate) mod hybrid;
pub(crate) mod scrypt;
pub(crate) mod x25519;

mod wrap;

/// Bytes in the body of every native stanza: a sealed file key. Checked before decryption, since a sealed text of another
/// length could be crafted to open under several keys (age, "partitioning oracle attacks").
const WRAPPED_KEY_LEN: usize = FILE_KEY_LEN + TAG_LEN;

/// The tags of the recipient types of the specification that are safe against a later quantum computer.
pub const POST_QUANTUM_TAGS: [&str; 2] = [hybrid::TAG, "mlkem768p256tag"];

/// Somebody a file is encrypted to: `age1...`, `age1pq...`, or whoever knows a passphrase.
#[derive(Clone, Debug)]
pub struct Recipient(AnyRecipient);

#[derive(Clone, Debug)]
enum AnyRecipient {
    X25519(x25519::X25519Recipient),
    Hybrid(Box<hybrid::HybridRecipient>),
    Passphrase(scrypt::ScryptRecipient),
}

/// The kind of a [`Recipient`] or [`Identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecipientKind {
    /// X25519, classical.
    X25519,
    /// ML-KEM-768 with X25519, post-quantum.
    Hybrid,
    /// scrypt.
    Passphrase,
}

impl Recipient {
    /// A passphrase as the only recipient, at the work factor 2^`log_n` (age's own: [`crate::DEFAULT_WORK_FACTOR`]).
    ///
    /// # Panics
    /// If `log_n` is 0 or above [`crate::MAX_WORK_FACTOR`].
    #[must_use]
    pub fn passphrase(passphrase: Passphrase, log_n: u8) -> Self {
        Self(AnyRecipient::Passphrase(scrypt::ScryptRecipient::new(passphrase, log_n)))
    }

    /// What stands for it where its text is too long: 80 bits of that text's hash.
    #[must_use]
    pub fn code(&self) -> Code {
        Code::of(self.to_string().as_bytes())
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> RecipientKind {
        match &self.0 {
            AnyRecipient::X25519(_) => RecipientKind::X25519,
            AnyRecipient::Hybrid(_) => RecipientKind::Hybrid,
            AnyRecipient::Passphrase(_) => RecipientKind::Passphrase,
        }
    }

    pub(crate) fn wrap(&self, file_key: &FileKey, rng: &mut impl CryptoRng) -> Stanza {
        match &self.0 {
            AnyRecipient::X25519(recipient) => recipient.wrap(file_key, rng),
            AnyRecipient::Hybrid(recipient) => recipient.wrap(file_key, rng),
            AnyRecipient::Passphrase(recipient) => recipient.wrap(file_key, rng),
        }
    }
}

/// A public recipient's text form. A passphrase has none and prints as a word.
impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            AnyRecipient::X25519(recipient) => recipient.fmt(f),
            AnyRecipient::Hybrid(recipient) => recipient.fmt(f),
            AnyRecipient::Passphrase(_) => f.write_str("passphrase"),
        }
    }
}

impl FromStr for Recipient {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if looks_private(text) {
            Err(KeyError::PrivateNotPublic)
        } else if text.starts_with(hybrid::RECIPIENT_PREFIX_AND_SEPARATOR) {
            hybrid::HybridRecipient::parse(text).map(Box::new).map(AnyRecipient::Hybrid).map(Self)
        } else if text.starts_with("age1") && !text.starts_with("age1tag1") && !text.starts_with("age1tagpq1") && !is_plugin(text) {
            x25519::X25519Recipient::parse(text).map(AnyRecipient::X25519).map(Self)
        } else if text.starts_with("age1") || text.starts_with("ssh-") {
            Err(KeyError::UnsupportedRecipient)
        } else {
            Err(KeyError::NotARecipient)
        }
    }
}

/// `age1NAME1...`: the separator of Bech32 is the last `1`, which its data cannot contain.
fn is_plugin(text: &str) -> bool {
    text.rfind('1').is_some_and(|separator| separator > "age".len())
}

fn looks_private(text: &str) -> bool {
    text.get(.."AGE-".len()).is_some_and(|start| start.eq_ignore_ascii_case("AGE-"))
}

/// Who opens files: `AGE-SECRET-KEY-1...`, `AGE-SECRET-KEY-PQ-1...`, or somebody who knows a passphrase. Wiped on drop, never
/// printed by accident.
pub struct Identity(AnyIdentity);

/// Each secret is on the heap, in one place however often the identity is moved.
enum AnyIdentity {
    X25519(Box<x25519::X25519Identity>),
    Hybrid(Box<hybrid::HybridIdentity>),
    Passphrase(Passphrase),
    Granted(Box<GrantedIdentity>),
}

/// Who was granted one file, by its header.
struct GrantedIdentity {
    stanzas: Vec<Stanza>,
    file_key: FileKey,
}

impl Identity {
    /// A passphrase as an identity.
    #[must_use]
    pub fn passphrase(passphrase: Passphrase) -> Self {
        Self(AnyIdentity::Passphrase(passphrase))
    }

    /// A new classical identity.
    pub fn generate_x25519(rng: &mut impl CryptoRng) -> Self {
        with_wiped_stack(|| Self(AnyIdentity::X25519(Box::new(x25519::X25519Identity::generate(rng)))))
    }

    /// A new post-quantum identity.
    pub fn generate_hybrid(rng: &mut impl CryptoRng) -> Self {
        with_wiped_stack(|| Self(AnyIdentity::Hybrid(Box::new(hybrid::HybridIdentity::generate(rng)))))
    }

    /// Somebody who was granted the file with these stanzas, and no other.
    pub(crate) fn granted(stanzas: &[Stanza], file_key: FileKey) -> Self {
        Self(AnyIdentity::Granted(Box::new(GrantedIdentity { stanzas: stanzas.to_vec(), file_key })))
    }

    /// The public half; a passphrase has none, nor has a grant.
    #[must_use]
    pub fn recipient(&self) -> Option<Recipient> {
        match &self.0 {
            AnyIdentity::X25519(identity) => Some(Recipient(AnyRecipient::X25519(identity.recipient()))),
            AnyIdentity::Hybrid(identity) => Some(Recipient(AnyRecipient::Hybrid(with_wiped_stack(|| Box::new(identity.recipient()))))),
            AnyIdentity::Passphrase(_) | AnyIdentity::Granted(_) => None,
        }
    }

    /// Where its secret lies in memory as long as it is there, for who keeps that out of swap space. What lies there is not to be read.
    #[must_use]
    pub fn place(&self) -> Range<*const u8> {
        match &self.0 {
            AnyIdentity::X25519(identity) => place_of(&**identity),
            AnyIdentity::Hybrid(identity) => place_of(&**identity),
            AnyIdentity::Passphrase(passphrase) => passphrase.place(),
            AnyIdentity::Granted(granted) => place_of(granted.file_key.as_bytes()),
        }
    }

    /// The text that goes into an identity file; a passphrase has none, nor has a grant. The one way out for a secret, and named so.
    #[must_use]
    pub fn expose_text(&self) -> Option<Zeroizing<String>> {
        match &self.0 {
            AnyIdentity::X25519(identity) => Some(with_wiped_stack(|| identity.expose_text())),
            AnyIdentity::Hybrid(identity) => Some(with_wiped_stack(|| identity.expose_text())),
            AnyIdentity::Passphrase(_) | AnyIdentity::Granted(_) => None,
        }
    }

    /// The 32 bytes that it is; a passphrase is none.
    pub(crate) fn expose_bytes(&self) -> Option<Zeroizing<[u8; 32]>> {
        match &self.0 {
            AnyIdentity::X25519(identity) => Some(with_wiped_stack(|| identity.expose_bytes())),
            AnyIdentity::Hybrid(identity) => Some(with_wiped_stack(|| identity.expose_bytes())),
            AnyIdentity::Passphrase(_) | AnyIdentity::Granted(_) => None,
        }
    }

    /// The identities of all kinds that these bytes are.
    pub(crate) fn all_of_bytes(bytes: &[u8; 32]) -> [Self; 2] {
        with_wiped_stack(|| {
            let x25519 = AnyIdentity::X25519(Box::new(x25519::X25519Identity::from_bytes(bytes)));
            [Self(x25519), Self(AnyIdentity::Hybrid(Box::new(hybrid::HybridIdentity::from_bytes(bytes))))]
        })
    }

    /// The file key from the stanza that is addressed to this identity, if there is one. The header's MAC has not been
    /// checked then; [`crate::Header::unwrap`] does both.
    pub(crate) fn unwrap(&self, stanzas: &[Stanza]) -> Result<Option<FileKey>, UnwrapError> {
        match &self.0 {
            AnyIdentity::X25519(identity) => identity.unwrap(stanzas),
            AnyIdentity::Hybrid(identity) => identity.unwrap(stanzas),
            AnyIdentity::Passphrase(passphrase) => scrypt::unwrap(passphrase, stanzas),
            AnyIdentity::Granted(granted) => Ok((granted.stanzas == stanzas).then(|| FileKey::from_bytes(granted.file_key.as_bytes()))),
        }
    }
}

pub(crate) fn place_of<T>(secret: &T) -> Range<*const u8> {
    let place = core::slice::from_ref(secret).as_ptr_range();
    place.start.cast()..place.end.cast()
}

impl FromStr for Identity {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.starts_with(hybrid::IDENTITY_PREFIX_AND_SEPARATOR) {
            with_wiped_stack(|| hybrid::HybridIdentity::parse(text).map(Box::new)).map(AnyIdentity::Hybrid).map(Self)
        } else if text.starts_with(x25519::IDENTITY_PREFIX_AND_SEPARATOR) {
            with_wiped_stack(|| x25519::X25519Identity::parse(text).map(Box::new)).map(AnyIdentity::X25519).map(Self)
        } else if text.starts_with("age1") || text.starts_with("ssh-") {
            Err(KeyError::PublicNotPrivate)
        } else if looks_private(text) {
            Err(KeyError::UnsupportedIdentity)
        } else {
            Err(KeyError::NotAnIdentity)
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            AnyIdentity::X25519(_) => "Identity(X25519)",
            AnyIdentity::Hybrid(_) => "Identity(Hybrid)",
            AnyIdentity::Passphrase(_) => "Identity(Passphrase)",
            AnyIdentity::Granted(_) => "Identity(Granted)",
        })
    }
}

/// A passphrase; wiped on drop, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Passphrase(String);

impl Passphrase {
    /// Takes the passphrase over; the caller keeps no copy.
    #[must_use]
    pub fn new(passphrase: String) -> Self {
        Self(passphrase)
    }

    /// Where it lies in memory as long as it is there, for who keeps that out of swap space. What lies there is not to be read.
    #[must_use]
    pub fn place(&self) -> Range<*const u8> {
        self.as_bytes().as_ptr_range()
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// Why a text is not the key it should be. No variant repeats the text: it may be a secret in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An identity where a recipient belongs.
    #[error("this is a private key, not a recipient: only the public age1... belongs here")]
    PrivateNotPublic,
    /// A recipient where an identity belongs.
    #[error("this is a public key, not an identity: only a private AGE-SECRET-KEY-... opens files")]
    PublicNotPrivate,
    /// Another kind of recipient that age knows.
    #[error("this kind of recipient is not supported: use age1... or age1pq...")]
    UnsupportedRecipient,
    /// Another kind of identity that age knows.
    #[error("this kind of identity is not supported: use AGE-SECRET-KEY-1... or AGE-SECRET-KEY-PQ-1...")]
    UnsupportedIdentity,
    /// Not a recipient at all.
    #[error("this is not a recipient: one starts with age1")]
    NotARecipient,
    /// Not an identity at all.
    #[error("this is not an identity: one starts with AGE-SECRET-KEY-")]
    NotAnIdentity,
    /// A typo or a truncation: the checksum of the text does not match.
    #[error("the key is mistyped or incomplete: its checksum does not match")]
    Mistyped,
    /// Well spelled, but a public key under which no secret can be agreed.
    #[error("the key is well spelled but is not a usable public key")]
    Unusable,
}

#[cfg(test)]
mod tests {
    use super::*;

    // The examples of the age specification.
    const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
    const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    const HYBRID_IDENTITY: &str = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR";

    #[test]
    fn keys_match_the_specification() {
        let identity: Identity = IDENTITY.parse().unwrap();
        assert_eq!(alloc::format!("{}", identity.recipient().unwrap()), RECIPIENT);
        assert_eq!(identity.expose_text().unwrap().as_str(), IDENTITY);
        let hybrid: Identity = HYBRID_IDENTITY.parse().unwrap();
        let recipient = alloc::format!("{}", hybrid.recipient().unwrap());
        assert!(recipient.starts_with("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5"));
        assert!(recipient.ends_with("heyty7saeq0d3fzv49zc0k"));
        assert_eq!(alloc::format!("{}", recipient.parse::<Recipient>().unwrap()), recipient);
    }

    #[test]
    fn keys_in_the_wrong_place_are_named() {
        let recipient = |text: &str| text.parse::<Recipient>().unwrap_err();
        assert_eq!(recipient(IDENTITY), KeyError::PrivateNotPublic);
        assert_eq!(recipient(&IDENTITY.to_lowercase()), KeyError::PrivateNotPublic);
        assert_eq!(recipient(HYBRID_IDENTITY), KeyError::PrivateNotPublic);
        assert_eq!(recipient("AGE-PLUGIN-YUBIKEY-1QQQ"), KeyError::PrivateNotPublic);
        assert_eq!(recipient("age1yubikey1qqqq"), KeyError::UnsupportedRecipient);
        assert_eq!(recipient("age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e"), KeyError::UnsupportedRecipient);
        assert_eq!(recipient("ssh-ed25519 AAAA"), KeyError::UnsupportedRecipient);
        assert_eq!(recipient(&RECIPIENT[..60]), KeyError::Mistyped);
        assert_eq!(recipient(""), KeyError::NotARecipient);
        let identity = |text: &str| text.parse::<Identity>().unwrap_err();
        assert_eq!(identity(RECIPIENT), KeyError::PublicNotPrivate);
        assert_eq!(identity("AGE-PLUGIN-YUBIKEY-1QQQ"), KeyError::UnsupportedIdentity);
        assert_eq!(identity(&IDENTITY.replace("GFPYY", "FFPYY")), KeyError::Mistyped);
        assert_eq!(identity("hunter2"), KeyError::NotAnIdentity);
    }
}
