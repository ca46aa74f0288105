//! Whom somebody who checks trusts, and for what (SEAL.md, "Which notes count").

use alloc::vec::Vec;
use core::fmt;

use super::ending::{SeriesEnd, SeriesEndError};
use super::note::{Note, SeriesPlace};
use super::pattern::{Pattern, PatternError};
use super::signing::{VerifierKey, VerifierKeyError};
use super::words::{Label, NoteHash};

/// Verifier keys, each with what it may vouch for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    pub(super) lines: Vec<TrustLine>,
    /// Backups of other series nobody vouches for.
    only_for: Option<Pattern>,
}

/// A verifier key that is trusted, as in `VKEY may=seal,rewrap series=shop-*`. It prints as a line of a trust file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustLine {
    /// Whom.
    pub(super) key: VerifierKey,
    /// With what.
    pub(super) roles: Vec<Role>,
    /// For labels of series that look like this.
    pub(super) series: Pattern,
    /// Up to this backup; then `series` is one label.
    pub(super) until: Option<SeriesEnd>,
}

/// What a line is asked about: where a backup is in its series, and the hash of the first note of its seal.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(super) series: Option<&'a SeriesPlace>,
    pub(super) first: NoteHash,
}

/// What a key may vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// That a backup is what was made, or seen.
    Seal,
    /// That its recipients, or its file key, changed.
    Rewrap,
    /// That it was restored.
    Drill,
}

/// How whoever signed a seal stands to somebody who checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Trusted for this.
    Trusted,
    /// Trusted, but only up to a backup that comes before this one, or is another of its number.
    Ended,
    /// Trusted, but for other series.
    OtherSeries,
    /// Trusted, but not with the role that the note takes.
    OtherRole,
    /// Trusted for this, which is not of the series that was asked for: see [`Trust::only_for`].
    NotAskedFor,
    /// Not trusted with anything.
    Stranger,
}

impl Role {
    /// The role that a note of this kind takes; none is enough for an unknown one.
    pub(crate) fn of(note: &Note) -> Option<Self> {
        match note {
            Note::Sealed(_) | Note::Adopted(_) => Some(Self::Seal),
            Note::Rewrapped(_) | Note::Reencrypted(_) => Some(Self::Rewrap),
            Note::Restored(_) => Some(Self::Drill),
            Note::Unknown(_) => None,
        }
    }

    fn parse(word: &str) -> Option<Self> {
        match word {
            "seal" => Some(Self::Seal),
            "rewrap" => Some(Self::Rewrap),
            "drill" => Some(Self::Drill),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Rewrap => "rewrap",
            Self::Drill => "drill",
        }
    }
}

impl Trust {
    /// Trusts what a text says, a key a line; `#` starts a comment (SEAL.md, "Which notes count").
    ///
    /// # Errors
    /// A line that is not understood: what it was meant to forbid may be what it would allow.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let mut lines = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            // Editors for Windows put one at the end of each line.
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.contains('\r') {
                return Err(TrustError::Character { line: index + 1 });
            }
            let line = line.split('#').next().unwrap_or_default();
            if line.chars().any(|character| character != '\t' && !(' '..='~').contains(&character)) {
                return Err(TrustError::Character { line: index + 1 });
            }
            lines.extend(TrustLine::parse(line, index + 1)?.map(|parsed| (index + 1, parsed)));
        }
        if lines.is_empty() {
            return Err(TrustError::Empty);
        }
        let idle = lines.iter().find_map(|(line, ended)| {
            let (other, _) = lines.iter().find(|(_, other)| other.outlasts(ended))?;
            Some(TrustError::IdleEnd { line: *line, other: *other })
        });
        idle.map_or_else(|| Ok(Self { lines: lines.into_iter().map(|(_, line)| line).collect(), only_for: None }), Err)
    }

    /// Trusts all that both trust. Restrict to a series afterwards: only this one's restriction stays.
    ///
    /// # Errors
    /// An end in one that a line in the other takes away.
    pub fn extend(&mut self, other: Self) -> Result<(), TrustError> {
        self.lines.extend(other.lines);
        let is_idle = |ended: &TrustLine| self.lines.iter().any(|other| other.outlasts(ended));
        if self.lines.iter().any(is_idle) { Err(TrustError::IdleEndElsewhere) } else { Ok(()) }
    }

    /// The same keys, for backups of the series whose labels look like this alone: a key that is trusted for one must not vouch for what is
    /// taken for another's.
    #[must_use]
    pub fn only_for(mut self, series: &Pattern) -> Self {
        self.only_for = Some(series.clone());
        self
    }

    /// All keys that are trusted now, with whatever: none whose lines have all ended, which may be in anybody's hands.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.lines.iter().filter(|line| line.until.is_none()).map(|line| &line.key)
    }

    /// Those of [`Trust::keys`] that may state this.
    pub(crate) fn keys_for(&self, role: Role) -> impl Iterator<Item = &VerifierKey> {
        self.lines.iter().filter(move |line| line.until.is_none() && line.roles.contains(&role)).map(|line| &line.key)
    }

    /// Those of [`Trust::keys_for`] that may state it of a backup of no series, or of one that has no seal to say so.
    pub(crate) fn keys_for_no_series(&self, role: Role) -> impl Iterator<Item = &VerifierKey> {
        self.lines
            .iter()
            .filter(move |line| line.until.is_none() && line.roles.contains(&role) && line.series.covers(None))
            .map(|line| &line.key)
    }

    /// The line by which this signer may state this about the backup; one without an end, if there is one.
    pub(crate) fn line_for(&self, signer: &VerifierKey, role: Role, about: About<'_>) -> Option<&TrustLine> {
        if self.only_for.as_ref().is_some_and(|pattern| !pattern.covers(about.label())) {
            return None;
        }
        self.fitting(signer, role, about).min_by_key(|line| line.until.is_some())
    }

    /// The lines that let this signer state this about the backup, whatever was asked for.
    fn fitting(&self, signer: &VerifierKey, role: Role, about: About<'_>) -> impl Iterator<Item = &TrustLine> {
        self.lines.iter().filter(move |line| line.key == *signer && line.roles.contains(&role) && line.covers(about))
    }

    /// Why there is, or is not, a line by which this signer may state this about the backup.
    pub(crate) fn standing(&self, signer: &VerifierKey, role: Role, about: About<'_>) -> Standing {
        if self.line_for(signer, role, about).is_some() {
            return Standing::Trusted;
        }
        let lines = || self.lines.iter().filter(|line| line.key == *signer);
        let has_role = |line: &TrustLine| line.roles.contains(&role);
        if self.fitting(signer, role, about).next().is_some() {
            Standing::NotAskedFor
        } else if lines().any(|line| has_role(line) && line.series.covers(about.label())) {
            Standing::Ended
        } else if lines().any(has_role) {
            Standing::OtherSeries
        } else if lines().next().is_some() {
            Standing::OtherRole
        } else {
            Standing::Stranger
        }
    }
}

impl About<'_> {
    fn label(&self) -> Option<&Label> {
        self.series.map(|place| &place.label)
    }
}

impl TrustLine {
    /// Whom it trusts.
    #[must_use]
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The last backup that it is about, if it has ended.
    #[must_use]
    pub fn until(&self) -> Option<SeriesEnd> {
        self.until
    }

    /// Whether the backup is one that it is about.
    fn covers(&self, about: About<'_>) -> bool {
        let is_before = |end: SeriesEnd| about.series.is_some_and(|place| end.admits(place, about.first));
        self.series.covers(about.label()) && self.until.is_none_or(is_before)
    }

    /// Whether the end of another line says nothing beside this one, which has none: for sealing, or for all that it is about.
    fn outlasts(&self, ended: &Self) -> bool {
        let is_of_both = |role: &Role| self.roles.contains(role);
        let seals_on = [self, ended].iter().all(|line| line.roles.contains(&Role::Seal));
        let has_end_there_alone = ended.until.is_some() && self.until.is_none();
        has_end_there_alone
            && self.key == ended.key
            && (seals_on || ended.roles.iter().all(is_of_both))
            && self.series.covers(ended.series.label().as_ref())
    }

    /// `line` is its number, from 1; `None` where there is nothing on it.
    fn parse(text: &str, line: usize) -> Result<Option<Self>, TrustError> {
        let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(key) = words.next() else { return Ok(None) };
        let key = key.parse().map_err(|error| TrustError::Key { line, error })?;
        let (mut roles, mut series, mut until) = (None, None, None);
        for word in words {
            match word.split_once('=') {
                Some(("may", list)) if roles.is_none() => roles = list.split(',').map(Role::parse).collect(),
                Some(("series", pattern)) if series.is_none() => {
                    series = Some(pattern.parse().map_err(|PatternError| TrustError::Word { line })?);
                }
                Some(("until", end)) if until.is_none() => {
                    until = Some(end.parse().map_err(|SeriesEndError| TrustError::Until { line })?);
                }
                _ => return Err(TrustError::Word { line }),
            }
            if word.starts_with("may=") && roles.is_none() {
                return Err(TrustError::Role { line });
            }
        }
        let series: Pattern = series.unwrap_or_else(Pattern::any);
        // An epoch is of one series, but whoever has the key can write it beside the name of another.
        if until.is_some() && series.label().is_none() {
            return Err(TrustError::Until { line });
        }
        Ok(Some(Self { key, roles: roles.unwrap_or_else(|| Vec::from([Role::Seal])), series, until }))
    }
}

impl fmt::Display for TrustLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} may=", self.key)?;
        for (index, role) in self.roles.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { "," } else { "" }, role.word())?;
        }
        write!(f, " series={}", self.series)?;
        self.until.map_or(Ok(()), |end| write!(f, " until={end}"))
    }
}

/// Why a text does not say whom to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A line starts with something else than a verifier key.
    #[error("line {line}: {error}")]
    Key {
        /// From 1.
        line: usize,
        /// What is wrong with the key.
        error: VerifierKeyError,
    },
    /// A role that there is not.
    #[error("line {line}: may= takes seal, rewrap and drill, with commas between them")]
    Role {
        /// From 1.
        line: usize,
    },
    /// A word that means nothing, or twice the same.
    #[error("line {line}: after the key there can be may=..., series=... and until=..., each once")]
    Word {
        /// From 1.
        line: usize,
    },
    /// An end that is none, or of more than one series.
    #[error("line {line}: until= takes EPOCH:NUMBER:HASH, and wants series= beside it with the name of one series, without * and ?")]
    Until {
        /// From 1.
        line: usize,
    },
    /// An end that another line takes away.
    #[error("line {line}: its end says nothing beside line {other}, which trusts the same key for the same series without one")]
    IdleEnd {
        /// From 1, of the line with the end.
        line: usize,
        /// From 1, of the other.
        other: usize,
    },
    /// An end that a line elsewhere takes away.
    #[error("those who say whom you trust contradict each other: one ends a key that another trusts for the same series without an end")]
    IdleEndElsewhere,
    /// A space that is none of ASCII, a carriage return inside a line, a letter that no word has.
    #[error(
        "line {line}: a character that is not printable ASCII, such as another kind of space: \
         between words there are spaces and tabs, and only a comment has anything else"
    )]
    Character {
        /// From 1.
        line: usize,
    },
    /// Nobody is trusted.
    #[error("there is no verifier key in it")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::words::Epoch;
    use alloc::format;

    const KEY: &str = "db1+5b1b0c4c+";

    #[test]
    fn lines_that_are_not_understood_are_refused() {
        let key = super::super::signing::SigningKey::from_seed_for_tests("db1", 7).verifier_key().clone();
        let parse = |rest: &str| Trust::parse(&format!("# who\n\n{key} {rest}\n"));
        assert_eq!(parse("").unwrap().lines[0].roles, [Role::Seal]);
        assert_eq!(parse("may=seal,drill series=shop-* # the host").unwrap().lines[0].roles, [Role::Seal, Role::Drill]);
        for rest in ["may=", "may=all", "may=seal,"] {
            assert_eq!(parse(rest).unwrap_err(), TrustError::Role { line: 3 }, "{rest}");
        }
        for rest in ["series=", "series=a/b", "series=a series=b", "may=seal may=drill", "seal", "till=never"] {
            assert_eq!(parse(rest).unwrap_err(), TrustError::Word { line: 3 }, "{rest}");
        }
        assert!(matches!(Trust::parse(KEY), Err(TrustError::Key { line: 1, .. })));
        assert_eq!(Trust::parse("# nobody\n"), Err(TrustError::Empty));
    }

    #[test]
    fn lines_end_in_one_of_two_ways_and_words_are_parted_in_two() {
        let key = super::super::signing::SigningKey::from_seed_for_tests("db1", 7).verifier_key().clone();
        let plain = Trust::parse(&format!("{key} may=drill series=a\n{key}")).unwrap();
        for text in [
            format!("\r\n \t{key}\tmay=drill \t series=a\t\r\n{key}\r\n"),
            format!("# \u{fc}ber wen\u{a0}\x1b\r\n{key} series=a may=drill# ein R\u{fc}ckspiel\n\n{key}\r"),
        ] {
            assert_eq!(Trust::parse(&text).unwrap(), plain, "{text:?}");
        }
        for (line, text) in [
            (1, format!("\u{feff}{key}\n")),
            (2, format!("\n{key}\u{a0}may=drill\n")),
            (1, format!("{key}\u{2003}# comment\n")),
            (1, format!("{key}\x0bmay=drill\n")),
            (1, format!("{key}\x0c\n")),
            (1, format!("{key}\r{key}\n")),
            (1, format!("{key} \r\r\n")),
            (1, format!("# comment\r{key}\n")),
            (3, format!("{key}\n\n{key} may=s\u{435}al\n")),
            (1, format!("{key}\0\n")),
            (1, format!("{key}\u{85}{key}")),
        ] {
            assert_eq!(Trust::parse(&text), Err(TrustError::Character { line }), "{text:?}");
        }
    }

    const END: &str = "3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c:42:35fe39f84b5aab39ef33eb7c3a55e6ae5d719930c5701d48c0d5927b64197058";

    #[test]
    fn an_end_is_of_one_series() {
        let key = super::super::signing::SigningKey::from_seed_for_tests("db1", 7).verifier_key().clone();
        let parse = |rest: &str| Trust::parse(&format!("{key} {rest}"));
        let ended = &parse(&format!("until={END} series=shop may=seal,rewrap")).unwrap().lines[0];
        assert_eq!(ended.until(), Some(END.parse().unwrap()));
        for rest in [
            "until=never series=shop".into(),
            "until= series=shop".into(),
            format!("until={END}"),
            format!("until={END} series=*"),
            format!("until={END} series=sh?p"),
            format!("until={END} series=shop-*"),
            format!("until={END} series=-shop"),
            format!("until={END} series={}", "x".repeat(65)),
        ] {
            assert_eq!(parse(&rest).unwrap_err(), TrustError::Until { line: 1 }, "{rest}");
        }
        let twice = format!("until={END} series=shop until={END}");
        assert_eq!(parse(&twice).unwrap_err(), TrustError::Word { line: 1 });
    }

    #[test]
    fn lines_print_back() {
        let key = super::super::signing::SigningKey::from_seed_for_tests("db1", 7).verifier_key().clone();
        for (rest, printed) in [
            ("", "may=seal series=*"),
            ("series=a-*", "may=seal series=a-*"),
            ("series=a may=drill,seal,rewrap", "may=drill,seal,rewrap series=a"),
            (&format!("until={END} may=rewrap series=a"), &format!("may=rewrap series=a until={END}")),
        ] {
            let line = Trust::parse(&format!("{key} {rest}")).unwrap().lines.remove(0);
            assert_eq!(format!("{line}"), format!("{key} {printed}"));
            assert_eq!(Trust::parse(&format!("{line}")).unwrap().lines, [line], "{rest}");
        }
    }

    #[test]
    fn a_key_that_is_trusted_for_something_else_is_no_stranger() {
        let key = |seed| super::super::signing::SigningKey::from_seed_for_tests("db1", seed).verifier_key().clone();
        let (db1, impostor) = (key(7), key(8));
        let first: NoteHash = "0".repeat(64).parse().unwrap();
        let place = |label: &str, number| SeriesPlace {
            label: label.parse().unwrap(),
            epoch: Epoch::from_bytes([0x3c; 16]),
            number,
            previous: None,
        };
        let (shop, web) = (place("shop", 1), place("web", 1));
        let trust = Trust::parse(&format!("{db1} may=rewrap\n{db1} may=seal series=shop*\n")).unwrap();
        let of = |trust: &Trust, key: &VerifierKey, role, series: Option<&SeriesPlace>| trust.standing(key, role, About { series, first });
        let standing = |trust: &Trust, series: Option<&SeriesPlace>| of(trust, &db1, Role::Seal, series);
        assert_eq!(standing(&trust, Some(&shop)), Standing::Trusted);
        assert_eq!(standing(&trust, Some(&web)), Standing::OtherSeries);
        assert_eq!(standing(&trust, None), Standing::OtherSeries);
        assert_eq!(of(&trust, &db1, Role::Drill, Some(&shop)), Standing::OtherRole);
        assert_eq!(of(&trust, &impostor, Role::Seal, Some(&shop)), Standing::Stranger);
        let only_web = trust.only_for(&"web".parse().unwrap());
        assert_eq!(standing(&only_web, Some(&shop)), Standing::NotAskedFor);
        assert_eq!(standing(&only_web, Some(&web)), Standing::OtherSeries);
        assert_eq!(standing(&Trust::default(), Some(&shop)), Standing::Stranger);
        // One that has ended is trusted for what came before.
        let ended = Trust::parse(&format!("{db1} series=shop until={END}\n")).unwrap();
        assert_eq!(standing(&ended, Some(&place("shop", 41))), Standing::Trusted);
        for number in [42, 43] {
            assert_eq!(standing(&ended, Some(&place("shop", number))), Standing::Ended);
        }
        assert_eq!([standing(&ended, Some(&web)), standing(&ended, None)], [Standing::OtherSeries; 2]);
        assert_eq!(of(&ended, &db1, Role::Rewrap, Some(&shop)), Standing::OtherRole);
        assert_eq!(ended.keys().count(), 0);
    }

    /// Whoever adds an end, and leaves the line before it, has ended nothing.
    #[test]
    fn an_end_that_another_line_takes_away() {
        let key = |seed| super::super::signing::SigningKey::from_seed_for_tests("db1", seed).verifier_key().clone();
        let (db1, other) = (key(7), key(8));
        let ended = format!("{db1} series=shop until={END}");
        for idle in ["", "series=shop", "series=s*", "may=seal,rewrap"] {
            let error = TrustError::IdleEnd { line: 2, other: 1 };
            assert_eq!(Trust::parse(&format!("{db1} {idle}\n{ended}")).unwrap_err(), error, "{idle}");
            let mut apart = Trust::parse(&ended).unwrap();
            assert_eq!(apart.extend(Trust::parse(&format!("{db1} {idle}")).unwrap()), Err(TrustError::IdleEndElsewhere), "{idle}");
        }
        // An end of what goes on elsewhere still ends the rest.
        let of_both = format!("{db1} may=seal,rewrap series=shop until={END}");
        assert!(Trust::parse(&format!("{db1} may=rewrap\n{of_both}")).is_ok());
        assert!(Trust::parse(&format!("{db1} may=seal\n{of_both}")).is_err());
        for beside in ["may=rewrap,drill", "series=web", &format!("series=shop until={END}")] {
            let mut apart = Trust::parse(&format!("{db1} {beside}\n{ended}")).unwrap();
            assert_eq!(apart.extend(Trust::parse(&format!("{db1} {beside}")).unwrap()), Ok(()), "{beside}");
        }
        assert!(Trust::parse(&format!("{other}\n{ended}")).is_ok());
    }
}
