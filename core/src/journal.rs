//! The journal: the two headers of a file whose header is being replaced, so that a crash in the middle leaves it readable (SEAL.md, "The
//! journal").

use alloc::vec::Vec;

use crate::header::{Header, MAX_HEADER_LEN};
use crate::tree::Blake3;

const FIRST_LINE: &str = "dbseal/v1 journal\n";
/// Bytes that a disk writes all or none of.
const SECTOR_LEN: usize = 512;

/// Bytes in a journal, at most.
pub const MAX_JOURNAL_LEN: usize = 2 * MAX_HEADER_LEN + 256;

/// The header that a file had, and the one that it gets. Anybody can have written it: it says what the header of a file may be, never what
/// it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    before: Header,
    after: Header,
}

/// What a file has of the two headers in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The one that it had.
    Before,
    /// The one that it gets.
    After,
    /// Sectors of both, which have one length.
    Both,
}

impl Journal {
    /// The journal of this change.
    #[must_use]
    pub fn of(before: Header, after: Header) -> Self {
        Self { before, after }
    }

    /// Parses a journal that is whole. `None` for any other, as one that was only being written: then nothing was done yet.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(FIRST_LINE.as_bytes()).filter(|_| bytes.len() <= MAX_JOURNAL_LEN)?;
        let (before, before_len) = Header::parse(rest).ok()?;
        let (after, _) = Header::parse(&rest[before_len..]).ok()?;
        let journal = Self::of(before, after);
        (journal.to_bytes() == bytes).then_some(journal)
    }

    /// The journal as it stands in a file: its first line, the old header, the new one, and the hash of all that.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [FIRST_LINE.as_bytes(), &self.before.to_bytes(), &self.after.to_bytes()].concat();
        let hash = Blake3::of(&bytes);
        bytes.extend(alloc::format!("{hash}\n").as_bytes());
        bytes
    }

    /// The header that the file had.
    #[must_use]
    pub fn before(&self) -> &Header {
        &self.before
    }

    /// The header that it gets.
    #[must_use]
    pub fn after(&self) -> &Header {
        &self.after
    }

    /// Bytes of a file's start that [`Journal::found_in`] looks at.
    #[must_use]
    pub fn start_len(&self) -> usize {
        self.before.len().max(self.after.len())
    }

    /// What a file that starts so has of both, if it is the one whose header was being replaced. The journal of another file, or of this one
    /// at another time, says nothing.
    #[must_use]
    pub fn found_in(&self, start: &[u8]) -> Option<Found> {
        let (old, new) = (self.before.to_bytes(), self.after.to_bytes());
        if start.starts_with(&new) {
            return Some(Found::After);
        }
        if start.starts_with(&old) {
            return Some(Found::Before);
        }
        let own = start.get(..old.len()).filter(|_| old.len() == new.len())?;
        let mut sectors = own.chunks(SECTOR_LEN).zip(old.chunks(SECTOR_LEN).zip(new.chunks(SECTOR_LEN)));
        sectors.all(|(own, (old, new))| own == old || own == new).then_some(Found::Both)
    }

    /// Bytes in the header of a file with so much of both: behind them its payload begins.
    #[must_use]
    pub fn header_len(&self, found: Found) -> usize {
        match found {
            Found::Before => self.before.len(),
            Found::After | Found::Both => self.after.len(),
        }
    }
}
