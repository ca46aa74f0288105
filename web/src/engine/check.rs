//! Checking a backup against its seal, without a key.

use std::ops::Range;

use dbseal_core::{Extent, Header, HeaderError, Integrity, Judgement, Layout, MAX_HEADER_LEN, ReadBuffer, Seal, Spread};

use super::against_seal::{broken, claims, place, trust_of};
use super::age_file::is_age;
use super::failures;
use super::payload::PayloadCheck;
use super::ranges;
use super::reading::{Pieces, length, read_bytes};
use super::source::{Observer, Source};
use crate::messages::{Checked, Failure, Place, Progress};

/// Bytes that are read at a time: four groups of most backups, which as many threads hash; more gained nothing, and each has to be held
/// four times over, by the browser and here.
const PIECE_LEN: usize = 4 << 20;

/// Checks a backup. `trust` are the lines of a trust file, or nothing.
///
/// # Errors
/// Where the backup cannot be read. That it is not what it should be is an answer.
pub async fn check<S: Source>(
    name: &str,
    backup: &S,
    seal: Option<&[u8]>,
    trust: &str,
    spread: Spread,
    observer: &impl Observer,
) -> Result<Checked, Failure> {
    let trust = trust_of(trust)?;
    let mut checked = Checked {
        name: name.into(),
        file_len: backup.len(),
        integrity: String::new(),
        place: Place::Unknown,
        claims: None,
        damage: Vec::new(),
        payload_len: 0,
        excess_len: 0,
        missing_len: 0,
        has_possible_len: true,
        is_all_other: false,
        perhaps_anew_by: None,
        located: true,
        broken: None,
        other_seal: None,
    };
    let integrity = match seal.map(Seal::parse) {
        None => {
            checked.has_possible_len = has_possible_len(backup).await?;
            Integrity::Unsealed
        }
        Some(Err(error)) => {
            checked.broken = Some(broken(error));
            Integrity::BrokenSeal
        }
        Some(Ok(seal)) => Check { backup, judgement: seal.judge(&trust), spread, observer }.answer(&mut checked).await?,
    };
    checked.integrity = integrity.word().into();
    Ok(checked)
}

/// Whether a complete age file can be as long as this one: it needs no key and no seal to say that one cannot.
///
/// # Errors
/// Where it cannot be read, is empty, or is no age file at all, which nothing else would say.
pub async fn has_possible_len<S: Source>(backup: &S) -> Result<bool, Failure> {
    let start = read_bytes(backup, 0..backup.len().min(MAX_HEADER_LEN as u64)).await?;
    if start.is_empty() {
        return Err(failures::empty());
    }
    Ok(match Header::parse(&start) {
        Err(HeaderError::NotAge) if !is_age(&start) => return Err(failures::not_age()),
        Err(HeaderError::Incomplete) => false,
        // Of armor the length says nothing, and of a damaged header not where it ends.
        Err(_) => true,
        Ok((_, header_len)) => Layout::of_section(backup.len() - header_len as u64).is_ok(),
    })
}

/// Whether these ranges, none of which overlap, are all of so many bytes.
fn is_all(ranges: &[Range<u64>], len: u64) -> bool {
    ranges.iter().map(|range| range.end - range.start).sum::<u64>() == len
}

/// What was found in a section.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Damage,
}

struct Check<'a, S, O> {
    backup: &'a S,
    judgement: Judgement<'a>,
    spread: Spread,
    observer: &'a O,
}

impl<S: Source, O: Observer> Check<'_, S, O> {
    async fn answer(&self, checked: &mut Checked) -> Result<Integrity, Failure> {
        let (judgement, expected) = (&self.judgement, self.judgement.payload());
        checked.place = place(judgement, &checked.name);
        checked.claims = Some(claims(judgement, None));
        checked.payload_len = expected.len;
        let (header, offset) = self.header().await?;
        let section_len = self.backup.len() - offset;
        checked.excess_len = section_len.saturating_sub(expected.len);
        checked.missing_len = expected.len.saturating_sub(section_len);
        checked.located = judgement.groups().is_some();
        let is_other_len = section_len != expected.len;
        // The length alone says that it is another: what is missing or too much at the end need not be all of it.
        if is_other_len && !checked.located {
            checked.damage.push(offset..offset + section_len.max(expected.len));
            self.set_all_other(checked, self.is_other(header), header);
            return Ok(Integrity::Damaged);
        }
        let is_damaged = self.section(offset, section_len.min(expected.len), checked).await? == Found::Damage;
        ranges::push(&mut checked.damage, offset + expected.len..offset + section_len.max(expected.len));
        // A slice, which is refused of a file that has changed: what was read of it is then neither what was chosen nor what is there now.
        read_bytes(self.backup, 0..self.backup.len().min(1)).await?;
        if is_damaged || is_other_len {
            let is_all_other = self.is_other(header) && is_all(&checked.damage, section_len.max(expected.len));
            self.set_all_other(checked, is_all_other, header);
            return Ok(Integrity::Damaged);
        }
        // Where damage cannot be located, none is to be: it would say so of a whole backup.
        checked.located = true;
        // Groups that are all as listed make the root that they were checked against.
        Ok(judgement.integrity(header, section_len, &expected.hash))
    }

    fn set_all_other(&self, checked: &mut Checked, is_all_other: bool, header: Extent) {
        checked.is_all_other = is_all_other;
        let sayer = self.judgement.sayer_of(header).filter(|sayer| is_all_other && sayer.has_encrypted_anew);
        checked.perhaps_anew_by = sayer.map(|sayer| sayer.signer.to_string());
    }

    /// Whether this header is another one, and not only cut off.
    fn is_other(&self, header: Extent) -> bool {
        let sealed = self.judgement.header();
        header != sealed && self.backup.len() >= sealed.len
    }

    /// Reads `len` bytes of the section, and adds what is damaged.
    async fn section(&self, offset: u64, len: u64, checked: &mut Checked) -> Result<Found, Failure> {
        let mut check = PayloadCheck::of(&self.judgement);
        let mut pieces = Pieces::new(self.backup, offset..offset + len, PIECE_LEN);
        let mut buffer = ReadBuffer::try_with_len(length(len.min(PIECE_LEN as u64))).map_err(|_| failures::memory())?;
        let (mut done_len, mut found) = (0, Found::Nothing);
        let mut tell = |done_len, damaged: Vec<_>| {
            // A range of no bytes is one too: a section can be nothing, and another than that was sealed.
            if !damaged.is_empty() {
                found = Found::Damage;
            }
            let damage: Vec<_> = ranges::shifted(damaged, offset).collect();
            damage.iter().for_each(|range| ranges::push(&mut checked.damage, range.clone()));
            self.observer.progress(Progress { done_len, total_len: len, damage });
        };
        loop {
            let piece_len = pieces.next(&mut buffer).await?;
            if piece_len == 0 {
                tell(done_len, check.finish());
                return Ok(found);
            }
            done_len += piece_len as u64;
            tell(done_len, check.take(&buffer[..piece_len], self.spread));
        }
    }

    /// The header that is there, and where the payload section starts.
    async fn header(&self) -> Result<(Extent, u64), Failure> {
        let (expected, file_len) = (self.judgement.header(), self.backup.len());
        let start = |len: u64| read_bytes(self.backup, 0..len.min(MAX_HEADER_LEN as u64).min(file_len));
        if Extent::of(&start(expected.len).await?) == expected {
            return Ok((expected, expected.len));
        }
        let start = start(MAX_HEADER_LEN as u64).await?;
        // It is another: where it ends, it says itself, if it can still be read. A damaged one is taken to be as long as it was.
        let parsed_len = Header::parse(&start).ok().map(|(_, len)| len as u64);
        let payload_len = self.judgement.payload().len;
        let offset = parsed_len.filter(|len| file_len.checked_sub(*len) == Some(payload_len)).unwrap_or(expected.len).min(file_len);
        Ok((Extent::of(&start[..length(offset.min(start.len() as u64))]), offset))
    }
}
