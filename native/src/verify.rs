//! Checking a backup against its seal, without a key (SEAL.md, "What is answered").

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dbseal_core::{
    Extent, FileName, Header, HeaderError, Integrity, Judgement, Layout, MAX_HEADER_LEN, MAX_SEAL_LEN, Note, Sayer, Seal, SealError,
    SeriesPlace, Standing, Trust,
};
use rustix::fs::Advice;

use crate::age_file::AgeFile;
use crate::catalogue::Event;
use crate::chain::Link;
use crate::error::JobError;
use crate::input::{Input, open_regular};
use crate::journal::JournalFile;
use crate::pace::Pace;
use crate::place::{Place, Places};
use crate::replaced::replaced_seal;
use crate::report::Observer;
use crate::sample::{Depth, Sample, Share};
use crate::sealing::seal_path;
use crate::section::Section;

/// Everything that was decided about a check.
#[derive(Debug)]
pub struct VerifyRequest {
    /// The backup.
    pub backup: PathBuf,
    /// Its seal, where that is not beside it.
    pub seal: Option<PathBuf>,
    /// How much of it is read.
    pub depth: Depth,
    /// How many threads hash.
    pub threads: NonZeroUsize,
    /// How fast to read.
    pub pace: Pace,
}

/// What is known of a backup after a check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// The backup.
    pub backup: PathBuf,
    /// Whether it is what was sealed.
    pub integrity: Integrity,
    /// Whether it is where it belongs.
    pub places: Places,
    /// What its seal says; `None` without a seal that can be read.
    pub claims: Option<Claims>,
    /// What was read, if that was not all of it.
    pub sample: Option<Sample>,
    /// Bytes of the file that are damaged, in order.
    pub damage: Vec<Range<u64>>,
    /// Bytes behind the end that the payload section should have; where they are damage too, they are in that.
    pub excess_len: u64,
    /// Whether a complete age file can have the length that it has, where there is no seal that says which it should have.
    pub has_possible_len: bool,
    /// Whether the damage was located; otherwise it is somewhere in there.
    pub located: bool,
    /// Whether the header is another one than was sealed, and not only cut off.
    pub has_other_header: bool,
    /// Who says that other header, in a note that does not count.
    pub header_by: Option<HeaderBy>,
    /// Why the seal is broken.
    pub broken: Option<SealError>,
    /// Where its seal does not fit: another one that may be the right one, left by a job that was stopped while it replaced the backup.
    pub replaced_seal: Option<PathBuf>,
}

/// Who would have to be trusted for the header that is there to be the one that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderBy {
    /// Their verifier key: its name is its owner's own choice.
    pub signer: String,
    /// Whether the payload is another one since, as is said.
    pub has_encrypted_anew: bool,
}

impl HeaderBy {
    fn of(sayer: &Sayer<'_>) -> Self {
        Self { signer: sayer.signer.to_string(), has_encrypted_anew: sayer.has_encrypted_anew }
    }
}

impl Verification {
    /// Whose word would make of damage another payload: nothing is as it was sealed, and they, or others after them, say that it was encrypted
    /// anew.
    #[must_use]
    pub fn perhaps_anew_by(&self) -> Option<&str> {
        let damaged_len: u64 = self.damage.iter().map(|range| range.end - range.start).sum();
        let is_all = self.claims.as_ref().is_some_and(|claims| damaged_len >= claims.payload_len);
        let by = self.header_by.as_ref().filter(|by| by.has_encrypted_anew && self.integrity == Integrity::Damaged && is_all)?;
        Some(&by.signer)
    }
}

/// What a seal says of a backup.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claims {
    /// The name of the trusted key that vouches for it.
    pub vouched_by: Option<String>,
    /// How who signed the first note stands to who checks.
    pub standing: Standing,
    /// The first note: who sealed the backup or saw it, and when, as they say. That who sealed it also made it shows only with its file key.
    pub first: Note,
    /// Bytes that the payload section should have.
    pub payload_len: u64,
    /// The name that the backup had, and where in its series it is; of a note that counts, where one does.
    pub named: Option<FileName>,
    /// The same.
    pub series: Option<SeriesPlace>,
    /// Whether the backup is where it belongs, as far as it shows without the others.
    pub place: Place,
    /// Where it was encrypted anew, who says so, and when, as they say: of a note that counts, the last one. What is there is then what
    /// they made of what was sealed.
    pub encrypted_anew: Option<Event>,
    /// Where the recipients were changed, who says so, and when, as they say: of a note that counts, the last one.
    pub rewrapped: Option<Event>,
    /// How many notes say nothing to who checks.
    pub uncounted_notes: usize,
    /// Its place among others; only for a backup that somebody vouches for.
    pub link: Option<Link>,
}

impl Claims {
    /// What a seal says of a backup, to who trusts as the judgement did.
    pub(crate) fn of(judgement: &Judgement<'_>, backup: &Path) -> Self {
        Self {
            vouched_by: judgement.vouched_by().map(ToString::to_string),
            standing: judgement.standing(),
            first: judgement.first().clone(),
            payload_len: judgement.payload().len,
            named: judgement.file().cloned(),
            series: judgement.series().cloned(),
            place: place(judgement, backup),
            encrypted_anew: judgement.encrypted_anew().map(Event::of),
            rewrapped: judgement.rewrapped().map(Event::of),
            uncounted_notes: judgement.uncounted_len(),
            link: Link::of(judgement),
        }
    }
}

/// Checks a backup.
///
/// # Errors
/// Where the backup cannot be read. That it is not what it should be is an answer.
pub fn verify(request: &VerifyRequest, trust: &Trust, observer: &Arc<dyn Observer>) -> Result<Verification, JobError> {
    let input = Input::open_regular(&request.backup)?;
    let mut answer = Verification {
        backup: request.backup.clone(),
        integrity: Integrity::Unsealed,
        places: Place::Unknown.into(),
        claims: None,
        sample: None,
        damage: Vec::new(),
        excess_len: 0,
        has_possible_len: true,
        located: true,
        has_other_header: false,
        header_by: None,
        broken: None,
        replaced_seal: None,
    };
    let path = request.seal.clone().unwrap_or_else(|| seal_path(&request.backup));
    let Some(bytes) = read_seal(&path)? else {
        answer.has_possible_len = has_possible_len(&input)?;
        return Ok(answer);
    };
    match Seal::parse(&bytes) {
        Ok(seal) => Check { request, input: &input, judgement: seal.judge(trust), observer: &**observer }.answer(&mut answer)?,
        Err(error) => {
            answer.integrity = Integrity::BrokenSeal;
            answer.broken = Some(error);
        }
    }
    if matches!(answer.integrity, Integrity::Damaged | Integrity::HeaderChanged | Integrity::BrokenSeal) && request.seal.is_none() {
        answer.replaced_seal = replaced_seal(&request.backup);
    }
    Ok(answer)
}

/// What the seal of a backup that cannot be read says of its place among others.
#[cfg(feature = "cli")]
#[must_use]
pub(crate) fn link_of_unread(request: &VerifyRequest, trust: &Trust) -> Option<Link> {
    let path = request.seal.clone().unwrap_or_else(|| seal_path(&request.backup));
    let seal = Seal::parse(&read_seal(&path).ok()??).ok()?;
    Link::of(&seal.judge(trust))
}

/// The bytes of a seal; `None` where there is none.
pub(crate) fn read_seal(path: &Path) -> Result<Option<Vec<u8>>, JobError> {
    let file = match open_regular(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| JobError::open(path, error))?,
    };
    let mut bytes = Vec::new();
    // One byte more than allowed shows that it is too long.
    file.take(MAX_SEAL_LEN as u64 + 1).read_to_end(&mut bytes).map_err(|error| JobError::read(&path.display().to_string(), error))?;
    Ok(Some(bytes))
}

struct Check<'a> {
    request: &'a VerifyRequest,
    input: &'a Input,
    judgement: Judgement<'a>,
    observer: &'a dyn Observer,
}

impl Check<'_> {
    fn answer(&self, answer: &mut Verification) -> Result<(), JobError> {
        let judgement = &self.judgement;
        let claims = Claims::of(judgement, &self.request.backup);
        answer.places = claims.place.into();
        answer.claims = Some(claims);
        let file_len = self.input.regular.map_or(0, |regular| regular.len);
        let (header, offset) = self.header(file_len)?;
        answer.has_other_header = header != judgement.header() && file_len >= judgement.header().len;
        if answer.has_other_header {
            answer.header_by = judgement.sayer_of(header).map(|sayer| HeaderBy::of(&sayer));
        }
        let section_len = file_len.saturating_sub(offset);
        answer.excess_len = section_len.saturating_sub(judgement.payload().len);
        let VerifyRequest { threads, pace, .. } = self.request;
        let section = Section { input: self.input, offset, len: section_len, threads: *threads, pace, observer: self.observer };
        if let Some(regular) = self.input.regular.filter(|_| self.judgement.vouched_by().is_none()) {
            regular.check_not_sparse(&self.input.what)?;
        }
        match self.request.depth {
            Depth::Sample(share) => self.sample(&section, share, header, answer)?,
            Depth::Whole => self.whole(&section, header, answer)?,
        }
        self.input.check_unchanged()?;
        for range in &mut answer.damage {
            *range = range.start + offset..range.end + offset;
        }
        merge(&mut answer.damage);
        Ok(())
    }

    /// Checks all of it.
    fn whole(&self, section: &Section<'_>, header: Extent, answer: &mut Verification) -> Result<(), JobError> {
        let (judgement, expected) = (&self.judgement, self.judgement.payload());
        self.observer.started(Some(section.len));
        let groups = judgement.groups();
        let root = match &groups {
            Some(groups) => {
                let all: Vec<u64> = (0..groups.count()).collect();
                answer.damage = section.damaged(groups, &all)?;
                // Groups that are all as listed make the root that they were checked against.
                if answer.damage.is_empty() { Some(expected.hash) } else { None }
            }
            // The length alone says that it is another; a file that is long and empty would be read for hours.
            None if section.len != expected.len => None,
            None => Some(section.hash()?.root()),
        };
        answer.integrity = root.map_or(Integrity::Damaged, |root| judgement.integrity(header, section.len, &root));
        if answer.integrity == Integrity::Damaged {
            if groups.is_none() {
                // What is missing or too much at the end need not be all of it.
                answer.located = false;
                answer.damage.push(0..section.len.max(expected.len));
            } else if section.len > expected.len {
                answer.damage.push(expected.len..section.len);
            }
        }
        Ok(())
    }

    /// Checks some of the groups; the header and the length, which cost nothing, as ever.
    fn sample(&self, section: &Section<'_>, share: Share, header: Extent, answer: &mut Verification) -> Result<(), JobError> {
        let judgement = &self.judgement;
        let groups = judgement.groups().ok_or_else(|| JobError::NoGroups(self.input.what.clone()))?;
        let indices = share.pick(groups.count())?;
        let bytes = indices.iter().map(|&index| groups.range(index)).map(|range| range.end.min(section.len).saturating_sub(range.start));
        self.observer.started(Some(bytes.sum()));
        // The kernel would read on beyond each group: three times as much in all, when 5% of 400 MB were sampled.
        let _ = rustix::fs::fadvise(&self.input.file, 0, None, Advice::Random);
        answer.damage = section.damaged(&groups, &indices)?;
        answer.sample = Some(Sample::of(indices.len(), groups.count()));
        let expected_len = judgement.payload().len;
        if section.len != expected_len {
            // What is missing at the end, or too much there.
            answer.damage.retain(|range| range.end <= section.len);
            answer.damage.push(section.len.min(expected_len)..section.len.max(expected_len));
        }
        answer.integrity = match judgement.integrity(header, section.len, &judgement.payload().hash) {
            _ if !answer.damage.is_empty() => Integrity::Damaged,
            Integrity::Intact => Integrity::Sampled,
            other => other,
        };
        Ok(())
    }

    /// The header that is there, and where the payload section starts.
    fn header(&self, file_len: u64) -> Result<(Extent, u64), JobError> {
        let expected = self.judgement.header();
        if let Some(journal) = JournalFile::needed(&self.request.backup, &self.input.file, Some(expected)) {
            // It says where the payload begins, and not what the header is: that is the one that is there.
            journal.tell(&self.input.what, self.observer);
            let own_len = journal.own_header_len();
            return Ok((Extent::of(&self.input.start(own_len)?), own_len as u64));
        }
        if Extent::of(&self.input.start(usize::try_from(expected.len).unwrap_or(MAX_HEADER_LEN))?) == expected {
            return Ok((expected, expected.len));
        }
        let start = self.input.start(MAX_HEADER_LEN)?;
        // It is another: where it ends, it says itself, if it can still be read. A damaged one is taken to be as long as it was.
        let parsed_len = Header::parse(&start).ok().map(|(_, len)| len);
        let payload_len = self.judgement.payload().len;
        let offset = parsed_len.map(|len| len as u64).filter(|len| file_len.checked_sub(*len) == Some(payload_len)).unwrap_or(expected.len);
        let offset = offset.min(file_len);
        Ok((Extent::of(&start[..usize::try_from(offset).map_or(start.len(), |len| len.min(start.len()))]), offset))
    }
}

/// Whether a complete age file can be as long as this one: it needs no key and no seal to say that one cannot.
fn has_possible_len(input: &Input) -> Result<bool, JobError> {
    let len = input.regular.map_or(0, |regular| regular.len);
    match AgeFile::read(&input.file, &input.what) {
        Ok(file) => Ok(file.is_armored || Layout::of_section(len.saturating_sub(file.header_len)).is_ok()),
        Err(JobError::InputEmpty(_) | JobError::Header { error: HeaderError::Incomplete, .. }) => Ok(false),
        Err(error @ JobError::Read { .. }) => Err(error),
        // Of armor, and of what is no age file, the length says nothing, and of a damaged header not where it ends.
        Err(_) => Ok(true),
    }
}

/// Where a backup belongs, as far as it shows without the others.
pub(crate) fn place(judgement: &Judgement<'_>, backup: &Path) -> Place {
    let name = backup.file_name().unwrap_or_default().as_bytes();
    if judgement.vouched_by().is_none() {
        Place::Unknown
    } else if !judgement.file().is_some_and(|file| file.matches(name)) {
        Place::Renamed
    } else if judgement.series().is_some() {
        Place::Unchecked
    } else {
        Place::Alone
    }
}

/// Makes one range of those that touch.
fn merge(ranges: &mut Vec<Range<u64>>) {
    ranges.dedup_by(|next, range| {
        let touches = next.start == range.end;
        if touches {
            range.end = next.end;
        }
        touches
    });
}
