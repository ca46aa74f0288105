//! What a person brought to open a backup with.

use dbseal_core::{
    ArmorReader, Batch, FileKey, Header, Identity, KeyfileError, Opener, Passphrase, PayloadError, PayloadNonce, SLOT_LEN, Spread,
    StreamEnd, UnwrapError, identities_from_text,
};
use zeroize::Zeroizing;

use super::age_file::{is_age, is_armored};
use super::failures;
use super::reading::read_bytes;
use super::source::Source;
use crate::messages::{Failure, KeyKind};

/// Base-two logarithm of the highest work factor of a passphrase that is tried: 512 MiB. The memory of a page with threads ends at 1 GiB,
/// and one of 2^20 would need all of that.
pub(super) const MAX_WORK_FACTOR: u64 = 19;
/// Bytes in an identity file, at most: a bound for a file that is none.
const MAX_IDENTITY_LEN: u64 = 1 << 20;

/// How files begin that are themselves encrypted. So many bytes of a plain identity file have none of its secret: `AGE-SECRET-KEY-1`
/// is longer.
const PROTECTED: [&str; 2] = ["age-encryption", "-----BEGIN AGE"];

/// Bytes of an identity file that show whether it is itself encrypted.
pub const PROTECTED_START_LEN: usize = 14;

/// Whether an identity that begins like this is itself encrypted.
#[must_use]
pub fn is_protected(start: &str) -> bool {
    PROTECTED.iter().any(|protected| start.starts_with(protected))
}

/// How private keys begin: those that open backups, and those that sign.
const SECRETS: [&[u8]; 2] = [b"AGE-SECRET-KEY-", b"PRIVATE+KEY+"];

/// Whether there is a private key anywhere in a text, in small letters or capitals.
#[must_use]
pub fn has_private_key(text: &[u8]) -> bool {
    SECRETS.iter().any(|secret| text.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret)))
}

/// Keys, or a passphrase. Wiped on drop.
pub struct Keys {
    identities: Vec<Identity>,
    opens: Opens,
}

/// What the identities are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opens {
    ToKeys,
    ToPassphrase,
}

/// The bytes of an identity file.
///
/// # Errors
/// A file that cannot be read, or is too long for an identity file: of that nothing is read.
pub async fn read_identity<S: Source>(file: &S) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if file.len() > MAX_IDENTITY_LEN {
        return Err(failures::identity_too_long());
    }
    read_bytes(file, 0..file.len()).await.map(Zeroizing::new)
}

impl Keys {
    /// The keys in a `secret`, which for a protected identity is the passphrase of `identity_file`.
    ///
    /// # Errors
    /// What is not what its kind says; a passphrase that is wrong, or takes too much memory to try.
    pub fn new(kind: KeyKind, secret: Zeroizing<Vec<u8>>, identity_file: Option<Zeroizing<Vec<u8>>>) -> Result<Self, Failure> {
        let (identities, opens) = match kind {
            KeyKind::Identity if is_age(&secret) => return Err(failures::protected_identity()),
            KeyKind::Identity => (identities(&secret)?, Opens::ToKeys),
            KeyKind::ProtectedIdentity => {
                let file = identity_file.ok_or_else(failures::no_identity_file)?;
                // A file that is not protected opens all the same: the person could not know.
                let text = if is_age(&file) { open_protected(&file, passphrase(secret)?)? } else { file };
                (identities(&text)?, Opens::ToKeys)
            }
            KeyKind::Passphrase => (vec![Identity::passphrase(passphrase(secret)?)], Opens::ToPassphrase),
        };
        Ok(Self { identities, opens })
    }

    /// The keys alone.
    #[must_use]
    pub fn into_identities(self) -> Vec<Identity> {
        self.identities
    }

    /// The file key, from the header.
    pub(super) fn unwrap(&self, header: &Header) -> Result<FileKey, Failure> {
        match (header.needs_passphrase(), self.opens) {
            (true, Opens::ToKeys) => Err(failures::passphrase_not_key()),
            (false, Opens::ToPassphrase) => Err(failures::key_not_passphrase()),
            _ => unwrap(header, &self.identities, "the backup"),
        }
    }
}

fn unwrap(header: &Header, identities: &[Identity], what: &str) -> Result<FileKey, Failure> {
    check_work_factor(header)?;
    header.unwrap(identities).map_err(|error| match error {
        UnwrapError::NoMatch if header.needs_passphrase() => failures::wrong_passphrase(what),
        error => failures::unwrap(&error),
    })
}

/// Refuses a passphrase that would take more memory than there can be, before it is taken: an allocation that fails may end the worker.
/// A work factor that is no number is left to the core.
fn check_work_factor(header: &Header) -> Result<(), Failure> {
    let stanza = header.stanzas().iter().find(|stanza| stanza.tag == "scrypt");
    match stanza.and_then(|stanza| stanza.args.get(1)?.parse().ok()) {
        Some(log_n) if log_n > MAX_WORK_FACTOR => Err(failures::work_factor(log_n)),
        _ => Ok(()),
    }
}

fn identities(text: &[u8]) -> Result<Vec<Identity>, Failure> {
    // Not a lossy conversion: it would leave a copy of the secret behind.
    let text = std::str::from_utf8(text).map_err(|_| failures::keyfile(&KeyfileError::Empty))?;
    identities_from_text(text).map_err(|error| failures::keyfile(&error))
}

fn passphrase(mut secret: Zeroizing<Vec<u8>>) -> Result<Passphrase, Failure> {
    if secret.is_empty() {
        return Err(failures::empty_passphrase());
    }
    // Moved, not copied; the bytes that are no text come back in the error, and are wiped.
    match String::from_utf8(std::mem::take(&mut secret)) {
        Ok(text) => Ok(Passphrase::new(text)),
        Err(error) => {
            *secret = error.into_bytes();
            Err(failures::passphrase_not_text())
        }
    }
}

/// The text of an identity file that is an age file itself.
fn open_protected(file: &[u8], passphrase: Passphrase) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let binary = if is_armored(file) { &decode(file)? } else { file };
    let (header, header_len) = Header::parse(binary).map_err(failures::damaged_identity)?;
    if !header.needs_passphrase() {
        return Err(failures::identity_is_backup());
    }
    let file_key = unwrap(&header, &[Identity::passphrase(passphrase)], "the identity file")?;
    let damaged = |error: PayloadError| failures::damaged_identity(error);
    let (nonce, sealed) = binary[header_len..].split_first_chunk().ok_or_else(|| damaged(PayloadError::Truncated { index: 0 }))?;
    let mut batch = Batch::try_with_chunks(sealed.len().div_ceil(SLOT_LEN).max(1)).map_err(|_| failures::memory())?;
    batch.ciphertext_mut()[..sealed.len()].copy_from_slice(sealed);
    batch.set_ciphertext_len(sealed.len());
    Opener::new(&file_key, &PayloadNonce::from_bytes(*nonce)).open_batch(&mut batch, StreamEnd::Here, Spread::Serial).map_err(damaged)?;
    // Reserved at once: growing would leave copies of a secret behind in freed memory.
    let mut text = Zeroizing::new(Vec::with_capacity(batch.opened_len()));
    batch.opened_slots().for_each(|slot| text.extend(slot));
    Ok(text)
}

fn decode(armored: &[u8]) -> Result<Vec<u8>, Failure> {
    let (mut armor, mut binary) = (ArmorReader::new(), Vec::new());
    armor.read(armored, &mut binary).and_then(|()| armor.finish(&mut binary)).map_err(failures::damaged_identity)?;
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_whether_a_key_is_protected_reads_nothing_of_it() {
        let len = PROTECTED_START_LEN;
        assert!(PROTECTED.iter().all(|start| start.len() == len) && len < "AGE-SECRET-KEY-1".len());
        assert!(is_protected("age-encryption.org/v1\n-> scrypt"));
        assert!(is_protected("-----BEGIN AGE ENCRYPTED FILE-----"));
        assert!(!is_protected("AGE-SECRET-KEY-1QQQ"));
        assert!(!is_protected("# created: 2026-11-28"));
    }
}
