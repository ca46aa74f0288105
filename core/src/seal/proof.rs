//! The proof in a note that its signer held the file key (SEAL.md, "Fields").

use alloc::boxed::Box;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::note::{Note, Reencrypted, Rewrapped, Sealed};
use crate::keys::FileKey;
use crate::stack::with_wiped_stack;

/// The MAC in a note that only who holds the file key can make. It says nothing until [`ProofKey`] has checked it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof([u8; 32]);

impl Proof {
    /// What stands in a note while it is not proven yet.
    #[must_use]
    pub fn none() -> Self {
        Self([0; 32])
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(..)")
    }
}

/// What proves that a note's signer held the file key: a seal is then about a file that its signer made, and not about one that
/// somebody saw and put an own name to (SEAL.md, "Fields"). Wiped on drop.
// On the heap, in one place however often the key is moved.
pub struct ProofKey(Box<Zeroizing<[u8; 32]>>);

impl ProofKey {
    /// The one of this file key.
    #[must_use]
    pub fn of(file_key: &FileKey) -> Self {
        with_wiped_stack(|| Self(Box::new(file_key.proof_key())))
    }

    /// Over everything before the line of the proof, which names the signer.
    fn mac(&self, note: &str) -> Hmac<Sha256> {
        // Its last line, which is of this kind alone.
        let end = note.rfind("\nproof ").map_or(note.len(), |line_feed| line_feed + 1);
        let mut mac = Hmac::<Sha256>::new_from_slice(&**self.0).expect("HMAC takes a key of any length");
        mac.update(&note.as_bytes()[..end]);
        mac
    }

    /// Compares in constant time.
    pub(super) fn verify(&self, note: &str, proof: Proof) -> bool {
        self.mac(note).verify_slice(&proof.0).is_ok()
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(..)")
    }
}

impl Note {
    /// The note with the proof that its signer holds the file key. A kind that has none stays as it is.
    #[must_use]
    pub fn proven(mut self, key: &ProofKey) -> Self {
        let made = Proof(key.mac(&self.to_text()).finalize().into_bytes().into());
        match &mut self {
            Self::Sealed(Sealed { proof, .. })
            | Self::Rewrapped(Rewrapped { proof, .. })
            | Self::Reencrypted(Reencrypted { proof, .. }) => {
                *proof = made;
            }
            Self::Adopted(_) | Self::Restored(_) | Self::Unknown(_) => {}
        }
        self
    }
}
