//! What was typed about seals: who signs, who is trusted, what is checked.

use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueEnum};
use dbseal_core::{Label, Pattern};

use super::args::LoadArgs;
use super::size::{parse_age, parse_share};
use crate::catalogue::SortBy;
use crate::sample::Share;

/// Check backups without a key: whether they are whole, and who vouches for them.
///
/// Each backup has a seal beside it, FILE.seal, signed by its host. Whole and signed by somebody you trust is
/// "intact" and ends with 0; everything else ends with 1, unless you accept exactly that. A folder means all backups in it.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal verify --trust /etc/dbseal/trust shop.age
  dbseal verify --chain --state /var/lib/dbseal/seen /srv/backups     # by the default trust file")]
pub(super) struct VerifyArgs {
    /// The backups, or folders of them
    #[arg(value_name = "FILE", required = true)]
    pub(super) inputs: Vec<PathBuf>,
    /// Take the seal from SEAL instead of FILE.seal
    #[arg(long, value_name = "SEAL")]
    pub(super) seal: Option<PathBuf>,
    /// Look at the backups together too: whether one is missing from its series, or there twice
    ///
    /// The answers come at the end. The oldest backups may be missing, and so may the newest: only with --state does that show.
    #[arg(long)]
    pub(super) chain: bool,
    /// Remember in FILE what was seen, so that it shows when that is gone
    ///
    /// FILE must not lie beside the backups, or in or under a folder of them: whoever can write there could rewrite it. What is gone is
    /// named each time, until --accept rolled-back says that it may be.
    #[arg(long, value_name = "FILE", requires = "chain")]
    pub(super) state: Option<PathBuf>,
    /// Name each series whose newest good backup is older than AGE, such as 26h, and end with 1
    #[arg(long, value_name = "AGE", requires = "chain", value_parser = parse_age)]
    pub(super) max_age: Option<u64>,
    /// Read only a share of each backup, such as 5%, drawn at random
    ///
    /// What is damaged elsewhere is missed: the answer says how likely that is. It is never "intact", and ends with 0 where nothing
    /// that was read is wrong and somebody you trust vouches for it.
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub(super) sample: Option<Share>,
    /// End with 0 in this case too, and in no other; may be repeated
    #[arg(long, value_name = "CASE")]
    pub(super) accept: Vec<Accept>,
    /// Print JSON, an object a line for each backup
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    /// Believe seals of this series alone, with * and ? as in a trust file: a key that is trusted for another says nothing here
    #[arg(long, value_name = "PATTERN")]
    pub(super) series: Option<Pattern>,
    #[command(flatten)]
    pub(super) load: LoadArgs,
}

/// List backups by what their seals say; no payload is read.
///
/// What nobody you trust vouches for is listed too, and counts for nothing. That a backup is whole only dbseal verify says, and that it
/// restores, only a restore test. A folder means all backups in it, not those in folders below.
///
/// Ends with 0 whatever it finds, except with --max-age and --proven-within.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal list --trust trust /srv/backups
  dbseal list --trust trust --max-age 26h /srv/backups   # 1 if one is late")]
pub(super) struct ListArgs {
    /// Folders of backups, or backups
    #[arg(value_name = "DIR", required = true)]
    pub(super) inputs: Vec<PathBuf>,
    /// List only the series that look like PATTERN; * stands for anything, ? for one character
    #[arg(long, value_name = "PATTERN")]
    pub(super) series: Option<Pattern>,
    /// Sort by this
    #[arg(long, value_name = "BY", default_value = "series")]
    pub(super) sort: Sort,
    /// Sort the other way round
    #[arg(long)]
    pub(super) reverse: bool,
    /// Name each series whose newest backup is older than AGE, such as 26h, and end with 1
    ///
    /// By the clock of this machine. Only backups count for which somebody you trust vouches, and whose files are there in full length.
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub(super) max_age: Option<u64>,
    /// Name each series of which no backup has passed a restore test within AGE, such as 30d, and end with 1
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub(super) proven_within: Option<u64>,
    /// Show what dbseal verify --chain --state FILE remembers: the last check of each backup, and what is gone since
    ///
    /// FILE must not lie beside the backups, or in or under a folder of them.
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// Print JSON, an object a line for each backup
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// By series, and there by number
    Series,
    /// By time, the oldest first
    Time,
    /// By size, the smallest first
    Size,
    /// By the file's name
    Name,
}

impl From<Sort> for SortBy {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Series => Self::Series,
            Sort::Time => Self::Time,
            Sort::Size => Self::Size,
            Sort::Name => Self::Name,
        }
    }
}

/// Whom to believe.
#[derive(ArgGroup)]
#[command(next_help_heading = "Trust")]
pub(super) struct TrustArgs {
    /// Believe this verifier key, or those in a file [default: ~/.config/dbseal/trust and /etc/dbseal/trust, where they exist]
    ///
    /// The file must not lie where the backups do: whoever can replace these could replace it. It has a key a line, with what it may
    /// vouch for: VKEY may=seal,rewrap,drill series=shop-*. Without may= it is seal, without series= all of them. With
    /// until=EPOCH:NUMBER:HASH, as dbseal trust prints it, the key counts up to that backup of the one series. # starts a comment.
    #[arg(long, value_name = "VKEY|FILE")]
    pub(super) trust: Vec<String>,
}

#[derive(ArgGroup)]
#[command(next_help_heading = "Trust")]
pub(super) struct DecryptSealArgs {
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    /// Refuse a backup for which nobody whom you trust vouches, also where you have not said yet whom you trust
    #[arg(long, conflicts_with = "without_seal")]
    pub(super) require_seal: bool,
    /// Believe a seal of this series alone, with * and ? as in a trust file: a key that is trusted for another says nothing here
    #[arg(long, value_name = "PATTERN", conflicts_with = "without_seal")]
    pub(super) series: Option<Pattern>,
    /// Decrypt it in this case too, or save what is left of it
    #[arg(long, value_name = "CASE", value_parser = ["renamed"])]
    pub(super) accept: Option<String>,
    /// Decrypt whatever opens, whoever made it
    #[arg(long, conflicts_with_all = ["seal", "trust", "accept"])]
    pub(super) without_seal: bool,
    /// Take the seal from SEAL instead of FILE.seal
    #[arg(long, value_name = "SEAL")]
    pub(super) seal: Option<PathBuf>,
}

/// Sign a backup that has no seal: that it is what you saw, not who made it.
#[derive(ArgGroup)]
#[command(after_help = "Example:\n  dbseal seal --sign archive.sign.key old.age")]
pub(super) struct SealArgs {
    /// The backup; its seal becomes FILE.seal
    #[arg(value_name = "FILE")]
    pub(super) input: PathBuf,
    /// Sign with the key in the file KEY
    #[arg(long, value_name = "KEY")]
    pub(super) sign: PathBuf,
    #[command(flatten)]
    pub(super) load: LoadArgs,
}

/// A case in which a backup is not intact, or not in its place, and which a person may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Accept {
    /// Nobody you trust vouches for it
    Unvouched,
    /// It has no seal, and a length that a complete backup can have
    Unsealed,
    /// Its header is not the one last signed
    HeaderChanged,
    /// It has another name than its seal says
    Renamed,
    /// Numbers before it are missing from its series
    Gap,
    /// Its series has more than one history
    Fork,
    /// What was seen before is gone
    RolledBack,
    /// Its series goes on in an epoch that was not seen before; said once
    NewEpoch,
}

#[derive(ArgGroup)]
#[command(next_help_heading = "Seal")]
pub(super) struct SignArgs {
    /// Sign the backup with the key in the file KEY [default: dbseal.sign in $CREDENTIALS_DIRECTORY, where it exists]
    ///
    /// The seal is FILE.seal. Anybody checks with it, without a key, that the backup is whole and from here: dbseal verify.
    #[arg(long, value_name = "KEY", conflicts_with = "armor")]
    pub(super) sign: Option<PathBuf>,
    /// Write the seal to SEAL, where the backup is not a file here
    #[arg(long, value_name = "SEAL", conflicts_with = "armor")]
    pub(super) seal_to: Option<PathBuf>,
    /// Number the backup in this series, so that a missing one shows
    ///
    /// In the name of the output {series} stands for it, {host} for this machine and {utc} for the time; the latter two also
    /// without a series.
    #[arg(long, value_name = "NAME", conflicts_with = "armor")]
    pub(super) series: Option<Label>,
    /// Keep the state of the series in DIR [default: $STATE_DIRECTORY, else /var/lib/dbseal]
    #[arg(long, value_name = "DIR", requires = "series")]
    pub(super) series_state: Option<PathBuf>,
}
