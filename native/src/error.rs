//! Everything that can go wrong, each as a sentence with a hint and an exit code.

use std::io;
use std::path::{Path, PathBuf};

use dbseal_core::{ArmorError, HeaderError, KeyError, KeyfileError, PayloadError, RangeError, UnwrapError, WrapError};

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
    /// The output's folder cannot take a file.
    #[error("cannot create {}: {}", path.display(), reason(error))]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The output exists.
    #[error("{} exists already", .0.display())]
    OutputExists(PathBuf),
    /// The output is a folder or a device.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// What is read and what is written, or two things to be written, are one file.
    #[error("{} is named twice: one would replace the other", .0.display())]
    SameFile(PathBuf),
    /// The input is a folder.
    #[error("{} is a folder", .0.display())]
    InputIsFolder(PathBuf),
    /// The input changed while it was read.
    #[error("{what} changed while it was read")]
    InputChanged {
        /// The input.
        what: String,
    },
    /// Less data than `--min-size` asks for.
    #[error("{what} gave {len} bytes, fewer than the {min_size} that are expected at least")]
    TooSmall {
        /// Where the data came from.
        what: String,
        /// Bytes there were.
        len: u64,
        /// Bytes there should have been.
        min_size: u64,
    },
    /// A command cannot be started.
    #[error("cannot run {program}: {}", reason(error))]
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
    /// The two passphrases differ.
    #[error("the two passphrases are not the same")]
    PassphrasesDiffer,
    /// The passphrase of an identity file is wrong.
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
    /// A range of something that can only be read from its start.
    #[error("a range can only be read from a file that is neither armored nor a pipe")]
    RangeOfStream,
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
    /// A key would replace another.
    #[error("{} exists already", .0.display())]
    KeyExists(PathBuf),
    /// Standard input for two things.
    #[error("standard input cannot be read for two things")]
    StdinTwice,
    /// Bytes on a screen.
    #[error("binary output to a terminal")]
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
            Self::NotAFile(_) => "give -o the name of a file that does not exist yet",
            Self::InputChanged { .. } => "encrypt a dump that is complete, or run the dump as the command: dbseal encrypt ... -- COMMAND",
            Self::InputIsFolder(_) => "encrypt a folder as an archive: dbseal encrypt ... -- tar -C FOLDER -c .",
            Self::TooSmall { .. } => "look at what the dump wrote to its error output; if so little is right, lower --min-size",
            Self::RecipientArgument(KeyError::PrivateNotPublic) => {
                "what was typed may now stand in the shell's history and the process list: replace that key, and give its public half, age1..., to -r"
            }
            Self::RecipientArgument(KeyError::NotARecipient) => "to read recipients from a file use -R FILE",
            Self::Keyfile { error: KeyfileError::Line { error: KeyError::PrivateNotPublic, .. }, .. } => {
                "a private key has no place on the database host: put its public half there (dbseal keygen -y KEY prints it)"
            }
            Self::Keyfile { error: KeyfileError::Line { error: KeyError::PublicNotPrivate, .. }, .. } => {
                "-i wants the identity file that dbseal keygen wrote, not its .pub file"
            }
            Self::Wrap(WrapError::NoRecipient) => "name one with -r age1... or -R FILE; dbseal keygen makes a pair of keys",
            Self::NoIdentity => "name the private key with -i FILE",
            Self::NoTerminal(_) => "put the passphrase into a file that only you can read, and name it with --passphrase-file FILE",
            Self::Unwrap { error: UnwrapError::NoMatch, .. } => "dbseal inspect shows how many recipients the file has, and of which kind",
            Self::Unwrap { error: UnwrapError::WrongMac, .. } => "somebody changed the list of recipients; do not trust this copy",
            Self::Payload { error: PayloadError::Truncated { .. }, .. } => {
                "the copy is incomplete, or the backup failed while it was written: fetch it again from where it is whole"
            }
            Self::Payload { .. } => "fetch the backup again from another copy",
            Self::Header { error: HeaderError::NotAge, .. } => "dbseal decrypts what dbseal encrypt, age or rage wrote",
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
            Self::RangeOfStream => "copy the backup to a disk first; an armored file is opened as a whole",
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
            | Self::SameFile(_)
            | Self::InputIsFolder(_)
            | Self::RecipientArgument(_)
            | Self::Keyfile { .. }
            | Self::Wrap(_)
            | Self::NoIdentity
            | Self::NoTerminal(_)
            | Self::EmptyPassphrase
            | Self::PassphrasesDiffer
            | Self::Range(_)
            | Self::RangeOfStream
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

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = words.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}
