//! A new file key for a backup that exists, for one whose key others have: every chunk is opened and sealed again, in one pass, into a file
//! that takes the backup's name when it is complete.

use dbseal_core::{Extent, Header, Note, Proof, ProofKey, Reencrypt, Reencrypted as ReencryptedNote, Seal, SigningKey, Tree};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use crate::against_seal::{Expected, SealCheck, SealPolicy};
use crate::age_file::header_of;
use crate::checked_payload::CheckedPayload;
use crate::error::JobError;
use crate::input::{Input, Source};
use crate::journal::JournalFile;
use crate::output::CompleteFile;
use crate::parallel::{Opening, Transfer};
use crate::replaced::{Replaced, check_keepable, is_seal_of, replaced_seal};
use crate::report::{Observer, Silent};
use crate::rewrap::{Act, Resealing, RewrapRequest, Rewrapped, Way};
use crate::sealing::{name_both, now};
use crate::shared_tree::SharedTree;
use crate::target::Target;

/// Encrypts a backup anew. `header` is the one that it has, and `seal` the one that says so, where that is asked.
///
/// # Errors
/// See [`JobError`]. The backup and its seal are then what they were.
pub(crate) fn reencrypt(
    request: &RewrapRequest,
    target: &Target,
    header: &Header,
    seal: Option<&Seal>,
    observer: &dyn Observer,
) -> Result<Rewrapped, JobError> {
    let anew = Reencrypt::of(header, &request.identities, &request.recipients, request.strength, &mut UnwrapErr(SysRng));
    let anew = anew.map_err(|error| JobError::Rewrap { what: target.what.clone(), error })?;
    let done = Rewrapped::Done { left_count: anew.left_count(), added_count: anew.added_count(), way: Way::Anew };
    // The proofs before a new file key cannot be checked after it: who reads the note relies on that they were.
    let expected = seal.map(|seal| request.seal.expected(seal, &target.what, anew.old_file_key(), observer)).transpose()?;
    let payload = target.check_payload(header.len(), anew.old_file_key())?;
    if seal.is_some() && request.resealing.is_none() {
        return Err(JobError::SealNeedsKey(target.what.clone()));
    }
    if let Some(expected) = &expected {
        expected.check_len(payload.checked.layout().section_len(), &target.what)?;
    }
    let note = match (seal, &expected, &request.resealing) {
        (Some(seal), Some(expected), Some(Resealing::Sign(key))) => Some(NewNote {
            request,
            target,
            seal,
            key,
            old_header: Extent::of(&header.to_bytes()),
            header: anew.header().to_bytes(),
            old_payload: expected.payload(),
            proof_key: anew.proof_key(),
        }),
        _ => None,
    };
    // Now, and not after hours: whether it has room, and would be believed. The new payload will be as long as the old one.
    if let Some(note) = &note {
        let _ = note.added(note.old_payload)?;
    }
    check_keepable(&target.path)?;
    if request.act == Act::Pretend {
        return Ok(done);
    }
    if target.has_links {
        observer
            .warning(&format!("{} has other names, as in a snapshot made of links: what they name keeps the old file key", target.what));
    }
    let pass = Pass { request, target, header_len: header.len() as u64, payload: &payload, expected: expected.as_ref(), observer };
    let tree = SharedTree::default();
    let copy = pass.run(anew, note.as_ref().map(|_| &tree))?;
    let new_seal = note.map(|note| {
        let tree = tree.finish().expect("every byte of the section was taken in");
        note.of_tree(&tree).and_then(|seal| target.new_seal(&seal.to_bytes()))
    });
    let new_seal = new_seal.transpose()?;
    // It has taken as long as the backup is large.
    target.check_unchanged()?;
    let _locked = copy.lock()?;
    match new_seal {
        Some(seal) => replace_both(target, seal, copy)?,
        None => {
            if matches!(request.resealing, Some(Resealing::Drop)) {
                // First: by the old seal the new backup would be damaged.
                target.remove_seal()?;
            }
            copy.commit()?;
        }
    }
    if let Err(error) = JournalFile::discard(target) {
        observer.warning(&format!("{} is encrypted anew, but what lies beside it as a journal stays: {error}", target.what));
    }
    Ok(done)
}

/// Gives the new seal its name, and then the new backup. The old seal keeps a second name until both are there (see [`Replaced`]). Killed
/// in between, the old backup is there, which any age program opens with the old key; `verify` and `decrypt` say that the seal does not
/// fit, and name the one that does; and `rewrap` puts that back, by [`take_back`].
///
/// The other way round the new backup would be there with the seal of the old one, and nobody could make its own any more: that the old
/// payload was as sealed is known to this pass alone. Nor would a journal help: its two headers are of one file key, with one payload
/// behind either.
fn replace_both(target: &Target, seal: CompleteFile, backup: CompleteFile) -> Result<(), JobError> {
    // Where it cannot be kept nothing is replaced: a crash would leave a backup that nobody vouches for.
    let replaced = Replaced::keep(&seal, &target.path)?;
    name_both(seal, backup, replaced).map_err(|(_, error)| error)
}

/// Where an encryption anew was stopped between the two names, puts back the seal of the backup that is there; one that was kept, and is
/// needed no more, goes. Only with a key that opens the backup, and for a seal that is believed here: anybody who can write to the storage
/// could have put it there.
pub(crate) fn take_back(request: &RewrapRequest, target: &Target, observer: &dyn Observer) -> Result<(), JobError> {
    let kept = replaced_seal(&target.path).filter(|_| request.seal.policy != SealPolicy::Ignored);
    let (Some(kept), Some(header)) = (kept, header_of(&target.path)) else { return Ok(()) };
    let Ok(file_key) = header.unwrap(&request.identities) else { return Ok(()) };
    let is_replaced = is_seal_of(&target.seal_path(), &target.path);
    let check = SealCheck { path: Some(kept), ..request.seal.clone() };
    let seal = || check.seal_for(&Source::File(target.path.clone()), Some(&header)).ok().flatten();
    let is_believed = || seal().is_some_and(|seal| check.expected(&seal, &target.what, &file_key, &Silent).is_ok());
    if !is_replaced && !is_believed() {
        // What is wrong with the one that is there is said as ever.
        return Ok(());
    }
    match (request.act, is_replaced) {
        (Act::Do, true) => Replaced::left_beside(&target.entry).forget(),
        (Act::Do, false) => {
            observer.note(&format!("{}: a change that was stopped is taken back first: its seal is put back", target.what));
            let put_back = Replaced::left_beside(&target.entry).put_back();
            put_back.map_err(|error| JobError::write(&target.seal_path().display().to_string(), error.into()))?;
        }
        (Act::Pretend, true) => {}
        (Act::Pretend, false) => return Err(JobError::Unfinished(target.what.clone())),
    }
    Ok(())
}

/// The one pass over the payload.
struct Pass<'a> {
    request: &'a RewrapRequest,
    target: &'a Target,
    /// Bytes in the header that the backup has.
    header_len: u64,
    payload: &'a CheckedPayload,
    /// What the old payload has to be, if it is sealed.
    expected: Option<&'a Expected<'a>>,
    observer: &'a dyn Observer,
}

impl Pass<'_> {
    /// The new backup, which is on the disk and wants only its name; its payload section is taken into `tree`. The old payload has opened
    /// then, chunk for chunk, and is as it was sealed: who has the file key of a backup could have made another that opens.
    fn run(&self, anew: Reencrypt, tree: Option<&SharedTree>) -> Result<CompleteFile, JobError> {
        let what = &self.target.what;
        let copy = self.target.create_beside("")?;
        // First: that it cannot be given away is better known before hours of work.
        copy.set_owner_of(&self.target.file)?;
        let start = [&anew.header().to_bytes(), &anew.nonce().as_bytes()[..]].concat();
        copy.write_all_at(&start, 0)?;
        if let Some(tree) = tree {
            tree.add(0, anew.nonce().as_bytes());
        }
        let old_tree = SharedTree::default();
        old_tree.add(0, self.payload.nonce.as_bytes());
        let file = self.target.file.try_clone().map_err(|error| JobError::read(what, error))?;
        let input = Input::of_file(file, what.clone())?;
        let layout = self.payload.checked.layout();
        let slots = layout.slots(0, layout.chunk_count());
        self.observer.started(Some(slots.end - slots.start));
        let from = Opening {
            opener: &self.payload.opener,
            checked: self.payload.checked,
            section_offset: self.header_len,
            tree: self.expected.map(|_| &old_tree),
        };
        let RewrapRequest { pace, threads, .. } = self.request;
        let transfer = Transfer { input: &input, output: &copy, observer: self.observer, pace, threads: *threads };
        let section_offset = anew.header().len() as u64;
        transfer
            .reseal(&from, anew.into_sealer(), section_offset, tree)
            .and_then(|()| self.expected.map_or(Ok(()), |expected| expected.check_whole(old_tree, what)))
            .map_err(|error| match error {
                // No copy is to be fetched of what is only being written.
                JobError::Payload { .. } | JobError::NotAsSealed { .. } => self.target.check_unchanged().err().unwrap_or(error),
                error => error,
            })?;
        copy.put_on_disk()
    }
}

/// The note that says what was done.
struct NewNote<'a> {
    request: &'a RewrapRequest,
    target: &'a Target,
    /// The seal that it comes into.
    seal: &'a Seal,
    key: &'a SigningKey,
    old_header: Extent,
    /// The new one, as it stands in the file.
    header: Vec<u8>,
    old_payload: Extent,
    /// Of the new file key.
    proof_key: ProofKey,
}

impl NewNote<'_> {
    /// The seal of a backup with this payload section.
    fn of_tree(&self, tree: &Tree) -> Result<Seal, JobError> {
        let mut seal = self.added(tree.into())?;
        seal.set_groups(tree).map_err(|error| self.target.seal_error(error))?;
        Ok(seal)
    }

    /// The seal with the note that the payload section is this one now.
    fn added(&self, payload: Extent) -> Result<Seal, JobError> {
        let mut seal = self.seal.clone();
        let note = Note::Reencrypted(ReencryptedNote {
            previous: seal.last_hash(),
            signer: self.key.verifier_key().clone(),
            time: now(),
            old_header: self.old_header,
            header: Extent::of(&self.header),
            old_payload: self.old_payload,
            payload,
            proof: Proof::none(),
        });
        self.request.append(&mut seal, self.key, note.proven(&self.proof_key), &self.header, self.target)?;
        Ok(seal)
    }
}
