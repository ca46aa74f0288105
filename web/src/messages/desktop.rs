//! What the page says to the desktop app, whose jobs have files of the disk: the page knows these by numbers and never by paths, so that
//! it can name none that nobody chose.

use serde::{Deserialize, Serialize};

use super::Request;

/// What a file is chosen for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Choice {
    /// To be read as a backup; a seal may be chosen with it.
    Backup,
    /// Many, to be read as backups.
    Backups,
    /// A folder, whose backups are read.
    Folder,
    /// To be read as a seal.
    Seal,
    /// To be read as a request, or as pictures of its codes: one or more.
    Request,
    /// To be read as an identity file.
    Identity,
    /// To be written, and called this if nobody says otherwise.
    Output(String),
}

/// A file that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// The number that the app knows it by.
    pub id: u32,
    /// Its name, without the folder.
    pub name: String,
    /// The folder that it lies in.
    pub folder: String,
    /// Bytes.
    pub len: u64,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether it begins as an encrypted file does.
    pub is_protected: bool,
}

/// A job, and the numbers of its files. A passphrase was handed over before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The job.
    pub request: Request,
    /// The backup; of a catalogue, all backups and folders; of a grant, what the request is in.
    pub backups: Vec<u32>,
    /// Its seal, if one was chosen.
    pub seal: Option<u32>,
    /// The file of keys that open it.
    pub identity: Option<u32>,
    /// Where the output goes, if that is a file.
    pub output: Option<u32>,
}

/// What a text is that the person saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Saved {
    /// A report of what was found.
    Report,
    /// A grant.
    Grant,
}

/// What the page shows of the app and its computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// How many threads work.
    pub threads: usize,
    /// Which implementation of the cipher.
    pub backend: String,
    /// The networks that are up, by the names of their interfaces; `None` where it cannot be told.
    pub networks: Option<Vec<String>>,
    /// The files that say whom to trust where a form says nobody.
    pub trust_files: Vec<String>,
}
