//! What each kind of note says (SEAL.md, "Fields").

use alloc::string::String;
use alloc::vec::Vec;

use super::proof::Proof;
use super::signing::VerifierKey;
use super::words::{Epoch, FileName, Label, NoteHash, Time};
use crate::tree::{Blake3, Tree};

/// What a signer states about a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// "I made this": by the database host.
    Sealed(Sealed),
    /// "I saw this": by somebody without its file key.
    Adopted(Adopted),
    /// Its recipients changed.
    Rewrapped(Rewrapped),
    /// It was encrypted again, under a new file key.
    Reencrypted(Reencrypted),
    /// A restore was tried.
    Restored(Restored),
    /// Something that a later version states: kept, shown, never trusted.
    Unknown(Unknown),
}

/// See [`Note::Sealed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Who says so.
    pub signer: VerifierKey,
    /// What the backup is one of.
    pub series: Option<SeriesPlace>,
    /// The name it was given.
    pub file: FileName,
    /// When, as the signer claims.
    pub time: Time,
    /// Where the data came from.
    pub source: SourceKind,
    /// What made it.
    pub process: Process,
    /// Its header.
    pub header: Extent,
    /// Its payload section.
    pub payload: Extent,
    /// See [`crate::ProofKey`].
    pub proof: Proof,
}

/// See [`Note::Adopted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Who says so.
    pub signer: VerifierKey,
    /// The name it had.
    pub file: FileName,
    /// When, as the signer claims.
    pub time: Time,
    /// Its header.
    pub header: Extent,
    /// Its payload section.
    pub payload: Extent,
}

/// See [`Note::Rewrapped`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// The note before.
    pub previous: NoteHash,
    /// Who says so.
    pub signer: VerifierKey,
    /// When, as the signer claims.
    pub time: Time,
    /// The header before.
    pub old_header: Extent,
    /// The header since.
    pub header: Extent,
    /// See [`crate::ProofKey`].
    pub proof: Proof,
}

/// See [`Note::Reencrypted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reencrypted {
    /// The note before.
    pub previous: NoteHash,
    /// Who says so.
    pub signer: VerifierKey,
    /// When, as the signer claims.
    pub time: Time,
    /// The header before.
    pub old_header: Extent,
    /// The header since.
    pub header: Extent,
    /// The payload section before.
    pub old_payload: Extent,
    /// The payload section since.
    pub payload: Extent,
    /// See [`crate::ProofKey`]; with the new file key.
    pub proof: Proof,
}

/// See [`Note::Restored`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The note before.
    pub previous: NoteHash,
    /// Who says so.
    pub signer: VerifierKey,
    /// When, as the signer claims.
    pub time: Time,
    /// The payload section that was read.
    pub payload: Extent,
    /// How long it took.
    pub seconds: u64,
    /// How it ended.
    pub result: TestResult,
    /// What was checked, at most eight.
    pub checks: Vec<(Label, TestResult)>,
}

/// See [`Note::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// What kind of note it is.
    pub kind: Label,
    /// The note before.
    pub previous: NoteHash,
    /// The lines after that.
    pub rest: String,
}

/// A run of bytes in a file: its length, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// In bytes.
    pub len: u64,
    /// BLAKE3 of it.
    pub hash: Blake3,
}

impl Extent {
    /// The extent that these bytes are.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len() as u64, hash: Blake3::of(bytes) }
    }
}

/// What is known of a file's payload section once it was read.
impl From<&Tree> for Extent {
    fn from(tree: &Tree) -> Self {
        Self { len: tree.section_len(), hash: tree.root() }
    }
}

/// Where in a series a backup belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesPlace {
    /// The series.
    pub label: Label,
    /// Since when its numbers count.
    pub epoch: Epoch,
    /// From 1, without a gap.
    pub number: u64,
    /// The `sealed` note of the number before; none for number 1.
    pub previous: Option<NoteHash>,
}

/// Where the data of a backup came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A dump that dbseal ran, and that exited with status 0.
    Command,
    /// A file.
    File,
    /// Standard input; the status of what wrote there was not seen.
    Stdin,
}

/// What made a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The program.
    pub tool: Label,
    /// Its version.
    pub version: Label,
    /// The kind of the recipients.
    pub preset: Label,
    /// `none` or `zstd`.
    pub compression: Label,
}

/// How a restore test, or a check of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestResult {
    /// Well.
    Passed,
    /// Not well.
    Failed,
}

impl Note {
    /// The first word after `dbseal/v1`.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Sealed(_) => "sealed",
            Self::Adopted(_) => "adopted",
            Self::Rewrapped(_) => "rewrapped",
            Self::Reencrypted(_) => "reencrypted",
            Self::Restored(_) => "restored",
            Self::Unknown(note) => note.kind.as_str(),
        }
    }

    /// Who says so; of an unknown kind nobody can tell.
    #[must_use]
    pub fn signer(&self) -> Option<&VerifierKey> {
        match self {
            Self::Sealed(Sealed { signer, .. })
            | Self::Adopted(Adopted { signer, .. })
            | Self::Rewrapped(Rewrapped { signer, .. })
            | Self::Reencrypted(Reencrypted { signer, .. })
            | Self::Restored(Restored { signer, .. }) => Some(signer),
            Self::Unknown(_) => None,
        }
    }

    /// When, as the signer claims.
    #[must_use]
    pub fn time(&self) -> Option<Time> {
        match self {
            Self::Sealed(Sealed { time, .. })
            | Self::Adopted(Adopted { time, .. })
            | Self::Rewrapped(Rewrapped { time, .. })
            | Self::Reencrypted(Reencrypted { time, .. })
            | Self::Restored(Restored { time, .. }) => Some(*time),
            Self::Unknown(_) => None,
        }
    }

    /// The name that the backup had; the first note says it.
    #[must_use]
    pub fn file(&self) -> Option<&FileName> {
        match self {
            Self::Sealed(Sealed { file, .. }) | Self::Adopted(Adopted { file, .. }) => Some(file),
            _ => None,
        }
    }

    /// What the backup is one of; the first note says it.
    #[must_use]
    pub fn series(&self) -> Option<&SeriesPlace> {
        if let Self::Sealed(note) = self { note.series.as_ref() } else { None }
    }

    /// Where the data came from, as its host says; who only saw a backup does not know.
    #[must_use]
    pub fn source(&self) -> Option<SourceKind> {
        if let Self::Sealed(note) = self { Some(note.source) } else { None }
    }

    /// The note before; none before the first.
    pub(crate) fn previous(&self) -> Option<NoteHash> {
        match self {
            Self::Sealed(_) | Self::Adopted(_) => None,
            Self::Rewrapped(Rewrapped { previous, .. })
            | Self::Reencrypted(Reencrypted { previous, .. })
            | Self::Restored(Restored { previous, .. })
            | Self::Unknown(Unknown { previous, .. }) => Some(*previous),
        }
    }

    pub(crate) fn proof(&self) -> Option<Proof> {
        match self {
            Self::Sealed(Sealed { proof, .. })
            | Self::Rewrapped(Rewrapped { proof, .. })
            | Self::Reencrypted(Reencrypted { proof, .. }) => Some(*proof),
            _ => None,
        }
    }
}
