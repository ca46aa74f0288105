//! One recipient stanza of a header: its canonical parse and print (age, "Recipient stanza").

use alloc::string::String;
use alloc::vec::Vec;

use crate::encoding::{decode_base64, encode_base64};
use crate::header::HeaderError;

/// Characters on a full line of a stanza's body.
pub(crate) const COLUMNS: usize = 64;

/// A recipient stanza: `-> TAG ARGUMENT...` and a body, which usually is a wrapped file key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stanza {
    /// The recipient type, such as `X25519`.
    pub tag: String,
    /// What follows the tag on its line.
    pub args: Vec<String>,
    /// The decoded body.
    pub body: Vec<u8>,
}

impl Stanza {
    pub(crate) fn new(tag: &str, args: &[&str], body: &[u8]) -> Self {
        Self { tag: tag.into(), args: args.iter().map(|&arg| arg.into()).collect(), body: body.into() }
    }

    /// Appends the stanza in its one canonical spelling.
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        out.extend(b"-> ");
        out.extend(self.tag.as_bytes());
        for arg in &self.args {
            out.push(b' ');
            out.extend(arg.as_bytes());
        }
        out.push(b'\n');
        let body = encode_base64(&self.body);
        for line in body.as_bytes().chunks(COLUMNS) {
            out.extend(line);
            out.push(b'\n');
        }
        // The body ends with a short line; where the last one is full, an empty one marks the end.
        if body.len().is_multiple_of(COLUMNS) {
            out.push(b'\n');
        }
    }

    /// Parses the lines of a stanza after its first three characters, `-> `.
    pub(crate) fn parse(lines: &mut Lines<'_>) -> Result<Self, HeaderError> {
        let line = lines.next_line()?.strip_prefix("-> ").ok_or(HeaderError::Malformed("a stanza does not start with '-> '"))?;
        let mut words = line.split(' ').map(String::from);
        let tag = words.next().unwrap_or_default();
        let args: Vec<String> = words.collect();
        let is_argument = |word: &String| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_argument(&tag) || !args.iter().all(is_argument) {
            return Err(HeaderError::Malformed("a stanza has an empty argument or a character that is not allowed"));
        }
        let mut body = String::new();
        loop {
            let line = lines.next_line()?;
            if line.len() > COLUMNS {
                return Err(HeaderError::Malformed("a line of a stanza's body is longer than 64 characters"));
            }
            body.push_str(line);
            if line.len() < COLUMNS {
                break;
            }
        }
        let body = decode_base64(&body).ok_or(HeaderError::Malformed("a stanza's body is not canonical base64"))?;
        Ok(Self { tag, args, body })
    }
}

/// The lines of a header, each ending in a line feed and in nothing else.
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    pub(crate) consumed_len: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, consumed_len: 0 }
    }

    pub(crate) fn starts_with(&self, prefix: &[u8]) -> bool {
        self.bytes[self.consumed_len..].starts_with(prefix)
    }

    /// The next line without its line feed. [`HeaderError::Incomplete`] where the bytes end before it does.
    pub(crate) fn next_line(&mut self) -> Result<&'a str, HeaderError> {
        let rest = &self.bytes[self.consumed_len..];
        let len = rest.iter().position(|&byte| byte == b'\n').ok_or(HeaderError::Incomplete)?;
        self.consumed_len += len + 1;
        core::str::from_utf8(&rest[..len])
            .ok()
            .filter(|line| line.is_ascii())
            .ok_or(HeaderError::Malformed("a header line holds bytes that are not ASCII"))
    }
}
