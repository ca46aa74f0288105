//! What is left of a damaged backup: every chunk that opens, where it belongs, and a list of what is lost.

mod chunks;
mod named;
mod opening;
mod reading;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use dbseal_core::{CHUNK_LEN, Extent, Judgement, Layout, Maker, Opener, PAYLOAD_NONCE_LEN, ProofKey, SLOT_LEN};

use crate::against_seal::SealCheck;
use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::input::{Input, is_same_file};
use crate::journal::JournalFile;
use crate::keys::Unlock;
use crate::output::PendingFile;
use crate::pace::Pace;
use crate::ranges::Ranges;
use crate::report::Observer;
use crate::section::Section;
use crate::shared_tree::SharedTree;
use crate::verify::Claims;
use chunks::{Chunks, Found};
use named::check_name;
use opening::{Opening, Origin, Places};
use reading::Reading;

/// Everything that was decided about it.
pub struct SalvageRequest<'a> {
    /// The backup.
    pub backup: PathBuf,
    /// Another file that starts as the backup did: its header, if not more of it.
    pub header: Option<PathBuf>,
    /// What is left of it.
    pub output: PathBuf,
    /// Whether that may replace a file.
    pub overwrite: Overwrite,
    /// Which of the chunks that open are written.
    pub keep: Keep,
    /// What to open it with.
    pub unlock: Unlock<'a>,
    /// What is asked of its seal.
    pub seal: SealCheck,
    /// How many threads open.
    pub threads: NonZeroUsize,
    /// How fast to read.
    pub pace: Pace,
}

/// Which of the chunks that open are written. One in a group that is not as it was sealed may be whole beside one that is damaged, or
/// of somebody who holds the file key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of them.
    Opens,
    /// Those in groups that are as they were sealed.
    Sealed,
}

/// What is left.
#[derive(Clone, Debug)]
pub struct SalvageReport {
    /// Bytes of plaintext that there were; `None` where the end is lost, and no seal says it.
    pub plaintext_len: Option<u64>,
    /// Bytes of plaintext that were written.
    pub written_len: u64,
    /// Bytes of the payload section that were tried.
    pub read_len: u64,
    /// Bytes of plaintext that are lost; zeros stand for them.
    pub lost: Vec<Range<u64>>,
    /// Bytes of plaintext that were written, and are authentic, in groups that are not as they were sealed.
    pub unsealed: Vec<Range<u64>>,
    /// The same, where they were not written; zeros stand for them.
    pub left_out: Vec<Range<u64>>,
    /// Bytes of the file that could not be read.
    pub unreadable: Vec<Range<u64>>,
    /// Bytes of the file behind the end of the payload.
    pub garbage: Vec<Range<u64>>,
    /// Whether there is a seal that is about what was opened, and may be believed. One that is not may be another backup's.
    pub has_seal: bool,
    /// What that seal says.
    pub claims: Option<Claims>,
    /// The name in the seal, percent-encoded, where the backup has another: it may be an older one in the place of a newer.
    pub sealed_as: Option<String>,
}

impl SalvageReport {
    /// Whether all of the plaintext was written, as far as is known. It need not be as it was sealed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.plaintext_len.is_some() && self.lost.is_empty() && self.left_out.is_empty()
    }
}

/// Writes what opens, each chunk at its own place. The output gets its name when all was tried.
///
/// # Errors
/// Where the file key cannot be had, or there is nothing to write: then there is no output. That a part of the backup cannot be read is
/// none.
pub fn salvage(request: &SalvageRequest<'_>, observer: &Arc<dyn Observer>) -> Result<SalvageReport, JobError> {
    write_what_opens(request, observer).inspect_err(|error| request.seal.tell_why_refused(&request.backup, error, &**observer))
}

fn write_what_opens(request: &SalvageRequest<'_>, observer: &Arc<dyn Observer>) -> Result<SalvageReport, JobError> {
    if is_same_file(&request.backup, &request.output) {
        return Err(JobError::SameFile(request.output.clone()));
    }
    let input = Input::open_regular(&request.backup)?;
    let Some(regular) = input.regular else { return Err(JobError::NotSalvageable(input.what.clone())) };
    let output = PendingFile::create(&request.output, Privacy::Owner, request.overwrite)?;
    let seal = request.seal.seal_of(&request.backup, &**observer)?;
    let judgement = seal.as_ref().map(|seal| seal.judge(&request.seal.trust));
    let reading = Reading::new(&input, regular.len, &**observer);
    let sealed_as = judgement.as_ref().map_or(Ok(None), |judgement| check_name(request, judgement, &reading, &**observer))?;
    let (other, unlock) = (request.header.as_deref(), &request.unlock);
    let journal = JournalFile::needed(&request.backup, &input.file, judgement.as_ref().map(Judgement::header));
    if let Some(journal) = &journal {
        journal.tell(&input.what, &**observer);
    }
    let journal = journal.as_ref();
    let places = |judgement| Places { reading: &reading, other, journal, judgement, unlock, observer: &**observer };
    let attempt = |opening| Job::of(request, &reading, opening, judgement.as_ref(), &output, &**observer).write();
    let opening = places(judgement.as_ref()).find()?;
    let origin = opening.origin;
    let mut report = match attempt(opening) {
        // The seal is another backup's, whose header opens with the same key.
        Err(JobError::NothingSalvaged(_)) if origin == Origin::Seal => {
            observer.warning("nothing opens with the header that is in the seal: the backup's own is used");
            attempt(places(None).find()?)?
        }
        result => result?,
    };
    report.unreadable = reading.into_unreadable();
    report.sealed_as = sealed_as;
    report.claims = judgement.as_ref().filter(|_| report.has_seal).map(|judgement| Claims::of(judgement, &request.backup));
    output.commit()?;
    if !report.has_seal {
        request.seal.tell_of_replaced(&request.backup, &**observer);
    }
    Ok(report)
}

struct Job<'a> {
    request: &'a SalvageRequest<'a>,
    reading: &'a Reading<'a>,
    opening: Opening,
    /// What the seal says, if there is one.
    judgement: Option<&'a Judgement<'a>>,
    /// The same, if it is about what the header opens.
    sealed: Option<&'a Judgement<'a>>,
    output: &'a PendingFile,
    observer: &'a dyn Observer,
}

impl<'a> Job<'a> {
    /// With the seal only if it is about what this opens: a header that was not signed is of another file, or of another time; so may be all
    /// that it opens, and all that the seal says. Who says of a file only that they saw it can say any length: they have to be trusted.
    fn of(
        request: &'a SalvageRequest<'a>,
        reading: &'a Reading<'a>,
        opening: Opening,
        judgement: Option<&'a Judgement<'a>>,
        output: &'a PendingFile,
        observer: &'a dyn Observer,
    ) -> Self {
        let proof_key = ProofKey::of(&opening.file_key);
        let is_about_it = |judgement: &&Judgement<'_>| {
            judgement.header() == opening.header
                && match judgement.check_proof(&proof_key) {
                    Ok(Maker::Signer) => true,
                    Ok(Maker::Unknown) => judgement.vouched_by().is_some(),
                    Err(_) => false,
                }
        };
        let sealed = judgement.filter(is_about_it);
        Self { request, reading, opening, judgement, sealed, output, observer }
    }

    /// Writes what opens.
    fn write(&self) -> Result<SalvageReport, JobError> {
        let what = || self.reading.input.what.clone();
        let keep = self.request.keep;
        if keep == Keep::Sealed && self.sealed.and_then(Judgement::groups).is_none() {
            return Err(JobError::SealedUnknown(what()));
        }
        let (found, tree) = self.open_what_opens()?;
        let unsealed = match (self.sealed, tree) {
            (Some(sealed), Some(tree)) => self.groups_not_sealed(sealed, tree),
            // A seal that is not about it says of no part that it is as it was sealed.
            _ if self.judgement.is_some() => std::iter::once(0..self.section_len()).collect(),
            _ => Vec::new(),
        };
        let mut report = self.report(&found, &unsealed);
        let is_empty = report.plaintext_len == Some(0);
        if report.written_len == 0 && !is_empty {
            return Err(JobError::NothingSalvaged(what()));
        }
        self.output.set_len(report.plaintext_len.or_else(|| found.opened.end()).unwrap_or(0))?;
        if keep == Keep::Sealed {
            report.leave_unsealed_out(self.output)?;
            if report.written_len == 0 && !is_empty {
                return Err(JobError::NothingAsSealed(what()));
            }
        }
        Ok(report)
    }

    /// Bytes of the payload section. The seal knows where it ended; without it all that there is may belong to it.
    fn section_len(&self) -> u64 {
        let there_len = self.reading.len.saturating_sub(self.opening.payload_offset);
        self.sealed.map_or(there_len, |sealed| sealed.payload().len.min(there_len))
    }

    /// Writes all that opens. If there is a seal, the tree of what was tried comes with it.
    fn open_what_opens(&self) -> Result<(Found, Option<SharedTree>), JobError> {
        let SalvageRequest { threads, pace, .. } = self.request;
        let (len, offset, observer) = (self.section_len(), self.opening.payload_offset, self.observer);
        let section = Section { input: self.reading.input, offset, len, threads: *threads, pace, observer };
        let chunks = Chunks { reading: self.reading, section, output: self.output, found: Mutex::default() };
        observer.started(Some(len));
        let Opening { file_key, nonce, other_nonce, .. } = &self.opening;
        let mut nonces: Vec<_> = nonce.iter().chain(other_nonce).collect();
        nonces.dedup();
        let openers: Vec<_> = nonces.iter().map(|nonce| Opener::new(file_key, nonce)).collect();
        let which = if openers.len() > 1 { chunks.choose(&openers)?.unwrap_or(0) } else { 0 };
        let (Some(opener), Some(&used)) = (openers.get(which), nonces.get(which)) else {
            return Err(JobError::NothingSalvaged(self.reading.input.what.clone()));
        };
        if nonce.as_ref() != Some(used) {
            observer.warning("the nonce of the backup is lost: the one after the header in the file that --header names is used");
        }
        let tree = self.sealed.map(|_| SharedTree::default());
        tree.iter().for_each(|tree| tree.add(0, used.as_bytes()));
        chunks.open_all(opener, tree.as_ref())?;
        if self.sealed.is_none() {
            chunks.look_for_end(opener)?;
        }
        Ok((chunks.found.into_inner().unwrap_or_else(PoisonError::into_inner), tree))
    }

    /// Which groups of the section are not as they were sealed; all of it, where the seal has no hashes of them.
    fn groups_not_sealed(&self, sealed: &Judgement<'_>, tree: SharedTree) -> Vec<Range<u64>> {
        let section_len = self.section_len();
        if section_len < sealed.payload().len {
            // Something was there: the last group that is left is not the last of all.
            tree.add(section_len, &[0]);
        }
        let tree = tree.finish().expect("every byte was taken in");
        match sealed.groups() {
            Some(groups) => groups.damaged_in(&tree),
            None if Extent::from(&tree) == sealed.payload() => Vec::new(),
            None => std::iter::once(0..section_len).collect(),
        }
    }

    fn report(&self, found: &Found, groups_not_sealed: &[Range<u64>]) -> SalvageReport {
        let sealed_layout = self.sealed.and_then(|sealed| Layout::of_section(sealed.payload().len).ok());
        let plaintext_len = sealed_layout.map(|layout| layout.plaintext_len()).or(found.end);
        let output_len = plaintext_len.or_else(|| found.opened.end()).unwrap_or(0);
        let mut unsealed = Ranges::default();
        for group in groups_not_sealed {
            found.opened.within(&plaintext_of(group, output_len)).for_each(|range| unsealed.add(range));
        }
        let file_len = self.reading.len;
        let end = plaintext_len.map_or(file_len, |len| self.opening.payload_offset + Layout::of_plaintext(len).section_len());
        SalvageReport {
            plaintext_len,
            written_len: found.opened.within(&(0..output_len)).map(|range| range.end - range.start).sum(),
            read_len: self.section_len(),
            lost: found.opened.gaps(output_len).collect(),
            unsealed: unsealed.into_vec(),
            left_out: Vec::new(),
            unreadable: Vec::new(),
            garbage: (end < file_len).then_some(end..file_len).into_iter().collect(),
            has_seal: self.sealed.is_some(),
            sealed_as: None,
            claims: None,
        }
    }
}

impl SalvageReport {
    /// Puts zeros in the place of what is not as it was sealed.
    fn leave_unsealed_out(&mut self, output: &PendingFile) -> Result<(), JobError> {
        self.left_out = std::mem::take(&mut self.unsealed);
        for range in &self.left_out {
            for at in range.clone().step_by(CHUNK_LEN) {
                let len = usize::try_from(range.end - at).map_or(CHUNK_LEN, |len| len.min(CHUNK_LEN));
                output.write_all_at(&[0; CHUNK_LEN][..len], at)?;
            }
            self.written_len -= range.end - range.start;
        }
        Ok(())
    }
}

/// The plaintext of all chunks that lie with any of their bytes in a range of the section, up to `plaintext_len`.
fn plaintext_of(section: &Range<u64>, plaintext_len: u64) -> Range<u64> {
    let chunk_start = |at: u64| at.saturating_sub(PAYLOAD_NONCE_LEN as u64) / SLOT_LEN as u64 * CHUNK_LEN as u64;
    chunk_start(section.start)..(chunk_start(section.end.saturating_sub(1)) + CHUNK_LEN as u64).min(plaintext_len)
}
