//! New headers that were made where the private key is, put before the backups that they are for: rotation without a key.

use std::path::Path;

use dbseal_core::{Extent, Header, NewHeader, NewHeaders, Request, Seal};

use crate::against_seal::{SealCheck, SealPolicy};
use crate::error::JobError;
use crate::journal::{Change, JournalFile};
use crate::report::Observer;
use crate::rewrap::{Act, AfterSeal, Rewrapped, Target, Way};
use crate::verify::read_seal;

/// Everything that was decided about new headers, for any number of backups.
#[derive(Debug)]
pub struct InstallRequest {
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub headers: NewHeaders,
    /// Who has seen that this is the answer.
    pub origin: Origin,
    /// Whom to trust.
    pub seal: SealCheck,
    /// How a header is replaced.
    pub way: Way,
    /// Whether it is done.
    pub act: Act,
}

/// Who has seen that new headers come from the machine with the private key. No key is here, and without one a header that somebody made up
/// looks like any other: a backup that got it would open for nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person, who has compared the code.
    Compared,
    /// Nobody: the note of each has to be signed by somebody who is trusted with that.
    Unseen,
}

/// Gives a backup the header that is for it.
///
/// # Errors
/// See [`JobError`]. Whenever it fails, or the power does, the backup opens with the old keys or with the new ones; done again it ends what
/// was begun.
pub fn install(asked: &InstallRequest, backup: &Path, observer: &dyn Observer) -> Result<Rewrapped, JobError> {
    let target = Target::open(backup, asked.act)?;
    let journal = JournalFile::beside(&target.path, &target.file);
    let own = match &journal {
        Some(journal) => journal.before().clone(),
        None => target.header()?,
    };
    let answers = asked.answers()?;
    let (old, new) = match answers.iter().find(|(old, _)| **old == own) {
        Some((old, Some(new))) => (*old, *new),
        Some((_, None)) => return Err(JobError::NotAnswered(target.what)),
        None if journal.is_none() && answers.iter().any(|(_, new)| new.is_some_and(|new| *new.header() == own)) => {
            return Ok(Rewrapped::Already);
        }
        None => return Err(JobError::NotInRequest(target.what)),
    };
    if journal.as_ref().is_some_and(|journal| journal.after() != new.header()) {
        return Err(JobError::Unfinished(target.what));
    }
    let seal = asked.seal_of(&target, new)?;
    let (left_count, added_count) = old.recipients_that_differ(new.header());
    let in_place = new.header().len() == old.len() && asked.way == Way::InPlace && !target.has_links();
    let way = if in_place { Way::InPlace } else { Way::Copy };
    if asked.act == Act::Do {
        let change = Change { header: old, new: new.header(), seal };
        match (journal, way) {
            (Some(journal), way) => {
                observer.note(&format!("{}: a change of its recipients that was stopped is finished", target.what));
                journal.complete(&target, &change, way)?;
            }
            (None, Way::InPlace) => JournalFile::replace(&target, &change)?,
            (None, _) => JournalFile::replace_by_copy(&target, &change)?,
        }
    }
    Ok(Rewrapped::Done { left_count, added_count, way })
}

impl InstallRequest {
    /// Each header that was asked about, with the new one for it.
    fn answers(&self) -> Result<Vec<(&Header, Option<&NewHeader>)>, JobError> {
        let answers = self.headers.answers(&self.request);
        let answers = answers.map_err(|error| JobError::Handoff { what: "the new headers".into(), error })?;
        Ok(answers.map(|(file, new)| (file.header(), new)).collect())
    }

    /// The seal that a backup has with its new header, if that may be believed.
    fn seal_of(&self, target: &Target, new: &NewHeader) -> Result<AfterSeal, JobError> {
        let path = target.seal_path();
        let failed = |error| JobError::Seal { what: path.display().to_string(), error };
        let there = read_seal(&path)?.map(|bytes| Seal::parse(&bytes)).transpose().map_err(failed)?;
        let header = new.header().to_bytes();
        let (seal, is_trusted) = match (there, new.seal()) {
            (None, None) => (AfterSeal::None, false),
            (Some(there), Some(notes)) => {
                // One that has the note already was put there before the power went.
                let seal = if there.notes_alone() == *notes { Some(there) } else { there.continued_by(notes) };
                let mut seal = seal.ok_or_else(|| JobError::OtherSealSince(target.what.clone()))?;
                seal.set_header_copy(&header).map_err(failed)?;
                let judgement = seal.judge(&self.seal.trust);
                let is_trusted = judgement.header() == Extent::of(&header) && judgement.verified().is_some();
                (AfterSeal::Says(seal.to_bytes()), is_trusted)
            }
            _ => return Err(JobError::OtherSealSince(target.what.clone())),
        };
        match (is_trusted, self.origin) {
            (true, _) => Ok(seal),
            (false, Origin::Compared) if self.seal.policy != SealPolicy::Trusted => Ok(seal),
            _ => Err(JobError::NewHeaderNotTrusted(target.what.clone())),
        }
    }
}
