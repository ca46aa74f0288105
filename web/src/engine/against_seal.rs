//! What a seal says of a backup, and whether the backup may be opened by that.

use dbseal_core::{Extent, FileKey, FileName, Header, Judgement, Maker, Note, ProofKey, Seal, SealError, SourceKind, Standing, Trust};

use super::failures;
use super::reading::length;
use crate::messages::{Claims, Failure, Place, SealPolicy, Trusted};

/// Whom a text trusts: nobody, if there is nothing in it.
///
/// # Errors
/// A line that is not understood; only comments, which may have been meant to name somebody.
pub fn trust_of(text: &str) -> Result<Trust, Failure> {
    if text.trim_ascii().is_empty() { Ok(Trust::default()) } else { Trust::parse(text).map_err(failures::trust) }
}

/// Why a seal says nothing, in a sentence.
pub(super) fn broken(error: SealError) -> String {
    format!("the seal is broken: {error}")
}

/// What is asked of a backup's seal before it is opened.
pub(super) struct SealCheck<'a> {
    /// Whether it matters.
    pub(super) policy: &'a SealPolicy,
    /// Who has to vouch, where there is anybody.
    pub(super) trust: Trust,
    /// The seal, if there is one.
    pub(super) bytes: Option<&'a [u8]>,
    /// The name that the backup has.
    pub(super) name: &'a str,
}

impl SealCheck<'_> {
    /// The seal of the backup, if it may be opened by what that says; `None` where there is none, and need not be. Of armor no seal can
    /// be, so that has no `header`.
    pub(super) fn seal_for(&self, header: Option<&Header>) -> Result<Option<Seal>, Failure> {
        let Some(bytes) = self.bytes.filter(|_| self.asks_seal()) else {
            return if self.needs_trusted() { Err(failures::no_seal()) } else { Ok(None) };
        };
        // Else armor would be a way round a seal that is there.
        let header = header.ok_or_else(failures::armor_sealed)?;
        let seal = Seal::parse(bytes).map_err(failures::seal)?;
        let judgement = seal.judge(&self.trust);
        if self.needs_trusted() {
            check_vouched(&judgement)?;
        }
        if Extent::of(&header.to_bytes()) != judgement.header() {
            return Err(failures::header_not_sealed());
        }
        self.check_name(&judgement)?;
        Ok(Some(seal))
    }

    /// The seal as far as it can be read: for a backup that is damaged anyway, and starts like this. Where somebody has to vouch, one who
    /// does, and of this name.
    pub(super) fn seal_of_damaged(&self, start: &[u8]) -> Result<Option<Seal>, Failure> {
        let seal = self.bytes.filter(|_| self.asks_seal()).and_then(|bytes| Seal::parse(bytes).ok());
        if self.needs_trusted() {
            let judgement = seal.as_ref().map(|seal| seal.judge(&self.trust)).ok_or_else(failures::not_vouched)?;
            check_vouched(&judgement)?;
            let sealed = judgement.header();
            let is_sealed_header = start.get(..length(sealed.len)).is_some_and(|header| Extent::of(header) == sealed);
            self.check_name(&judgement).map_err(|failure| if is_sealed_header { failure } else { failures::or_of_another(failure) })?;
        }
        Ok(seal)
    }

    fn check_name(&self, judgement: &Judgement<'_>) -> Result<(), Failure> {
        match (other_name(judgement, self.name).map(ToString::to_string), self.policy) {
            // The name that was shown, and no other: that one is asked about again.
            (Some(sealed), SealPolicy::Renamed(accepted)) if sealed == *accepted => Ok(()),
            (Some(sealed), _) => Err(failures::renamed(&sealed)),
            (None, _) => Ok(()),
        }
    }

    fn asks_seal(&self) -> bool {
        *self.policy != SealPolicy::Ignored
    }

    fn needs_trusted(&self) -> bool {
        self.asks_seal() && self.trust != Trust::default()
    }
}

/// Whether the signer of a seal made the backup, which only its file key can say.
pub(super) fn check_proof(judgement: &Judgement<'_>, file_key: &FileKey) -> Result<Maker, Failure> {
    judgement.check_proof(&ProofKey::of(file_key)).map_err(failures::wrong_proof)
}

/// What a seal says, for people. `proven` is whether its signer made the backup, where a key was at hand.
pub(super) fn claims(judgement: &Judgement<'_>, proven: Option<bool>) -> Claims {
    Claims {
        vouched_by: judgement.vouched_by().map(ToString::to_string),
        proven,
        encrypted_anew_by: judgement.encrypted_anew().map(|counted| counted.by.to_string()),
        series: judgement.series().map(|series| (series.label.to_string(), series.number)),
        named: judgement.file().map(ToString::to_string),
        uncounted_notes: judgement.uncounted_len(),
        ..first_claims(judgement.first(), judgement.standing())
    }
}

/// What the first note of a seal says by itself, and how its signer stands to who checks.
#[must_use]
pub fn first_claims(first: &Note, standing: Standing) -> Claims {
    Claims {
        vouched_by: None,
        signer: first.signer().map(ToString::to_string).unwrap_or_default(),
        trusted: trusted(standing),
        made: matches!(first, Note::Sealed(_)),
        proven: None,
        encrypted_anew_by: None,
        time: first.time().map(|time| time.to_string()),
        series: None,
        named: None,
        source: first.source().map(|source| source_word(source).into()),
        uncounted_notes: 0,
    }
}

/// How a signer stands, as the page shows it.
#[must_use]
pub fn trusted(standing: Standing) -> Trusted {
    match standing {
        Standing::Trusted => Trusted::Yes,
        Standing::Ended => Trusted::NotAnyMore,
        Standing::OtherRole => Trusted::NotForSealing,
        Standing::OtherSeries | Standing::NotAskedFor => Trusted::NotForThisSeries,
        Standing::Stranger => Trusted::Stranger,
    }
}

/// Where the data of a backup came from, as [`Claims`] has it.
#[must_use]
pub fn source_word(source: SourceKind) -> &'static str {
    match source {
        SourceKind::Command => "command",
        SourceKind::File => "file",
        SourceKind::Stdin => "stdin",
    }
}

/// Where a backup belongs, as far as it shows without the others.
pub(super) fn place(judgement: &Judgement<'_>, name: &str) -> Place {
    if judgement.vouched_by().is_none() {
        Place::Unknown
    } else if other_name(judgement, name).is_some() {
        Place::Renamed
    } else if judgement.series().is_some() {
        Place::InSeries
    } else {
        Place::Alone
    }
}

/// The name in the seal, where the backup has another. An older backup in the place of a newer one is whole, signed, and not what is
/// asked for.
fn other_name<'a>(judgement: &Judgement<'a>, name: &str) -> Option<&'a FileName> {
    judgement.file().filter(|sealed| !sealed.matches(name.as_bytes()))
}

/// Refuses a seal of somebody who is not trusted for it.
fn check_vouched(judgement: &Judgement<'_>) -> Result<(), Failure> {
    if judgement.vouched_by().is_some() {
        return Ok(());
    }
    Err(match (judgement.standing(), judgement.first().signer()) {
        (Standing::Trusted | Standing::Stranger, _) | (_, None) => failures::not_vouched(),
        (standing, Some(signer)) => {
            let series = judgement.series().map(|series| series.label.as_str());
            failures::not_trusted_for(signer.name().as_str(), standing, series)
        }
    })
}
