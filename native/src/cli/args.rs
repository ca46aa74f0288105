//! What was typed.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args as ArgGroup, Parser, ValueEnum};
use dbseal_core::{Label, Pattern};

use super::size::{parse_age, parse_range, parse_rate, parse_share, parse_size, parse_threads};
use super::ui::Voice;
use crate::catalogue::SortBy;
use crate::sample::Share;

/// Seals database backups: encrypts them with public keys only, as plain age files.
///
/// The database host needs no secret: it encrypts to a recipient (public), and only the identity (private), which stays
/// offline, decrypts. Any age implementation opens the files.
#[derive(Parser)]
#[command(name = "dbseal", version, arg_required_else_help = true, max_term_width = 100, after_long_help = EXIT_CODES)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) subcommand: Subcommand,
}

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  refused, failed or not authentic
  2  could not run: usage, a missing file, no permission";

#[derive(clap::Subcommand)]
pub(super) enum Subcommand {
    Keygen(KeygenArgs),
    Encrypt(Box<EncryptArgs>),
    Decrypt(Box<DecryptArgs>),
    Verify(VerifyArgs),
    List(ListArgs),
    Seal(SealArgs),
    Inspect(InspectArgs),
}

/// Make a pair of keys: an identity (private, keep it offline) and its recipient (public).
///
/// Asks on a terminal for a passphrase that protects the identity file; an empty one means none. The file is what age
/// has: age, rage and dbseal decrypt with it.
#[derive(ArgGroup)]
///
/// With --sign it makes a signing key instead, for a host to sign its backups with, and the verifier key (public) that
/// whoever checks them trusts.
#[command(after_help = "Examples:
  dbseal keygen -o backup.key                 # writes backup.key, and backup.pub for the database host
  dbseal keygen --sign db1 -o db1.sign.key    # writes db1.sign.key, and db1.sign.pub for whoever checks")]
pub(super) struct KeygenArgs {
    /// Write the identity to FILE, readable by its owner only, and the recipient beside it: NAME.pub for NAME.key
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Make a signing key of this name, such as the host's
    #[arg(long, value_name = "NAME", conflicts_with_all = ["pq", "passphrase_file", "convert"])]
    pub(super) sign: Option<Label>,
    /// Make a post-quantum key (age1pq...), which no later quantum computer breaks. age before 1.3 and rage do not know it yet
    #[arg(long)]
    pub(super) pq: bool,
    /// Protect the identity with the first line of FILE instead of asking; with -y, open it with that
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Print the recipient of the identity in the file IDENTITY, instead of making one
    #[arg(short = 'y', value_name = "IDENTITY", conflicts_with_all = ["output", "pq"])]
    pub(super) convert: Option<PathBuf>,
}

/// Encrypt a backup with public keys only.
///
/// Give the dump as the command after `--`: dbseal runs it, and a dump that fails leaves no file. Of a plain standard
/// input nobody can tell whether the dump before the pipe failed: the end of its data looks like success.
///
/// Output gets its name only when it is complete and on disk. Where it cannot be taken back (standard output), a failure
/// shows in the file: it ends in a way that no valid age file does.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal encrypt -R backup.pub -o shop.age -- mariadb-backup --backup --stream=mbstream
  dbseal encrypt -R backup.pub -o shop.age dump.sql
  dbseal encrypt -R backup.pub --into 'aws s3 cp - s3://backups/shop.age' -- pg_dump -Fc shop")]
pub(super) struct EncryptArgs {
    /// What to encrypt; without it and without a command, standard input
    #[arg(value_name = "INPUT", conflicts_with = "command")]
    pub(super) input: Option<PathBuf>,
    /// The dump to run; its exit status decides whether there is a backup
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,

    /// Encrypt to this recipient (age1... or age1pq...); may be repeated
    #[arg(short, long, value_name = "RECIPIENT")]
    pub(super) recipient: Vec<String>,
    /// Encrypt to the recipients in FILE, one a line, # starts a comment; may be repeated
    #[arg(short = 'R', long, value_name = "FILE")]
    pub(super) recipients_file: Vec<PathBuf>,
    /// Encrypt with a passphrase instead of recipients
    #[arg(short, long, conflicts_with_all = ["recipient", "recipients_file"])]
    pub(super) passphrase: bool,
    /// Take the passphrase from the first line of FILE
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recipient", "recipients_file"])]
    pub(super) passphrase_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Give the output to this command (an uploader, ssh), which is killed before its input closes when anything fails. Run
    /// without a shell; quotes group words
    ///
    /// Two cases escape. A command that runs as somebody else, as by sudo, cannot be killed: run dbseal itself under sudo. And
    /// if dbseal itself is killed with SIGKILL, as by the kernel where memory runs out, the command sees an ordinary end of
    /// its input: what it then stores has the backup's name and is no valid age file.
    #[arg(long, value_name = "COMMAND", conflicts_with = "output", value_parser = NonEmptyStringValueParser::new())]
    pub(super) into: Option<String>,
    /// Write ASCII armor, text that survives mail; a third longer
    #[arg(short, long)]
    pub(super) armor: bool,
    /// Compress with zstd before encryption [level: 1 to 19, 3 if not given]
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "3", value_parser = clap::value_parser!(i32).range(1..=19))]
    pub(super) zstd: Option<i32>,
    /// Fail if the input has fewer bytes [default: 1 for a command and standard input, 0 for a file]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(super) min_size: Option<u64>,

    #[command(flatten)]
    pub(super) sign: SignArgs,
    #[command(flatten)]
    pub(super) load: LoadArgs,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// Decrypt a backup, to a file or into a command.
///
/// Only data that is authentic is written, and a file gets its name only when all of it is. A command after `--` gets the
/// plaintext on its standard input and is killed before that closes when anything fails.
///
/// Two cases escape. A command that runs as somebody else, as by sudo, cannot be killed: run dbseal itself under sudo. And if
/// dbseal itself is killed with SIGKILL, as by the kernel where memory runs out, the command sees an ordinary end of its
/// input: it may keep the beginning of a restore as if it were all.
///
/// A backup is not trusted because it decrypts: anybody who has the public key can encrypt a hostile dump to it. Its seal,
/// FILE.seal, is checked in the same pass. Where you have said whom you trust, a backup that none of them has signed is
/// refused; otherwise restore only what came from where you know.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal decrypt -i backup.key -o dump.sql shop.age
  dbseal decrypt -i backup.key shop.age -- mbstream -x -C /var/lib/restore")]
pub(super) struct DecryptArgs {
    /// The age file; without it, standard input
    #[arg(value_name = "FILE")]
    pub(super) input: Option<PathBuf>,
    /// The command that gets the plaintext
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "output")]
    pub(super) command: Vec<OsString>,

    /// Decrypt with the identities in FILE, - for standard input; may be repeated
    #[arg(short, long, value_name = "FILE")]
    pub(super) identity: Vec<PathBuf>,
    /// Take the passphrase, of the file or of the identity file, from the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) output: OutputArgs,
    /// Decrypt only the bytes from A up to, not with, B of the plaintext, or from A to the end
    #[arg(long, value_name = "A..B", value_parser = parse_range, conflicts_with = "decompress")]
    pub(super) range: Option<(u64, Option<u64>)>,
    /// Decompress what was encrypted with --zstd
    #[arg(long)]
    pub(super) decompress: bool,
    /// Save what is left of a damaged backup: write all that is authentic where it belongs, zeros for what is lost, and say which
    ///
    /// Never ends with 0. Bytes that were put in or taken out, so that all after them stand elsewhere, it does not look for.
    #[arg(long, requires = "output", conflicts_with_all = ["range", "decompress", "command"])]
    pub(super) salvage: bool,
    /// Take the header from FILE, another copy of the backup or of its header alone
    #[arg(long, value_name = "FILE", requires = "salvage")]
    pub(super) header: Option<PathBuf>,

    #[command(flatten)]
    pub(super) seal: DecryptSealArgs,
    #[command(flatten)]
    pub(super) load: LoadArgs,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// Check backups without a key: whether they are whole, and who vouches for them.
///
/// Each backup has a seal beside it, FILE.seal, signed by the host that made it. Whole and signed by somebody you trust is
/// "intact" and ends with 0; everything else ends with 1, unless you accept exactly that. A folder means all backups in it.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal verify --trust /etc/dbseal/trust shop.age
  dbseal verify --chain --state /var/lib/dbseal/seen /srv/backups     # by the default trust file")]
pub(super) struct VerifyArgs {
    /// The backups, or folders of them
    #[arg(value_name = "FILE", required = true)]
    pub(super) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    /// Believe seals of this series alone, with * and ? as in a trust file: a key that is trusted for another says nothing here
    #[arg(long, value_name = "PATTERN", help_heading = "Trust")]
    pub(super) series: Option<Pattern>,
    /// Take the seal from SEAL instead of FILE.seal
    #[arg(long, value_name = "SEAL")]
    pub(super) seal: Option<PathBuf>,
    /// Look at the backups together too: whether one is missing from its series, or there twice
    ///
    /// The answers come at the end. The oldest backups may be missing, and so may the newest: only with --state does that show.
    #[arg(long)]
    pub(super) chain: bool,
    /// Remember in FILE what was seen, so that it shows when that is gone
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
    /// End with 0 in this case too; may be repeated
    #[arg(long, value_name = "CASE")]
    pub(super) accept: Vec<Accept>,
    /// Print JSON, an object a line for each backup
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) load: LoadArgs,
}

/// List backups by what their seals say; no payload is read.
///
/// What nobody you trust vouches for is listed too, and counts for nothing. That a backup is whole only dbseal verify says, and that it
/// restores, only a restore test. A folder means all backups in it.
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
    /// The file must not lie beside the backups: whoever can replace these could replace it. It has a key a line, with what it may vouch for: VKEY may=seal,rewrap,drill series=shop-*. Without may= it is seal,
    /// without series= all of them. # starts a comment.
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
    /// Decrypt it in this case too
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
    /// It has no seal
    Unsealed,
    /// Its header is not the one last signed
    HeaderChanged,
    /// It has another name than its seal says
    Renamed,
    /// Numbers are missing from its series
    Gap,
    /// Two backups claim one place in their series
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
    #[arg(long, value_name = "SEAL")]
    pub(super) seal_to: Option<PathBuf>,
    /// Number the backup in this series, so that a missing one shows
    ///
    /// In the name of the output {series} stands for it, {host} for this machine and {utc} for the time; the latter two also
    /// without a series.
    #[arg(long, value_name = "NAME")]
    pub(super) series: Option<Label>,
    /// Keep the state of the series in DIR [default: $STATE_DIRECTORY, else /var/lib/dbseal]
    #[arg(long, value_name = "DIR", requires = "series")]
    pub(super) series_state: Option<PathBuf>,
}

/// Show what an age file says about itself; no key is needed.
///
/// Ends with 1 for a file that is not complete, and if keys were given and none of them opens it.
#[derive(ArgGroup)]
pub(super) struct InspectArgs {
    /// The age file; without it, standard input
    #[arg(value_name = "FILE")]
    pub(super) input: Option<PathBuf>,
    /// Say whether the identities in FILE open it; may be repeated
    #[arg(short, long, value_name = "FILE")]
    pub(super) identity: Vec<PathBuf>,
    /// Take the passphrase from the first line of FILE
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(ArgGroup)]
pub(super) struct OutputArgs {
    /// Write to FILE; without it, or with -, standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace FILE if it exists
    #[arg(short, long)]
    pub(super) force: bool,
}

#[derive(ArgGroup)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadArgs {
    /// Threads that encrypt and compress, or decrypt [default: all cores this process may use]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub(super) threads: Option<NonZeroUsize>,
    /// Read at most this many bytes a second, such as 200M
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(super) limit_rate: Option<u64>,
    /// Use only CPU and disk time that nobody else wants, the command after -- included
    ///
    /// Of the disk this is true only where the I/O scheduler knows such a class (bfq); many hosts have the scheduler none.
    #[arg(long)]
    pub(super) idle: bool,
}

#[derive(ArgGroup)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArgs {
    /// Show nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    pub(super) quiet: bool,
    /// Write events as JSON, one a line, to standard error
    ///
    /// What a command writes to its own standard error is left out; if it fails, the end of that is in the event of the error.
    #[arg(long)]
    pub(super) json: bool,
    /// Write metrics for Prometheus to FILE, also after a failure
    ///
    /// A run that was killed with SIGKILL leaves those of the run before: let an alert watch the time of the last success.
    #[arg(long, value_name = "FILE")]
    pub(super) metrics: Option<PathBuf>,
}

impl Subcommand {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Keygen(_) => "keygen",
            Self::Encrypt(_) => "encrypt",
            Self::Decrypt(_) => "decrypt",
            Self::Verify(_) => "verify",
            Self::List(_) => "list",
            Self::Seal(_) => "seal",
            Self::Inspect(_) => "inspect",
        }
    }

    pub(super) fn voice(&self) -> Voice {
        match self {
            Self::Encrypt(args) => args.report.voice(),
            Self::Decrypt(args) => args.report.voice(),
            Self::Inspect(InspectArgs { json: true, .. })
            | Self::Verify(VerifyArgs { json: true, .. })
            | Self::List(ListArgs { json: true, .. }) => Voice::Json,
            Self::Inspect(_) | Self::Verify(_) | Self::List(_) | Self::Seal(_) | Self::Keygen(_) => Voice::Words,
        }
    }

    pub(super) fn metrics(&self) -> Option<PathBuf> {
        match self {
            Self::Encrypt(args) => args.report.metrics.clone(),
            Self::Decrypt(args) => args.report.metrics.clone(),
            _ => None,
        }
    }
}

impl ReportArgs {
    fn voice(&self) -> Voice {
        match (self.quiet, self.json) {
            (true, _) => Voice::Quiet,
            (_, true) => Voice::Json,
            _ => Voice::Words,
        }
    }
}
