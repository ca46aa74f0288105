//! What is left of a damaged backup: every chunk that opens, where it belongs, and a list of what is lost.

use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use dbseal_core::{
    Batch, CHUNK_LEN, Extent, FileKey, Header, Judgement, Layout, MAX_HEADER_LEN, Opener, PAYLOAD_NONCE_LEN, PayloadNonce, ProofKey,
    SLOT_LEN, Salvaged,
};

use crate::against_seal::SealCheck;
use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::input::{Input, is_same_file};
use crate::keys::Unlock;
use crate::output::PendingFile;
use crate::pace::Pace;
use crate::ranges::Ranges;
use crate::report::{Observer, Silent};
use crate::section::Section;

/// Chunks that a thread tries at a time.
const BATCH_CHUNKS: usize = 8;

/// Everything that was decided about it.
pub struct SalvageRequest<'a> {
    /// The backup.
    pub backup: PathBuf,
    /// Where its header is, if not at its start.
    pub header: Option<PathBuf>,
    /// What is left of it.
    pub output: PathBuf,
    /// Whether that may replace a file.
    pub overwrite: Overwrite,
    /// What to open it with.
    pub unlock: Unlock<'a>,
    /// What is asked of its seal.
    pub seal: SealCheck,
    /// How many threads open.
    pub threads: NonZeroUsize,
    /// How fast to read.
    pub pace: Pace,
}

/// What is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalvageReport {
    /// Bytes of plaintext that there were; `None` where the end is lost, and no seal says it.
    pub plaintext_len: Option<u64>,
    /// Bytes of plaintext that were written.
    pub written_len: u64,
    /// Bytes of the file that were read.
    pub read_len: u64,
    /// Bytes of plaintext that are lost; zeros stand for them.
    pub lost: Vec<Range<u64>>,
    /// Bytes of plaintext that are authentic, in groups that are not as they were sealed.
    pub unsealed: Vec<Range<u64>>,
    /// Bytes of the file behind the end of the payload.
    pub garbage: Vec<Range<u64>>,
}

/// Writes everything that opens, each chunk at its own place. The output gets its name when all was tried.
///
/// # Errors
/// Where the file key cannot be had, or nothing opens: then there is no output.
pub fn salvage(request: &SalvageRequest<'_>, observer: &Arc<dyn Observer>) -> Result<SalvageReport, JobError> {
    if is_same_file(&request.backup, &request.output) {
        return Err(JobError::SameFile(request.output.clone()));
    }
    let input = Input::open_regular(&request.backup)?;
    let what = input.what.clone();
    let Some(regular) = input.regular else { return Err(JobError::NotSalvageable(what)) };
    let output = PendingFile::create(&request.output, Privacy::Owner, request.overwrite)?;
    let seal = request.seal.seal_of(&request.backup, &**observer)?;
    let judgement = seal.as_ref().map(|seal| seal.judge(&request.seal.trust));
    let (file_key, header) = header(request, &input, judgement.as_ref(), &**observer)?;
    let offset = header.len;
    // A header that was not signed is of another file, or of another time; so may be all that it opens.
    let is_sealed =
        judgement.as_ref().is_some_and(|judgement| judgement.header() == header && judgement.check_proof(&ProofKey::of(&file_key)).is_ok());
    // The seal knows where the payload ended. Without it all that there is may belong to it.
    let there_len = regular.len.saturating_sub(offset);
    let sealed_len = judgement.as_ref().map(|judgement| judgement.payload().len);
    let section_len = sealed_len.map_or(there_len, |len| len.min(there_len));
    observer.started(Some(section_len));

    let groups = judgement.as_ref().and_then(Judgement::groups);
    let all = || std::iter::once(0..section_len.max(1)).collect();
    let damaged_groups = match &groups {
        _ if judgement.is_none() => Vec::new(),
        Some(groups) if is_sealed => {
            let SalvageRequest { threads, pace, .. } = request;
            let section = Section { input: &input, offset, len: section_len, threads: *threads, pace, observer: &Silent };
            section.damaged(groups, &(0..groups.count()).collect::<Vec<_>>())?
        }
        // Nothing says of a part that it is as it was sealed.
        _ => all(),
    };
    let job = Job { request, input: &input, output: &output, offset, section_len, observer: &**observer, found: Mutex::default() };
    let found = job.run(&file_key)?;
    let Found { opened, end, written_len } = found;
    let plaintext_len = end.or_else(|| sealed_len.and_then(|len| Layout::of_section(len).ok()).map(|layout| layout.plaintext_len()));
    let output_len = plaintext_len.or_else(|| opened.end()).unwrap_or(0);
    if written_len == 0 && plaintext_len != Some(0) {
        return Err(JobError::NothingSalvaged(what));
    }
    output.set_len(output_len)?;
    output.commit()?;
    let chunk = |section_at: u64| section_at.saturating_sub(PAYLOAD_NONCE_LEN as u64) / SLOT_LEN as u64 * CHUNK_LEN as u64;
    let mut unsealed = Ranges::default();
    for group in damaged_groups {
        let near = chunk(group.start)..(chunk(group.end - 1) + CHUNK_LEN as u64).min(output_len);
        opened.within(&near).for_each(|range| unsealed.add(range));
    }
    let end_in_file = plaintext_len.map_or(regular.len, |len| offset + Layout::of_plaintext(len).section_len());
    Ok(SalvageReport {
        plaintext_len,
        written_len,
        read_len: section_len,
        lost: opened.gaps(output_len).collect(),
        unsealed: unsealed.into_vec(),
        garbage: (end_in_file < regular.len).then_some(end_in_file..regular.len).into_iter().collect(),
    })
}

/// The file key, and where the payload section starts: from the header that was named, from the file's own, or from the seal's copy.
fn header(
    request: &SalvageRequest<'_>,
    input: &Input,
    judgement: Option<&Judgement<'_>>,
    observer: &dyn Observer,
) -> Result<(FileKey, Extent), JobError> {
    let open = |bytes: &[u8], what: &str| {
        let (header, len) = Header::parse(bytes).map_err(|error| JobError::HeaderLost { what: what.into(), error })?;
        let identities = request.unlock.identities_for(&header, what, observer)?;
        let file_key = header.unwrap(&identities).map_err(|error| JobError::Unwrap { what: what.into(), error })?;
        Ok((file_key, Extent::of(&bytes[..len])))
    };
    if let Some(path) = &request.header {
        let (file, what) = (File::open(path).map_err(|error| JobError::open(path, error))?, path.display().to_string());
        let mut start = Vec::new();
        file.take(MAX_HEADER_LEN as u64).read_to_end(&mut start).map_err(|error| JobError::read(&what, error))?;
        return open(&start, &what);
    }
    let start = input.start(MAX_HEADER_LEN)?;
    let copy = judgement.and_then(Judgement::header_copy);
    // Where the signed header is at hand, no other will do: the storage may hold another file's.
    if let Some(copy) = copy.filter(|copy| !start.starts_with(copy))
        && let Ok(opened) = open(copy, &input.what)
    {
        observer.warning("the header of the backup is not the one that was signed: the copy in its seal is used");
        return Ok(opened);
    }
    open(&start, &input.what)
}

struct Job<'a> {
    request: &'a SalvageRequest<'a>,
    input: &'a Input,
    output: &'a PendingFile,
    offset: u64,
    section_len: u64,
    observer: &'a dyn Observer,
    found: Mutex<Found>,
}

/// What opened so far.
#[derive(Default)]
struct Found {
    /// In bytes of plaintext.
    opened: Ranges,
    /// Where the plaintext ends, if its final chunk opened.
    end: Option<u64>,
    written_len: u64,
}

impl Job<'_> {
    fn run(self, file_key: &FileKey) -> Result<Found, JobError> {
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        if self.section_len < nonce.len() as u64 {
            return Err(JobError::NothingSalvaged(self.input.what.clone()));
        }
        self.input.file.read_exact_at(&mut nonce, self.offset).map_err(|error| JobError::read(&self.input.what, error))?;
        let opener = Opener::new(file_key, &PayloadNonce::from_bytes(nonce));
        let chunk_count = (self.section_len - nonce.len() as u64).div_ceil(SLOT_LEN as u64);
        let batch_count = usize::try_from(chunk_count.div_ceil(BATCH_CHUNKS as u64)).map_err(|_| JobError::Memory)?;
        let section = Section {
            input: self.input,
            offset: self.offset,
            len: self.section_len,
            threads: self.request.threads,
            pace: &self.request.pace,
            observer: self.observer,
        };
        let room = || Batch::with_chunks(BATCH_CHUNKS);
        section.each(batch_count, room, |index, batch| self.try_batch(&opener, (index * BATCH_CHUNKS) as u64, batch))?;
        Ok(self.found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn try_batch(&self, opener: &Opener, first_index: u64, batch: &mut Batch) -> Result<(), JobError> {
        let start = PAYLOAD_NONCE_LEN as u64 + first_index * SLOT_LEN as u64;
        let len = usize::try_from((self.section_len - start).min((BATCH_CHUNKS * SLOT_LEN) as u64)).expect("a batch fits the memory");
        self.request.pace.wait_for(len);
        self.input.read_exact_at(&mut batch.ciphertext_mut()[..len], self.offset + start)?;
        batch.set_ciphertext_len(len);
        for (salvaged, index) in opener.salvage_at(first_index, batch).into_iter().zip(first_index..) {
            let at = index * CHUNK_LEN as u64;
            let (text, is_final) = match salvaged {
                Salvaged::Inner(text) => (text, false),
                Salvaged::Final(text) => (text, true),
                Salvaged::Lost => continue,
            };
            self.output.write_all_at(text, at)?;
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            let end = at + text.len() as u64;
            found.opened.add(at..end);
            found.written_len += text.len() as u64;
            if is_final {
                found.end = Some(found.end.map_or(end, |other| other.min(end)));
            }
        }
        self.observer.advanced(len as u64);
        Ok(())
    }
}
