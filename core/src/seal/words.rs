//! The words that the lines of a seal are made of, each in its one spelling (SEAL.md, "What a byte of it looks like").

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::ops::Range;
use core::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Characters in a label, at most.
const MAX_LABEL_LEN: usize = 64;
/// Characters in a file name as it is spelled in a seal, at most.
const MAX_FILE_NAME_LEN: usize = 255;
/// Characters in a time.
const TIME_LEN: usize = 20;
/// Seconds after the start of 1970, up to the end of 9998. The year 9999 is left out: a calendar that knows zones ends before it does.
const TIMES: Range<i64> = 0..253_370_764_800;

/// The name of a signer, a series or a check: letters, digits, `.`, `_` and `-`, the first a letter or digit; at most 64.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

/// A text that is no [`Label`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 letters, digits, '.', '_' or '-', and starts with a letter or a digit")]
pub struct LabelError;

impl Label {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_label =
            text.len() <= MAX_LABEL_LEN && text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.bytes().all(is_allowed);
        if is_label { Ok(Self(text.into())) } else { Err(LabelError) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name that a backup was given, without folders, percent-encoded to printable ASCII. A claim: shown, compared, never a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// The spelling of a name; `None` for one that is longer than 255 characters once it is encoded, and for what no file can be called:
    /// nothing, `.`, `..`, anything with a slash or a zero byte.
    #[must_use]
    pub fn of(name: &[u8]) -> Option<Self> {
        if name.len() > MAX_FILE_NAME_LEN || [&b""[..], b".", b".."].contains(&name) || name.iter().any(|byte| b"/\0".contains(byte)) {
            return None;
        }
        let mut text = String::with_capacity(name.len());
        for &byte in name {
            if byte.is_ascii_alphanumeric() || b"._-~".contains(&byte) {
                text.push(byte.into());
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        (text.len() <= MAX_FILE_NAME_LEN).then_some(Self(text))
    }

    /// Whether this is the name of a file, as the file system has it. No name from a seal is used for anything else, but shown.
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        Self::of(name).as_ref() == Some(self)
    }

    /// Parses the one spelling of a name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_FILE_NAME_LEN {
            return None;
        }
        let mut name = Vec::with_capacity(text.len());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let digits = if byte == b'%' { Some([bytes.next()?, bytes.next()?]) } else { None };
            name.push(digits.map_or(Some(byte), |digits| u8::from_str_radix(core::str::from_utf8(&digits).ok()?, 16).ok())?);
        }
        Self::of(&name).filter(|name| name.0 == text)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time in UTC, to the second, as a signer claims it; of the years 1970 to 9998.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(Timestamp);

impl Time {
    /// So many seconds after the start of 1970; `None` beyond the year 9998.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Option<Self> {
        let seconds = i64::try_from(seconds).ok().filter(|seconds| TIMES.contains(seconds))?;
        Timestamp::from_second(seconds).ok().map(Self)
    }

    /// Seconds after the start of 1970; never negative.
    #[must_use]
    pub fn as_unix(self) -> i64 {
        self.0.as_second()
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let time = text.parse().ok().map(Self).filter(|time| TIMES.contains(&time.as_unix()))?;
        // No other zone, no fraction, no leap second.
        (text.len() == TIME_LEN && time.to_string() == text).then_some(time)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// SHA-256 of a note's text: what the note after it, or the next of its series, calls it by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteHash([u8; 32]);

impl NoteHash {
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }
}

/// 16 random bytes that a series starts with, and starts anew with when its state was lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch([u8; 16]);

impl Epoch {
    /// From 16 bytes of the system's randomness.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

macro_rules! hexadecimal {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NotHexadecimal;

            fn from_str(text: &str) -> Result<Self, NotHexadecimal> {
                parse_hex(text).map(Self).ok_or(NotHexadecimal)
            }
        }
    };
}

hexadecimal!(NoteHash);
hexadecimal!(Epoch);

/// A text that is not the hexadecimal spelling it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the right number of lowercase hexadecimal digits")]
pub struct NotHexadecimal;

/// Lowercase digits only, so that what parses prints back.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 * N || !text.as_bytes().iter().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

/// A decimal number up to 2^63 - 1 without leading zeros.
pub(crate) fn parse_number(text: &str) -> Option<u64> {
    let number = text.parse().ok().filter(|&number| number < 1 << 63)?;
    (u64::to_string(&number) == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_one_spelling() {
        for label in ["a", "db1", "shop.prod-2_x", &"x".repeat(64)] {
            assert_eq!(label.parse::<Label>().unwrap().as_str(), label);
        }
        for other in ["", ".", "-a", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(other.parse::<Label>(), Err(LabelError), "{other:?}");
        }
    }

    #[test]
    fn file_names_have_one_spelling() {
        let spelled = |name: &[u8]| FileName::of(name).map(|name| name.to_string());
        assert_eq!(spelled(b"shop.age").as_deref(), Some("shop.age"));
        assert_eq!(spelled("a b\\ä\n%\u{202e}".as_bytes()).as_deref(), Some("a%20b%5C%C3%A4%0A%25%E2%80%AE"));
        assert_eq!(spelled(&[0xff, b'~', 0x7f]).as_deref(), Some("%FF~%7F"));
        assert_eq!([spelled(&[b'x'; 255]), spelled(&[b' '; 85])].map(|text| text.unwrap().len()), [255; 2]);
        for other in [&b""[..], b".", b"..", b"/", b"a/b", b"../x", b"a\0", &[b' '; 86], &[b'x'; 256]] {
            assert_eq!(spelled(other), None, "{other:?}");
        }
        let name = FileName::parse("a%20b").unwrap();
        assert!(name.matches(b"a b") && !name.matches(b"a%20b") && !name.matches(b"a") && !name.matches(b""));
        for other in [
            "",
            "a b",
            "%2f",
            "%41",
            "%4",
            "%",
            "../x",
            "a%+1",
            "%zz",
            "ä",
            "a\n",
            ".",
            "..",
            "%2E%2E",
            "a%2Fb",
            "%00",
            "%%",
            "%C3%a4",
            &"x".repeat(256),
            &"%20".repeat(86),
        ] {
            assert_eq!(FileName::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn times_have_one_spelling() {
        let time = Time::from_unix(1_795_485_613).unwrap();
        assert_eq!((time.to_string().as_str(), time.as_unix()), ("2026-11-24T02:00:13Z", 1_795_485_613));
        assert_eq!(Time::parse("2026-11-24T02:00:13Z"), Some(time));
        for other in [
            "2026-11-24t02:00:13Z",
            "2026-11-24T02:00:13+00:00",
            "2026-02-30T00:00:00Z",
            "2026-11-24T02:00:60Z",
            "2026-11-24T02:00:13.5Z",
            "-000001-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2026-11-24T02:00:13",
            "2026-11-24 02:00:13Z",
            "2026-11-24T02:00:13Z[UTC]",
            "2026-11-24T24:00:00Z",
            "2025-02-29T00:00:00Z",
            "",
        ] {
            assert_eq!(Time::parse(other), None, "{other:?}");
        }
        for (seconds, text) in
            [(0, "1970-01-01T00:00:00Z"), (1_709_164_800, "2024-02-29T00:00:00Z"), (253_370_764_799, "9998-12-31T23:59:59Z")]
        {
            assert_eq!(Time::from_unix(seconds), Time::parse(text));
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
        assert_eq!([Time::from_unix(253_370_764_800), Time::from_unix(u64::MAX)], [None; 2]);
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(parse_number("0"), Some(0));
        assert_eq!(parse_number("9223372036854775807"), Some((1 << 63) - 1));
        for other in ["", "-1", "+1", "01", "9223372036854775808", "99999999999999999999", "1 "] {
            assert_eq!(parse_number(other), None, "{other:?}");
        }
        assert_eq!(parse_hex::<2>("0aff"), Some([10, 255]));
        assert!(["0aF0", "0af", "0aff0", "+aff"].iter().all(|text| parse_hex::<2>(text).is_none()));
    }
}
