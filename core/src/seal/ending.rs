//! Where trust in a key ends: a backup of a series, and no time (SEAL.md, "Which notes count").

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use super::note::SeriesPlace;
use super::words::{Epoch, NoteHash, parse_number};

/// The last backup of an epoch that a key is believed about, as in `until=EPOCH:NUMBER:HASH`.
// Whoever has a key signs whatever time they like, so that no time ends it. The number is what a single backup shows; the hash holds all
// before it, since each note has the hash of the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesEnd {
    epoch: Epoch,
    number: u64,
    note: NoteHash,
}

/// A text that is no [`SeriesEnd`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an end is EPOCH:NUMBER:HASH: two words of the line series in the last seal, and the SHA-256 of its first note")]
pub struct SeriesEndError;

impl SeriesEnd {
    /// The end at the backup of this place, whose first note has this hash.
    pub(super) fn at(place: &SeriesPlace, note: NoteHash) -> Self {
        Self { epoch: place.epoch, number: place.number, note }
    }

    /// The number of the last backup.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The hash of the first note of the last backup.
    #[must_use]
    pub fn note(&self) -> NoteHash {
        self.note
    }

    /// Whether a backup does not come after it, as far as its first note shows. One that was signed anew under an earlier number shows only
    /// beside those that follow it.
    pub(super) fn admits(&self, place: &SeriesPlace, first: NoteHash) -> bool {
        self.epoch == place.epoch
            && match place.number.cmp(&self.number) {
                Ordering::Less => true,
                Ordering::Equal => first == self.note,
                Ordering::Greater => false,
            }
    }
}

impl FromStr for SeriesEnd {
    type Err = SeriesEndError;

    fn from_str(text: &str) -> Result<Self, SeriesEndError> {
        let parse = || {
            let mut parts = text.split(':');
            let (epoch, number, note) = (parts.next()?, parts.next()?, parts.next()?);
            let number = parse_number(number).filter(|&number| number > 0)?;
            parts.next().is_none().then_some(Self { epoch: epoch.parse().ok()?, number, note: note.parse().ok()? })
        };
        parse().ok_or(SeriesEndError)
    }
}

impl fmt::Display for SeriesEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.epoch, self.number, self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    const EPOCH: &str = "3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c";
    const NOTE: &str = "35fe39f84b5aab39ef33eb7c3a55e6ae5d719930c5701d48c0d5927b64197058";

    #[test]
    fn ends_have_one_spelling() {
        for number in ["1", "42", "9223372036854775807"] {
            let text = format!("{EPOCH}:{number}:{NOTE}");
            assert_eq!(text.parse::<SeriesEnd>().unwrap().to_string(), text);
        }
        let capital = NOTE.to_uppercase();
        for other in [
            String::new(),
            "never".into(),
            NOTE.into(),
            format!("{EPOCH}:42"),
            format!("{EPOCH}:0:{NOTE}"),
            format!("{EPOCH}:042:{NOTE}"),
            format!("{EPOCH}:9223372036854775808:{NOTE}"),
            format!("{EPOCH}:42:{NOTE}:"),
            format!("{EPOCH}:42:{}", &NOTE[1..]),
            format!("{EPOCH}:42:{capital}"),
            format!("{EPOCH}0:42:{NOTE}"),
            format!(":{EPOCH}:42:{NOTE}"),
            format!("{EPOCH}/42/{NOTE}"),
        ] {
            assert_eq!(other.parse::<SeriesEnd>(), Err(SeriesEndError), "{other}");
        }
    }

    #[test]
    fn what_comes_after_is_told_by_epoch_number_and_hash() {
        let end: SeriesEnd = format!("{EPOCH}:42:{NOTE}").parse().unwrap();
        let other: NoteHash = "0".repeat(64).parse().unwrap();
        let place = |epoch: u8, number| SeriesPlace {
            label: "shop".parse().unwrap(),
            epoch: Epoch::from_bytes([epoch; 16]),
            number,
            previous: Some(other),
        };
        for (epoch, number, first, is_admitted) in [
            (0x3c, 42, end.note(), true),
            (0x3c, 42, other, false),
            (0x3c, 41, other, true),
            (0x3c, 1, other, true),
            (0x3c, 43, other, false),
            (0x3c, 43, end.note(), false),
            (0x3d, 42, end.note(), false),
            (0x3d, 1, other, false),
        ] {
            assert_eq!(end.admits(&place(epoch, number), first), is_admitted, "{epoch:x} {number} {first}");
        }
        assert_eq!(SeriesEnd::at(&place(0x3c, 42), end.note()), end);
    }
}
