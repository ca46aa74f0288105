//! What a person at the command line is told to do about an error, and what the shell gets to know.

use std::io;

use dbseal_core::{HeaderError, KeyError, KeyfileError, PayloadError, UnwrapError, WrapError};

use crate::error::JobError;

/// How a command ends; part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: done.
    Done = 0,
    /// 1: refused, failed, or not authentic.
    Refused = 1,
    /// 2: could not run: usage, a missing file, no permission.
    CannotRun = 2,
}

/// What to do about it, where there is something to do.
pub(super) fn hint(error: &JobError) -> Option<&'static str> {
    Some(match error {
        JobError::Write { error, .. } | JobError::Create { error, .. } if is_full(error) => "free some space or choose another disk",
        JobError::OutputExists(_) => "choose another name, or overwrite it with --force",
        JobError::ForeignFifo(_) => "whoever made it would read what is written to it: choose another name",
        JobError::OutputIsFolder(_) => "name a file in it",
        JobError::NotAFile(_) => "choose the name of a file that does not exist yet",
        JobError::InputEmpty(_) => "the copy is incomplete: fetch it again from where it is whole",
        JobError::InputChanged { .. } => "encrypt a dump that is complete, or run the dump as the command: dbseal encrypt ... -- COMMAND",
        JobError::InputIsFolder(_) => "name a file; a folder is encrypted as an archive: dbseal encrypt ... -- tar -C FOLDER -c .",
        JobError::TooSmall { .. } => "see whether the dump was complete; if so little is right, lower --min-size",
        JobError::RecipientArgument(KeyError::PrivateNotPublic) => {
            "what was typed may now stand in the shell's history and the process list: replace that key, and give its public half, age1..., to -r"
        }
        JobError::RecipientArgument(KeyError::NotARecipient) => "to read recipients from a file use -R FILE",
        JobError::Keyfile { error: KeyfileError::Line { error: KeyError::PrivateNotPublic, .. }, .. } => {
            "a private key has no place on the database host: put its public half there (dbseal keygen -y KEY prints it)"
        }
        JobError::Keyfile { error: KeyfileError::Line { error: KeyError::PublicNotPrivate, .. }, .. } => {
            "the identity file that dbseal keygen wrote is wanted here, not the .pub file beside it"
        }
        JobError::Wrap(WrapError::NoRecipient) => "name one with -r age1... or -R FILE; dbseal keygen makes a pair of keys",
        JobError::Wrap(WrapError::MixedPostQuantum) => "make one backup for each kind of recipient, or encrypt to post-quantum ones only",
        JobError::EmptyPassphrase | JobError::PassphraseNotText(_) => "the passphrase is the first line of the file, or what is typed",
        JobError::NoCommand => "name it there (was a variable empty?); without -- a file or standard input is read",
        JobError::Closed("standard output") => {
            "name a file, or /dev/null, with -o; or open it, if a service manager or a script has closed it"
        }
        JobError::Closed(_) => "name a file instead, or open it, if a service manager or a script has closed it",
        JobError::StdinTwice => "name a file for one of them",
        JobError::Spawn { program, .. } if program.contains(' ') => "give the command as words of its own, without quotes around all of it",
        JobError::Open { path, .. } if path.to_str().is_some_and(|path| path.starts_with("age1")) => "a recipient itself is given with -r",
        JobError::Spawn { error, .. } if error.kind() == io::ErrorKind::NotFound => {
            "see that the program is installed, and spelled as it is there"
        }
        JobError::PassphraseNotKey(_) => "see that this is the file you mean; without -i it is opened with its passphrase",
        JobError::NoIdentity => "name the private key with -i FILE",
        JobError::NoTerminal(_) => "put the passphrase into a file that only you can read, and name it with --passphrase-file FILE",
        JobError::Unwrap { error: UnwrapError::NoMatch, .. } => "dbseal inspect shows how many recipients the file has, and of which kind",
        JobError::Unwrap { error: UnwrapError::WrongMac, .. } => "the header is damaged or was changed: take another copy",
        JobError::NotComplete(_) | JobError::EndMissing { .. } | JobError::Payload { error: PayloadError::Truncated { .. }, .. } => {
            "the copy is incomplete, or the backup failed while it was written: fetch it again from where it is whole"
        }
        JobError::Payload { .. } => "fetch the backup again from another copy",
        JobError::Header { error: HeaderError::NotAge, .. } => "dbseal decrypts what dbseal encrypt, age or rage wrote",
        JobError::Header { error: HeaderError::UnknownVersion, .. } => "a newer dbseal or age may open it",
        JobError::Header { error: HeaderError::Incomplete, .. } => "the copy is incomplete: fetch it again from where it is whole",
        JobError::Decompress { .. } => "leave --decompress out to get the data as it was stored",
        JobError::PrivateKeyArgument => {
            "what was typed may now stand in the shell's history and the process list: replace that key; -i wants the name of a file"
        }
        JobError::NotMetrics(_) => "give --metrics a name of its own, such as dbseal.prom",
        JobError::KeyExists(_) => "choose another name: a key is never replaced, it may be the only one that opens a backup",
        JobError::BinaryToTerminal => "name a file with -o FILE; -o - writes to the terminal all the same",
        JobError::BadCommand(_) => {
            "it is run without a shell; for a pipe or a redirection write sh -c '...', and see that it fails when a part fails"
        }
        JobError::RangeOfStream(_) => "name a file that lies on a disk",
        JobError::RangeOfArmor(_) => "decrypt the whole of it; a backup that was encrypted without --armor can be read in parts",
        JobError::Memory => "use fewer with --threads, or lift the limit (ulimit -v)",
        JobError::Thread(_) => "use fewer with --threads, or lift the limit (ulimit -u)",
        JobError::MetricsNotWritten(error) => return hint(error).or(Some("see that the folder of --metrics can be written to")),
        JobError::ConsumerLeft { .. } => "what it was given is not complete: do not use what it made of it",
        _ => return None,
    })
}

/// The exit code.
pub(super) fn exit(error: &JobError) -> Exit {
    match error {
        JobError::Open { .. }
        | JobError::Spawn { .. }
        | JobError::NotAFile(_)
        | JobError::OutputIsFolder(_)
        | JobError::ForeignFifo(_)
        | JobError::SameFile(_)
        | JobError::InputIsFolder(_)
        | JobError::RecipientArgument(_)
        | JobError::Keyfile { .. }
        | JobError::Wrap(_)
        | JobError::NoIdentity
        | JobError::NoTerminal(_)
        | JobError::EmptyPassphrase
        | JobError::PassphraseNotText(_)
        | JobError::PassphrasesDiffer
        | JobError::Range(_)
        | JobError::RangeOfStream(_)
        | JobError::RangeOfArmor(_)
        | JobError::BinaryToTerminal
        | JobError::StdinTwice
        | JobError::Closed(_)
        | JobError::NoCommand
        | JobError::PrivateKeyArgument
        | JobError::NotMetrics(_)
        | JobError::BadCommand(_)
        | JobError::Idle(_) => Exit::CannotRun,
        JobError::Create { error, .. } if !is_full(error) => Exit::CannotRun,
        _ => Exit::Refused,
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
