//! The start of an age file, binary or armored, and the stream of its payload section.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use dbseal_core::{ArmorReader, BEGIN_ARMOR, FileKey, Header, HeaderError, Identity, UnwrapError};

use crate::checked_payload::At;
use crate::error::JobError;
use crate::input::open_regular;
use crate::journal::{JournalFile, sealed_header};
use crate::pipeline::read_full;
use crate::sealing::seal_path;

/// Bytes that are read first, and from armor at a time. While the header's end is not found, as much again is read as there is: each
/// time it is parsed from its start, which in equal steps would take a time that grows with its square.
const STEP_LEN: usize = 8 << 10;

/// The header of a file, if it has one that is well-formed, or that a journal has.
pub(crate) fn header_of(path: &Path) -> Option<Header> {
    headers_of(path, &open_regular(path).ok()?).ok()?.0.into_iter().next()
}

/// The headers that the file at `path` may have: one, but for a journal of which nobody says which of its two it is. And where its payload
/// begins, in bytes; `None` in armor.
pub(crate) fn headers_of(path: &Path, file: &File) -> Result<(Vec<Header>, Option<usize>), JobError> {
    let sealed = sealed_header(&seal_path(path)).ok().flatten();
    if let Some(journal) = JournalFile::needed(path, file, sealed) {
        return Ok((journal.all_headers(sealed), Some(journal.own_header_len())));
    }
    let AgeFile { header, is_armored, .. } = AgeFile::read(At { file, offset: 0 }, &path.display().to_string())?;
    let payload = (!is_armored).then(|| header.len());
    Ok((vec![header], payload))
}

/// An age file whose header was read.
pub(crate) struct AgeFile<R> {
    pub(crate) header: Header,
    /// Bytes of the header, in the binary form.
    pub(crate) header_len: u64,
    pub(crate) is_armored: bool,
    /// What comes after the header.
    pub(crate) section: io::Chain<Cursor<Vec<u8>>, Binary<R>>,
}

impl<R: Read> AgeFile<R> {
    /// Reads up to the end of the header.
    pub(crate) fn read(mut reader: R, what: &str) -> Result<Self, JobError> {
        let mut start = vec![0; STEP_LEN];
        let start_len = read_full(&mut reader, &mut start).map_err(|error| JobError::read(what, error))?;
        if start_len == 0 {
            return Err(JobError::InputEmpty(what.into()));
        }
        start.truncate(start_len);
        let is_armored = is_armored(&start);
        let reader = Cursor::new(start).chain(reader);
        let mut binary = if is_armored { Binary::Armored(Armored::new(reader, what)) } else { Binary::AsIs(reader) };
        let mut bytes = Vec::new();
        loop {
            let len = bytes.len();
            bytes.resize((2 * len).max(STEP_LEN), 0);
            let read_len = read_full(&mut binary, &mut bytes[len..]).map_err(|error| JobError::read(what, error))?;
            bytes.truncate(len + read_len);
            match Header::parse(&bytes) {
                Ok((header, header_len)) => {
                    let section = Cursor::new(bytes.split_off(header_len)).chain(binary);
                    return Ok(Self { header, header_len: header_len as u64, is_armored, section });
                }
                Err(HeaderError::Incomplete) if read_len > 0 => {}
                Err(error) => return Err(JobError::Header { what: what.into(), error }),
            }
        }
    }

    /// Reads past a header of so many bytes that is being replaced; `header` is the one that counts.
    pub(crate) fn with_header(mut reader: R, header: Header, own_len: usize, what: &str) -> Result<Self, JobError> {
        let mut passed = vec![0; own_len];
        read_full(&mut reader, &mut passed).map_err(|error| JobError::read(what, error))?;
        let section = Cursor::new(Vec::new()).chain(Binary::AsIs(Cursor::new(Vec::new()).chain(reader)));
        Ok(Self { header_len: own_len as u64, header, is_armored: false, section })
    }

    /// The file key, from the header.
    pub(crate) fn unwrap(&self, identities: &[Identity], what: &str) -> Result<FileKey, JobError> {
        self.header.unwrap(identities).map_err(|error| match error {
            UnwrapError::NoMatch if self.header.needs_passphrase() => JobError::WrongPassphrase(what.into()),
            error => JobError::Unwrap { what: what.into(), error },
        })
    }
}

/// Whether a file that starts like this is an age file and not, for example, a file of keys; perhaps a malformed one.
pub(crate) fn is_age(start: &[u8]) -> bool {
    start.starts_with(b"age-encryption.org/") || is_armored(start)
}

fn is_armored(start: &[u8]) -> bool {
    start.trim_ascii_start().starts_with(&BEGIN_ARMOR[..11]) // "-----BEGIN "
}

/// The bytes of an age file, out of its armor if it has one.
pub(crate) enum Binary<R> {
    AsIs(io::Chain<Cursor<Vec<u8>>, R>),
    Armored(Armored<io::Chain<Cursor<Vec<u8>>, R>>),
}

impl<R: Read> Read for Binary<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::AsIs(reader) => reader.read(buffer),
            Self::Armored(reader) => reader.read(buffer),
        }
    }
}

/// Decodes armor as it is read.
pub(crate) struct Armored<R> {
    reader: R,
    /// `None` after the end.
    armor: Option<ArmorReader>,
    decoded: Vec<u8>,
    /// Bytes of `decoded` that were handed out.
    taken_len: usize,
    what: String,
}

impl<R: Read> Armored<R> {
    fn new(reader: R, what: &str) -> Self {
        Self { reader, armor: Some(ArmorReader::new()), decoded: Vec::new(), taken_len: 0, what: what.into() }
    }

    fn refill(&mut self) -> io::Result<()> {
        let failed = |error| io::Error::other(JobError::Armor { what: self.what.clone(), error });
        let Some(armor) = &mut self.armor else { return Ok(()) };
        self.decoded.clear();
        self.taken_len = 0;
        let mut text = [0; STEP_LEN];
        match self.reader.read(&mut text)? {
            0 => self.armor.take().expect("present").finish(&mut self.decoded).map_err(failed),
            len => armor.read(&text[..len], &mut self.decoded).map_err(failed),
        }
    }
}

impl<R: Read> Read for Armored<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken_len == self.decoded.len() && self.armor.is_some() {
            self.refill()?;
        }
        let rest = &self.decoded[self.taken_len..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.taken_len += len;
        Ok(len)
    }
}
