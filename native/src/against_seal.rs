//! What is decrypted, checked against its seal in the same pass: a backup is not trusted because it decrypts.

use std::fmt::Display;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dbseal_core::{
    Extent, FileKey, FileName, Groups, Header, Judgement, MadeBy, Maker, ProofKey, ReadBuffer, Seal, Standing, Trust, VerifiedSeal,
};

use crate::error::JobError;
use crate::input::Source;
use crate::pipeline::read_full;
use crate::reason::reason;
use crate::replaced::{replaced_seal, replaced_words};
use crate::report::Observer;
use crate::sealing::seal_path;
use crate::shared_tree::SharedTree;
use crate::verify::read_seal;

/// Bytes that are read at a time: they stay in the core's own cache from the read to the hash.
const PIECE_LEN: usize = 256 << 10;

/// What is asked of a backup's seal before it is decrypted.
#[derive(Clone, Debug)]
pub struct SealCheck {
    /// Whether there has to be one.
    pub policy: SealPolicy,
    /// Where it is, if not beside the backup.
    pub path: Option<PathBuf>,
    /// Who has to vouch.
    pub trust: Trust,
    /// Whether it may be another backup's.
    pub names: Names,
}

/// Whether a backup has to have the name that its seal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Another name may be that of a newer backup.
    MustMatch,
    /// Somebody has looked.
    MayDiffer,
    /// Somebody has looked, and saw that its seal says this name, percent-encoded: if it says another by now, that was not seen.
    MayBe(String),
}

impl Names {
    /// Whether the seal may say this name, which the backup has not.
    pub(crate) fn allow(&self, sealed: &str) -> bool {
        match self {
            Self::MustMatch => false,
            Self::MayDiffer => true,
            Self::MayBe(seen) => seen == sealed,
        }
    }
}

/// Whether a backup is decrypted without somebody who vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealPolicy {
    /// Somebody who is trusted has to vouch for it.
    Trusted,
    /// A seal that is there has to be about this backup, whoever signed it.
    IfThere,
    /// A seal is not looked at.
    Ignored,
}

/// What the payload section has to be.
pub(crate) struct Expected<'a> {
    /// Where it starts in the file, in bytes.
    offset: u64,
    payload: Extent,
    groups: Option<Groups>,
    /// Of somebody who is trusted and vouches for it, if there is one: what is given to a program unasked needs this.
    pub(crate) verified: Option<VerifiedSeal<'a>>,
    /// Who made it.
    pub(crate) maker: Maker,
    /// Who vouches for it, if they also had its file key.
    pub(crate) made_by: Option<MadeBy>,
}

impl SealCheck {
    /// The seal itself, as far as it can be read: for a backup that is damaged anyway. Where somebody has to vouch, one who does.
    pub(crate) fn seal_of(&self, backup: &Path, observer: &dyn Observer) -> Result<Option<Seal>, JobError> {
        let path = self.path.clone().unwrap_or_else(|| seal_path(backup));
        let what = backup.display().to_string();
        if self.policy == SealPolicy::Ignored {
            return Ok(None);
        }
        let unused = |why: &str, error: &dyn Display| {
            observer.warning(&format!("{}: the seal {why}, and is not used: {error}", path.display()));
            None
        };
        let seal = match read_seal(&path).map(|bytes| bytes.as_deref().map(Seal::parse)) {
            Ok(Some(Ok(seal))) => Some(seal),
            Ok(Some(Err(error))) => unused("is broken", &error),
            // The disk that fails under the backup may fail under its seal.
            Err(JobError::Read { error, .. }) => unused("cannot be read", &reason(&error)),
            Err(error) => return Err(error),
            Ok(None) if self.path.is_some() => return Err(JobError::NoSeal(what)),
            Ok(None) => None,
        };
        if self.policy == SealPolicy::Trusted {
            let judgement = seal.as_ref().map(|seal| seal.judge(&self.trust));
            judgement.map_or_else(|| Err(JobError::NotVouched(what.clone())), |judgement| check_vouched(&judgement, &what))?;
        }
        Ok(seal)
    }

    /// The seal of the backup, if it may be decrypted by what that says; `None` where there is none, and need not be. Of armor no seal can
    /// be, so that has no `header`.
    pub(crate) fn seal_for(&self, source: &Source, header: Option<&Header>) -> Result<Option<Seal>, JobError> {
        let what = source.what();
        let seal = match (self.trusted_seal(source), header) {
            // Of that the seal is not, whoever signed it.
            (Err(JobError::NotVouched(_) | JobError::NotTrustedFor { .. }), None) => return Err(JobError::ArmorSealed(what)),
            (seal, _) => seal?,
        };
        let Some(seal) = seal else { return Ok(None) };
        // Else armor would be a way round a seal that is there.
        let header = header.ok_or_else(|| JobError::ArmorSealed(what.clone()))?;
        let judgement = seal.judge(&self.trust);
        let own = Extent::of(&header.to_bytes());
        if own != judgement.header() {
            return Err(match judgement.sayer_of(own) {
                Some(sayer) => JobError::HeaderByStranger { what, signer: sayer.signer.to_string() },
                None => JobError::HeaderNotSealed(what),
            });
        }
        let backup = if let Source::File(path) = source { Some(path.as_path()) } else { None };
        match backup.and_then(|backup| other_name(&judgement, backup)).map(ToString::to_string) {
            Some(sealed) if !self.names.allow(&sealed) => Err(JobError::Renamed { what, sealed }),
            _ => Ok(Some(seal)),
        }
    }

    /// The seal of the backup, whatever it says of it, if those vouch for it who have to; `None` where there is none, and need not be.
    pub(crate) fn trusted_seal(&self, source: &Source) -> Result<Option<Seal>, JobError> {
        let what = source.what();
        let backup = if let Source::File(path) = source { Some(path.as_path()) } else { None };
        let path = self.path.clone().or_else(|| backup.map(seal_path));
        if self.policy == SealPolicy::Ignored {
            return Ok(None);
        }
        let bytes = path.as_deref().map(read_seal).transpose()?.flatten();
        let (Some(path), Some(bytes)) = (path, bytes) else {
            let is_wanted = self.path.is_some() || self.policy == SealPolicy::Trusted;
            return if is_wanted { Err(JobError::NoSeal(what)) } else { Ok(None) };
        };
        let seal = Seal::parse(&bytes).map_err(|error| JobError::Seal { what: path.display().to_string(), error })?;
        if self.policy == SealPolicy::Trusted {
            check_vouched(&seal.judge(&self.trust), &what)?;
        }
        Ok(Some(seal))
    }

    /// The header that the backup has by its seal, where that is asked.
    pub(crate) fn sealed_header(&self, source: &Source) -> Result<Option<Extent>, JobError> {
        Ok(self.trusted_seal(source)?.map(|seal| seal.judge(&self.trust).header()))
    }

    /// Where a backup is refused by its seal, tells of another one that may be the right one.
    pub(crate) fn tell_why_refused(&self, backup: &Path, error: &JobError, observer: &dyn Observer) {
        match error {
            JobError::Seal { .. }
            | JobError::HeaderNotSealed(_)
            | JobError::HeaderByStranger { .. }
            | JobError::NotAsSealed { .. }
            | JobError::WrongProof { .. } => {}
            // With the header that is in its seal.
            JobError::NothingSalvaged(_) | JobError::SealedUnknown(_) | JobError::NothingAsSealed(_) | JobError::OthersSeal { .. } => {}
            _ => return,
        }
        self.tell_of_replaced(backup, observer);
    }

    /// The same, where it is known that the seal does not fit.
    pub(crate) fn tell_of_replaced(&self, backup: &Path, observer: &dyn Observer) {
        let is_beside = self.path.is_none() && self.policy != SealPolicy::Ignored;
        if let Some(path) = replaced_seal(backup).filter(|_| is_beside) {
            observer.warning(&replaced_words(&path));
        }
    }

    /// What the payload section has to be by that seal, whose proof is checked first. `file_key` is the one of the backup.
    pub(crate) fn expected<'a>(
        &self,
        seal: &'a Seal,
        what: &str,
        file_key: &FileKey,
        observer: &dyn Observer,
    ) -> Result<Expected<'a>, JobError> {
        let judgement = seal.judge(&self.trust);
        let wrong = |error| JobError::WrongProof { what: what.into(), error };
        let maker = judgement.check_proof(&ProofKey::of(file_key)).map_err(wrong)?;
        if maker == Maker::Unknown {
            observer.warning(&format!("who made {what} is not known: its seal is of somebody who saw it later"));
        }
        Ok(Expected {
            offset: judgement.header().len,
            payload: judgement.payload(),
            groups: judgement.groups(),
            maker,
            made_by: judgement.made_by().filter(|_| maker == Maker::Signer),
            verified: judgement.verified(),
        })
    }
}

impl Expected<'_> {
    /// Refuses a payload section of another length.
    pub(crate) fn check_len(&self, section_len: u64, what: &str) -> Result<(), JobError> {
        if section_len == self.payload.len {
            Ok(())
        } else {
            let (from, to) = (section_len.min(self.payload.len), section_len.max(self.payload.len));
            Err(not_as_sealed(what, self.offset, from..to))
        }
    }

    /// Refuses a section that is not what was sealed: for an output that can still be taken back.
    pub(crate) fn check_whole(&self, tree: SharedTree, what: &str) -> Result<(), JobError> {
        let is_as_sealed = tree.finish().is_some_and(|tree| Extent::from(&tree) == self.payload);
        if is_as_sealed { Ok(()) } else { Err(not_as_sealed(what, self.offset, 0..self.payload.len)) }
    }

    /// Reads the bytes `range` of the section, each only after the group that it lies in was found to be as sealed. `reader` stands
    /// at [`Expected::group_start`] of the range.
    pub(crate) fn groups_reader<R: Read>(&self, reader: R, range: Range<u64>, what: &str) -> Result<GroupsReader<R>, JobError> {
        let groups = self.groups.clone().ok_or_else(|| JobError::GroupsUnusable(what.into()))?;
        let next_group = groups.index_of(range.start);
        let offset = self.offset;
        Ok(GroupsReader { reader, groups, offset, next_group, range, pieces: Vec::new(), group_len: 0, taken_len: 0, what: what.into() })
    }

    /// Bytes that the section has to have.
    pub(crate) fn len(&self) -> u64 {
        self.payload.len
    }

    /// What the section has to be.
    pub(crate) fn payload(&self) -> Extent {
        self.payload
    }

    /// Where the group starts that holds the byte at `offset` of the section.
    pub(crate) fn group_start(&self, offset: u64) -> u64 {
        self.groups.as_ref().map_or(0, |groups| groups.range(groups.index_of(offset)).start)
    }

    pub(crate) fn has_groups(&self) -> bool {
        self.groups.is_some()
    }
}

/// See [`Expected::groups_reader`].
pub(crate) struct GroupsReader<R> {
    reader: R,
    groups: Groups,
    /// Where the section starts in the file, in bytes.
    offset: u64,
    next_group: u64,
    /// What is handed out, and still to come.
    range: Range<u64>,
    /// Holds the group that was checked last; of [`PIECE_LEN`] bytes each.
    pieces: Vec<ReadBuffer>,
    /// Bytes of that group.
    group_len: usize,
    /// Bytes of it that were handed out.
    taken_len: usize,
    what: String,
}

impl<R: Read> GroupsReader<R> {
    fn check_next(&mut self) -> io::Result<()> {
        let range = self.groups.range(self.next_group);
        let mut check = self.groups.check(self.next_group);
        let mut len = 0;
        // Nothing is there to be handed out until all of it was found to be as sealed.
        (self.group_len, self.taken_len) = (0, 0);
        while range.start + (len as u64) < range.end {
            let index = len / PIECE_LEN;
            // Grows with what is there: a seal can say any length.
            if self.pieces.len() == index {
                self.pieces.push(ReadBuffer::try_with_len(PIECE_LEN).map_err(io::Error::other)?);
            }
            let wanted_len = length((range.end - range.start - len as u64).min(PIECE_LEN as u64));
            let read_len = read_full(&mut self.reader, &mut self.pieces[index][..wanted_len])?;
            check.update(&self.pieces[index][..read_len]);
            len += read_len;
            if read_len < wanted_len {
                break;
            }
        }
        // The last group ends with the file.
        let goes_on = self.next_group + 1 == self.groups.count() && self.reader.read(&mut [0])? > 0;
        if !check.is_authentic() || goes_on {
            return Err(io::Error::other(not_as_sealed(&self.what, self.offset, range)));
        }
        (self.group_len, self.taken_len) = (len, length(self.range.start - range.start));
        self.next_group += 1;
        Ok(())
    }
}

impl<R: Read> Read for GroupsReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.range.is_empty() {
            return Ok(0);
        }
        if self.taken_len == self.group_len {
            self.check_next()?;
        }
        let wanted_len = length((self.range.end - self.range.start).min(buffer.len() as u64));
        let start = self.taken_len % PIECE_LEN;
        let len = wanted_len.min(PIECE_LEN - start).min(self.group_len - self.taken_len);
        buffer[..len].copy_from_slice(&self.pieces[self.taken_len / PIECE_LEN][start..][..len]);
        self.taken_len += len;
        self.range.start += len as u64;
        Ok(len)
    }
}

/// The name in the seal, where the backup has another. An older backup in the place of a newer one is whole, signed, and not what is
/// asked for.
pub(crate) fn other_name<'a>(judgement: &Judgement<'a>, backup: &Path) -> Option<&'a FileName> {
    let name = backup.file_name()?;
    judgement.file().filter(|sealed| !sealed.matches(name.as_bytes()))
}

/// Refuses a seal of somebody who is not trusted for it.
fn check_vouched(judgement: &Judgement<'_>, what: &str) -> Result<(), JobError> {
    if judgement.vouched_by().is_some() {
        return Ok(());
    }
    Err(match (judgement.standing(), judgement.first().signer()) {
        (Standing::Trusted | Standing::Stranger, _) | (_, None) => JobError::NotVouched(what.into()),
        (standing, Some(signer)) => JobError::NotTrustedFor {
            what: what.into(),
            signer: signer.name().to_string(),
            standing,
            series: judgement.series().map(|series| series.label.to_string()),
        },
    })
}

/// The bytes `range` of the section, which starts at `offset`, are not those that were sealed.
fn not_as_sealed(what: &str, offset: u64, range: Range<u64>) -> JobError {
    JobError::NotAsSealed { what: what.into(), range: offset + range.start..offset + range.end }
}

/// A length of at most a group.
fn length(len: u64) -> usize {
    usize::try_from(len).expect("a group fits the memory")
}
