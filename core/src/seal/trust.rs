//! Whom somebody who checks trusts, and for what (SEAL.md, "Which notes count").

use alloc::vec::Vec;

use super::note::Note;
use super::pattern::{Pattern, PatternError};
use super::signing::{VerifierKey, VerifierKeyError};
use super::words::Label;

/// Verifier keys, each with what it may vouch for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    lines: Vec<TrustLine>,
    /// Backups of other series nobody vouches for.
    only_for: Option<Pattern>,
}

/// A verifier key that is trusted, as in `VKEY may=seal,rewrap series=shop-*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustLine {
    /// Whom.
    pub(super) key: VerifierKey,
    /// With what.
    roles: Vec<Role>,
    /// For labels of series that look like this.
    series: Pattern,
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
            lines.extend(TrustLine::parse(line, index + 1)?);
        }
        if lines.is_empty() { Err(TrustError::Empty) } else { Ok(Self { lines, only_for: None }) }
    }

    /// Trusts all that both trust. Restrict to a series afterwards: only this one's restriction stays.
    pub fn extend(&mut self, other: Self) {
        self.lines.extend(other.lines);
    }

    /// The same keys, for backups of the series whose labels look like this alone: a key that is trusted for one must not vouch for what is
    /// taken for another's.
    #[must_use]
    pub fn only_for(mut self, series: &Pattern) -> Self {
        self.only_for = Some(series.clone());
        self
    }

    /// All keys that are trusted, with whatever.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.lines.iter().map(|line| &line.key)
    }

    /// The line by which this signer may state this about a backup of the series.
    pub(crate) fn line_for(&self, signer: &VerifierKey, role: Role, series: Option<&Label>) -> Option<&TrustLine> {
        if self.only_for.as_ref().is_some_and(|pattern| !pattern.covers(series)) {
            return None;
        }
        let matches = |line: &&TrustLine| line.key == *signer && line.roles.contains(&role) && line.series.covers(series);
        self.lines.iter().find(matches)
    }

    /// Why there is, or is not, a line by which this signer may state this about a backup of the series.
    pub(crate) fn standing(&self, signer: &VerifierKey, role: Role, series: Option<&Label>) -> Standing {
        if self.line_for(signer, role, series).is_some() {
            return Standing::Trusted;
        }
        let lines = || self.lines.iter().filter(|line| line.key == *signer);
        let has_role = |line: &TrustLine| line.roles.contains(&role);
        if lines().any(|line| has_role(line) && line.series.covers(series)) {
            Standing::NotAskedFor
        } else if lines().any(has_role) {
            Standing::OtherSeries
        } else if lines().next().is_some() {
            Standing::OtherRole
        } else {
            Standing::Stranger
        }
    }
}

impl TrustLine {
    /// `line` is its number, from 1; `None` where there is nothing on it.
    fn parse(text: &str, line: usize) -> Result<Option<Self>, TrustError> {
        let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        let Some(key) = words.next() else { return Ok(None) };
        let key = key.parse().map_err(|error| TrustError::Key { line, error })?;
        let (mut roles, mut series) = (None, None);
        for word in words {
            match word.split_once('=') {
                Some(("may", list)) if roles.is_none() => roles = list.split(',').map(Role::parse).collect(),
                Some(("series", pattern)) if series.is_none() => {
                    series = Some(pattern.parse().map_err(|PatternError| TrustError::Word { line })?);
                }
                _ => return Err(TrustError::Word { line }),
            }
            if word.starts_with("may=") && roles.is_none() {
                return Err(TrustError::Role { line });
            }
        }
        Ok(Some(Self { key, roles: roles.unwrap_or_else(|| Vec::from([Role::Seal])), series: series.unwrap_or_else(Pattern::any) }))
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
    #[error("line {line}: after the key there can be may=... and series=..., each once")]
    Word {
        /// From 1.
        line: usize,
    },
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
        for rest in ["series=", "series=a/b", "series=a series=b", "may=seal may=drill", "seal", "until=never"] {
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

    #[test]
    fn a_key_that_is_trusted_for_something_else_is_no_stranger() {
        let key = |seed| super::super::signing::SigningKey::from_seed_for_tests("db1", seed).verifier_key().clone();
        let (db1, impostor) = (key(7), key(8));
        let (shop, web): (Label, Label) = ("shop".parse().unwrap(), "web".parse().unwrap());
        let trust = Trust::parse(&format!("{db1} may=rewrap\n{db1} may=seal series=shop*\n")).unwrap();
        let standing = |trust: &Trust, series| trust.standing(&db1, Role::Seal, series);
        assert_eq!(standing(&trust, Some(&shop)), Standing::Trusted);
        assert_eq!(standing(&trust, Some(&web)), Standing::OtherSeries);
        assert_eq!(standing(&trust, None), Standing::OtherSeries);
        assert_eq!(trust.standing(&db1, Role::Drill, Some(&shop)), Standing::OtherRole);
        assert_eq!(trust.standing(&impostor, Role::Seal, Some(&shop)), Standing::Stranger);
        let only_web = trust.only_for(&"web".parse().unwrap());
        assert_eq!(standing(&only_web, Some(&shop)), Standing::NotAskedFor);
        assert_eq!(standing(&only_web, Some(&web)), Standing::OtherSeries);
        assert_eq!(standing(&Trust::default(), Some(&shop)), Standing::Stranger);
    }
}
