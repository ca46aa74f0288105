//! What is left of a damaged backup: every chunk that opens, where it belongs, and a list of what is lost.

use std::ops::Range;

use dbseal_core::{
    Batch, CHUNK_LEN, Extent, FileKey, Header, Judgement, Layout, MAX_HEADER_LEN, Maker, Opener, PAYLOAD_NONCE_LEN, PayloadNonce, SLOT_LEN,
    Salvaged, Spread,
};

use super::against_seal::{SealCheck, check_proof, claims, place};
use super::age_file::is_armored;
use super::failures;
use super::keys::Keys;
use super::open::BATCH_CHUNKS;
use super::payload::PayloadCheck;
use super::ranges;
use super::reading::{Pieces, read_bytes};
use super::source::{Observer, Sink, Source};
use super::writing::Patches;
use crate::messages::{End, Failure, Opened, Place, Progress};

/// Writes what opens. The output is committed when all was tried.
pub(super) async fn salvage<S: Source>(
    seal_check: &SealCheck<'_>,
    backup: &S,
    keys: &Keys,
    sink: impl Sink,
    spread: Spread,
    observer: &impl Observer,
) -> Result<Opened, Failure> {
    let start = read_bytes(backup, 0..backup.len().min(MAX_HEADER_LEN as u64)).await?;
    let seal = seal_check.seal_of_damaged(&start)?;
    let judgement = seal.as_ref().map(|seal| seal.judge(&seal_check.trust));
    if is_armored(&start) {
        return Err(failures::armor_not_salvageable());
    }
    let job = Job { backup, name: seal_check.name, judgement: judgement.as_ref(), spread, observer };
    let mut output = Patches::new(sink);
    // Where the signed header is at hand, no other will do: the storage may hold another file's.
    let copy = judgement.as_ref().and_then(Judgement::header_copy).filter(|copy| !start.starts_with(copy));
    if let Some(opening) = copy.and_then(|copy| Opening::of(copy, keys).ok()) {
        let found = job.find(&opening, &mut output).await?;
        if !found.is_nothing() {
            return job.end(&opening, found, output).await;
        }
        // Else the seal is another backup's, whose header opens with the same key; nothing was written.
    }
    let opening = Opening::of(&start, keys)?;
    let found = job.find(&opening, &mut output).await?;
    if found.is_nothing() {
        return Err(failures::nothing_salvaged());
    }
    job.end(&opening, found, output).await
}

/// What opens it.
struct Opening {
    file_key: FileKey,
    /// The header, after which the payload section starts.
    header: Extent,
}

impl Opening {
    /// With the header that `bytes` start with.
    fn of(bytes: &[u8], keys: &Keys) -> Result<Self, Failure> {
        let (header, len) = Header::parse(bytes).map_err(|error| failures::header_lost(&error))?;
        Ok(Self { file_key: keys.unwrap(&header)?, header: Extent::of(&bytes[..len]) })
    }
}

/// What opened.
#[derive(Default)]
struct Found {
    /// In bytes of plaintext.
    opened: Vec<Range<u64>>,
    /// Where the plaintext ends, if that is known: from the seal, or as its final chunk opened.
    plaintext_len: Option<u64>,
    /// Groups that are not as they were sealed, in bytes of the section.
    unsealed: Vec<Range<u64>>,
}

impl Found {
    fn is_nothing(&self) -> bool {
        self.opened.is_empty() && self.plaintext_len != Some(0)
    }

    /// Bytes of plaintext up to the end of the last chunk that opened.
    fn opened_end(&self) -> u64 {
        self.opened.last().map_or(0, |range| range.end)
    }

    fn add(&mut self, at: u64, text: &[u8]) {
        ranges::push(&mut self.opened, at..at + text.len() as u64);
    }
}

struct Job<'a, S, O> {
    backup: &'a S,
    /// The name that it has.
    name: &'a str,
    /// What the seal says, if there is one.
    judgement: Option<&'a Judgement<'a>>,
    spread: Spread,
    observer: &'a O,
}

impl<S: Source, O: Observer> Job<'_, S, O> {
    /// What the seal says, if it is about what this opens: a header that was not signed is of another file, or of another time; so may be
    /// all that it opens, and all that the seal says. Who says of a file only that they saw it can say any length: they have to be trusted.
    fn sealed(&self, opening: &Opening) -> Option<&Judgement<'_>> {
        self.judgement.filter(|judgement| {
            judgement.header() == opening.header
                && match check_proof(judgement, &opening.file_key) {
                    Ok(Maker::Signer) => true,
                    Ok(Maker::Unknown) => judgement.vouched_by().is_some(),
                    Err(_) => false,
                }
        })
    }

    /// Tries every chunk, and writes those that open.
    async fn find(&self, opening: &Opening, output: &mut Patches<impl Sink>) -> Result<Found, Failure> {
        let (offset, sealed) = (opening.header.len, self.sealed(opening));
        let there_len = self.backup.len().saturating_sub(offset);
        // The seal knows where it ended; without it all that there is may belong to it.
        let section_len = sealed.map_or(there_len, |sealed| sealed.payload().len.min(there_len));
        // Whoever makes a file for this key can seal it as longer than any disk: how many zeros follow, only who is trusted says.
        let believed = sealed.filter(|sealed| sealed.payload().len <= there_len || sealed.vouched_by().is_some());
        let mut found = Found {
            plaintext_len: believed.and_then(|sealed| Layout::of_section(sealed.payload().len).ok()).map(|layout| layout.plaintext_len()),
            ..Found::default()
        };
        let slots_start = PAYLOAD_NONCE_LEN as u64;
        if section_len < slots_start {
            return Ok(Found::default());
        }
        let mut nonce = [0; PAYLOAD_NONCE_LEN];
        nonce.copy_from_slice(&read_bytes(self.backup, offset..offset + slots_start).await?);
        let opener = Opener::new(&opening.file_key, &PayloadNonce::from_bytes(nonce));
        let mut check = sealed.map(PayloadCheck::of);
        let spread = self.spread;
        let mut take = |bytes: &[u8], found: &mut Found| {
            found.unsealed.extend(check.as_mut().map(|check| check.take(bytes, spread)).unwrap_or_default());
        };
        take(&nonce, &mut found);

        let mut batch = Batch::try_with_chunks(BATCH_CHUNKS).map_err(|_| failures::memory())?;
        let mut pieces = Pieces::new(self.backup, offset + slots_start..offset + section_len, BATCH_CHUNKS * SLOT_LEN);
        let (mut index, mut done_len, mut has_end) = (0, slots_start, false);
        while !has_end {
            let len = pieces.next(batch.ciphertext_mut()).await?;
            if len == 0 {
                break;
            }
            // What is as it was sealed is then what was opened, and not what the storage gives to whoever reads again.
            take(&batch.ciphertext_mut()[..len], &mut found);
            batch.set_ciphertext_len(len);
            let mut lost = Vec::new();
            for (salvaged, index) in opener.salvage_at(index, &mut batch).into_iter().zip(index..) {
                match salvaged {
                    Salvaged::Lost => {
                        let start = slots_start + index * SLOT_LEN as u64;
                        ranges::push(&mut lost, offset + start..offset + section_len.min(start + SLOT_LEN as u64));
                    }
                    Salvaged::Inner(text) => self.keep(index, text, &mut found, output).await?,
                    Salvaged::Final(text) => {
                        self.keep(index, text, &mut found, output).await?;
                        // Behind it there is nothing, unless the seal knows better.
                        has_end = sealed.is_none();
                        if has_end {
                            found.plaintext_len = Some(found.opened_end());
                            break;
                        }
                    }
                }
            }
            index += BATCH_CHUNKS as u64;
            done_len += len as u64;
            self.observer.progress(Progress { done_len, total_len: section_len, damage: lost });
        }
        found.unsealed.extend(check.map(PayloadCheck::finish).unwrap_or_default());
        if sealed.is_none() && !has_end {
            self.look_for_end(&opener, &mut batch, offset..offset + section_len, &mut found, output).await?;
        }
        if self.judgement.is_some() && sealed.is_none() {
            // A seal that is not about it says of no part that it is as it was sealed.
            found.unsealed.push(0..section_len);
        }
        Ok(found)
    }

    /// Looks for the final chunk after the last one that opened: where something was appended, it ends where no slot does.
    async fn look_for_end(
        &self,
        opener: &Opener,
        batch: &mut Batch,
        section: Range<u64>,
        found: &mut Found,
        output: &mut Patches<impl Sink>,
    ) -> Result<(), Failure> {
        let index = found.opened_end() / CHUNK_LEN as u64;
        let start = section.start + PAYLOAD_NONCE_LEN as u64 + index * SLOT_LEN as u64;
        if start >= section.end {
            return Ok(());
        }
        let slot = read_bytes(self.backup, start..section.end.min(start + SLOT_LEN as u64)).await?;
        let room = &mut batch.ciphertext_mut()[..slot.len()];
        room.copy_from_slice(&slot);
        if let Some(text) = opener.find_final(index, room) {
            self.keep(index, text, found, output).await?;
            found.plaintext_len = Some(found.opened_end());
        }
        Ok(())
    }

    async fn keep(&self, index: u64, text: &[u8], found: &mut Found, output: &mut Patches<impl Sink>) -> Result<(), Failure> {
        let at = index * CHUNK_LEN as u64;
        // The seal knows where the plaintext ends.
        let end = found.plaintext_len.unwrap_or(u64::MAX).min(at + text.len() as u64);
        let text = &text[..usize::try_from(end.saturating_sub(at)).map_or(text.len(), |len| len.min(text.len()))];
        if text.is_empty() {
            return Ok(());
        }
        found.add(at, text);
        output.write(at, text).await
    }

    /// All was tried, and something opened.
    async fn end(&self, opening: &Opening, found: Found, output: Patches<impl Sink>) -> Result<Opened, Failure> {
        let output_len = found.plaintext_len.unwrap_or(found.opened_end());
        let is_zstd = output.is_zstd;
        output.commit(output_len).await?;
        let mut unsealed = Vec::new();
        for group in &found.unsealed {
            let plaintext = plaintext_of(group, output_len);
            ranges::within(&found.opened, plaintext).for_each(|range| ranges::push(&mut unsealed, range));
        }
        // A seal that is about another backup says nothing of this one.
        let sealed = self.sealed(opening);
        let place = sealed.map_or(Place::Unknown, |sealed| place(sealed, self.name));
        let claims = sealed.map(|sealed| claims(sealed, Some(check_proof(sealed, &opening.file_key) == Ok(Maker::Signer))));
        Ok(Opened {
            written_len: found.opened.iter().map(|range| range.end - range.start).sum(),
            end: if found.plaintext_len.is_some() { End::Known } else { End::Missing },
            claims,
            place,
            is_zstd,
            lost: ranges::gaps(&found.opened, output_len).collect(),
            unsealed,
        })
    }
}

/// The plaintext of all chunks that lie with any of their bytes in a range of the section, up to `plaintext_len`.
fn plaintext_of(section: &Range<u64>, plaintext_len: u64) -> Range<u64> {
    let chunk_start = |at: u64| at.saturating_sub(PAYLOAD_NONCE_LEN as u64) / SLOT_LEN as u64 * CHUNK_LEN as u64;
    chunk_start(section.start)..(chunk_start(section.end.saturating_sub(1)) + CHUNK_LEN as u64).min(plaintext_len)
}
