//! Other recipients for a backup that exists: a new header, in the place of the old one or before a copy of the payload, which stays as it
//! is; or, for one whose key others have, all of it anew.

use std::num::NonZeroUsize;
use std::path::Path;

use dbseal_core::{Extent, FileKey, Header, Identity, Leaving, Note, Recipient, Rewrap, RewrapError, Seal, SigningKey, Strength};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use crate::against_seal::{SealCheck, SealPolicy};
use crate::error::JobError;
use crate::input::Source;
use crate::journal::{Change, JournalFile, sealed_header};
use crate::pace::Pace;
use crate::reencrypt::{reencrypt, take_back};
use crate::report::Observer;
use crate::sealing::now;
use crate::target::Target;

/// Everything that was decided about other recipients, for any number of backups.
#[derive(Debug)]
pub struct RewrapRequest {
    /// What opens them now.
    pub identities: Vec<Identity>,
    /// Who comes.
    pub recipients: Vec<Recipient>,
    /// Who leaves; with a new file key everybody does.
    pub leaving: Leaving,
    /// Whether a quantum computer may have it easier then.
    pub strength: Strength,
    /// How the header is replaced.
    pub way: Way,
    /// What becomes of a seal, which says which header a backup has.
    pub resealing: Option<Resealing>,
    /// What is asked of it before.
    pub seal: SealCheck,
    /// Whether what somebody else has sealed is signed for though nobody is trusted.
    pub unvouched: Unvouched,
    /// Whether it is done.
    pub act: Act,
    /// How many threads open and seal what is encrypted anew.
    pub threads: NonZeroUsize,
    /// How fast that is read.
    pub pace: Pace,
}

/// How a header is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In its place, where the new one fits; else as by a copy.
    InPlace,
    /// By a copy of the backup, which takes its name when it is complete.
    Copy,
    /// With all that comes after it: every chunk is opened and sealed again under a new file key, and takes the name as a copy does.
    Anew,
}

/// What becomes of the seal of a backup that gets another header.
#[derive(Debug)]
pub enum Resealing {
    /// It gets a note of that, signed with this key.
    Sign(Box<SigningKey>),
    /// It is removed.
    Drop,
}

/// What becomes of a backup with a seal for which nobody vouches, since nobody is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unvouched {
    /// It is refused: a note by a key that may not sign it, to those who check it, could be taken back by nobody.
    Refused,
    /// It is changed, and signed.
    Accepted,
}

/// Whether something is done, or only what would be is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is done.
    Do,
    /// Nothing is written.
    Pretend,
}

/// What became of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrapped {
    /// It has other recipients.
    Done {
        /// How many left.
        left_count: usize,
        /// How many came.
        added_count: usize,
        /// How.
        way: Way,
    },
    /// It had them already.
    Already,
}

/// Gives a backup other recipients.
///
/// # Errors
/// See [`JobError`]. Whenever it fails, or the power does, the backup opens with the old keys or with the new ones.
pub fn rewrap(request: &RewrapRequest, backup: &Path, observer: &dyn Observer) -> Result<Rewrapped, JobError> {
    change(request, backup, observer).inspect_err(|error| request.seal.tell_why_refused(backup, error, observer))
}

fn change(request: &RewrapRequest, backup: &Path, observer: &dyn Observer) -> Result<Rewrapped, JobError> {
    let (mut target, source) = (Target::open(backup, request.act)?, Source::File(backup.into()));
    take_back(request, &target, observer)?;
    let is_ignored = request.seal.policy == SealPolicy::Ignored;
    let sealed = match (is_ignored, &request.resealing) {
        // What is broken goes all the same.
        (true, Some(Resealing::Drop)) => sealed_header(&target.seal_path()).ok().flatten(),
        (true, _) => sealed_header(&target.seal_path())?,
        (false, _) => request.seal.sealed_header(&source)?,
    };
    if is_ignored && sealed.is_some() && !matches!(request.resealing, Some(Resealing::Drop)) {
        return Err(JobError::SealNeedsKey(target.what));
    }
    JournalFile::finish(&mut target, request, sealed, observer)?;
    let header = target.header()?;
    if header.needs_passphrase() {
        return Err(JobError::PassphraseNotKey(target.what));
    }
    let seal = request.seal.seal_for(&source, Some(&header))?;
    let is_signed_for_nobody = request.seal.policy == SealPolicy::IfThere && matches!(request.resealing, Some(Resealing::Sign(_)));
    if seal.is_some() && is_signed_for_nobody && request.unvouched == Unvouched::Refused {
        return Err(JobError::NobodyTrusted(target.what));
    }
    if request.way == Way::Anew {
        return reencrypt(request, &target, &header, seal.as_ref(), observer);
    }
    let mut rng = UnwrapErr(SysRng);
    let made = Rewrap::of(&header, &request.identities, &request.recipients, request.leaving, request.strength, &mut rng);
    let rewrap = match made {
        Ok(rewrap) => rewrap,
        Err(RewrapError::NothingChanges) => {
            // Whoever reads this may throw the old key away; with the header of another backup it has these recipients, and opens for nobody.
            let unwrapped = header.unwrap(&request.identities).map_err(|error| target.unwrap_error(error))?;
            let _ = target.check_payload(header.len(), &unwrapped)?;
            return Ok(Rewrapped::Already);
        }
        Err(error) => return Err(JobError::Rewrap { what: target.what, error }),
    };
    // That its signer made it: else somebody could have their own file signed by whoever changes the recipients of all.
    if let Some(seal) = &seal {
        let _ = request.seal.expected(seal, &target.what, rewrap.file_key(), observer)?;
    }
    target.check_payload(header.len(), rewrap.file_key())?;
    if seal.is_some() && request.resealing.is_none() {
        return Err(JobError::SealNeedsKey(target.what));
    }
    let in_place = rewrap.header_of_len(header.len()).filter(|new| target.way_for(header.len(), new.len(), request.way) == Way::InPlace);
    let (new, way) = match in_place {
        Some(new) => (new, Way::InPlace),
        None => (rewrap.header().map_err(|error| JobError::Rewrap { what: target.what.clone(), error: error.into() })?, Way::Copy),
    };
    target.check_way(way, request.seal.policy)?;
    if request.act == Act::Do {
        let change = Change { header: &header, new: &new, seal: request.resealed(seal, &header, &new, rewrap.file_key(), &target)? };
        JournalFile::replace(&target, &change, way)?;
    }
    Ok(Rewrapped::Done { left_count: rewrap.left_count(), added_count: rewrap.added_count(), way })
}

impl RewrapRequest {
    /// The seal that a backup has with its new header.
    fn resealed(&self, seal: Option<Seal>, old: &Header, new: &Header, file_key: &FileKey, target: &Target) -> Result<AfterSeal, JobError> {
        let (Some(mut seal), Some(Resealing::Sign(key))) = (seal, &self.resealing) else {
            return Ok(if matches!(self.resealing, Some(Resealing::Drop)) { AfterSeal::Gone } else { AfterSeal::None });
        };
        let header = new.to_bytes();
        seal.append_rewrapped(old, new, file_key, key, now()).map_err(|error| target.append_error(error))?;
        self.settle(&mut seal, key, &header, target)?;
        Ok(AfterSeal::Says(seal.to_bytes()))
    }

    /// Adds the note of a change to a seal, after which `header` is that of the backup.
    pub(crate) fn append(&self, seal: &mut Seal, key: &SigningKey, note: Note, header: &[u8], target: &Target) -> Result<(), JobError> {
        seal.append(note, key).map_err(|error| target.append_error(error))?;
        self.settle(seal, key, header, target)
    }

    /// What follows a note of a new header, if it is to be believed.
    fn settle(&self, seal: &mut Seal, key: &SigningKey, header: &[u8], target: &Target) -> Result<(), JobError> {
        seal.set_header_copy(header).map_err(|error| target.append_error(error))?;
        // Whom these trust has to be asked before: who checks the backup would else call it altered.
        if self.seal.policy == SealPolicy::Trusted && seal.judge(&self.seal.trust).header() != Extent::of(header) {
            return Err(JobError::MayNotRewrap(key.verifier_key().name().to_string()));
        }
        Ok(())
    }
}

/// What is in the place of the seal after the change.
pub(crate) enum AfterSeal {
    /// There was none.
    None,
    /// It is removed.
    Gone,
    /// This.
    Says(Vec<u8>),
}
