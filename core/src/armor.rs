//! ASCII armor: strict PEM with one spelling, as age has it (age, "ASCII armor"; RFC 7468, section 3).

use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

use crate::stanza::COLUMNS;

/// How an armored file starts, after white space at most.
pub const BEGIN_ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const END_ARMOR: &[u8] = b"-----END AGE ENCRYPTED FILE-----";
/// Bytes on a full line.
const LINE_LEN: usize = COLUMNS / 4 * 3;
/// White space, in bytes, that is accepted before the first line; after the last one, as in age, it must be less.
const MAX_WHITESPACE_LEN: usize = 1024;

/// Writes armor, piece by piece.
#[derive(Default)]
pub struct ArmorWriter {
    /// What does not yet fill a line.
    rest: Vec<u8>,
    begun: bool,
}

impl ArmorWriter {
    /// An armored file with nothing in it yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends to `out` the lines that `bytes` fill.
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.begin(out);
        self.rest.extend(bytes);
        let full_len = self.rest.len() / LINE_LEN * LINE_LEN;
        for line in self.rest[..full_len].chunks(LINE_LEN) {
            write_line(line, out);
        }
        self.rest.drain(..full_len);
    }

    /// Appends the last lines.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.begin(out);
        if !self.rest.is_empty() {
            write_line(&self.rest, out);
        }
        out.extend(END_ARMOR);
        out.push(b'\n');
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !core::mem::replace(&mut self.begun, true) {
            out.extend(BEGIN_ARMOR);
            out.push(b'\n');
        }
    }
}

fn write_line(bytes: &[u8], out: &mut Vec<u8>) {
    let mut line = [0; COLUMNS];
    out.extend(Base64::encode(bytes, &mut line).expect("a line's bytes fit a line").as_bytes());
    out.push(b'\n');
}

/// Reads armor, piece by piece.
#[derive(Default)]
pub struct ArmorReader {
    place: Place,
    line: Vec<u8>,
    whitespace_len: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    BeforeBegin,
    Body,
    /// After a line that was not full: only the end may follow.
    LastLine,
    AfterEnd,
}

impl ArmorReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends to `out` what the next bytes of the file decode to.
    ///
    /// # Errors
    /// Anything but canonical armor.
    pub fn read(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ArmorError> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend(piece);
            // A bound on the memory that a file without line feeds can take.
            if self.line.len() > MAX_WHITESPACE_LEN {
                return Err(ArmorError::Malformed("a line is too long"));
            }
            if piece.ends_with(b"\n") {
                self.read_line(out)?;
            }
        }
        Ok(())
    }

    /// Declares the end of the file.
    ///
    /// # Errors
    /// Where the armor is not complete.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), ArmorError> {
        if !self.line.is_empty() {
            self.read_line(out)?;
        }
        match self.place {
            Place::BeforeBegin => Err(ArmorError::NotArmor),
            Place::Body | Place::LastLine => Err(ArmorError::Truncated),
            Place::AfterEnd => Ok(()),
        }
    }

    fn read_line(&mut self, out: &mut Vec<u8>) -> Result<(), ArmorError> {
        let line = core::mem::take(&mut self.line);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        match self.place {
            Place::BeforeBegin | Place::AfterEnd if text.trim_ascii().is_empty() => {
                self.whitespace_len += line.len();
                let is_after = self.place == Place::AfterEnd;
                if self.whitespace_len > MAX_WHITESPACE_LEN || (is_after && self.whitespace_len == MAX_WHITESPACE_LEN) {
                    return Err(ArmorError::Malformed("there is too much white space around it"));
                }
            }
            Place::BeforeBegin if text == BEGIN_ARMOR => {
                self.place = Place::Body;
                self.whitespace_len = 0;
            }
            Place::BeforeBegin => return Err(ArmorError::NotArmor),
            Place::AfterEnd => return Err(ArmorError::Malformed("there is something after its last line")),
            Place::Body | Place::LastLine if text == END_ARMOR => self.place = Place::AfterEnd,
            Place::LastLine => return Err(ArmorError::Malformed("a line before the last is short")),
            Place::Body => self.place = decode_line(text, out)?,
        }
        Ok(())
    }
}

fn decode_line(text: &[u8], out: &mut Vec<u8>) -> Result<Place, ArmorError> {
    if text.is_empty() || text.len() > COLUMNS {
        return Err(ArmorError::Malformed("a line is empty or longer than 64 characters"));
    }
    let mut bytes = [0; LINE_LEN];
    let decoded = Base64::decode(text, &mut bytes).map_err(|_| ArmorError::Malformed("a line is not canonical base64"))?;
    let mut respelled = [0; COLUMNS];
    if Base64::encode(decoded, &mut respelled).map(str::as_bytes) != Ok(text) {
        return Err(ArmorError::Malformed("a line is not canonical base64"));
    }
    out.extend(decoded);
    Ok(if decoded.len() == LINE_LEN { Place::Body } else { Place::LastLine })
}

/// Why a text is not an armored age file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmorError {
    /// It does not begin as one.
    #[error("this is not an armored age file")]
    NotArmor,
    /// It has no end.
    #[error("the armor is cut off: its last line is missing")]
    Truncated,
    /// It is not spelled as the specification demands.
    #[error("the armor is malformed: {0}")]
    Malformed(&'static str),
}
