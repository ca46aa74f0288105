//! Opening a backup, all of it or a range, against its seal in the same pass: only what is authentic reaches the output, and that becomes a
//! file only when all of it is.

use std::ops::Range;

use dbseal_core::{
    Batch, CHUNK_LEN, CheckedLayout, ChunkRange, FileKey, Judgement, Layout, Maker, Opener, PAYLOAD_NONCE_LEN, PayloadError, PayloadNonce,
    SLOT_LEN, Spread, StreamEnd,
};
use zeroize::Zeroizing;

use super::against_seal::{SealCheck, check_proof, claims, place, trust_of};
use super::age_file::{AgeFile, Armored};
use super::failures;
use super::keys::Keys;
use super::payload::PayloadCheck;
use super::ranges;
use super::reading::{Pieces, read_bytes};
use super::salvage::salvage;
use super::source::{Observer, Sink, Source};
use super::writing::{Plaintext, Written};
use crate::messages::{End, Failure, Opened, Part, Place, Progress, SealPolicy};

/// Chunks that are read, opened and written at a time: 4 MiB, so that what each call of the browser costs is little beside the work, and
/// all threads have some of it. Held up to five times over: by the browser, three ahead, here, and on its way to the output.
pub(super) const BATCH_CHUNKS: usize = 64;

/// Everything that was decided about an opening, but for what it opens with.
#[derive(Clone, Copy)]
pub struct OpenRequest<'a> {
    /// The backup's name, as the browser has it.
    pub name: &'a str,
    /// Its seal, if there is one.
    pub seal: Option<&'a [u8]>,
    /// Lines of a trust file, or nothing.
    pub trust: &'a str,
    /// Whether it is opened for which nobody who is trusted vouches.
    pub policy: &'a SealPolicy,
    /// What of it.
    pub part: &'a Part,
    /// Who works on the chunks.
    pub spread: Spread,
}

/// Opens a backup. Only what is authentic is written, and it is committed only when all of it is, and is what its seal says.
///
/// # Errors
/// Where it cannot be opened, or must not be. Then the output was not committed.
pub async fn open<S: Source>(
    request: &OpenRequest<'_>,
    backup: &S,
    keys: Keys,
    sink: impl Sink,
    observer: &impl Observer,
) -> Result<Opened, Failure> {
    let seal_check = SealCheck { policy: request.policy, trust: trust_of(request.trust)?, bytes: request.seal, name: request.name };
    let range = match *request.part {
        Part::Salvage => return salvage(&seal_check, backup, &keys, sink, request.spread, observer).await,
        Part::Whole => None,
        Part::Bytes(start, end) => Some((start, end)),
    };
    let start = AgeFile::read(backup).await?;
    // First: that the header is another one says more than that no key opens it.
    let seal = seal_check.seal_for(Some(&start.header).filter(|_| start.armored.is_none()))?;
    let file_key = keys.unwrap(&start.header)?;
    drop(keys);
    let judgement = seal.as_ref().map(|seal| seal.judge(&seal_check.trust));
    let maker = judgement.as_ref().map(|judgement| check_proof(judgement, &file_key)).transpose()?;
    let job = Job { backup, offset: start.header_len, file_key, spread: request.spread, observer };
    let written = match (start.armored, range) {
        (None, range) => job.binary(judgement.as_ref(), range, sink).await?,
        (Some(_), Some(_)) => return Err(failures::range_of_armor()),
        (Some(armored), None) => job.armored(armored, sink).await?,
    };
    let place = judgement.as_ref().map_or(Place::Unknown, |judgement| place(judgement, request.name));
    let claims = judgement.map(|judgement| claims(&judgement, Some(maker == Some(Maker::Signer))));
    Ok(Opened {
        written_len: written.len,
        end: End::Known,
        claims,
        place,
        is_zstd: written.is_zstd,
        lost: Vec::new(),
        unsealed: Vec::new(),
    })
}

struct Job<'a, S, O> {
    backup: &'a S,
    /// Where the payload section starts, in bytes.
    offset: u64,
    file_key: FileKey,
    spread: Spread,
    observer: &'a O,
}

impl<S: Source, O: Observer> Job<'_, S, O> {
    /// Opens a file whose end can be checked before anything is written. What was written.
    async fn binary(
        &self,
        judgement: Option<&Judgement<'_>>,
        range: Option<(u64, Option<u64>)>,
        sink: impl Sink,
    ) -> Result<Written, Failure> {
        let section_len = self.backup.len() - self.offset;
        let layout = Layout::of_section(section_len).map_err(|error| failures::payload(&error))?;
        match judgement.map(|judgement| judgement.payload().len) {
            Some(sealed_len) if sealed_len > section_len => return Err(failures::cut_off(sealed_len - section_len)),
            Some(sealed_len) if sealed_len < section_len => return Err(failures::too_long(section_len - sealed_len)),
            _ => {}
        }
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        nonce.copy_from_slice(&self.read(0..PAYLOAD_NONCE_LEN as u64).await?);
        let opener = Opener::new(&self.file_key, &PayloadNonce::from_bytes(nonce));
        let checked = self.check_end(&opener, layout).await?;
        let run = chunks(&checked, range)?;
        let slots = layout.slots(run.first_index, run.chunk_count);
        let check = match judgement {
            // Nothing of nothing needs to be checked.
            Some(judgement) if !slots.is_empty() => Some(check_of(judgement, range.is_some(), &slots)?),
            _ => None,
        };
        let read = check.as_ref().map_or(slots.clone(), |(_, read)| read.clone());
        let mut pass = Pass { job: self, check: check.map(|(check, _)| check), done_len: 0, total_len: read.end - read.start };
        let mut batch = Batch::try_with_chunks(BATCH_CHUNKS).map_err(|_| failures::memory())?;
        let mut plaintext = Plaintext::new(sink, run);

        // What is in the first and last group, and not in the chunks that are wanted.
        if read.start < PAYLOAD_NONCE_LEN as u64 {
            // The very one that opens the chunks.
            pass.take(&nonce)?;
        }
        pass.through(read.start.max(PAYLOAD_NONCE_LEN as u64)..slots.start, &mut batch).await?;
        let mut pieces = Pieces::new(self.backup, self.in_file(&slots), BATCH_CHUNKS * SLOT_LEN);
        let mut index = run.first_index;
        loop {
            let len = pieces.next(batch.ciphertext_mut()).await?;
            if len == 0 {
                break;
            }
            pass.take(&batch.ciphertext_mut()[..len])?;
            batch.set_ciphertext_len(len);
            opener.open_at(&checked, index, &mut batch, self.spread).map_err(|error| failures::payload(&error))?;
            plaintext.write(&batch).await?;
            index += BATCH_CHUNKS as u64;
        }
        pass.through(slots.end..read.end, &mut batch).await?;
        pass.finish()?;
        plaintext.commit().await
    }

    /// The same of armor, which shows only at its end whether it is whole.
    async fn armored(&self, mut armored: Armored<'_, S>, sink: impl Sink) -> Result<Written, Failure> {
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        if armored.fill(&mut nonce).await? < nonce.len() {
            return Err(failures::payload(&PayloadError::Truncated { index: 0 }));
        }
        let mut opener = Opener::new(&self.file_key, &PayloadNonce::from_bytes(nonce));
        let mut batch = Batch::try_with_chunks(BATCH_CHUNKS).map_err(|_| failures::memory())?;
        let whole = ChunkRange { first_index: 0, chunk_count: u64::MAX, skip_len: 0, len: u64::MAX };
        let mut plaintext = Plaintext::new(sink, whole);
        let mut end = StreamEnd::Later;
        while end == StreamEnd::Later {
            let len = armored.fill(batch.ciphertext_mut()).await?;
            end = if armored.is_at_end().await? { StreamEnd::Here } else { StreamEnd::Later };
            batch.set_ciphertext_len(len);
            opener.open_batch(&mut batch, end, self.spread).map_err(|error| failures::payload(&error))?;
            plaintext.write(&batch).await?;
            self.observer.progress(Progress { done_len: armored.read_len, total_len: self.backup.len(), damage: Vec::new() });
        }
        plaintext.commit().await
    }

    /// A backup that was cut off is refused before anything is written.
    async fn check_end(&self, opener: &Opener, layout: Layout) -> Result<CheckedLayout, Failure> {
        let mut slot = Zeroizing::new(self.read(layout.final_slot()).await?);
        opener.check_end(layout, &mut slot).map_err(|error| match error {
            PayloadError::Damaged { index } => failures::end_missing(index * CHUNK_LEN as u64),
            error => failures::payload(&error),
        })
    }

    /// Bytes of the section.
    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, Failure> {
        read_bytes(self.backup, self.in_file(&range)).await
    }

    fn in_file(&self, section: &Range<u64>) -> Range<u64> {
        self.offset + section.start..self.offset + section.end
    }
}

fn chunks(checked: &CheckedLayout, range: Option<(u64, Option<u64>)>) -> Result<ChunkRange, Failure> {
    let (layout, plaintext_len) = (checked.layout(), checked.layout().plaintext_len());
    let Some((start, end)) = range else {
        // An empty payload, too, has a chunk to be opened.
        return Ok(ChunkRange { first_index: 0, chunk_count: layout.chunk_count(), skip_len: 0, len: plaintext_len });
    };
    checked.chunks_of(&(start..end.unwrap_or(plaintext_len.max(start)))).map_err(|error| failures::range(&error))
}

/// The check of the groups that hold these slots, and where in the section these groups lie.
fn check_of(judgement: &Judgement<'_>, is_range: bool, slots: &Range<u64>) -> Result<(PayloadCheck, Range<u64>), Failure> {
    if !is_range {
        return Ok((PayloadCheck::of(judgement), 0..slots.end));
    }
    let groups = judgement.groups().ok_or_else(failures::groups_unusable)?;
    let indices = groups.index_of(slots.start)..groups.index_of(slots.end - 1) + 1;
    let read = groups.range(indices.start).start..groups.range(indices.end - 1).end;
    Ok((PayloadCheck::groups(groups, indices), read))
}

/// One way through the section, or a part of it.
struct Pass<'a, S, O> {
    job: &'a Job<'a, S, O>,
    check: Option<PayloadCheck>,
    done_len: u64,
    total_len: u64,
}

impl<S: Source, O: Observer> Pass<'_, S, O> {
    /// Takes the bytes that follow, before they are opened.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let spread = self.job.spread;
        let damaged = self.check.as_mut().map(|check| check.take(bytes, spread)).unwrap_or_default();
        self.done_len += bytes.len() as u64;
        self.refuse(damaged)?;
        let Self { done_len, total_len, .. } = *self;
        self.job.observer.progress(Progress { done_len, total_len, damage: Vec::new() });
        Ok(())
    }

    /// Reads bytes of the section that are only checked.
    async fn through(&mut self, range: Range<u64>, room: &mut Batch) -> Result<(), Failure> {
        let room = room.ciphertext_mut();
        let mut pieces = Pieces::new(self.job.backup, self.job.in_file(&range), room.len());
        loop {
            match pieces.next(room).await? {
                0 => return Ok(()),
                len => self.take(&room[..len])?,
            }
        }
    }

    /// All was taken in.
    fn finish(mut self) -> Result<(), Failure> {
        let damaged = self.check.take().map(PayloadCheck::finish).unwrap_or_default();
        self.refuse(damaged)
    }

    fn refuse(&self, damaged: Vec<Range<u64>>) -> Result<(), Failure> {
        match ranges::shifted(damaged, self.job.offset).next() {
            Some(range) => Err(failures::not_as_sealed(&range)),
            None => Ok(()),
        }
    }
}
