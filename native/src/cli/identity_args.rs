//! What was typed about the keys that open backups.

use std::path::PathBuf;

use clap::Args as ArgGroup;

use super::plan::split_words;
use crate::error::JobError;
use crate::keys::{IdentitySource, PassphraseSource};
use crate::trusted::is_there;

/// Where the keys are.
#[derive(ArgGroup)]
pub(super) struct IdentityArgs {
    /// Open with the identities in FILE, - for standard input; may be repeated, as it is for the shares of one
    ///
    /// Without any, dbseal.identity is taken if the service manager has handed it over (LoadCredential=).
    #[arg(short, long, value_name = "FILE")]
    pub(super) identity: Vec<PathBuf>,
    /// Open with the identities that this command prints (a client of a vault, a password manager); may be repeated
    ///
    /// Run without a shell; quotes group words. It has 60 seconds.
    #[arg(long, value_name = "COMMAND")]
    pub(super) identity_command: Vec<String>,
    /// Take the passphrase, of a backup or of an identity file, from the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
}

impl IdentityArgs {
    /// Where the keys come from, and a passphrase if one is needed.
    ///
    /// # Errors
    /// A command that cannot be split into words.
    pub(super) fn sources(self) -> Result<(Vec<IdentitySource>, PassphraseSource), JobError> {
        let mut sources: Vec<_> = self.identity.into_iter().map(IdentitySource::of).collect();
        for line in &self.identity_command {
            sources.push(IdentitySource::Command(split_words("--identity-command", line)?));
        }
        if sources.is_empty() && self.passphrase_file.is_none() {
            sources.extend(credential().map(IdentitySource::File));
        }
        Ok((sources, self.passphrase_file.map_or(PassphraseSource::Ask, PassphraseSource::File)))
    }
}

/// An identity that the service manager has handed over (systemd.exec(5), `LoadCredential=`).
fn credential() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join("dbseal.identity");
    is_there(&path).then_some(path)
}
