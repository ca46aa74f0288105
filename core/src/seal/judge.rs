//! Which notes of a seal count for somebody, and what follows for a file (SEAL.md, "Which notes count", "What is answered").

use alloc::vec::Vec;
use core::fmt;

use super::ending::SeriesEnd;
use super::note::{Extent, Note, SeriesPlace};
use super::proof::ProofKey;
use super::signing::VerifierKey;
use super::trust::{About, Role, Standing, Trust, TrustLine};
use super::words::{FileName, Label, NoteHash};
use super::{Seal, SignedNote};
use crate::tree::{Blake3, Groups};

/// Who made what is there, as whoever trusts them has their names. Printed, as people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBy {
    /// Who sealed it.
    pub by: Label,
    /// Who encrypted it anew since, so that what is there is their word.
    pub encrypted_anew_by: Option<Label>,
}

impl fmt::Display for MadeBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.encrypted_anew_by {
            Some(other) => write!(f, "{}, and encrypted anew by {other}", self.by),
            None => write!(f, "{}", self.by),
        }
    }
}

/// Whether a file is what its seal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// Whole, and somebody who is trusted vouches for it.
    Intact,
    /// What was read of it is as was sealed, and somebody who is trusted vouches for it. Of the rest nothing is known.
    Sampled,
    /// As is written in its seal, for which nobody who is trusted vouches.
    Unvouched,
    /// There is no seal.
    Unsealed,
    /// The payload is whole, the header is not the one last signed.
    HeaderChanged,
    /// The payload is not what was sealed.
    Damaged,
    /// The seal itself breaks a rule, and says nothing.
    BrokenSeal,
}

impl Integrity {
    const ALL: [Self; 7] =
        [Self::Intact, Self::Sampled, Self::Unvouched, Self::Unsealed, Self::HeaderChanged, Self::Damaged, Self::BrokenSeal];

    /// The answer that the specification has this word for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|integrity| integrity.word() == word)
    }

    /// Whether nothing that was read is wrong, and somebody who is trusted vouches for it.
    #[must_use]
    pub fn is_good(self) -> bool {
        match self {
            Self::Intact | Self::Sampled => true,
            Self::Unvouched | Self::Unsealed | Self::HeaderChanged | Self::Damaged | Self::BrokenSeal => false,
        }
    }

    /// The word for it in the specification.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Sampled => "sampled",
            Self::Unvouched => "unvouched",
            Self::Unsealed => "unsealed",
            Self::HeaderChanged => "header-changed",
            Self::Damaged => "damaged",
            Self::BrokenSeal => "broken-seal",
        }
    }
}

/// A seal in the eyes of somebody with a [`Trust`].
#[derive(Clone, Debug)]
pub struct Judgement<'a> {
    seal: &'a Seal,
    /// For each note, whether it was followed: because it counts or, where nobody vouches, because it fits the ones before.
    followed: Vec<bool>,
    /// The name of the key that vouches for the first note.
    vouched_by: Option<Label>,
    /// Where trust in that key ends.
    end: Option<SeriesEnd>,
    standing: Standing,
    header: Extent,
    payload: Extent,
}

/// A note that counts, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The note.
    pub note: &'a SignedNote,
    /// The name of the key that signed it, as whoever trusts it has it.
    pub by: &'a Label,
}

/// Who says, in a note that does not count, that a file has another header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sayer<'a> {
    /// The key that the note names, and that has signed it.
    pub signer: &'a VerifierKey,
    /// Whether that header comes before another payload too, as they or others after them say.
    pub has_encrypted_anew: bool,
}

impl Seal {
    /// What somebody with this trust may believe of it.
    #[must_use]
    pub fn judge(&self, trust: &Trust) -> Judgement<'_> {
        let first = self.notes[0].note();
        let about = About { series: first.series(), first: self.first_hash() };
        let line_of = |note: &Note| trust.line_for(note.signer()?, Role::of(note)?, about);
        let standing = |(signer, role)| trust.standing(signer, role, about);
        let standing = first.signer().zip(Role::of(first)).map_or(Standing::Stranger, standing);
        // Nothing counts before the first note does: there would be nothing that it is about.
        if let Some(judgement) = self.follow(|note| line_of(note).is_some()) {
            let line = line_of(first);
            let vouched_by = line.map(|line| line.key.name().clone());
            return Judgement { vouched_by, end: line.and_then(TrustLine::until), standing, ..judgement };
        }
        let judgement = self.follow(|_| true).expect("a seal starts with a note that says what the file is");
        Judgement { standing, ..judgement }
    }

    /// Follows the notes that are believed, from the first; `None` where that one is not.
    fn follow(&self, believed: impl Fn(&Note) -> bool) -> Option<Judgement<'_>> {
        let mut current: Option<(Extent, Extent)> = None;
        let mut followed = Vec::with_capacity(self.notes.len());
        for signed in &self.notes {
            let note = signed.note();
            let next = match (note, current) {
                (Note::Sealed(note), None) => Some((note.header, note.payload)),
                (Note::Adopted(note), None) => Some((note.header, note.payload)),
                // One that does not follow from what was current is about another file, or from another time.
                (Note::Rewrapped(note), Some((header, payload))) if note.old_header == header => Some((note.header, payload)),
                (Note::Reencrypted(note), Some((header, payload))) if note.old_header == header && note.old_payload == payload => {
                    Some((note.header, note.payload))
                }
                (Note::Restored(note), Some((header, payload))) if note.payload == payload => Some((header, payload)),
                _ => None,
            };
            let follows = next.is_some() && believed(note);
            if follows {
                current = next;
            }
            followed.push(follows);
        }
        let (header, payload) = current?;
        Some(Judgement { seal: self, followed, vouched_by: None, end: None, standing: Standing::Stranger, header, payload })
    }
}

impl<'a> Judgement<'a> {
    /// The header that the file should have.
    #[must_use]
    pub fn header(&self) -> Extent {
        self.header
    }

    /// The payload section that the file should have.
    #[must_use]
    pub fn payload(&self) -> Extent {
        self.payload
    }

    /// The first note: who made the file, or saw it.
    #[must_use]
    pub fn first(&self) -> &'a Note {
        self.seal.notes[0].note()
    }

    /// The name that the file was given.
    #[must_use]
    pub fn file(&self) -> Option<&'a FileName> {
        self.first().file()
    }

    /// What the file is one of.
    #[must_use]
    pub fn series(&self) -> Option<&'a SeriesPlace> {
        self.first().series()
    }

    /// The name of the trusted key that vouches for the first note, and so for the file.
    #[must_use]
    pub fn vouched_by(&self) -> Option<&Label> {
        self.vouched_by.as_ref()
    }

    /// Where trust in that key ends, if it does: beside the backups that follow, it shows whether this one leads there.
    #[must_use]
    pub fn end(&self) -> Option<SeriesEnd> {
        self.end
    }

    /// How the signer of the first note stands to who judges: not every one who does not vouch is a stranger.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The notes that count, in order; none where nobody vouches.
    pub fn counted(&self) -> impl Iterator<Item = Counted<'a>> {
        let vouched = self.vouched_by.is_some();
        // The name is the trusted key's own: one is equal to another only if both have the same.
        self.followed().filter_map(move |note| Some(Counted { note, by: note.note().signer().filter(|_| vouched)?.name() }))
    }

    /// The last note of those who encrypted it anew: whose word it is that what is there is what was sealed. The file key is another since,
    /// and the payload theirs.
    #[must_use]
    pub fn encrypted_anew(&self) -> Option<Counted<'a>> {
        self.counted().filter(|counted| matches!(counted.note.note(), Note::Reencrypted(_))).last()
    }

    /// Who would have to be trusted for this header to be the one that counts, where it is not: of the notes that lead to it, whoever signed
    /// the first that does not count.
    #[must_use]
    pub fn sayer_of(&self, header: Extent) -> Option<Sayer<'a>> {
        let (mut wanted, mut sayer) = (header, None);
        let mut has_encrypted_anew = false;
        for (note, is_followed) in self.seal.notes.iter().zip(&self.followed).rev() {
            let (old, new, signer) = match note.note() {
                Note::Rewrapped(note) => (note.old_header, note.header, &note.signer),
                Note::Reencrypted(note) => (note.old_header, note.header, &note.signer),
                _ => continue,
            };
            if new == wanted && *is_followed {
                // An older one of theirs whose notes count, that somebody has put back, or what others have begun from that.
                break;
            }
            if new == wanted && wanted != self.header {
                has_encrypted_anew |= matches!(note.note(), Note::Reencrypted(_));
                (wanted, sayer) = (old, Some(Sayer { signer, has_encrypted_anew }));
            }
        }
        sayer.filter(|_| wanted == self.header)
    }

    /// The last note that counts of those that changed the recipients and left the payload as it is.
    #[must_use]
    pub fn rewrapped(&self) -> Option<Counted<'a>> {
        self.counted().filter(|counted| matches!(counted.note.note(), Note::Rewrapped(_))).last()
    }

    /// Who made what is there, if the proof of who vouches holds.
    #[must_use]
    pub fn made_by(&self) -> Option<MadeBy> {
        let encrypted_anew_by = self.encrypted_anew().map(|counted| counted.by.clone());
        self.vouched_by().map(|by| MadeBy { by: by.clone(), encrypted_anew_by })
    }

    fn followed(&self) -> impl Iterator<Item = &'a SignedNote> {
        self.seal.notes.iter().zip(&self.followed).filter_map(|(note, follows)| follows.then_some(note))
    }

    /// The hashes of all notes, in order.
    #[must_use]
    pub fn note_hashes(&self) -> Vec<NoteHash> {
        self.seal.notes.iter().map(SignedNote::hash).collect()
    }

    /// How many notes say nothing to this judge.
    #[must_use]
    pub fn uncounted_len(&self) -> usize {
        self.seal.notes.len() - self.counted().count()
    }

    /// The hashes of the groups, if they belong to the payload that the file should have.
    #[must_use]
    pub fn groups(&self) -> Option<Groups> {
        let (groups, _) = self.seal.unsigned()?;
        Groups::checked(self.payload.len, groups, &self.payload.hash)
    }

    /// The header that the file should have, from the seal's copy, if that is it.
    #[must_use]
    pub fn header_copy(&self) -> Option<&'a [u8]> {
        let (_, header) = self.seal.unsigned()?;
        (Extent::of(header) == self.header).then_some(header)
    }

    /// What a file is whose header is `header` and whose payload section has this length and root.
    #[must_use]
    pub fn integrity(&self, header: Extent, section_len: u64, root: &Blake3) -> Integrity {
        if (Extent { len: section_len, hash: *root }) != self.payload {
            Integrity::Damaged
        } else if header != self.header {
            Integrity::HeaderChanged
        } else if self.vouched_by.is_some() {
            Integrity::Intact
        } else {
            Integrity::Unvouched
        }
    }

    /// The proof that this is the seal of a file for which somebody vouches; what is restored has to match it still.
    #[must_use]
    pub fn verified(self) -> Option<VerifiedSeal<'a>> {
        self.vouched_by.is_some().then_some(VerifiedSeal(self))
    }

    /// Whether who signed held the file key: with another's file key no proof can be made. After a new file key the notes before it
    /// cannot be checked any more; then who changed it stands for them, having checked them, if that is somebody who is trusted.
    ///
    /// # Errors
    /// A proof is wrong: the note is about a file that its signer did not make.
    pub fn check_proof(&self, key: &ProofKey) -> Result<Maker, WrongProof> {
        let notes: Vec<_> = self.followed().collect();
        let start = notes.iter().rposition(|note| matches!(note.note(), Note::Reencrypted(_))).unwrap_or(0);
        for note in &notes[start..] {
            if note.note().proof().is_some_and(|proof| !key.verify(&note.text, proof)) {
                return Err(WrongProof);
            }
        }
        Ok(match self.first() {
            // Anybody can put an own file after the seal of another's, and say that it is the same under a new key.
            Note::Sealed(_) if start == 0 || self.vouched_by.is_some() => Maker::Signer,
            _ => Maker::Unknown,
        })
    }
}

/// Who made a file, once the proofs in its seal were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The signer of its seal.
    Signer,
    /// Nobody says so: the seal is of somebody who saw it.
    Unknown,
}

/// A note's proof is not one of the file key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its seal was made by somebody who did not make the backup")]
pub struct WrongProof;

/// A seal for which somebody vouches who is trusted for it. Only [`Judgement::verified`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedSeal<'a>(Judgement<'a>);

impl<'a> VerifiedSeal<'a> {
    /// What it says.
    #[must_use]
    pub fn judgement(&self) -> &Judgement<'a> {
        &self.0
    }

    /// The name of the key that vouches, as whoever trusts it has it.
    #[must_use]
    pub fn vouched_by(&self) -> &Label {
        self.0.vouched_by.as_ref().expect("nothing else makes one")
    }
}
