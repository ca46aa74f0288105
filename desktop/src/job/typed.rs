//! A passphrase that was typed at the window.

use dbseal::core::Passphrase;
use dbseal::{AskPassphrase, JobError};
use zeroize::Zeroizing;

/// Its bytes; none where nobody typed one.
pub(super) struct Typed(pub(super) Zeroizing<Vec<u8>>);

impl AskPassphrase for Typed {
    fn ask(&self, what: &str) -> Result<Passphrase, JobError> {
        if self.0.is_empty() {
            return Err(JobError::NoTerminal(what.into()));
        }
        match std::str::from_utf8(&self.0) {
            Ok(passphrase) => Ok(Passphrase::new(passphrase.into())),
            Err(_) => Err(JobError::PassphraseNotText(what.into())),
        }
    }
}
