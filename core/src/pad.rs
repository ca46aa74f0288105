//! The padding stanza, which gives a header a fixed length so that its recipients can change later in place.
//!
//! `-> dbseal/pad ZEROS` with one or two `0` characters and a body of zero bytes. Other age implementations skip it as a
//! stanza they do not know. It is a pure function of the length to fill: rebuilt, never copied, so nothing can hide in it.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::stanza::{COLUMNS, Stanza};

/// The tag of the padding stanza.
pub const PAD_TAG: &str = "dbseal/pad";

/// The shortest padding stanza: `-> dbseal/pad 0` and an empty body line, each with its line feed.
const MIN_LEN: usize = "-> dbseal/pad 0\n\n".len();

/// The stanza that prints to exactly `len` bytes, or `None` below the shortest.
pub(crate) fn stanza(len: usize) -> Option<Stanza> {
    let fill_len = len.checked_sub(MIN_LEN)?;
    // A full body line takes 64 characters and a line feed; the last line is shorter. Base64 has no last group of one
    // character, and a last line of 64 would be a full one: a second `0` takes up that one byte.
    let last_line_len = fill_len % (COLUMNS + 1);
    let zeros = if last_line_len % 4 == 1 || last_line_len == COLUMNS { "00" } else { "0" };
    let fill_len = fill_len + 1 - zeros.len();
    let characters = fill_len / (COLUMNS + 1) * COLUMNS + fill_len % (COLUMNS + 1);
    let body = vec![0; characters / 4 * 3 + (characters % 4).saturating_sub(1)];
    Some(Stanza { tag: PAD_TAG.into(), args: vec![String::from(zeros)], body })
}

/// Whether a stanza is exactly what is written to fill its length. Anything else under its tag is somebody else's, and may say
/// something.
pub(crate) fn is_padding(candidate: &Stanza) -> bool {
    if candidate.tag != PAD_TAG {
        return false;
    }
    let mut printed = Vec::new();
    candidate.print(&mut printed);
    stanza(printed.len()).as_ref() == Some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_to_every_length() {
        assert_eq!(stanza(MIN_LEN - 1), None);
        for len in MIN_LEN..9000 {
            let mut printed = Vec::new();
            let stanza = stanza(len).unwrap();
            stanza.print(&mut printed);
            assert_eq!(printed.len(), len);
            assert!(is_padding(&stanza));
        }
    }
}
