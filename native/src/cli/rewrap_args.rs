//! What was typed about other recipients.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ArgGroup, ValueEnum};

use super::args::LoadArgs;
use super::identity_args::IdentityArgs;
use super::seal_args::TrustArgs;
use super::size::{parse_rate, parse_threads};

/// Give backups other recipients; their data is not touched, unless you ask for a new file key.
///
/// Exactly the recipients leave whose keys are given with -i; all others keep the backup. The new header takes the place of the old one
/// where it fits, as it does in backups of dbseal; else a copy of the backup takes its name.
///
/// Whoever held a backup's key before still has it, and copies of the backup, snapshots and older versions of an object keep the old
/// recipients. Where a key is compromised, say --new-file-key: each backup is encrypted anew. That too changes no copy, snapshot or
/// older version: those open with the old key until they are gone.
#[derive(ArgGroup)]
#[command(group = clap::ArgGroup::new("everybody").args(["only", "new_file_key"]).multiple(true))]
#[command(after_help = "Examples:
  dbseal rewrap -i old.key -R new.pub --sign custodian.sign.key /srv/backups
  dbseal rewrap -i backup.key --add -R auditor.pub shop.age
  dbseal request --rewrap -R new.pub -o ~/r.request /srv/backups # where the key is: dbseal grant -i old.key -o r.answer r.request
  dbseal rewrap --apply r.answer --request ~/r.request /srv/backups

  dbseal rewrap --new-file-key -i stolen.key -R new.pub --sign custodian.sign.key /srv/backups")]
pub(super) struct RewrapArgs {
    /// The backups, or folders of them, with those below
    #[arg(value_name = "FILE", required = true)]
    pub(super) inputs: Vec<PathBuf>,
    // Of a recipient that comes the identity may be given too: what was done before is then told from what nobody here can open.
    #[command(flatten)]
    pub(super) keys: IdentityArgs,
    /// Who gets them: this recipient (age1... or age1pq...); may be repeated
    #[arg(short, long, value_name = "RECIPIENT", required_unless_present_any = ["recipients_file", "apply", "request"])]
    pub(super) recipient: Vec<String>,
    /// Who gets them: the recipients in FILE; may be repeated
    #[arg(short = 'R', long, value_name = "FILE")]
    pub(super) recipients_file: Vec<PathBuf>,
    /// Put the new headers in FILE, which the machine with the key has made, before the backups; may be repeated, for pictures of one answer
    #[arg(long, value_name = "FILE", requires = "request")]
    #[arg(conflicts_with_all = ["recipient", "recipients_file", "identity", "identity_command", "add", "only", "new_file_key", "sign", "drop_seal", "without_seal"])]
    #[arg(conflicts_with_all = ["passphrase_file", "allow_weaker", "idle"])]
    pub(super) apply: Vec<PathBuf>,
    /// The request that they answer
    #[arg(long, value_name = "FILE", requires = "apply")]
    pub(super) request: Option<PathBuf>,
    /// The code of the answer, as the machine with the key showed it: where nobody whom you trust with may=rewrap has signed it
    #[arg(long, value_name = "CODE", requires = "apply")]
    pub(super) code: Option<String>,
    /// Nobody leaves
    ///
    /// Whether who comes is there already only their own key shows: without it, named with -i too, a second time adds them again.
    #[arg(long, conflicts_with_all = ["only", "new_file_key"])]
    pub(super) add: bool,
    /// Everybody else leaves, whoever they are; asks first, and without a terminal wants --yes
    #[arg(long)]
    pub(super) only: bool,
    /// For a compromised key: encrypt each backup anew, under a new file key, for those who are named and nobody else; asks as --only does
    ///
    /// All of it is read, and a copy written, which takes the backup's name when it is complete and on disk: there has to be room for the
    /// largest. What is damaged, or not as its seal says, is refused and stays as it is; without a seal nobody can tell what somebody
    /// with the key has changed. Copies, snapshots and older versions of an object keep the old file key. Whoever runs it again names
    /// only the old key with -i: what that does not open was done before.
    #[arg(long)]
    pub(super) new_file_key: bool,
    /// Yes, all others are to leave
    #[arg(long, requires = "everybody")]
    pub(super) yes: bool,
    /// Let a post-quantum backup become one that a quantum computer opens, or let it look like one
    #[arg(long)]
    pub(super) allow_weaker: bool,
    /// Make a copy of each backup and give that its name: any age program opens it at every moment
    #[arg(long)]
    pub(super) copy: bool,
    /// Sign the change with the key in the file KEY: for backups with a seal
    #[arg(long, value_name = "KEY", conflicts_with = "drop_seal")]
    pub(super) sign: Option<PathBuf>,
    /// Remove the seal of a backup that has one
    #[arg(long)]
    pub(super) drop_seal: bool,
    /// Change nothing, and say what would be changed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do it in this case too
    #[arg(long, value_name = "CASE", value_enum, value_delimiter = ',')]
    pub(super) accept: Vec<AcceptRewrap>,
    /// Do it whoever made the backup; one that has a seal wants --drop-seal too
    #[arg(long, conflicts_with_all = ["trust", "sign"])]
    pub(super) without_seal: bool,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    /// Threads that encrypt anew [default: all cores this process may use]
    #[arg(long, value_name = "N", value_parser = parse_threads, requires = "new_file_key", help_heading = "Load")]
    pub(super) threads: Option<NonZeroUsize>,
    /// Read at most this many bytes a second of what is encrypted anew, such as 200M
    #[arg(long, value_name = "RATE", value_parser = parse_rate, requires = "new_file_key", help_heading = "Load")]
    pub(super) limit_rate: Option<u64>,
    /// Use only CPU and disk time that nobody else wants, where the I/O scheduler knows such a class (bfq)
    #[arg(long, help_heading = "Load")]
    pub(super) idle: bool,
    /// Print JSON, an object a line for each backup
    ///
    /// Its fields are file; state, which is done, already, unopened (none of the keys opens it; it may have been done before), unwritable
    /// or failed; of one that is done left and came, which count recipients, and way, which is in-place, copy or anew; error, a sentence,
    /// of one that failed or was not opened; message, what people are told; and dry_run, with which done is what would be. What does not
    /// apply is null.
    #[arg(long)]
    pub(super) json: bool,
}

/// A case in which a backup is changed only if that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AcceptRewrap {
    /// It has another name than its seal says
    Renamed,
    /// You trust nobody here, so that who sealed it is not checked, nor whether those who check it let your key change recipients
    Unvouched,
}

impl RewrapArgs {
    /// What the machine is asked for.
    pub(super) fn load(&self) -> LoadArgs {
        LoadArgs { threads: self.threads, limit_rate: self.limit_rate, idle: self.idle }
    }
}
