//! What was typed about the hand-off across an air gap.

use std::path::PathBuf;

use clap::Args as ArgGroup;

use super::identity_args::IdentityArgs;
use super::seal_args::TrustArgs;

/// Ask for backups that this machine has no key for.
///
/// Writes a request of a kilobyte or two for each backup, to be carried to the machine that has the private key, and beside it, in
/// FILE.key, the key that its grant is for: that stays here. What opens the backups crosses in neither direction.
///
/// Anybody can write a request. Both machines show the same code of it: compare them by voice.
///
/// With --rewrap it asks for other recipients: what comes back are new headers, which dbseal rewrap --apply puts before the backups. The
/// private key stays where it is, and nothing here ever opens a backup.
#[derive(ArgGroup)]
#[command(after_help = "Examples:
  dbseal request -o ~/shop.request shop.age                    # here; then, where the key is:
  dbseal grant -i backup.key -o shop.grant shop.request        # and here again:
  dbseal decrypt --request ~/shop.request --grant shop.grant -o shop.sql shop.age")]
pub(super) struct RequestArgs {
    /// The backups, or folders of them, with those below
    #[arg(value_name = "BACKUP", required = true)]
    pub(super) inputs: Vec<PathBuf>,
    /// Ask for other recipients, in the place of the one whose key opens the backups there
    #[arg(long)]
    pub(super) rewrap: bool,
    /// With --rewrap, who gets them: this recipient (age1... or age1pq...); may be repeated
    #[arg(short, long, value_name = "RECIPIENT", requires = "rewrap")]
    pub(super) recipient: Vec<String>,
    /// With --rewrap, who gets them: the recipients in FILE; may be repeated
    #[arg(short = 'R', long, value_name = "FILE", requires = "rewrap")]
    pub(super) recipients_file: Vec<PathBuf>,
    /// Write the request to FILE, and its key to FILE.key
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Sign the request with the key in the file KEY, so that it shows which machine asks
    #[arg(long, value_name = "KEY")]
    pub(super) sign: Option<PathBuf>,
    /// Show the request as QR codes too, to be photographed: as few as fit the terminal, which has 65 columns and 34 rows at least
    #[arg(long)]
    pub(super) qr: bool,
}

/// Grant backups to a machine that has no key for them.
///
/// Shows what is asked for, by whom it was sealed, and the code of the request; then it asks. Only what somebody whom you trust has sealed,
/// and made, is shown as verified.
///
/// A request for other recipients is answered with new headers, which that machine puts before its backups.
#[derive(ArgGroup)]
pub(super) struct GrantArgs {
    /// The request: its file, its text, or the pictures of its QR codes in any order
    #[arg(value_name = "REQUEST", required = true)]
    pub(super) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) keys: IdentityArgs,
    /// Of a request for other recipients: sign the change with the key in the file KEY, for backups with a seal
    #[arg(long, value_name = "KEY")]
    pub(super) sign: Option<PathBuf>,
    /// Of a request for other recipients: let a post-quantum backup get ones that a quantum computer opens, or look like one
    #[arg(long)]
    pub(super) allow_weaker: bool,
    /// Write the answer to FILE; without it, to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Show the grant as QR codes instead of text, to be photographed; the terminal has 65 columns and 34 rows at least
    #[arg(long)]
    pub(super) qr: bool,
    /// Do not ask: grant the request if this is its code
    #[arg(long, value_name = "CODE")]
    pub(super) code: Option<String>,
    /// With --code, grant also backups of which nothing is verified
    #[arg(long, requires = "code")]
    pub(super) not_verified: bool,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}
