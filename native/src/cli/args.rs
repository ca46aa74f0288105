//! What was typed.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args as ArgGroup, Parser, ValueEnum};
use dbseal_core::Label;

use super::handoff_args::{GrantArgs, RequestArgs};
use super::identity_args::IdentityArgs;
use super::rewrap_args::RewrapArgs;
use super::seal_args::{DecryptSealArgs, ListArgs, SealArgs, SignArgs, VerifyArgs};
use super::size::{parse_range, parse_rate, parse_shares, parse_size, parse_threads};
use super::successor_args::SuccessorArgs;
use super::ui::Voice;
use crate::shares::ShareCounts;

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
    Rewrap(Box<RewrapArgs>),
    Request(RequestArgs),
    Grant(GrantArgs),
    Trust(SuccessorArgs),
}

/// Make a pair of keys: an identity (private, keep it offline) and its recipient (public).
///
/// Asks on a terminal for a passphrase that protects the identity file; an empty one means none. The file is what age
/// has: age, rage and dbseal decrypt with it.
///
/// With --sign it makes a signing key instead, for a host to sign its backups with, and the verifier key (public) that
/// whoever checks them trusts.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal keygen -o backup.key                 # writes backup.key, and backup.pub for the database host
  dbseal keygen --sign db1 -o db1.sign.key    # writes db1.sign.key, and db1.sign.pub for whoever checks
  dbseal keygen --sign db1-2027 --succeeds db1.sign.key -o db1-2027.sign.key    # and db1-2027.sign.succession for them")]
pub(super) struct KeygenArgs {
    /// Write the identity to FILE, readable by its owner only, and the recipient beside it: NAME.pub for NAME.key
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Make a signing key of this name, such as the host's
    #[arg(long, value_name = "NAME", conflicts_with_all = ["pq", "passphrase_file", "convert"])]
    pub(super) sign: Option<Label>,
    /// Have the new signing key succeed the one in the file OLD: both sign that, in NEW.sign.succession beside NEW.sign.key
    ///
    /// Nobody trusts the new key by it alone. Whoever checks the backups gives it to dbseal trust, which prints the lines for their trust
    /// file.
    #[arg(long, value_name = "OLD", requires_all = ["sign", "output"])]
    pub(super) succeeds: Option<PathBuf>,
    /// Make a post-quantum key (age1pq...), which no later quantum computer breaks. age before 1.3 and rage do not know it yet
    #[arg(long)]
    pub(super) pq: bool,
    /// Protect the identity with the first line of FILE instead of asking; with -y, open it with that
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Split the identity into N shares, of which any K open what it opens: it is not written itself
    ///
    /// With -o backup.key they are backup.1.share and so on, to be printed, or copied, and kept by as many people; each is given with
    /// -i where the identity is wanted. Their words are those of SLIP-39.
    #[arg(long, value_name = "K/N", requires = "output", value_parser = parse_shares, conflicts_with_all = ["sign", "passphrase_file", "convert"])]
    pub(super) shares: Option<ShareCounts>,
    /// Print the recipient of the identity in the file IDENTITY, or the verifier key of the signing key there, instead of making one; of one in
    /// shares, give each of these with -y
    #[arg(short = 'y', value_name = "IDENTITY", conflicts_with_all = ["output", "pq"])]
    pub(super) convert: Vec<PathBuf>,
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
/// A backup is not trusted because it decrypts: anybody who has the public key, or the passphrase, can encrypt a hostile dump
/// with it. Its seal, FILE.seal, is checked in the same pass. Where you have said whom you trust, a backup that none of them has
/// signed is refused; otherwise restore only what came from where you know.
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

    #[command(flatten)]
    pub(super) keys: IdentityArgs,
    /// Decrypt with the grant in FILE, or in a picture of its QR code, for the key of a request that was made here. May be repeated, for
    /// the pictures of one grant
    ///
    /// When all of the only backup of the request was read, the file with that key is overwritten with zeros, and removed. After --range,
    /// --salvage or a failure, and of a request for several, it stays, to be removed by you. What the disk or a snapshot keeps of it
    /// nobody can say.
    #[arg(long, value_name = "FILE", requires = "request", conflicts_with_all = ["identity", "identity_command", "passphrase_file"])]
    pub(super) grant: Vec<PathBuf>,
    /// The request that the grant is for; FILE.key lies beside it
    #[arg(long, value_name = "FILE", requires = "grant")]
    pub(super) request: Option<PathBuf>,

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
    /// What cannot be read is lost like what is damaged. Never ends with 0. Bytes that were put in or taken out, so that all after
    /// them stand elsewhere, it does not look for.
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "opens")]
    #[arg(requires = "output", conflicts_with_all = ["range", "decompress", "command"])]
    pub(super) salvage: Option<Keep>,
    /// Take the header from FILE, another copy of the backup or its beginning
    ///
    /// If FILE goes on after the header, the 16 bytes there are the nonce, for a backup that has lost its own.
    #[arg(long, value_name = "FILE", requires = "salvage")]
    pub(super) header: Option<PathBuf>,

    #[command(flatten)]
    pub(super) seal: DecryptSealArgs,
    #[command(flatten)]
    pub(super) load: LoadArgs,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// What of a damaged backup is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Keep {
    /// All that opens: what is not as it was sealed is named
    Opens,
    /// Only what is as it was sealed, by a seal that is there: zeros for the rest, which is named
    Sealed,
}

impl From<Keep> for crate::salvage::Keep {
    fn from(keep: Keep) -> Self {
        match keep {
            Keep::Opens => Self::Opens,
            Keep::Sealed => Self::Sealed,
        }
    }
}

/// Show what an age file, and the seal beside it, say about themselves; no key is needed.
///
/// Nothing of the seal is checked: dbseal verify does that. Ends with 1 for a file that is not complete, and if keys were given and none of
/// them opens it.
///
/// With several files, or a folder of them, it says a line for each: whether one of the keys opens it, by its header and final chunk. It
/// ends with 1 if there is one that none opens.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal inspect shop.age                  # what it says of itself
  dbseal inspect -i old.key /srv/backups   # which of these the key still opens")]
pub(super) struct InspectArgs {
    /// The age file, or several with -i, or folders of them, with those below; without any, standard input
    #[arg(value_name = "FILE")]
    pub(super) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) keys: IdentityArgs,
    /// Take the seal from SEAL instead of FILE.seal
    #[arg(long, value_name = "SEAL")]
    pub(super) seal: Option<PathBuf>,
    /// Print JSON; for several files, an object a line
    ///
    /// For several, its fields are file; opens, whether one of the keys does; and message, what people are told.
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
            Self::Rewrap(_) => "rewrap",
            Self::Request(_) => "request",
            Self::Grant(_) => "grant",
            Self::Trust(_) => "trust",
        }
    }

    pub(super) fn voice(&self) -> Voice {
        match self {
            Self::Encrypt(args) => args.report.voice(),
            Self::Decrypt(args) => args.report.voice(),
            Self::Inspect(InspectArgs { json: true, .. })
            | Self::Verify(VerifyArgs { json: true, .. })
            | Self::List(ListArgs { json: true, .. }) => Voice::Json,
            Self::Rewrap(args) if args.json => Voice::Json,
            _ => Voice::Words,
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
