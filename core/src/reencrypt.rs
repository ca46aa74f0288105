//! A new file key for a file that exists: for one whose key others have. Its payload is encrypted again, chunk by chunk.

use rand_core::CryptoRng;

use crate::batch::Sealer;
use crate::header::{Header, HeaderPadding};
use crate::keys::{FileKey, PayloadNonce};
use crate::recipient::{Identity, Recipient};
use crate::rewrap::{Holders, RewrapError, Strength, is_weakened};
use crate::seal::ProofKey;

/// The way of one file from its file key to a fresh one. None of it is written anywhere yet.
#[derive(Debug)]
pub struct Reencrypt {
    old_file_key: FileKey,
    file_key: FileKey,
    nonce: PayloadNonce,
    header: Header,
    left_count: usize,
    added_count: usize,
}

impl Reencrypt {
    /// Unwraps the file key with one of `identities`, verifies the header's MAC, and wraps a fresh key for `recipients` and nobody else:
    /// what the stanzas of others hold is the old key, and there is nothing to make new ones from. That the recipients are those that
    /// the file had is no reason not to do it: its key alone may be known to others.
    ///
    /// # Errors
    /// See [`RewrapError`]; never [`RewrapError::NothingChanges`].
    pub fn of(
        header: &Header,
        identities: &[Identity],
        recipients: &[Recipient],
        strength: Strength,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, RewrapError> {
        let old_file_key = header.unwrap(identities)?;
        let before = header.recipient_stanzas();
        let mut holders = Holders::of(identities, recipients);
        let mut staying_count = 0;
        for stanza in before {
            staying_count += usize::from(holders.of_stanza(stanza)?.is_wanted);
        }
        let file_key = FileKey::generate(rng);
        let new = Header::wrap(&file_key, recipients, HeaderPadding::Fixed, rng)?;
        if strength == Strength::Kept && is_weakened(before, new.recipient_stanzas()) {
            return Err(RewrapError::Weaker);
        }
        let (left_count, added_count) = (before.len() - staying_count, recipients.len() - staying_count);
        Ok(Self { old_file_key, file_key, nonce: PayloadNonce::generate(rng), header: new, left_count, added_count })
    }

    /// What opens the payload, and what the proofs in its seal were made with.
    #[must_use]
    pub fn old_file_key(&self) -> &FileKey {
        &self.old_file_key
    }

    /// What proves that who signs has the new file key.
    #[must_use]
    pub fn proof_key(&self) -> ProofKey {
        ProofKey::of(&self.file_key)
    }

    /// The header in the length that a new file has.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the new payload section starts with.
    #[must_use]
    pub fn nonce(&self) -> &PayloadNonce {
        &self.nonce
    }

    /// How many stanzas go.
    #[must_use]
    pub fn left_count(&self) -> usize {
        self.left_count
    }

    /// How many recipients come.
    #[must_use]
    pub fn added_count(&self) -> usize {
        self.added_count
    }

    /// The sealer of the new payload: there is one for each file key and nonce, or two chunks would share a nonce.
    #[must_use]
    pub fn into_sealer(self) -> Sealer {
        Sealer::new(&self.file_key, &self.nonce)
    }
}
