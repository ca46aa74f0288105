//! How requests and grants are spelled, as bytes and as text that can be pasted (HANDOFF.md, "What a byte of it looks like").

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

use super::HandoffError;
use crate::header::{Header, MAX_HEADER_LEN};
use crate::seal::{DASH, MAX_SEAL_LEN, MAX_SIGNATURES, Seal, SigningKey, VerifierKey, parse_number, parse_signature};

/// Bytes in a request or a grant, at most.
pub const MAX_HANDOFF_LEN: usize = 16 << 20;
/// Characters on a line of the text form.
const COLUMNS: usize = 64;
/// Files that are asked for together, and answered, at most.
pub(super) const MAX_FILES: usize = 16_384;
/// Bytes of one file in a request, and of its header with its padding: those of 100 recipients, or of hundreds of notes. Whoever can write to
/// the storage could else have one of theirs fill it.
pub(super) const MAX_FILE_LEN: usize = 256 << 10;
/// Bytes in the headers of all files, with their padding: so many of the longest that dbseal pads to.
pub(super) const MAX_HEADERS_LEN: usize = 128 << 20;

/// What of the three something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Grant,
    NewHeaders,
}

const KINDS: [Kind; 3] = [Kind::Request, Kind::Grant, Kind::NewHeaders];

impl Kind {
    pub(super) fn first_line(self) -> &'static str {
        match self {
            Self::Request => "dbseal/v1 request\n",
            Self::Grant => "dbseal/v1 grant\n",
            Self::NewHeaders => "dbseal/v1 new-headers\n",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Grant => "GRANT",
            Self::NewHeaders => "NEW HEADERS",
        }
    }

    /// What people call it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Request => "a request",
            Self::Grant => "a grant",
            Self::NewHeaders => "an answer with new headers",
        }
    }

    /// The one of the others that `is_it` finds.
    fn mistaken_for(self, is_it: impl Fn(Self) -> bool) -> Option<HandoffError> {
        let other = KINDS.into_iter().find(|other| *other != self && is_it(*other))?;
        Some(HandoffError::OtherKind { found: other.words(), wanted: self.words() })
    }

    /// What follows its first line.
    pub(super) fn rest(self, bytes: &[u8]) -> Result<Parts<'_>, HandoffError> {
        if bytes.len() > MAX_HANDOFF_LEN {
            return Err(HandoffError::TooLong);
        }
        if let Some(rest) = bytes.strip_prefix(self.first_line().as_bytes()) {
            return Ok(Parts { rest, headers_len: 0 });
        }
        let is_newer = bytes.starts_with(b"dbseal/v") && !bytes.starts_with(b"dbseal/v1 ");
        let otherwise = if is_newer { HandoffError::NewerVersion } else { HandoffError::Other };
        Err(self.mistaken_for(|other| bytes.starts_with(other.first_line().as_bytes())).unwrap_or(otherwise))
    }

    /// The same as text, for a screen and a clipboard.
    pub(super) fn to_text(self, bytes: &[u8]) -> String {
        let (encoded, word) = (Base64::encode_string(bytes), self.word());
        let mut text = format!("-----BEGIN DBSEAL {word}-----\n");
        for line in encoded.as_bytes().chunks(COLUMNS) {
            text.extend(line.iter().map(|&byte| char::from(byte)));
            text.push('\n');
        }
        text + &format!("-----END DBSEAL {word}-----\n")
    }

    /// What is in such a text, whatever stands around it; or the bytes themselves.
    pub(super) fn bytes_of<'t>(self, text: &'t [u8]) -> Result<Vec<u8>, HandoffError> {
        if text.len() > 2 * MAX_HANDOFF_LEN {
            return Err(HandoffError::TooLong);
        }
        // The bytes themselves, as a picture has them: a name or a note in them may look like the edge of a text.
        if text.starts_with(b"dbseal/v") {
            return Ok(text.into());
        }
        let edge = |kind: Self, end: &str| format!("-----{end} DBSEAL {}-----", kind.word());
        let around = |text: &'t [u8], needle: &str| {
            let start = text.windows(needle.len()).position(|window| window == needle.as_bytes())?;
            Some((&text[..start], &text[start + needle.len()..]))
        };
        let Some((_, behind)) = around(text, &edge(self, "BEGIN")) else {
            let is_another = |other| around(text, &edge(other, "BEGIN")).is_some();
            return self.mistaken_for(is_another).map_or_else(|| Ok(text.into()), Err);
        };
        let (between, _) = around(behind, &edge(self, "END")).ok_or(HandoffError::Malformed("its last line is missing"))?;
        // Mail and terminals break lines, and put spaces at their ends.
        let encoded: Vec<u8> = between.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let encoded = core::str::from_utf8(&encoded).ok();
        encoded.and_then(|encoded| Base64::decode_vec(encoded).ok()).ok_or(HandoffError::Malformed("it is no base64"))
    }
}

/// What follows in a request or a grant.
pub(super) struct Parts<'a> {
    pub(super) rest: &'a [u8],
    /// Bytes of the headers so far, with their padding: a line may say that one is long, and it is made as long here.
    headers_len: usize,
}

impl<'a> Parts<'a> {
    /// The value of the next line, which has to be of this name.
    pub(super) fn field<T>(&mut self, name: &'static str, parse: impl FnOnce(&'a str) -> Option<T>) -> Result<T, HandoffError> {
        let malformed = HandoffError::Malformed(name);
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| malformed.clone())?;
        let line = core::str::from_utf8(&self.rest[..end]).ok();
        self.rest = &self.rest[end + 1..];
        line.and_then(|line| line.strip_prefix(name)?.strip_prefix(' ')).and_then(parse).ok_or(malformed)
    }

    /// A header that travelled without its padding, as [`print_header`] prints one.
    pub(super) fn header(&mut self) -> Result<Header, HandoffError> {
        let (len, carried_len) = self.field("header", |text| {
            let (len, carried_len) = text.split_once(' ')?;
            Some((parse_len(len, MAX_HEADER_LEN)?, parse_len(carried_len, MAX_HEADER_LEN)?))
        })?;
        let (carried, parsed_len) = Header::parse(self.bytes(carried_len)?).map_err(|_| HandoffError::Malformed("a header is none"))?;
        self.headers_len += len;
        if self.headers_len > MAX_HEADERS_LEN {
            return Err(HandoffError::HeadersTooLong);
        }
        let header = Some(carried).filter(|_| parsed_len == carried_len).and_then(|header| header.padded_to(len));
        header.ok_or(HandoffError::Malformed("a header has not the length that is said"))
    }

    /// The notes of a seal, as [`print_seal`] prints them.
    pub(super) fn seal(&mut self) -> Result<Option<Seal>, HandoffError> {
        match self.field("seal", |text| parse_len(text, MAX_SEAL_LEN))? {
            0 => Ok(None),
            len => {
                let seal = Seal::parse(self.bytes(len)?).map_err(HandoffError::Seal)?;
                if seal.len() == seal.notes_alone().len() {
                    Ok(Some(seal))
                } else {
                    Err(HandoffError::Malformed("something stands behind the notes"))
                }
            }
        }
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], HandoffError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(HandoffError::Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// Who has signed all of it, if anybody has: whole lines, whoever they are by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signatures(String);

impl Signatures {
    /// One of this key.
    pub(super) fn by(key: &SigningKey, text: &str) -> Self {
        Self(key.sign(text))
    }

    /// Those behind a text, after an empty line; none where there is no such line.
    pub(super) fn parse(text: &str, behind: &[u8]) -> Result<Self, HandoffError> {
        if behind.is_empty() {
            return Ok(Self::default());
        }
        let lines = behind.strip_prefix(b"\n").ok_or(HandoffError::Malformed("something stands behind it"))?;
        let _ = Self::look_through(text, lines, None)?;
        String::from_utf8(lines.into()).map(Self).map_err(|_| HandoffError::Malformed("a signature is not text"))
    }

    /// Whether one is this signer's, of this text.
    pub(super) fn are_by(&self, text: &str, signer: &VerifierKey) -> bool {
        !self.0.is_empty() && Self::look_through(text, self.0.as_bytes(), Some(signer)).is_ok_and(|has_signed| has_signed)
    }

    /// What stands behind the text.
    pub(super) fn print(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!("\n{}", self.0) }
    }

    /// Takes all lines. Whether one of them is this signer's.
    fn look_through(text: &str, mut lines: &[u8], signer: Option<&VerifierKey>) -> Result<bool, HandoffError> {
        let (mut count, mut has_signed) = (0, false);
        while lines.starts_with(DASH.as_bytes()) && count < MAX_SIGNATURES {
            has_signed |= parse_signature(&mut lines, text, signer).map_err(HandoffError::Seal)?;
            count += 1;
        }
        if count > 0 && lines.is_empty() { Ok(has_signed) } else { Err(HandoffError::Malformed("a line is no signature")) }
    }
}

fn parse_len(text: &str, most: usize) -> Option<usize> {
    usize::try_from(parse_number(text)?).ok().filter(|len| *len <= most)
}

/// A header without its padding.
pub(super) fn print_header(header: &Header) -> String {
    let carried = as_text(header.without_padding().to_bytes());
    format!("header {} {}\n{carried}", header.len(), carried.len())
}

/// The notes of a seal, if there is one.
pub(super) fn print_seal(seal: Option<&Seal>) -> String {
    let seal = as_text(seal.map(Seal::to_bytes).unwrap_or_default());
    format!("seal {}\n{seal}", seal.len())
}

fn as_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("headers and notes are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_survives_what_mail_does_to_it() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = Kind::Request.to_text(&bytes);
        let mailed = format!("Hello,\r\n\r\n{}\r\nBye", text.replace('\n', " \r\n"));
        for text in [text.as_bytes(), mailed.as_bytes()] {
            assert_eq!(Kind::Request.bytes_of(text).as_ref(), Ok(&bytes));
            assert_eq!(Kind::Grant.bytes_of(text), Err(HandoffError::OtherKind { found: "a request", wanted: "a grant" }));
        }
        assert!(text.lines().all(|line| line.len() <= COLUMNS));
        assert_eq!(Kind::Request.bytes_of(&text.as_bytes()[..100]), Err(HandoffError::Malformed("its last line is missing")));
    }
}
