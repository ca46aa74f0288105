//! What a person at the window is told when a job fails: the sentence of the command, and what to do next here.

use std::io;
use std::path::Path;

use dbseal::JobError;
use dbseal::core::{HeaderError, KeyError, KeyfileError, PayloadError, Standing, UnwrapError};
use dbseal_web::engine::after_handoff;
use dbseal_web::messages::{Failure, SealPolicy};

const WITHOUT_SEAL: &str = "if you know where the backup comes from, say that the seal does not matter";
const FETCH_BOTH: &str = "fetch the backup and its seal again from another copy";
const FETCH_COMPLETE: &str = "this copy is incomplete: fetch it again from where it is whole; Salvage saves what is left of this one";

/// What to do where a program is to run what nobody vouches for.
pub(super) const VOUCHED_ONLY: &str =
    "say whom you trust: into a program goes only what somebody whom you trust vouches for; anything else can be opened into a file";

/// A job that failed, or what would have begun one.
pub(crate) fn of(error: &JobError) -> Failure {
    let what = match error.stderr_tail() {
        _ if matches!(error, JobError::NoTerminal(_)) => "a passphrase is needed".into(),
        Some(tail) => format!("{error}; its last words: {}", tail.trim()),
        None => error.to_string(),
    };
    let passes_with = match error {
        JobError::NoSeal(_) | JobError::NotVouched(_) | JobError::ArmorSealed(_) | JobError::Seal { .. } => Some(SealPolicy::Ignored),
        JobError::Renamed { sealed, .. } | JobError::OthersSeal { sealed, .. } => Some(SealPolicy::Renamed(sealed.clone())),
        _ => None,
    };
    Failure { passes_with, ..Failure::new(what, next(error)) }
}

fn next(error: &JobError) -> String {
    match error {
        JobError::NotTrustedFor { signer, standing: Standing::OtherRole, .. } => {
            return format!("if {signer} is to seal backups, add seal to may= in the line of that key");
        }
        JobError::NotTrustedFor { signer, standing: Standing::Ended, .. } => {
            return format!(
                "{signer} was not to seal it any more: find out who did; if the end was set too early, move it in the line of that key"
            );
        }
        JobError::NotTrustedFor { signer, series, .. } => {
            let series = series.as_deref().unwrap_or("*");
            return format!("if {signer} is to seal it, let series= match {series} in the line of that key");
        }
        JobError::NoSeal(_) => return format!("choose its seal too; {WITHOUT_SEAL}"),
        JobError::NotVouched(_) => return format!("Check says who signed it; {WITHOUT_SEAL}"),
        JobError::ArmorSealed(_) | JobError::Seal { .. } => return format!("{FETCH_BOTH}; {WITHOUT_SEAL}"),
        JobError::Handoff { error, .. } => return after_handoff(error).into(),
        _ => {}
    }
    let next = match error {
        JobError::Write { error, .. } | JobError::Create { error, .. } if is_full(error) => "free some space or choose another disk",
        JobError::Write { .. } | JobError::Create { .. } => "see that the disk is there and may be written to, or choose another place",
        JobError::Open { .. } | JobError::Read { .. } => "see that the disk is there and whole, then choose the file again",
        JobError::NameNotOnDisk { .. } => "see that the disk is still there; copy the file before you switch the computer off",
        JobError::InputChanged { .. } => "somebody is writing to it: wait until they are done, then try again",
        JobError::InputEmpty(_) => "the copy is incomplete: fetch it again from where it is whole",
        JobError::OutputExists(_) => "it has come since you chose that name: choose another",
        JobError::OutputIsFolder(_) | JobError::NotAFile(_) | JobError::ForeignFifo(_) | JobError::SameFile(_) => {
            "choose the name of a file that does not exist yet"
        }
        JobError::InputIsFolder(_) => "choose a file in it",
        JobError::Keyfile { error: KeyfileError::Line { error: KeyError::PublicNotPrivate, .. }, .. } => {
            "the identity file that dbseal keygen wrote is wanted here, not the .pub file beside it"
        }
        JobError::Keyfile { .. } => "choose the file that dbseal keygen or age-keygen wrote",
        JobError::NoTerminal(_) | JobError::EmptyPassphrase | JobError::PassphraseNotText(_) => "type the passphrase",
        JobError::WrongPassphrase(_) => "type it again; capital letters and spaces count",
        JobError::PassphraseNotKey(_) => "see that this is the backup you mean, and open it with its passphrase",
        JobError::NoIdentity => "open it with the private key of one of its recipients",
        JobError::Renamed { .. } => "see that it is the backup you want, and give it that name; if it was renamed on purpose, say so",
        JobError::OthersSeal { .. } => "see that the seal is that of this backup; if it is, and the backup was renamed on purpose, say so",
        JobError::HeaderByStranger { .. } => {
            "if it was meant to, let that key change recipients (may=rewrap) in the file with whom you trust; else find out who did"
        }
        JobError::HeaderNotSealed(_) => {
            "see that the seal is that of this backup; if it is, fetch both again; Salvage can open it with the header that its seal has"
        }
        JobError::WrongProof { .. } => "somebody put their own name to another's file: find out who; do not restore it",
        JobError::NotAsSealed { .. } => {
            "fetch the backup and its seal again from another copy; Check shows all that is damaged, Salvage saves what is not"
        }
        JobError::GroupsUnusable(_) => "open all of it into a file, or fetch the seal again",
        JobError::NotComplete(_) | JobError::EndMissing { .. } | JobError::Payload { error: PayloadError::Truncated { .. }, .. } => {
            FETCH_COMPLETE
        }
        JobError::Payload { .. } | JobError::Armor { .. } => {
            "fetch the backup again from another copy; Salvage saves what is left of this one"
        }
        JobError::Header { error: HeaderError::NotAge, .. } => "choose a file that dbseal encrypt, age or rage wrote",
        JobError::Header { error: HeaderError::UnknownVersion, .. } => "a newer dbseal or age may open it",
        JobError::Header { error: HeaderError::Incomplete, .. } => "the copy is incomplete: fetch it again from where it is whole",
        JobError::Header { .. } | JobError::HeaderLost { .. } | JobError::HeaderUnreadable { .. } => {
            "choose its seal too, which has a copy of the header, or another copy of the backup"
        }
        JobError::Unwrap { error: UnwrapError::NoMatch, .. } => "Inspect shows how many recipients the backup has, and of which kind",
        JobError::Unwrap { .. } => "the header is damaged or was changed: take another copy",
        JobError::NothingSalvaged(_) => {
            "fetch it again; the command can take the header of another copy: dbseal decrypt -i KEY --salvage --header COPY -o OUTPUT BACKUP"
        }
        JobError::NotSalvageable(_) | JobError::RangeOfArmor(_) | JobError::RangeOfStream(_) => "open all of it",
        JobError::Range(_) => "choose other bytes; Inspect says how many there are",
        JobError::TrustBesideBackup(_) => "copy it to a place that the storage cannot write to, look at it once, and choose it there",
        JobError::Decompress { .. } => "open it without having it decompressed: it is no zstd",
        JobError::Sparse { .. } => "no backup has holes: fetch it again from where it is whole, or say whom you trust",
        JobError::Spawn { .. } => "see that the program is installed, and spelled as it is there",
        JobError::ChildFailed { .. } => "read what it printed; what it has made of the backup may be incomplete",
        JobError::ConsumerLeft { .. } => "what it was given is not complete: do not use what it made of it",
        JobError::NoPicture { .. } => "take another one, as PNG or JPEG, or paste the request as text",
        JobError::NoCode(_) => {
            "take it again: sharp, from the front, with the white edge around all of the code; or paste the request as text"
        }
        JobError::Memory | JobError::Thread(_) => "close other programs, and try again",
        _ => "try the dbseal command, whose messages say more",
    };
    next.into()
}

/// A file cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be read: {error}", path.display()), "see that the disk is there and whole, then choose the file again")
}

/// A folder, or a device.
pub(super) fn not_a_file() -> Failure {
    Failure::new("what was chosen is not a regular file", "choose a file that dbseal encrypt, age or rage wrote")
}

/// More than one, or none.
pub(super) fn not_one_backup() -> Failure {
    Failure::new("this is done with one backup at a time", "choose one")
}

/// Nothing to look at.
pub(super) fn no_backups() -> Failure {
    Failure::new("there are no backups in there", "choose a folder with files whose names end with .age, or those files")
}

/// More than can be shown.
pub(super) fn too_many_backups(count: usize, most: usize) -> Failure {
    Failure::new(
        format!("there are {count} backups in there, and {most} can be looked at together here"),
        "choose a smaller folder, or some of the files; dbseal list and dbseal verify look at any number",
    )
}

/// Nothing that opens anything.
pub(super) fn no_key() -> Failure {
    Failure::new("no key file was chosen", "choose the identity file that opens the backups")
}

/// The window is gone.
pub(super) fn nobody_there() -> Failure {
    Failure::new("nobody is there to answer, so nothing was granted", "try again")
}

/// Nowhere to write to.
pub(super) fn no_output() -> Failure {
    Failure::new("no place for the output was chosen", "choose a file")
}

/// Data that is decompressed has no other places than its beginning.
pub(super) fn part_of_compressed() -> Failure {
    Failure::new("only all of a backup can be decompressed", "open all of it, or a part as it is")
}

/// Not the words of a command.
pub(super) fn bad_command() -> Failure {
    Failure::new(
        "the command cannot be run as it is",
        "name a program and its arguments; for a pipe or a redirection write sh -c '...', and see that it fails when a part fails",
    )
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
