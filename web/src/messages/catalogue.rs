//! What the desktop app says of many backups at once. A browser has no folders to give.

use serde::{Deserialize, Serialize};

use super::{Checked, Claims};

/// How much of each backup is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Depth {
    /// Nothing but its seal.
    Seals,
    /// All of it.
    Whole,
}

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The backups, each series in its order.
    pub rows: Vec<Row>,
    /// What is missing between them.
    pub missing: Vec<Missing>,
    /// How much of each was read.
    pub depth: Depth,
}

/// Backups that are missing from a series: a later one is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The series.
    pub series: String,
    /// The first number that is missing.
    pub from: u64,
    /// The last.
    pub to: u64,
}

impl Missing {
    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.to.saturating_sub(self.from).saturating_add(1)
    }
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The same, byte for byte, as it is asked for: it need not be text.
    pub raw_name: Vec<u8>,
    /// Which of the files and folders of the order it is, or lies in.
    pub chosen: usize,
    /// Bytes in its file; `None` where that is not there.
    pub file_len: Option<u64>,
    /// What its seal says.
    pub seal: RowSeal,
    /// Where it belongs: the words of the seal's specification, the worst first.
    pub places: Vec<String>,
    /// The kinds of its recipients, in the order of its header.
    pub recipients: Vec<String>,
    /// What happened to it, as those say who are trusted.
    pub history: Vec<Event>,
    /// What a person should look at.
    pub warnings: Vec<Warning>,
    /// What became of reading it.
    pub reading: Reading,
}

/// The seal of a backup in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowSeal {
    /// There is none.
    Missing,
    /// It cannot be read: why, as a sentence.
    Unreadable(String),
    /// It says nothing: why, as a sentence.
    Broken(String),
    /// It says something.
    Says(Box<Claims>),
}

/// Something that happened to a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The kind of its note.
    pub kind: String,
    /// The name of the trusted key that signed it.
    pub by: String,
    /// When, by the signer's clock.
    pub time: Option<String>,
    /// Whether it ended well, of a restore test.
    pub passed: Option<bool>,
}

/// What a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Warning {
    /// It is not as long as its seal says: in bytes, as it should be.
    LenDiffers(u64),
    /// Its header is not the one that was signed last.
    HeaderDiffers,
    /// It was made later than now, as its seal says.
    InFuture,
    /// It has less than half the bytes of the one before it in its series: that one's number and bytes.
    HalfSize(u64, u64),
}

/// What became of reading a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// It was not read.
    NotYet,
    /// What was found.
    Done(Box<Checked>),
    /// It cannot be read: why, as a sentence.
    Failed(String),
}
