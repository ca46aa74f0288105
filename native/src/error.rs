//! Everything that can go wrong, each as a sentence.

use std::io;
use std::path::{Path, PathBuf};

use dbseal_core::{ArmorError, HeaderError, KeyError, KeyfileError, PayloadError, RangeError, UnwrapError, WrapError};

use crate::destination::folder_of;

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
    /// The output is a FIFO of another user.
    #[error("{} is a FIFO that belongs to another user", .0.display())]
    ForeignFifo(PathBuf),
    /// The input is a folder.
    #[error("{} is a folder", .0.display())]
    InputIsFolder(PathBuf),
    /// The age file has no byte.
    #[error("{0}: there is nothing in it")]
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
    /// The system allows no more threads.
    #[error("cannot start a thread: {}", reason(.0))]
    Thread(io::Error),
    /// There is no memory for the batches, a few megabytes for each core.
    #[error("there is not enough memory for so many threads")]
    Memory,
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
    /// Keys were given for a file that a passphrase opens: not the file that was meant.
    #[error("{0} is encrypted with a passphrase, not to a key")]
    PassphraseNotKey(String),
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
    /// The payload has a length that no whole one has.
    #[error("{0} is not complete")]
    NotComplete(String),
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
    #[error("{0} is read from its start to its end, so no range of it can be read alone")]
    RangeOfStream(String),
    /// A range of an armored file.
    #[error("{0} is armored, so no range of it can be read alone")]
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
    /// A dump or a consumer was announced, and is missing.
    #[error("there is no command after --")]
    NoCommand,
    /// The final chunk of a file does not open: what is there may not be the end.
    #[error("{what}: its end is missing or damaged, after {whole_len} bytes of data that may be whole")]
    EndMissing {
        /// The file.
        what: String,
        /// Bytes of plaintext before the final chunk.
        whole_len: u64,
    },
    /// A standard stream that is needed is not there.
    #[error("{0} is closed, or is /dev/null")]
    Closed(&'static str),
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
