//! What was typed about the successor of a signing key.

use std::path::PathBuf;

use clap::Args as ArgGroup;

use super::seal_args::TrustArgs;

/// Print the lines for a trust file that the succession of a signing key justifies; nothing is changed.
///
/// The old key has to be trusted now, and both keys have to have signed. The lines of the new key have the roles and the series of
/// those of the old one. With --last the old key ends there: its lines get until=EPOCH:NUMBER:HASH, which names that backup, and no backup
/// that it seals from then on counts, whenever that claims to be. What it may note of backups that are there (may=rewrap, may=drill) has no
/// end: that stays in a line of its own, to be taken out where others may have the key.
///
/// A succession says what the holder of the old key wanted. Where that key was stolen it says nothing: then get the new verifier key
/// from somebody you know, and end the old one at a backup from before.
#[derive(ArgGroup)]
#[command(after_help = "Example:
  dbseal trust --trust /etc/dbseal/trust --last /srv/backups db1-2027.sign.succession")]
pub(super) struct SuccessorArgs {
    /// The succession, which dbseal keygen --succeeds has written beside the new key
    #[arg(value_name = "SUCCESSION")]
    pub(super) succession: PathBuf,
    /// End the old key at this backup or, of a folder and those below, at the newest it has sealed in each epoch of each series; may be repeated
    ///
    /// Only their seals are read. The file with whom to trust must not lie where they do.
    #[arg(long, value_name = "FILE")]
    pub(super) last: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}
