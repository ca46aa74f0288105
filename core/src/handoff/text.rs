//! How requests and grants are spelled, as bytes and as text that can be pasted (HANDOFF.md, "What a byte of it looks like").

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding};

use super::HandoffError;
use crate::tree::Blake3;

/// Bytes in a request or a grant, at most.
pub const MAX_HANDOFF_LEN: usize = 16 << 20;
/// Characters on a line of the text form.
const COLUMNS: usize = 64;
/// Bits of a hash that people compare, in bytes.
const CODE_LEN: usize = 10;
/// Digits that are not taken for one another when they are read aloud (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What of the two something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Grant,
}

impl Kind {
    pub(super) fn first_line(self) -> &'static str {
        match self {
            Self::Request => "dbseal/v1 request\n",
            Self::Grant => "dbseal/v1 grant\n",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Grant => "GRANT",
        }
    }

    fn other(self) -> (Self, HandoffError) {
        match self {
            Self::Request => (Self::Grant, HandoffError::GrantNotRequest),
            Self::Grant => (Self::Request, HandoffError::RequestNotGrant),
        }
    }

    /// What follows its first line.
    pub(super) fn rest(self, bytes: &[u8]) -> Result<Parts<'_>, HandoffError> {
        let (other, mistaken) = self.other();
        if bytes.len() > MAX_HANDOFF_LEN {
            return Err(HandoffError::TooLong);
        }
        match bytes.strip_prefix(self.first_line().as_bytes()) {
            Some(rest) => Ok(Parts { rest }),
            None if bytes.starts_with(other.first_line().as_bytes()) => Err(mistaken),
            None if bytes.starts_with(b"dbseal/v") && !bytes.starts_with(b"dbseal/v1 ") => Err(HandoffError::NewerVersion),
            None => Err(HandoffError::Other),
        }
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
    pub(super) fn bytes_of(self, text: &[u8]) -> Result<Vec<u8>, HandoffError> {
        if text.len() > 2 * MAX_HANDOFF_LEN {
            return Err(HandoffError::TooLong);
        }
        let (other, mistaken) = self.other();
        let edge = |kind: Self, end: &str| format!("-----{end} DBSEAL {}-----", kind.word());
        let find = |needle: &str| text.windows(needle.len()).position(|window| window == needle.as_bytes());
        let Some(start) = find(&edge(self, "BEGIN")) else {
            return if find(&edge(other, "BEGIN")).is_some() { Err(mistaken) } else { Ok(text.into()) };
        };
        let end = find(&edge(self, "END")).filter(|end| *end > start).ok_or(HandoffError::Malformed("its last line is missing"))?;
        // Mail and terminals break lines, and put spaces at their ends.
        let encoded: Vec<u8> =
            text[start + edge(self, "BEGIN").len()..end].iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let encoded = core::str::from_utf8(&encoded).ok();
        encoded.and_then(|encoded| Base64::decode_vec(encoded).ok()).ok_or(HandoffError::Malformed("it is no base64"))
    }
}

/// What follows in a request or a grant.
pub(super) struct Parts<'a> {
    pub(super) rest: &'a [u8],
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

    /// So many bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], HandoffError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(HandoffError::Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// What two people read to each other to know that both have the same before them: 80 bits of its hash (BLAKE3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code([u8; CODE_LEN]);

impl Code {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let hash = Blake3::of(bytes);
        Self(core::array::from_fn(|index| hash.as_bytes()[index]))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.iter().fold(0_u128, |bits, &byte| bits << 8 | u128::from(byte));
        for index in 0..16 {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            let digit = (bits >> (75 - 5 * index)) & 31;
            write!(f, "{}", char::from(DIGITS[usize::try_from(digit).expect("five bits")]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
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
            assert_eq!(Kind::Grant.bytes_of(text), Err(HandoffError::RequestNotGrant));
        }
        assert!(text.lines().all(|line| line.len() <= COLUMNS));
        assert_eq!(Kind::Request.bytes_of(&text.as_bytes()[..100]), Err(HandoffError::Malformed("its last line is missing")));
    }

    #[test]
    fn a_code_has_sixteen_digits() {
        assert_eq!(format!("{}", Code([0; CODE_LEN])), "0000-0000-0000-0000");
        assert_eq!(format!("{}", Code([0xff; CODE_LEN])), "zzzz-zzzz-zzzz-zzzz");
        assert_eq!(format!("{}", Code([0, 0, 0, 0, 0, 0, 0, 0, 0, 1])), "0000-0000-0000-0001");
        assert_eq!(format!("{}", Code([0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0])), "1000-0000-0000-0000");
    }
}
