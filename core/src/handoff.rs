//! The hand-off across an air gap (HANDOFF.md): what the machine that restores asks for, and what the machine with the private key answers.
//! Neither the private key nor the payload crosses it.

mod grant;
mod new_headers;
mod parts;
mod request;
mod review;
mod text;

pub use grant::{Grant, Unlocked};
pub use new_headers::{Answer, NewHeader, NewHeaders};
pub use parts::{join as join_parts, split as split_parts};
pub use request::{NotVerified, Purpose, Request, RequestedFile, Room};
pub use review::{Facts, Finding, Review};
pub use text::MAX_HANDOFF_LEN;

use alloc::string::String;

use crate::header::UnwrapError;
use crate::rewrap::RewrapError;
use crate::seal::SealError;

/// Why there is no request, or no grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandoffError {
    /// Something else.
    #[error("this is neither a request nor a grant of dbseal")]
    Other,
    /// One in the place of another.
    #[error("this is {found}, and not {wanted}")]
    OtherKind {
        /// What it is.
        found: &'static str,
        /// What it has to be.
        wanted: &'static str,
    },
    /// It asks for new headers, where a grant is made, or the other way round.
    #[error("this request asks for other recipients: the command dbseal grant answers it")]
    OtherPurpose,
    /// No recipient, or more than fit.
    #[error("a request for other recipients names one or more, up to 64")]
    RecipientCount,
    /// Other recipients cannot be had.
    #[error(transparent)]
    Rewrap(#[from] RewrapError),
    /// A seal says which header its backup has.
    #[error("a backup in it has a seal, and what changes its recipients has to be signed")]
    NotSigned,
    /// A later version's.
    #[error("this is of a version of dbseal newer than v1")]
    NewerVersion,
    /// Longer than [`MAX_HANDOFF_LEN`].
    #[error("it is longer than 16 MiB")]
    TooLong,
    /// One of many would leave the others no room.
    #[error("its header, or the notes of its seal, are longer than 256 KiB: somebody may have filled them with what says nothing")]
    LargeFile,
    /// A few bytes of it say that headers are long, and all of them have to be in memory.
    #[error("the headers in it are longer than 128 MiB together")]
    HeadersTooLong,
    /// A part of it is missing, or it was altered on its way.
    #[error("it is not complete, or was altered on its way: {0}")]
    Malformed(&'static str),
    /// Some of its parts were not given.
    #[error("of its {count} parts these are missing: {missing}")]
    MissingParts {
        /// Their numbers, from 1.
        missing: String,
        /// How many there are of all.
        count: usize,
    },
    /// A part of another one, or none, among its parts.
    #[error("these are not all parts of one request, or of one grant")]
    OtherPart,
    /// It does not fit into so few pictures as anybody takes.
    #[error("it is too long for pictures: it would be more than 64 of them")]
    ManyParts,
    /// A seal in it says nothing.
    #[error("a seal in it was altered on its way: {0}")]
    Seal(SealError),
    /// A seal in it is as long as they get.
    #[error("a seal in it takes no further note: {0}")]
    Append(SealError),
    /// No file, or more than fit.
    #[error("a request is for one file or more, up to 16,384")]
    FileCount,
    /// Only who knows the passphrase can open it, and that needs no hand-off.
    #[error("a passphrase opens this backup: nobody else can grant it")]
    Passphrase,
    /// A later quantum computer would open what it could not open before.
    #[error(
        "a backup for a post-quantum recipient (age1pq...) is granted to such a recipient alone, and this request names a classical one"
    )]
    Weaker,
    /// All of its files have these recipients already, are refused, or open with none of the keys.
    #[error("none of its backups gets a new header")]
    NoNewHeader,
    /// It answers another request.
    #[error("this is {0} for another request")]
    OtherRequest(&'static str),
    /// It has as many answers as its request has not files.
    #[error("it does not answer for each file of its request")]
    OtherCount,
    /// Its header is another file's.
    #[error("it is for another backup than its request")]
    OtherFile,
    /// Its file key cannot be had.
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
}
