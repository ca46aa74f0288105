//! What page and worker say to each other. Both import this, and nothing of one another.
//!
//! A [`Request`] travels as JSON with the objects that only the browser can make beside it (the files, where the output goes, and secrets,
//! as bytes that are overwritten once they were taken); each [`Report`] travels back as JSON, with
//! a file that was made or a [`BUFFER`] beside it.

#[cfg(feature = "many")]
pub mod catalogue;
pub mod desktop;
pub mod grant;

use std::ops::Range;

use serde::{Deserialize, Serialize};

#[cfg(feature = "many")]
use self::catalogue::{Depth, Listed, Row};
use self::grant::{Asked, Granted};

/// Bytes of plaintext that a page may hold in memory, where the browser can neither be given a file nor has storage of its own.
pub const MEMORY_LIMIT: u64 = 256 << 20;

/// A job for the worker, which does one and is then ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Compares a backup with its seal. Needs no key.
    Check {
        /// Lines of a trust file, or verifier keys.
        trust: String,
    },
    /// Opens a backup, or a part of it.
    Open {
        /// What opens it.
        key: KeyKind,
        /// What of it is wanted.
        part: Part,
        /// Lines of a trust file, or verifier keys.
        trust: String,
        /// Whether a backup is opened for which nobody who is trusted vouches.
        seal: SealPolicy,
        /// Where it goes.
        output: OutputKind,
    },
    /// Reads the header and the seal.
    Inspect {
        /// Lines of a trust file, or verifier keys.
        trust: String,
    },
    /// Grants what another machine asks for, once a person has said yes: see [`Report::Asked`].
    Grant {
        /// What opens it: no passphrase of a backup does.
        key: KeyKind,
        /// Lines of a trust file, or verifier keys.
        trust: String,
        /// The request, where it was pasted; nothing where it is in files.
        pasted: String,
        /// Bytes of each of those files, which a browser has one behind the other in the place of the backup. They may be pictures.
        lens: Vec<u64>,
    },
    /// Looks at many backups. Needs no key; only the desktop app does it.
    #[cfg(feature = "many")]
    Catalogue {
        /// Lines of a trust file, or verifier keys.
        trust: String,
        /// How much of each is read.
        depth: Depth,
    },
}

impl Request {
    /// Whom it trusts: lines of a trust file, or verifier keys.
    #[must_use]
    pub fn trust(&self) -> &str {
        match self {
            Self::Check { trust } | Self::Open { trust, .. } | Self::Inspect { trust } | Self::Grant { trust, .. } => trust,
            #[cfg(feature = "many")]
            Self::Catalogue { trust, .. } => trust,
        }
    }
}

/// What the secret beside a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// The text of an identity file.
    Identity,
    /// An identity file that is itself an age file, and the passphrase that opens it.
    ProtectedIdentity,
    /// The passphrase that opens the backup.
    Passphrase,
}

/// Bytes from which on a piece of a backup is taken for one of a walk through it: those the page reads, as one stream.
pub const STREAMED_LEN: u64 = 1 << 20;

/// The name beside a [`Report::Read`] of an `ArrayBuffer` that may be used for the answer.
pub const BUFFER: &str = "buffer";

/// What an answer to [`Report::Read`] is made of: the number of the question, and one of the others.
pub mod read_answer {
    /// The number.
    pub const ID: &str = "read";
    /// An `ArrayBuffer` that begins with them.
    pub const BYTES: &str = "bytes";
    /// What the browser says instead: a text.
    pub const ERROR: &str = "error";
}

/// A file beside a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chosen {
    /// The backup; of a grant, what the request is read from.
    Backup,
    /// Its seal.
    Seal,
    /// An identity file.
    Identity,
}

impl Chosen {
    /// Its name beside the request.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Seal => "seal",
            Self::Identity => "identity",
        }
    }
}

/// Where what is opened goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputKind {
    /// The file beside the request, which the person picked.
    Picker,
    /// A new file of this name in the browser's own storage; from there the page offers it.
    Storage(String),
    /// Memory, up to [`MEMORY_LIMIT`]; from there the page offers it.
    Memory,
    /// The desktop app's: a file or a program, and what goes there of what is compressed.
    App(AppOutput, Zstd),
}

/// Where the desktop app lets an output go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppOutput {
    /// The file beside the order, which the person picked.
    File,
    /// The program of this command line, which reads it.
    Program(String),
}

/// What becomes of data that was compressed with zstd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Zstd {
    /// It stays as it is.
    Kept,
    /// It is decompressed, all of it. Other data is refused.
    Decompressed,
}

/// What of a backup is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes of what was backed up; to the end where there is no end.
    Bytes(u64, Option<u64>),
    /// What is left of it: bytes that are lost are zeros.
    Salvage,
}

/// Whether a backup is opened without somebody who vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SealPolicy {
    /// Somebody who is trusted has to vouch for it, where anybody is trusted at all.
    Trusted,
    /// The same, but a person has said that it may have another name than this one, which its seal says.
    Renamed(String),
    /// A person has said that the seal does not matter.
    Ignored,
}

/// What a worker says, in this order: that it is ready, how far it is and what it wants to read or to be told, and one of the others as its
/// last word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// It can take a request.
    Ready {
        /// How many threads work.
        threads: usize,
        /// Which implementation of the cipher.
        backend: String,
    },
    /// How far it is.
    Progress(Progress),
    /// Something to know of the job, which goes on: a sentence in lower case, without a full stop.
    Said(String),
    /// What the program that the output goes to says.
    Printed(String),
    /// All was handed over to the program of this name, which has yet to end: a database may work on for hours.
    Waiting(String),
    /// It wants these bytes of a file. The answer is an object made as [`read_answer`] says.
    Read {
        /// The number of the question.
        id: u32,
        /// Of which file.
        file: Chosen,
        /// The first byte.
        start: u64,
        /// The byte after the last.
        end: u64,
    },
    /// What a request asks for, and what is known of that. Nothing is granted until a person says so: the job waits for that.
    Asked(Box<Asked>),
    /// What is there, before any of it is read.
    #[cfg(feature = "many")]
    Found(Box<Listed>),
    /// One of the backups that were found was read: its index, and what is known of it now.
    #[cfg(feature = "many")]
    Row(usize, Box<Row>),
    /// All that was asked of many backups.
    #[cfg(feature = "many")]
    Listed(Box<Listed>),
    /// A check ended.
    Checked(Box<Checked>),
    /// A backup was opened, and all of the output is there.
    Opened(Box<Opened>),
    /// What was asked about a file.
    Inspected(Box<Inspected>),
    /// What a request asked for was granted.
    Granted(Box<Granted>),
    /// The job failed; nothing of its output is there.
    Failed(Failure),
}

impl Report {
    /// Whether it is the last word of a job.
    #[must_use]
    pub fn is_last(&self) -> bool {
        match self {
            #[cfg(feature = "many")]
            Self::Listed(_) => true,
            #[cfg(feature = "many")]
            Self::Found(_) | Self::Row(..) => false,
            Self::Checked(_) | Self::Opened(_) | Self::Inspected(_) | Self::Granted(_) | Self::Failed(_) => true,
            Self::Ready { .. } | Self::Progress(_) | Self::Said(_) | Self::Printed(_) | Self::Waiting(_) => false,
            Self::Read { .. } | Self::Asked(_) => false,
        }
    }
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes of the file that were read.
    pub done_len: u64,
    /// Bytes that will be.
    pub total_len: u64,
    /// Bytes of the file that turned out damaged since the last report.
    pub damage: Vec<Range<u64>>,
}

/// What is known of a backup after a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Its name, as the browser has it.
    pub name: String,
    /// Its length in bytes.
    pub file_len: u64,
    /// The word of the seal's specification for whether it is what was sealed; see [`dbseal_core::Integrity::from_word`].
    pub integrity: String,
    /// Whether it is where it belongs.
    pub place: Place,
    /// What its seal says; `None` without one that can be read.
    pub claims: Option<Claims>,
    /// Bytes of the file that are damaged, in order; also what is missing at its end.
    pub damage: Vec<Range<u64>>,
    /// Bytes that the payload section should have; 0 where no seal says.
    pub payload_len: u64,
    /// Bytes behind the end that it should have.
    pub excess_len: u64,
    /// Bytes that are missing at its end.
    pub missing_len: u64,
    /// Whether the damage was located; otherwise it is somewhere in there.
    pub located: bool,
    /// Whether a complete age file can have this length; only asked where no seal says which it should have.
    pub has_possible_len: bool,
    /// Whether nothing is as it was sealed that could be, not even the header: then the seal may be another backup's.
    pub is_all_other: bool,
    /// Where it is all other: the verifier key of who says that it was encrypted anew, whom nobody here trusts with that.
    pub perhaps_anew_by: Option<String>,
    /// Why the seal itself says nothing: a sentence.
    pub broken: Option<String>,
    /// Where its seal does not fit: the name of another one beside it that may be the right one.
    pub other_seal: Option<String>,
}

/// Whether a backup is where it belongs, as far as a single file shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Nobody who is trusted says where.
    Unknown,
    /// It has another name than its seal says: it may stand in for a newer one.
    Renamed,
    /// It is of a series, whose other members were not looked at.
    InSeries,
    /// It is of no series.
    Alone,
}

/// What a seal says of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The name of the trusted key that vouches for it.
    pub vouched_by: Option<String>,
    /// The verifier key that signed its first note: whatever name is in there, whoever made the key chose it.
    pub signer: String,
    /// Whether that key is trusted, only not for this: the word of [`Trusted`].
    pub trusted: Trusted,
    /// Whether the signer says to have made the backup, not only to have seen it.
    pub made: bool,
    /// Whether the file key proved that the signer made it; `None` where no key was at hand.
    pub proven: Option<bool>,
    /// The name of the trusted key of who encrypted it anew since: then the proof is theirs, and their word that it is what was sealed.
    pub encrypted_anew_by: Option<String>,
    /// When, by the signer's clock.
    pub time: Option<String>,
    /// The series and the number in it.
    pub series: Option<(String, u64)>,
    /// The name that the file had.
    pub named: Option<String>,
    /// Where the data came from: `command`, `file` or `stdin`.
    pub source: Option<String>,
    /// How many notes say nothing to who checks.
    pub uncounted_notes: usize,
}

/// How the signer of a seal stands to who checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trusted {
    /// For just this.
    Yes,
    /// Only up to another backup of its series.
    NotAnyMore,
    /// Not to seal backups.
    NotForSealing,
    /// Not in this series.
    NotForThisSeries,
    /// Not at all.
    Stranger,
}

/// Whether it is known where a backup ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Its final chunk opened, or somebody who is trusted says.
    Known,
    /// It is missing: how much there was nobody knows.
    Missing,
}

/// What was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Bytes written.
    pub written_len: u64,
    /// Whether that is all there was.
    pub end: End,
    /// What its seal says, if there is one and it was asked.
    pub claims: Option<Claims>,
    /// Whether it is where it belongs.
    pub place: Place,
    /// Whether it starts as zstd does (RFC 8878, section 3.1.1).
    pub is_zstd: bool,
    /// For a salvage: bytes of the output that are lost, in order.
    pub lost: Vec<Range<u64>>,
    /// For a salvage: bytes of the output that are authentic to the key, but not what the host sealed.
    pub unsealed: Vec<Range<u64>>,
}

impl Opened {
    /// Whether somebody who is trusted vouches for it.
    #[must_use]
    pub fn is_vouched(&self) -> bool {
        self.claims.as_ref().is_some_and(|claims| claims.vouched_by.is_some())
    }

    /// Whether nothing is missing, and all of it is as it was sealed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.end == End::Known && self.lost.is_empty() && self.unsealed.is_empty()
    }
}

/// What the start of a file and its seal say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// Its length in bytes.
    pub file_len: u64,
    /// Whether it is text.
    pub armored: bool,
    /// Bytes of the header.
    pub header_len: u64,
    /// Who can open it: the kind of each recipient, in the order of the header.
    pub recipients: Vec<String>,
    /// Bytes of what was backed up, which only a key can confirm; `None` for text and for a length that no age file has.
    pub plaintext_len: Option<u64>,
    /// What its seal says.
    pub claims: Option<Claims>,
    /// Whether header and length are those that the seal says; `None` without a seal.
    pub as_sealed: Option<bool>,
    /// Why the seal itself says nothing: a sentence.
    pub broken: Option<String>,
}

impl Inspected {
    /// Whether somebody who is trusted vouches for what its seal says.
    #[must_use]
    pub fn is_vouched(&self) -> bool {
        self.claims.as_ref().is_some_and(|claims| claims.vouched_by.is_some())
    }
}

/// Why a job failed, in a sentence, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub what: String,
    /// What the person may do next.
    pub next: String,
    /// With what it may open all the same, where nothing else stands in the way than its seal, or that there is none.
    pub passes_with: Option<SealPolicy>,
}

impl Failure {
    /// What happened, and what to do about it.
    #[must_use]
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into(), passes_with: None }
    }
}
