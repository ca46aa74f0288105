//! New headers that were made where the private key is, put before the backups that they are for: rotation without a key.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use dbseal_core::{Extent, FileName, NewHeader, NewHeaders, NoteHash, Request, Seal, Trust};

use crate::against_seal::{SealCheck, SealPolicy, other_name};
use crate::error::JobError;
use crate::journal::{Change, JournalFile};
use crate::report::Observer;
use crate::rewrap::{Act, AfterSeal, Rewrapped, Way};
use crate::target::Target;

/// Everything that was decided about new headers, for any number of backups.
#[derive(Debug)]
pub struct InstallRequest {
    /// What was asked, and what was answered.
    pub answers: Answers,
    /// Whom to trust.
    pub seal: SealCheck,
    /// How a header is replaced.
    pub way: Way,
    /// Whether it is done.
    pub act: Act,
}

/// New headers of which somebody has seen that they come from the machine with the private key, each for the one that it takes the place of. No
/// key is here, and without one a header that somebody made up looks like any other: a backup that got it would open for nobody.
#[derive(Debug)]
pub struct Answers {
    by_file: BTreeMap<State, Option<NewHeader>>,
    /// The names of the files that it makes of that, percent-encoded.
    done: BTreeMap<State, BTreeSet<String>>,
    /// Whether it counts for a backup without a seal, too.
    covers_unsealed: bool,
}

/// The header of a backup, and the last note of its seal.
type State = (Vec<u8>, Option<NoteHash>);

impl Answers {
    /// What was answered to a request: by somebody whom these trust with changes of recipients, or with this code, as a person has compared it.
    ///
    /// # Errors
    /// An answer to another request, or with another code; one that nobody has seen to be the answer.
    pub fn of(request: &Request, headers: &NewHeaders, trust: &Trust, code: Option<&str>, what: &str) -> Result<Self, JobError> {
        let is_compared = code.map(|code| headers.code().is(code));
        if is_compared == Some(false) {
            return Err(JobError::OtherAnswerCode(what.into()));
        }
        if is_compared.is_none() && headers.signed_by(trust).is_none() {
            return Err(JobError::AnswerNotTrusted(what.into()));
        }
        let answers = headers.answers(request).map_err(|error| JobError::Handoff { what: what.into(), error })?;
        let (mut by_file, mut done) = (BTreeMap::new(), BTreeMap::<_, BTreeSet<_>>::new());
        for (file, new) in answers {
            if let Some(new) = new {
                let state = (new.header().to_bytes(), new.seal().map(Seal::last_hash));
                done.entry(state).or_default().insert(file.name().to_string());
            }
            by_file.insert((file.header().to_bytes(), file.seal().map(Seal::last_hash)), new.cloned());
        }
        Ok(Self { by_file, done, covers_unsealed: is_compared.is_some() || headers.is_for_unsealed(trust) })
    }

    /// Whether a journal is about the change that it makes of a backup with this seal.
    fn has_made(&self, journal: &JournalFile, seal: Option<&Seal>) -> bool {
        let new = self.find(&journal.before().to_bytes(), seal).and_then(Option::as_ref);
        new.is_some_and(|new| new.header() == journal.after())
    }

    /// Whether a backup is what one of its name was to become. Another backup's new header opens for nobody there.
    fn is_done(&self, backup: &Path, header: &[u8], seal: Option<&Seal>) -> bool {
        let name = backup.file_name().and_then(|name| FileName::of(name.as_bytes()));
        let names = self.done.get(&(header.to_vec(), seal.map(Seal::last_hash)));
        name.zip(names).is_some_and(|(name, names)| names.contains(&name.to_string()))
    }

    /// The one for a backup with this header and this seal. A seal that has the next note already was put there before the power went.
    fn find(&self, header: &[u8], seal: Option<&Seal>) -> Option<&Option<NewHeader>> {
        let mut hashes = vec![seal.map(Seal::last_hash)];
        if let Some(notes) = seal.map(Seal::notes).filter(|notes| notes.len() > 1) {
            hashes.push(Some(notes[notes.len() - 2].hash()));
        }
        hashes.into_iter().find_map(|hash| self.by_file.get(&(header.to_vec(), hash)))
    }
}

/// Gives a backup the header that is for it.
///
/// # Errors
/// See [`JobError`]. Whenever it fails, or the power does, the backup opens with the old keys or with the new ones; done again it ends what
/// was begun.
pub fn install(asked: &InstallRequest, backup: &Path, observer: &dyn Observer) -> Result<Rewrapped, JobError> {
    let target = Target::open(backup, asked.act)?;
    let there = target.read_seal()?;
    let sealed = there.as_ref().map(|seal| seal.judge(&asked.seal.trust).header());
    let journal = JournalFile::beside(&target.path, &target.file, sealed);
    // One that is about another change is not believed: anybody can put one beside a backup that is whole.
    let (journal, other) = match journal {
        Some(journal) if asked.answers.has_made(&journal, there.as_ref()) => (Some(journal), None),
        other => (None, other),
    };
    let is_torn = other.as_ref().is_some_and(JournalFile::is_torn);
    let own = match &journal {
        Some(journal) => journal.before().clone(),
        None => target.header().map_err(|error| if is_torn { JobError::Unfinished(target.what.clone()) } else { error })?,
    };
    let old = own.to_bytes();
    let new = match asked.answers.find(&old, there.as_ref()) {
        Some(Some(new)) => new,
        _ if is_torn => return Err(JobError::Unfinished(target.what)),
        Some(None) => return Err(JobError::NotAnswered(target.what)),
        None if asked.answers.is_done(backup, &old, there.as_ref()) => return Ok(Rewrapped::Already),
        None if asked.answers.by_file.keys().any(|(header, _)| *header == old) => return Err(JobError::OtherSealSince(target.what)),
        None => return Err(JobError::NotInRequest(target.what)),
    };
    let own_header_len = journal.as_ref().map_or(own.len(), JournalFile::own_header_len);
    let seal = asked.seal_of(&target, own_header_len, there, new)?;
    let (left_count, added_count) = own.recipients_that_differ(new.header());
    let way = target.way_for(own.len(), new.header().len(), asked.way);
    target.check_way(way, asked.seal.policy)?;
    if asked.act == Act::Do {
        if other.is_some() {
            JournalFile::discard(&target)?;
        }
        let change = Change { header: &own, new: new.header(), seal };
        match journal {
            Some(journal) => {
                observer.note(&format!("{}: a change of its recipients that was stopped is finished", target.what));
                journal.complete(&target, &change, way)?;
            }
            None => JournalFile::replace(&target, &change, way)?,
        }
    }
    Ok(Rewrapped::Done { left_count, added_count, way })
}

impl InstallRequest {
    /// The seal that a backup has with its new header, if whom these trust then say that header. `own_header_len` is where its payload begins.
    fn seal_of(&self, target: &Target, own_header_len: usize, there: Option<Seal>, new: &NewHeader) -> Result<AfterSeal, JobError> {
        let (there, notes) = match (there, new.seal()) {
            (None, None) if self.answers.covers_unsealed => return Ok(AfterSeal::None),
            (None, None) => return Err(JobError::NewHeaderNotTrusted(target.what.clone())),
            (Some(there), Some(notes)) => (there, notes),
            _ => return Err(JobError::OtherSealSince(target.what.clone())),
        };
        let header = new.header().to_bytes();
        let seal = if there.notes_alone() == *notes { Some(there) } else { there.continued_by(notes) };
        let mut seal = seal.ok_or_else(|| JobError::OtherSealSince(target.what.clone()))?;
        seal.set_header_copy(&header).map_err(|error| target.append_error(error))?;
        let judgement = seal.judge(&self.seal.trust);
        if let Some(sealed) = other_name(&judgement, &target.path).map(ToString::to_string).filter(|sealed| !self.seal.names.allow(sealed))
        {
            return Err(JobError::Renamed { what: target.what.clone(), sealed });
        }
        // No key is here to open the final chunk.
        let (len, sealed_len) = (target.len(), (own_header_len as u64).saturating_add(judgement.payload().len));
        if len != sealed_len {
            return Err(JobError::NotAsSealed { what: target.what.clone(), range: len.min(sealed_len)..len.max(sealed_len) });
        }
        let says_it = judgement.header() == Extent::of(&header);
        if says_it && (self.seal.policy != SealPolicy::Trusted || judgement.verified().is_some()) {
            Ok(AfterSeal::Says(seal.to_bytes()))
        } else {
            Err(JobError::NewHeaderNotTrusted(target.what.clone()))
        }
    }
}
