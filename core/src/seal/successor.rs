//! What somebody's trust file says once a signing key has a successor (SEAL.md, "Succession").

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::ending::SeriesEnd;
use super::judge::VerifiedSeal;
use super::note::SeriesPlace;
use super::pattern::Pattern;
use super::signing::VerifierKey;
use super::succession::Succession;
use super::trust::{Role, Trust, TrustLine};
use super::words::{Epoch, Label, NoteHash};

/// A backup of a series for which somebody vouches: where trust in a key may end. Only a [`VerifiedSeal`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VouchedPlace {
    signer: VerifierKey,
    place: SeriesPlace,
    note: NoteHash,
}

impl VouchedPlace {
    /// Who signed its first note.
    #[must_use]
    pub fn signer(&self) -> &VerifierKey {
        &self.signer
    }

    /// Where it is in its series, as its first note says.
    #[must_use]
    pub fn series(&self) -> &SeriesPlace {
        &self.place
    }

    /// The hash of its first note.
    #[must_use]
    pub fn note(&self) -> NoteHash {
        self.note
    }
}

impl VerifiedSeal<'_> {
    /// Its place in its series; `None` of a backup of no series, which comes after nothing and before nothing.
    #[must_use]
    pub fn place(&self) -> Option<VouchedPlace> {
        let (first, series) = (self.judgement().first(), self.judgement().series());
        Some(VouchedPlace { signer: first.signer()?.clone(), place: series?.clone(), note: *self.judgement().note_hashes().first()? })
    }
}

/// The lines that stand in a trust file in the place of those of a key that has a successor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuccessorLines {
    /// Of the old key: with an end, where backups were given at which it can be, else as they are.
    pub old: Vec<TrustLine>,
    /// Of the old key, as they are, of which no backup was given: there is nothing at which they could end.
    pub endless: Vec<TrustLine>,
    /// Of the old key, with the roles that no backup ends: its notes of backups up to there can be added at any time.
    pub lasting: Vec<TrustLine>,
    /// Of the new key, with the roles and the series of the old one's.
    pub new: Vec<TrustLine>,
}

impl Trust {
    /// The lines that a succession justifies, for a person to put into the trust file. Lines that have ended already stay as they are.
    /// `last` are backups that are believed, as far as this trust goes: at the newest of each epoch a line of the old key ends.
    ///
    /// # Errors
    /// See [`SuccessorError`]: above all, a key that is not trusted now has no say over who is.
    pub fn succeeded(&self, succession: &Succession, last: &[VouchedPlace]) -> Result<SuccessorLines, SuccessorError> {
        let old = succession.old_key();
        let of_old = || self.lines.iter().filter(|line| line.key == *old);
        if of_old().next().is_none() {
            return Err(SuccessorError::Stranger(Box::new(old.clone())));
        }
        let mut lines = SuccessorLines::default();
        for line in of_old().filter(|line| line.until.is_none()) {
            lines.new.push(TrustLine { key: succession.new_key().clone(), ..line.clone() });
            if last.is_empty() {
                lines.old.push(line.clone());
                continue;
            }
            let (sealing, others): (Vec<_>, Vec<_>) = line.roles.iter().partition(|role| **role == Role::Seal);
            if !sealing.is_empty() {
                let line = TrustLine { roles: sealing, ..line.clone() };
                let ended = line.ended_at(last)?;
                if ended.is_empty() {
                    lines.endless.push(line);
                }
                lines.old.extend(ended);
            }
            if !others.is_empty() {
                lines.lasting.push(TrustLine { roles: others, ..line.clone() });
            }
        }
        // Whoever has a key that was ended because it was stolen would else be back under another.
        if lines.new.is_empty() { Err(SuccessorError::Ended(old.name().clone())) } else { Ok(lines) }
    }
}

impl TrustLine {
    /// The same, ending at the newest of these backups that its key has sealed, of each epoch of each series that it is about.
    fn ended_at(&self, last: &[VouchedPlace]) -> Result<Vec<Self>, SuccessorError> {
        let mut numbers: BTreeMap<(&Label, Epoch), BTreeMap<u64, BTreeSet<NoteHash>>> = BTreeMap::new();
        for backup in last.iter().filter(|backup| backup.signer == self.key && self.series.matches(&backup.place.label)) {
            let SeriesPlace { label, epoch, number, .. } = &backup.place;
            numbers.entry((label, *epoch)).or_default().entry(*number).or_default().insert(backup.note);
        }
        let mut ended = Vec::new();
        for ((label, epoch), numbers) in numbers {
            let Some((&number, notes)) = numbers.last_key_value() else { continue };
            if let Some((&before, _)) = numbers.range(..number).next_back().filter(|(before, _)| **before != number - 1) {
                return Err(SuccessorError::Gap { series: label.clone(), number, before });
            }
            let mut notes = notes.iter();
            let (Some(&note), None) = (notes.next(), notes.next()) else {
                return Err(SuccessorError::TwoLast { series: label.clone(), number });
            };
            let place = SeriesPlace { label: label.clone(), epoch, number, previous: None };
            ended.push(Self { series: Pattern::exactly(label), until: Some(SeriesEnd::at(&place, note)), ..self.clone() });
        }
        Ok(ended)
    }
}

/// Why a succession justifies nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SuccessorError {
    /// Nobody trusts the old key.
    #[error("the old key is not one that you trust: {0}")]
    Stranger(Box<VerifierKey>),
    /// It was trusted once.
    #[error("your trust in the old key, {0}, has ended: it names no successor any more")]
    Ended(Label),
    /// Two histories, of which a person has to choose one.
    #[error("two backups are the last of the series {series}, number {number} of one epoch")]
    TwoLast {
        /// The series.
        series: Label,
        /// Their number.
        number: u64,
    },
    /// The last one stands alone: a single backup that somebody made up would lift the end to wherever they like.
    #[error("number {number} is the last of the series {series}, and after number {before} none is there before it: it may be made up")]
    Gap {
        /// The series.
        series: Label,
        /// The last number.
        number: u64,
        /// The number before it.
        before: u64,
    },
}
