//! The start of an age file, binary or armored, and the stream that comes out of armor.

use dbseal_core::{ArmorReader, Header, HeaderError, MAX_HEADER_LEN, ReadBuffer};

use super::failures;
use super::reading::{Pieces, length, read_bytes};
use super::source::Source;
use crate::messages::Failure;

/// Bytes that are read first: all of nearly every header.
const START_LEN: u64 = 16 << 10;
/// Bytes of armor that are read at a time. Its letters take longer than to read them.
const ARMOR_PIECE_LEN: usize = 1 << 20;

/// Whether a file that starts like this is an age file and not, for example, a file of keys; perhaps a malformed one.
#[must_use]
pub fn is_age(start: &[u8]) -> bool {
    start.starts_with(b"age-encryption.org/") || is_armored(start)
}

pub(super) fn is_armored(start: &[u8]) -> bool {
    start.trim_ascii_start().starts_with(b"-----BEGIN ")
}

/// An age file whose header was read.
pub(super) struct AgeFile<'a, S: Source> {
    pub(super) header: Header,
    /// Bytes of the header, in the binary form.
    pub(super) header_len: u64,
    /// What comes after the header, if that has to come out of armor.
    pub(super) armored: Option<Armored<'a, S>>,
}

impl<'a, S: Source> AgeFile<'a, S> {
    /// Reads up to the end of the header.
    pub(super) async fn read(source: &'a S) -> Result<Self, Failure> {
        let start = |len: u64| read_bytes(source, 0..source.len().min(len));
        let bytes = start(START_LEN).await?;
        if bytes.is_empty() {
            return Err(failures::empty());
        }
        if is_armored(&bytes) {
            return Self::read_armored(source).await;
        }
        let parsed = match Header::parse(&bytes) {
            Err(HeaderError::Incomplete) if source.len() > START_LEN => Header::parse(&start(MAX_HEADER_LEN as u64).await?),
            parsed => parsed,
        };
        let (header, header_len) = parsed.map_err(|error| failures::header(&error))?;
        Ok(Self { header, header_len: header_len as u64, armored: None })
    }

    async fn read_armored(source: &'a S) -> Result<Self, Failure> {
        let mut armored = Armored::new(source)?;
        loop {
            let goes_on = armored.refill().await?;
            match Header::parse(&armored.decoded) {
                Ok((header, header_len)) => {
                    armored.taken_len = header_len;
                    return Ok(Self { header, header_len: header_len as u64, armored: Some(armored) });
                }
                Err(HeaderError::Incomplete) if goes_on => {}
                Err(error) => return Err(failures::header(&error)),
            }
        }
    }
}

/// Decodes armor as it is read.
pub(super) struct Armored<'a, S: Source> {
    pieces: Pieces<'a, S>,
    text: ReadBuffer,
    /// `None` after the end.
    armor: Option<ArmorReader>,
    decoded: Vec<u8>,
    /// Bytes of `decoded` that were handed out.
    taken_len: usize,
    /// Bytes of the file that were read.
    pub(super) read_len: u64,
}

impl<'a, S: Source> Armored<'a, S> {
    fn new(source: &'a S) -> Result<Self, Failure> {
        let text = ReadBuffer::try_with_len(length(source.len().min(ARMOR_PIECE_LEN as u64))).map_err(|_| failures::memory())?;
        let pieces = Pieces::new(source, 0..source.len(), ARMOR_PIECE_LEN);
        Ok(Self { pieces, text, armor: Some(ArmorReader::new()), decoded: Vec::new(), taken_len: 0, read_len: 0 })
    }

    /// Fills `bytes` as far as there is something; how much there was.
    pub(super) async fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, Failure> {
        let mut filled_len = 0;
        while filled_len < bytes.len() && !self.is_at_end().await? {
            let rest = &self.decoded[self.taken_len..];
            let len = rest.len().min(bytes.len() - filled_len);
            bytes[filled_len..filled_len + len].copy_from_slice(&rest[..len]);
            self.taken_len += len;
            filled_len += len;
        }
        Ok(filled_len)
    }

    /// Whether all was handed out.
    pub(super) async fn is_at_end(&mut self) -> Result<bool, Failure> {
        while self.taken_len == self.decoded.len() {
            if !self.refill().await? {
                return Ok(self.taken_len == self.decoded.len());
            }
        }
        Ok(false)
    }

    /// Decodes some more, and says whether there may be more still.
    async fn refill(&mut self) -> Result<bool, Failure> {
        let Some(mut armor) = self.armor.take() else { return Ok(false) };
        self.decoded.drain(..self.taken_len);
        self.taken_len = 0;
        let len = self.pieces.next(&mut self.text).await?;
        self.read_len += len as u64;
        if len == 0 {
            armor.finish(&mut self.decoded).map_err(failures::armor)?;
            return Ok(false);
        }
        armor.read(&self.text[..len], &mut self.decoded).map_err(failures::armor)?;
        self.armor = Some(armor);
        Ok(true)
    }
}
