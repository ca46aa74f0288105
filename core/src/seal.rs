//! The seal of a backup: a log of signed notes, and an unsigned section that locates damage (SEAL.md).

mod ending;
mod judge;
mod note;
mod pattern;
mod proof;
mod signing;
mod succession;
mod successor;
#[cfg(test)]
mod tests;
mod text;
mod trust;
mod words;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::encoding::{decode_base64_array, encode_base64};
use crate::header::Header;
use crate::keys::FileKey;
use crate::tree::{MAX_GROUPS, Tree};
use signing::{ID_LEN, decode};
use text::MAX_NOTE_LEN;
pub(crate) use words::{parse_hex, parse_number};

pub use ending::{SeriesEnd, SeriesEndError};
pub use judge::{Counted, Integrity, Judgement, MadeBy, Maker, Sayer, VerifiedSeal, WrongProof};
pub use note::{Adopted, Extent, Note, Process, Reencrypted, Restored, Rewrapped, Sealed, SeriesPlace, SourceKind, TestResult, Unknown};
pub use pattern::{Pattern, PatternError};
pub use proof::{Proof, ProofKey};
pub use signing::{SigningKey, SigningKeyError, VerifierKey, VerifierKeyError, signing_key_from_text};
pub use succession::{Party, Succession, SuccessionError};
pub use successor::{SuccessorError, SuccessorLines, VouchedPlace};
pub use trust::{Role, Standing, Trust, TrustError, TrustLine};
pub use words::{Epoch, FileName, Label, LabelError, NotHexadecimal, NoteHash, Time};

/// Bytes in a seal, at most. Of a longer file nothing is read.
pub const MAX_SEAL_LEN: usize = 8 << 20;
const MAX_NOTES: usize = 1024;
pub(crate) const MAX_SIGNATURES: usize = 8;
/// Bytes in a signature line, at most: room for the signatures of other algorithms.
const MAX_SIGNATURE_LEN: usize = 16 << 10;
pub(crate) const DASH: &str = "\u{2014} ";
const UNSIGNED: &str = "unsigned\n";

/// A seal. What [`Seal::parse`] accepts, [`Seal::to_bytes`] prints back byte for byte. Nothing in it is trusted: see [`Seal::judge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    notes: Vec<SignedNote>,
    /// From its first line; empty where there is none.
    unsigned: Vec<u8>,
}

/// A note whose signer has signed it; that says nothing about who the signer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    note: Note,
    text: String,
    /// Whole lines; one of them is the signer's own, and good.
    signatures: String,
}

impl SignedNote {
    fn sign(note: Note, key: &SigningKey) -> Self {
        assert!(note.signer() == Some(key.verifier_key()), "a note is signed by who it names");
        let text = note.to_text();
        // The fields are public. What breaks a rule would break the whole seal for whoever reads it, at the worst of times.
        assert!(text.len() <= MAX_NOTE_LEN && Note::parse(&text).as_ref() == Ok(&note), "a note says what a note can say");
        let signatures = key.sign(&text);
        Self { note, text, signatures }
    }

    /// What it says.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// What the note after it, or the next of its series, calls it by.
    #[must_use]
    pub fn hash(&self) -> NoteHash {
        NoteHash::of(&self.text)
    }
}

impl Seal {
    /// The seal of a backup: `note` is its first, `header` the header as it stands in the file.
    ///
    /// # Panics
    /// If the note is not a first one, names another signer, or says what the specification does not allow.
    #[must_use]
    pub fn new(note: Note, key: &SigningKey, tree: &Tree, header: &[u8]) -> Self {
        assert!(note.previous().is_none(), "a seal starts with the note of who made or saw the backup");
        Self { notes: Vec::from([SignedNote::sign(note, key)]), unsigned: unsigned_section(tree.groups(), header) }
    }

    /// Adds a note to the log. Its `previous` has to be [`Seal::last_hash`]. Where it changes the header or the payload, the unsigned
    /// section follows: see [`Seal::set_header_copy`] and [`Seal::set_groups`].
    ///
    /// # Errors
    /// A seal that is full already, or would become too long; it stays as it was.
    ///
    /// # Panics
    /// If `previous` is another, if the note names another signer, or says what the specification does not allow.
    pub fn append(&mut self, note: Note, key: &SigningKey) -> Result<(), SealError> {
        assert!(note.previous() == Some(self.last_hash()), "a note follows the last one");
        if self.notes.len() >= MAX_NOTES {
            return Err(SealError::TooManyNotes);
        }
        self.notes.push(SignedNote::sign(note, key));
        if self.len() > MAX_SEAL_LEN {
            self.notes.pop();
            return Err(SealError::TooLong);
        }
        Ok(())
    }

    /// Adds the note of another header: who changed it, and that they had its file key. The copy of the header is not touched.
    ///
    /// # Errors
    /// See [`Seal::append`].
    pub fn append_rewrapped(
        &mut self,
        before: &Header,
        header: &Header,
        file_key: &FileKey,
        key: &SigningKey,
        time: Time,
    ) -> Result<(), SealError> {
        let note = Note::Rewrapped(Rewrapped {
            previous: self.last_hash(),
            signer: key.verifier_key().clone(),
            time,
            old_header: Extent::of(&before.to_bytes()),
            header: Extent::of(&header.to_bytes()),
            proof: Proof::none(),
        });
        self.append(note.proven(&ProofKey::of(file_key)), key)
    }

    /// This seal with the note that another one has behind the same notes; `None` where that is none that continues it by one.
    #[must_use]
    pub fn continued_by(&self, other: &Self) -> Option<Self> {
        let (last, before) = other.notes.split_last()?;
        let is_it = before.iter().map(|note| &note.text).eq(self.notes.iter().map(|note| &note.text));
        is_it.then(|| Self { notes: self.notes.iter().chain([last]).cloned().collect(), unsigned: self.unsigned.clone() })
    }

    /// Puts another copy of the header into the unsigned section: the new one after a note of new recipients.
    ///
    /// # Errors
    /// A seal that would become too long; it stays as it was.
    pub fn set_header_copy(&mut self, header: &[u8]) -> Result<(), SealError> {
        let groups = self.unsigned().map(|(groups, _)| groups).unwrap_or_default();
        self.set_unsigned(unsigned_section(&groups, header))
    }

    /// Puts the groups of another payload section into the unsigned section.
    ///
    /// # Errors
    /// A seal that would become too long; it stays as it was.
    pub fn set_groups(&mut self, tree: &Tree) -> Result<(), SealError> {
        let header = self.unsigned().map(|(_, header)| header).unwrap_or_default();
        self.set_unsigned(unsigned_section(tree.groups(), header))
    }

    fn set_unsigned(&mut self, unsigned: Vec<u8>) -> Result<(), SealError> {
        let before = core::mem::replace(&mut self.unsigned, unsigned);
        if self.len() > MAX_SEAL_LEN {
            self.unsigned = before;
            return Err(SealError::TooLong);
        }
        Ok(())
    }

    /// Bytes in the seal as it stands in a file.
    #[expect(clippy::len_without_is_empty, reason = "a seal is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        // An empty line in each note, one between two, and one before the unsigned section.
        let notes: usize = self.notes.iter().map(|note| note.text.len() + 1 + note.signatures.len()).sum();
        let unsigned_len = if self.unsigned.is_empty() { 0 } else { 1 + self.unsigned.len() };
        notes + self.notes.len() - 1 + unsigned_len
    }

    /// The same without the unsigned section, which only the file itself is checked by.
    #[must_use]
    pub fn notes_alone(&self) -> Self {
        Self { notes: self.notes.clone(), unsigned: Vec::new() }
    }

    /// The notes, in order; at least one.
    #[must_use]
    pub fn notes(&self) -> &[SignedNote] {
        &self.notes
    }

    /// What the backup is known by.
    #[must_use]
    pub fn first_hash(&self) -> NoteHash {
        self.notes[0].hash()
    }

    /// What the next note has to follow.
    #[must_use]
    pub fn last_hash(&self) -> NoteHash {
        self.notes[self.notes.len() - 1].hash()
    }

    /// Parses a seal, and verifies that each note was signed by the key that it names, which anybody may have made.
    ///
    /// # Errors
    /// See [`SealError`]: a seal that breaks one rule says nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealError> {
        if bytes.len() > MAX_SEAL_LEN {
            return Err(SealError::TooLong);
        }
        if !bytes.starts_with(b"dbseal/v") {
            return Err(SealError::NotASeal);
        }
        let mut rest = bytes;
        let mut notes: Vec<SignedNote> = Vec::new();
        loop {
            if notes.len() == MAX_NOTES {
                return Err(SealError::TooManyNotes);
            }
            let note = parse_note(&mut rest)?;
            match (notes.last(), note.note.previous()) {
                (None, None) => {}
                (Some(last), Some(previous)) if last.hash() == previous => {}
                (None, Some(_)) => return Err(SealError::Malformed("the first note is none that a seal starts with")),
                (Some(_), None) => return Err(SealError::Malformed("a later note is one that a seal starts with")),
                (Some(_), Some(_)) => return Err(SealError::ChainBroken),
            }
            notes.push(note);
            if rest.is_empty() {
                return Ok(Self { notes, unsigned: Vec::new() });
            }
            rest = rest.strip_prefix(b"\n").ok_or(SealError::Malformed("there is no empty line after a note"))?;
            if rest.starts_with(UNSIGNED.as_bytes()) {
                return Ok(Self { notes, unsigned: rest.into() });
            }
        }
    }

    /// The seal as it stands in a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (index, note) in self.notes.iter().enumerate() {
            if index > 0 {
                bytes.push(b'\n');
            }
            for part in [&note.text, "\n", &note.signatures] {
                bytes.extend(part.as_bytes());
            }
        }
        if !self.unsigned.is_empty() {
            bytes.push(b'\n');
            bytes.extend(&self.unsigned);
        }
        bytes
    }

    /// The hashes of the groups and the copy of the header, if they are spelled as they should be. They are claims: neither is given
    /// out before it was checked against what the notes say.
    fn unsigned(&self) -> Option<(Vec<[u8; 32]>, &[u8])> {
        let mut rest = self.unsigned.strip_prefix(UNSIGNED.as_bytes())?;
        let mut line = || {
            let end = rest.iter().take(64).position(|&byte| byte == b'\n')?;
            let line = core::str::from_utf8(&rest[..end]).ok()?;
            rest = &rest[end + 1..];
            Some(line)
        };
        let count = parse_number(line()?.strip_prefix("groups ")?)?;
        if count > MAX_GROUPS as u64 {
            return None;
        }
        // Not reserved: the count is a claim, each line is there.
        let groups = (0..count).map(|_| decode_base64_array(line()?)).collect::<Option<Vec<_>>>()?;
        let len = parse_number(line()?.strip_prefix("header ")?)?;
        (rest.len() as u64 == len).then_some((groups, rest))
    }
}

fn unsigned_section(groups: &[[u8; 32]], header: &[u8]) -> Vec<u8> {
    let mut unsigned = alloc::format!("{UNSIGNED}groups {}\n", groups.len()).into_bytes();
    for group in groups {
        unsigned.extend(encode_base64(group).as_bytes());
        unsigned.push(b'\n');
    }
    unsigned.extend(alloc::format!("header {}\n", header.len()).as_bytes());
    unsigned.extend(header);
    unsigned
}

/// A later version may allow more than this one, so that it is told before anything else is looked at.
fn check_version(note: &[u8]) -> Result<(), SealError> {
    let version = note.strip_prefix(b"dbseal/v").and_then(|rest| rest.split(|byte| b" \n".contains(byte)).next());
    match version {
        Some(b"1") => Ok(()),
        Some([b'1'..=b'9', ..]) => Err(SealError::NewerVersion),
        _ => Err(SealError::Malformed("a note does not start with dbseal/v1")),
    }
}

fn parse_note(rest: &mut &[u8]) -> Result<SignedNote, SealError> {
    check_version(rest)?;
    let bounded = &rest[..rest.len().min(MAX_NOTE_LEN + 1)];
    let end = bounded.windows(2).position(|pair| pair == b"\n\n");
    let end = end.ok_or(SealError::Malformed("a note is cut off, or longer than 1,023 bytes"))?;
    let text = core::str::from_utf8(&rest[..=end]).map_err(|_| SealError::Malformed("a note is not text"))?;
    *rest = &rest[end + 2..];
    let note = Note::parse(text)?;
    let start = *rest;
    let (mut count, mut is_signed) = (0, note.signer().is_none());
    while rest.starts_with(DASH.as_bytes()) {
        count += 1;
        if count > MAX_SIGNATURES {
            return Err(SealError::Malformed("a note has more than 8 signatures"));
        }
        is_signed |= parse_signature(rest, text, note.signer())?;
    }
    if count == 0 || !is_signed {
        return Err(SealError::NotSigned);
    }
    let signatures =
        core::str::from_utf8(&start[..start.len() - rest.len()]).map_err(|_| SealError::Malformed("a signature is not text"))?;
    Ok(SignedNote { note, text: text.to_owned(), signatures: signatures.to_owned() })
}

/// Takes a signature line. Whether it is the signer's; one by another key is kept, and says nothing.
pub(crate) fn parse_signature(rest: &mut &[u8], text: &str, signer: Option<&VerifierKey>) -> Result<bool, SealError> {
    let malformed = || SealError::Malformed("a signature is malformed");
    let end = rest.iter().take(MAX_SIGNATURE_LEN).position(|&byte| byte == b'\n').ok_or_else(malformed)?;
    let line = core::str::from_utf8(&rest[DASH.len()..end]).map_err(|_| malformed())?;
    *rest = &rest[end + 1..];
    let (name, encoded) = line.split_once(' ').ok_or_else(malformed)?;
    // Others' names may hold any letter, but here somebody might read them: no invisible ones, and none that turn the line around.
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+');
    let bytes = decode(encoded).filter(|bytes| is_name && bytes.len() > ID_LEN).ok_or_else(malformed)?;
    let (id, signature) = bytes.split_at(ID_LEN);
    match signer.filter(|signer| signer.name().as_str() == name && signer.id() == *id) {
        None => Ok(false),
        Some(signer) if signer.verify(text, signature) => Ok(true),
        Some(_) => Err(SealError::WrongSignature),
    }
}

/// Why bytes are not a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Something else.
    #[error("this is not a seal")]
    NotASeal,
    /// A later version's.
    #[error("this is a seal of a version newer than v1")]
    NewerVersion,
    /// Longer than [`MAX_SEAL_LEN`].
    #[error("the seal is longer than 8 MiB")]
    TooLong,
    /// More notes than a seal has.
    #[error("the seal has more than 1,024 notes")]
    TooManyNotes,
    /// A line is missing, in another place, or not spelled as it should be.
    #[error("a note has no well-formed line '{0}' where there should be one")]
    Field(&'static str),
    /// Anything else that the specification does not allow.
    #[error("{0}")]
    Malformed(&'static str),
    /// A note was removed, put in or moved.
    #[error("a note does not follow the one before it: notes were removed, put in or moved")]
    ChainBroken,
    /// Changed after it was signed.
    #[error("a note was changed after it was signed")]
    WrongSignature,
    /// Nobody says so.
    #[error("a note is not signed by who it names")]
    NotSigned,
}
