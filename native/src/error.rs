//! Everything that can go wrong, each as a sentence with a hint and an exit code.

use std::io;
use std::path::{Path, PathBuf};

use dbseal_core::{ArmorError, HeaderError, KeyError, KeyfileError, PayloadError, RangeError, UnwrapError, WrapError};

use crate::output::folder_of;

/// How a command ends; part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done = 0,
    /// 1: refused, failed, or not authentic.
    Refused = 1,
    /// 2: could not run: usage, a missing file, no permission.
    CannotRun = 2,
}

/// Why a job was refused or failed. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// A file cannot be opened.
    #[error("cannot open {}: {}", path.display(), reason(error))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Reading failed.
    #[error("cannot read {what}: {}", reason(error))]
    Read {
        /// What was read.
        what: String,
        /// Why not.
        error: io::Error,
    },
    /// Writing failed, a full disk included.
    #[error("cannot write {what}: {}", reason(error))]
    Write {
        /// What was written.
        what: String,
        /// Why not.
        error: io::Error,
    },
    /// The output is complete and has its name, but the name may not survive a crash.
    #[error("{} is complete, but its name could not be put on disk: {}", path.display(), reason(error))]
    NameNotOnDisk {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The output's folder cannot take a file.
    #[error("cannot create {}: {}", path.display(), reason_of_create(path, error))]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The output exists.
    #[error("{} exists already", .0.display())]
    OutputExists(PathBuf),
    /// The output is a folder.
    #[error("{} is a folder", .0.display())]
    OutputIsFolder(PathBuf),
    /// The output is a link or a block device, or its name can be no file's.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// What is read and what is written, or two things to be written, are one file.
    #[error("{} is named twice: one would replace the other", .0.display())]
    SameFile(PathBuf),
    /// The input is a folder.
    #[error("{} is a folder", .0.display())]
    InputIsFolder(PathBuf),
    /// The age file has no byte.
    #[error("{0} is empty")]
    InputEmpty(String),
    /// The input changed while it was read.
    #[error("{what} changed while it was read")]
    InputChanged {
        /// The input.
        what: String,
    },
    /// Less data than `--min-size` asks for.
    #[error("{what} gave {len} bytes, and {min_size} were expected at least")]
    TooSmall {
        /// Where the data came from.
        what: String,
        /// Bytes there were.
        len: u64,
        /// Bytes there should have been.
        min_size: u64,
    },
    /// A command cannot be started.
    #[error("cannot run '{program}': {}", reason_of_spawn(program, error))]
    Spawn {
        /// The program.
        program: String,
        /// Why not.
        error: io::Error,
    },
    /// A command failed.
    #[error("{program} {status}")]
    ChildFailed {
        /// The program.
        program: String,
        /// How it ended, such as `exited with status 1`.
        status: String,
        /// The last of what it wrote to its standard error.
        stderr_tail: String,
    },
    /// A consumer ended before it had read everything.
    #[error("{program} {status} before it had read all its input")]
    ConsumerLeft {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The last of what it wrote to its standard error.
        stderr_tail: String,
    },
    /// A recipient, typed.
    #[error("recipient on the command line: {0}")]
    RecipientArgument(KeyError),
    /// A file with recipients or identities.
    #[error("{}: {error}", path.display())]
    Keyfile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyfileError,
    },
    /// Nobody to encrypt to, or a mix that is not allowed.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// Nothing to decrypt with.
    #[error("no key to open the file with")]
    NoIdentity,
    /// A passphrase is needed and there is no terminal.
    #[error("a passphrase is needed for {0}, and there is no terminal to ask on")]
    NoTerminal(String),
    /// The passphrase is empty.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// A passphrase file that is not text.
    #[error("{} is not a passphrase file: its first line is not UTF-8 text", .0.display())]
    PassphraseNotText(PathBuf),
    /// The two passphrases differ.
    #[error("the two passphrases are not the same")]
    PassphrasesDiffer,
    /// The passphrase of a file, or of an identity file, is wrong.
    #[error("the passphrase does not open {0}")]
    WrongPassphrase(String),
    /// Not an age file, or one that is damaged in its header.
    #[error("{what}: {error}")]
    Header {
        /// The file.
        what: String,
        /// What is wrong with it.
        error: HeaderError,
    },
    /// The header does not open.
    #[error("{what}: {error}")]
    Unwrap {
        /// The file.
        what: String,
        /// Why not.
        error: UnwrapError,
    },
    /// The payload is not authentic.
    #[error("{what}: {error}")]
    Payload {
        /// The file.
        what: String,
        /// What is wrong with it.
        error: PayloadError,
    },
    /// The armor is not well-formed.
    #[error("{what}: {error}")]
    Armor {
        /// The file.
        what: String,
        /// What is wrong with it.
        error: ArmorError,
    },
    /// The range is not in the plaintext.
    #[error("{0}")]
    Range(#[from] RangeError),
    /// A range of what can only be read from its start.
    #[error("{0} is not a regular file, so no range of it can be read")]
    RangeOfStream(String),
    /// A range of an armored file.
    #[error("{0} is armored, so no range of it can be read")]
    RangeOfArmor(String),
    /// What was decrypted is not zstd.
    #[error("cannot decompress {what}: {}", reason(error))]
    Decompress {
        /// The file.
        what: String,
        /// Why not.
        error: io::Error,
    },
    /// A secret where everybody can see it.
    #[error("there is a private key on the command line")]
    PrivateKeyArgument,
    /// Metrics would replace something else.
    #[error("{} exists and holds no metrics of dbseal", .0.display())]
    NotMetrics(PathBuf),
    /// The job is done, but nobody will hear of it.
    #[error("the output is complete, but not its metrics: {0}")]
    MetricsNotWritten(Box<JobError>),
    /// A key would replace another.
    #[error("{} exists already", .0.display())]
    KeyExists(PathBuf),
    /// Standard input for two things.
    #[error("standard input cannot be read for two things")]
    StdinTwice,
    /// Bytes on a screen.
    #[error("standard output is a terminal")]
    BinaryToTerminal,
    /// A command line that cannot be split into words.
    #[error("the command given to --into cannot be run as it is: {0}")]
    BadCommand(String),
    /// `--idle` cannot be kept.
    #[error("cannot run in the idle class: {0}")]
    Idle(String),
    /// Another stage of the job failed first; never shown.
    #[error("stopped")]
    Stopped,
}

impl JobError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Write { error, .. } | Self::Create { error, .. } if is_full(error) => {
                "free some space or choose another disk; nothing was left under the output's name"
            }
            Self::OutputExists(_) => "choose another name, or overwrite it with --force",
            Self::OutputIsFolder(_) => "name a file in it",
            Self::NotAFile(_) => "choose the name of a file that does not exist yet",
            Self::InputEmpty(_) => "the copy is incomplete: fetch it again from where it is whole",
            Self::InputChanged { .. } => "encrypt a dump that is complete, or run the dump as the command: dbseal encrypt ... -- COMMAND",
            Self::InputIsFolder(_) => "name a file; a folder is encrypted as an archive: dbseal encrypt ... -- tar -C FOLDER -c .",
            Self::TooSmall { .. } => "see whether the dump was complete; if so little is right, lower --min-size",
            Self::RecipientArgument(KeyError::PrivateNotPublic) => {
                "what was typed may now stand in the shell's history and the process list: replace that key, and give its public half, age1..., to -r"
            }
            Self::RecipientArgument(KeyError::NotARecipient) => "to read recipients from a file use -R FILE",
            Self::Keyfile { error: KeyfileError::Line { error: KeyError::PrivateNotPublic, .. }, .. } => {
                "a private key has no place on the database host: put its public half there (dbseal keygen -y KEY prints it)"
            }
            Self::Keyfile { error: KeyfileError::Line { error: KeyError::PublicNotPrivate, .. }, .. } => {
                "the identity file that dbseal keygen wrote is wanted here, not the .pub file beside it"
            }
            Self::Wrap(WrapError::NoRecipient) => "name one with -r age1... or -R FILE; dbseal keygen makes a pair of keys",
            Self::Wrap(WrapError::MixedPostQuantum) => "make one backup for each kind of recipient, or encrypt to post-quantum ones only",
            Self::EmptyPassphrase | Self::PassphraseNotText(_) => "the passphrase is the first line of the file, or what is typed",
            Self::StdinTwice => "name a file for one of them",
            Self::Spawn { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                "see that the program is installed, and spelled as it is there"
            }
            Self::NoIdentity => "name the private key with -i FILE",
            Self::NoTerminal(_) => "put the passphrase into a file that only you can read, and name it with --passphrase-file FILE",
            Self::Unwrap { error: UnwrapError::NoMatch, .. } => "dbseal inspect shows how many recipients the file has, and of which kind",
            Self::Unwrap { error: UnwrapError::WrongMac, .. } => "somebody changed the list of recipients; do not trust this copy",
            Self::Payload { error: PayloadError::Truncated { .. }, .. } => {
                "the copy is incomplete, or the backup failed while it was written: fetch it again from where it is whole"
            }
            Self::Payload { .. } => "fetch the backup again from another copy",
            Self::Header { error: HeaderError::NotAge, .. } => "dbseal decrypts what dbseal encrypt, age or rage wrote",
            Self::Header { error: HeaderError::UnknownVersion, .. } => "a newer dbseal or age may open it",
            Self::Header { error: HeaderError::Incomplete, .. } => "the copy is incomplete: fetch it again from where it is whole",
            Self::Decompress { .. } => "leave --decompress out to get the data as it was stored",
            Self::PrivateKeyArgument => {
                "what was typed may now stand in the shell's history and the process list: replace that key; -i wants the name of a file"
            }
            Self::NotMetrics(_) => "give --metrics a name of its own, such as dbseal.prom",
            Self::KeyExists(_) => "choose another name: a key is never replaced, it may be the only one that opens a backup",
            Self::BinaryToTerminal => "name a file with -o FILE; -o - writes to the terminal all the same",
            Self::BadCommand(_) => {
                "it is run without a shell; for a pipe or a redirection write sh -c '...', and see that it fails when a part fails"
            }
            Self::RangeOfStream(_) => "copy the backup to a disk first",
            Self::RangeOfArmor(_) => "decrypt the whole of it; a backup that was encrypted without --armor can be read in parts",
            Self::MetricsNotWritten(_) => "the backup itself is good",
            Self::ConsumerLeft { .. } => "what it was given is not complete: do not use what it made of it",
            _ => return None,
        })
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Open { .. }
            | Self::Spawn { .. }
            | Self::NotAFile(_)
            | Self::OutputIsFolder(_)
            | Self::SameFile(_)
            | Self::InputIsFolder(_)
            | Self::RecipientArgument(_)
            | Self::Keyfile { .. }
            | Self::Wrap(_)
            | Self::NoIdentity
            | Self::NoTerminal(_)
            | Self::EmptyPassphrase
            | Self::PassphraseNotText(_)
            | Self::PassphrasesDiffer
            | Self::Range(_)
            | Self::RangeOfStream(_)
            | Self::RangeOfArmor(_)
            | Self::BinaryToTerminal
            | Self::StdinTwice
            | Self::PrivateKeyArgument
            | Self::NotMetrics(_)
            | Self::BadCommand(_)
            | Self::Idle(_) => Exit::CannotRun,
            Self::Create { error, .. } if !is_full(error) => Exit::CannotRun,
            _ => Exit::Refused,
        }
    }

    /// The last of what a failed command wrote to its standard error.
    #[must_use]
    pub fn stderr_tail(&self) -> Option<&str> {
        match self {
            Self::ChildFailed { stderr_tail, .. } | Self::ConsumerLeft { stderr_tail, .. } if !stderr_tail.is_empty() => Some(stderr_tail),
            _ => None,
        }
    }

    pub(crate) fn open(path: &Path, error: io::Error) -> Self {
        Self::Open { path: path.into(), error }
    }

    pub(crate) fn read(what: &str, error: io::Error) -> Self {
        // A reader of armor or zstd carries our own error through io::Error.
        match error.downcast::<JobError>() {
            Ok(job_error) => job_error,
            Err(error) => Self::Read { what: what.into(), error },
        }
    }

    pub(crate) fn write(what: &str, error: io::Error) -> Self {
        Self::Write { what: what.into(), error }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// For a file that is created, the system's "no such file" means its folder.
fn reason_of_create(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("there is no folder {}", folder_of(path).display()),
        io::ErrorKind::NotADirectory => format!("{} is not a folder", folder_of(path).display()),
        _ => reason(error),
    }
}

/// For a program that is looked up, the system's "no such file" means the places where it was looked for.
fn reason_of_spawn(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if !program.contains('/') => "it is not in PATH".into(),
        _ => reason(error),
    }
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}
