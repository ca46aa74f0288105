//! All that a person is told when a job fails: what happened and what to do next, in lower case and without a full stop.
//!
//! The backup is not named: only one is worked on, and its name may have been chosen by whoever attacks it.

use std::fmt::Display;
use std::ops::Range;

use dbseal_core::{
    HandoffError, HeaderError, KeyError, KeyfileError, PayloadError, RangeError, SealError, Standing, TrustError, UnwrapError,
};

use super::keys::MAX_WORK_FACTOR;
use super::source::{ReadError, WriteError};
use crate::messages::{Failure, SealPolicy};
use crate::numbers::{self, size};

const FETCH_AGAIN: &str = "fetch the backup again from another copy; Salvage saves what is left of this one";
const FETCH_COMPLETE: &str = "the copy is incomplete, or the backup failed while it was written: fetch it again from where it is whole";
const FETCH_BOTH: &str = "fetch the backup and its seal again from another copy";
const WITHOUT_SEAL: &str = "if you know where the backup comes from, say that the seal does not matter";

/// Nothing but the seal stands in the way.
fn only_seal(what: impl Into<String>, next: &str) -> Failure {
    Failure { passes_with: Some(SealPolicy::Ignored), ..Failure::new(what, format!("{next}; {WITHOUT_SEAL}")) }
}

pub(super) fn read(error: &ReadError) -> Failure {
    Failure::new(format!("the file cannot be read: {}", error.0), "see that it is still there and was not changed, then choose it again")
}

pub(super) fn write(error: &WriteError) -> Failure {
    match error {
        WriteError::Full => {
            Failure::new("the disk is full, or the browser gives this page no more of it", "free some space or choose another disk")
        }
        WriteError::TooLong(len) => Failure::new(
            format!("the output is longer than the {} that this browser can hold here", size(*len)),
            "use a browser that saves to a chosen file, such as Chromium, or the command: dbseal decrypt -i KEY -o OUTPUT BACKUP",
        ),
        WriteError::Other(why) => Failure::new(format!("the output cannot be written: {why}"), "free some space or choose another place"),
    }
}

pub(super) fn memory() -> Failure {
    Failure::new("there is not enough memory", "close other tabs and programs, and try again")
}

pub(super) fn trust(error: TrustError) -> Failure {
    let next = match error {
        TrustError::Key { .. } => "dbseal keygen --sign wrote the key to a .pub file: give the line that is in it",
        _ => "correct whom you trust, or leave it empty",
    };
    Failure::new(format!("whom you trust is not understood: {error}"), next)
}

pub(super) fn seal_too_long() -> Failure {
    Failure::new(SealError::TooLong.to_string(), "choose the file whose name ends in .seal")
}

pub(super) fn empty() -> Failure {
    Failure::new("there is nothing in the backup", "the copy is incomplete: fetch it again from where it is whole")
}

pub(super) fn header(error: &HeaderError) -> Failure {
    let next = match error {
        HeaderError::NotAge => "choose a file that dbseal encrypt, age or rage wrote",
        HeaderError::UnknownVersion => "a newer dbseal or age may open it",
        HeaderError::Incomplete => "the copy is incomplete: fetch it again from where it is whole",
        _ => "fetch the backup again from another copy; Salvage may open it with the header that its seal has",
    };
    Failure::new(error.to_string(), next)
}

/// Said where there is no seal, whose copy of the header may help.
pub(super) fn not_age() -> Failure {
    Failure::new(
        HeaderError::NotAge.to_string(),
        "choose a file that dbseal encrypt, age or rage wrote; if this is one whose beginning is damaged, choose its seal too",
    )
}

pub(super) fn header_lost(error: &HeaderError) -> Failure {
    Failure::new(error.to_string(), "choose its seal too, which has a copy of the header, or another copy of the backup")
}

pub(super) fn armor(error: impl Display) -> Failure {
    Failure::new(error.to_string(), "fetch the backup again from another copy")
}

pub(super) fn unwrap(error: &UnwrapError) -> Failure {
    match error {
        UnwrapError::NoMatch => Failure::new(error.to_string(), "Inspect shows how many recipients the backup has, and of which kind"),
        UnwrapError::WrongMac => Failure::new(error.to_string(), "the header is damaged or was changed: take another copy"),
        UnwrapError::WorkFactorTooHigh(log_n) | UnwrapError::NotEnoughMemory(log_n) => work_factor(u64::from(*log_n)),
        _ => Failure::new(error.to_string(), "take another copy"),
    }
}

pub(super) fn wrong_passphrase(what: &str) -> Failure {
    Failure::new(format!("the passphrase does not open {what}"), "type it again; capital letters and spaces count")
}

pub(super) fn empty_passphrase() -> Failure {
    Failure::new("the passphrase is empty", "type it")
}

pub(super) fn passphrase_not_text() -> Failure {
    Failure::new("the passphrase is not text", "type it again")
}

pub(super) fn identity_is_backup() -> Failure {
    Failure::new(
        "the key file is an age file that no passphrase opens: it is no key, but perhaps the backup itself",
        "choose the file that dbseal keygen or age-keygen wrote",
    )
}

pub(super) fn passphrase_not_key() -> Failure {
    Failure::new(
        "the backup is encrypted with a passphrase, not to a key",
        "see that this is the backup you mean, and open it with its passphrase",
    )
}

pub(super) fn key_not_passphrase() -> Failure {
    Failure::new("the backup is encrypted to a key, not with a passphrase", "open it with the private key of one of its recipients")
}

pub(super) fn work_factor(log_n: u64) -> Failure {
    Failure::new(
        format!(
            "trying this passphrase takes more memory than a page may have: its work factor is 2^{log_n}, and 2^{MAX_WORK_FACTOR} fits"
        ),
        "open it with the command: dbseal decrypt -o OUTPUT BACKUP, with -i IDENTITY where an identity file has the passphrase",
    )
}

pub(super) fn keyfile(error: &KeyfileError) -> Failure {
    let next = match error {
        KeyfileError::Line { error: KeyError::PublicNotPrivate, .. } => {
            "the identity file that dbseal keygen wrote is wanted here, not the .pub file beside it"
        }
        _ => "give the whole identity file, or its line that starts with AGE-SECRET-KEY-",
    };
    Failure::new(format!("the key is not understood: {error}"), next)
}

pub(super) fn no_identity_file() -> Failure {
    Failure::new("there is no identity file", "choose the one that the passphrase opens")
}

pub(super) fn identity_too_long() -> Failure {
    Failure::new("the file is too large for an identity file", "choose the file that dbseal keygen or age-keygen wrote")
}

pub(super) fn protected_identity() -> Failure {
    Failure::new("this identity file is protected by a passphrase", "choose it as a protected identity file, and type its passphrase")
}

pub(super) fn damaged_identity(error: impl Display) -> Failure {
    Failure::new(format!("the identity file is damaged: {error}"), "fetch it again from another copy")
}

pub(super) fn no_seal() -> Failure {
    only_seal("the backup has no seal, and so nobody whom you trust vouches for it", "choose its seal too")
}

pub(super) fn armor_sealed() -> Failure {
    only_seal("the backup is armor, and a seal is of a binary file: this is not what was sealed", FETCH_BOTH)
}

pub(super) fn seal(error: SealError) -> Failure {
    let next = match error {
        SealError::NewerVersion => "a newer dbseal reads it",
        SealError::NotASeal => "choose the file whose name ends in .seal",
        _ => FETCH_BOTH,
    };
    only_seal(format!("the seal is broken: {error}"), next)
}

pub(super) fn not_vouched() -> Failure {
    only_seal("nobody whom you trust vouches for the backup", "Check says who signed it")
}

/// `series` is the one that the backup is of.
pub(super) fn not_trusted_for(signer: &str, standing: Standing, series: Option<&str>) -> Failure {
    let (but, next) = match standing {
        Standing::Ended => (
            "only up to the backup that until= names".into(),
            format!(
                "{signer} was not to seal it any more: find out who did; if the end was set too early, move it in the line of that key"
            ),
        ),
        Standing::OtherRole => {
            ("not to seal backups".into(), format!("if {signer} is to seal backups, add seal to may= in the line of that key"))
        }
        _ => {
            let but = series.map_or_else(|| "not for a backup of no series".into(), |series| format!("not for the series {series}"));
            let series = series.unwrap_or("*");
            (but, format!("if {signer} is to seal it, let series= match {series} in the line of that key"))
        }
    };
    Failure::new(format!("the backup is signed by {signer}, whom you trust, but {but}"), next)
}

pub(super) fn header_not_sealed() -> Failure {
    Failure::new(
        "the header of the backup is not the one that was signed last",
        format!("see that the seal is that of this backup; if it is, {FETCH_BOTH}; Salvage can open it with the header that its seal has"),
    )
}

pub(super) fn renamed(sealed: &str) -> Failure {
    let next = "see that it is the backup you want, and give it that name; if it was renamed on purpose, say so";
    Failure {
        passes_with: Some(SealPolicy::Renamed(sealed.into())),
        ..Failure::new(format!("the backup is called {sealed} by its seal: it may be an older backup in the place of a newer one"), next)
    }
}

/// The same of a backup whose header is not the one that was signed either.
pub(super) fn or_of_another(renamed: Failure) -> Failure {
    Failure {
        what: format!("{}, or the seal is another backup's: the header is not the one that was signed either", renamed.what),
        next: "see that the seal is that of this backup; if it is, and the backup was renamed on purpose, say so".into(),
        ..renamed
    }
}

pub(super) fn wrong_proof(error: impl Display) -> Failure {
    Failure::new(error.to_string(), "somebody put their own name to another's file: find out who; do not restore it")
}

/// `range` is in bytes of the file.
pub(super) fn not_as_sealed(range: &Range<u64>) -> Failure {
    Failure::new(
        format!("the backup is not what its seal says: {} of the file", numbers::range(range)),
        format!("{FETCH_BOTH}; Check shows all that is damaged, Salvage saves what is not"),
    )
}

/// `missing_len` is in bytes.
pub(super) fn cut_off(missing_len: u64) -> Failure {
    Failure::new(
        format!("the backup was cut off: by its seal it lacks {} at its end", size(missing_len)),
        "this copy is incomplete: fetch it again from where it is whole; Salvage saves what is left of this one",
    )
}

/// `excess_len` is in bytes.
pub(super) fn too_long(excess_len: u64) -> Failure {
    Failure::new(
        format!("the backup is longer than its seal says, by {}", size(excess_len)),
        format!("{FETCH_BOTH}; Salvage leaves out what is too much"),
    )
}

pub(super) fn groups_unusable() -> Failure {
    Failure::new(
        "the seal of the backup has no usable hashes, so that a part of it cannot be checked alone",
        "open all of it, or fetch the seal again",
    )
}

pub(super) fn payload(error: &PayloadError) -> Failure {
    match error {
        PayloadError::Truncated { .. } => Failure::new(error.to_string(), FETCH_COMPLETE),
        _ => Failure::new(error.to_string(), FETCH_AGAIN),
    }
}

/// `whole_len` are bytes of plaintext before the final chunk.
pub(super) fn end_missing(whole_len: u64) -> Failure {
    Failure::new(
        format!("the end of the backup is missing or damaged, after {} of plaintext that may be whole", size(whole_len)),
        format!("{FETCH_COMPLETE}; Salvage saves what is left of this one"),
    )
}

pub(super) fn range(error: &RangeError) -> Failure {
    Failure::new(error.to_string(), "choose other bytes; Inspect says how many there are")
}

pub(super) fn range_of_armor() -> Failure {
    Failure::new("the backup is armor, so no range of it can be read alone", "open all of it")
}

pub(super) fn armor_not_salvageable() -> Failure {
    Failure::new("the backup is armor, which cannot be salvaged", "fetch the backup again from another copy")
}

pub(super) fn nothing_salvaged() -> Failure {
    Failure::new(
        "nothing of the backup can be opened: its nonce is damaged, its header is another's, or all of it is",
        "fetch it again; the command can take the header of another copy: dbseal decrypt -i KEY --salvage --header COPY -o OUTPUT BACKUP",
    )
}

/// Why a request says nothing, or nothing of it can be granted.
pub(super) fn handoff(error: &HandoffError) -> Failure {
    let what = match error {
        HandoffError::Unwrap(UnwrapError::NoMatch) => "none of the given keys opens what is asked for".into(),
        error => error.to_string(),
    };
    Failure::new(what, after_handoff(error))
}

/// What to do next, for the person who has the request before them.
#[must_use]
pub fn after_handoff(error: &HandoffError) -> &'static str {
    match error {
        HandoffError::Other => "choose or paste what dbseal request wrote, or pictures of its codes",
        HandoffError::OtherKind { .. } => "an answer is for the machine that asked: the request is wanted here",
        HandoffError::OtherPurpose => "answer it on a command line: dbseal grant -i KEY --sign KEY REQUEST",
        HandoffError::NewerVersion => "a newer dbseal reads it",
        HandoffError::MissingParts { .. } => "take pictures of those codes too, and choose them beside the others",
        HandoffError::OtherPart => "choose parts of one request alone, and each picture once",
        HandoffError::TooLong | HandoffError::HeadersTooLong | HandoffError::ManyParts | HandoffError::FileCount => {
            "ask for fewer backups at a time"
        }
        HandoffError::Passphrase => "whoever knows the passphrase opens it without a grant",
        HandoffError::Weaker => "do not grant it: dbseal request never asks for that; find out who did",
        HandoffError::Unwrap(UnwrapError::NoMatch) => "choose the private key that the backups were encrypted to",
        HandoffError::Unwrap(_) => "somebody altered the request or the backup: do not grant it, and find out who",
        _ => "have the other machine make the request again, and bring all of it",
    }
}

pub(super) fn many_files(count: usize, most: usize) -> Failure {
    Failure::new(format!("these are {count} files, and a request is in {most} at most"), "choose those of one request")
}

pub(super) fn other_files() -> Failure {
    Failure::new("the files of the request are not as long as they were", "choose them again")
}

/// What starts as a picture does cannot be read as one.
#[must_use]
pub fn no_picture(why: &str) -> Failure {
    Failure::new(format!("a picture cannot be read: {why}"), "take another one, as PNG or JPEG, or paste the request as text")
}

pub(super) fn no_code() -> Failure {
    Failure::new(
        "no QR code can be read in a picture",
        "take it again: sharp, from the front, with the white edge around all of the code; or paste the request as text",
    )
}

pub(super) fn other_code() -> Failure {
    Failure::new("what was answered is not this request", "look at the request again")
}

pub(super) fn not_verified() -> Failure {
    Failure::new(
        "of some of what is asked for nothing is verified, and nobody has said that it is to be granted all the same",
        "look again",
    )
}
