//! Shares of an identity in files, and the identity that some of them make: in memory alone (core, "shares").

use std::path::{Path, PathBuf};

use dbseal_core::{Identity, Share, ShareError, combine_shares, split_identity};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::keygen::{beside, check_free};
use crate::locked::keep_in_memory;
use crate::output::PendingFile;

const FIRST_LINE: &str = "dbseal/v1 share";
/// Words on a line of a share: three lines, which people read aloud and tick off.
const COLUMNS: usize = 11;

/// Words of a share of an identity, which has 32 bytes.
const WORDS: usize = 33;

/// How many shares there are, and how many of them are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareCounts {
    /// Needed.
    pub threshold: u8,
    /// There.
    pub count: u8,
}

/// A share that was read.
pub(crate) struct ShareFile {
    what: String,
    share: Share,
    /// The code of the recipient whose key it is a part of.
    code: String,
}

impl ShareFile {
    /// The share in a text; `None` where it is something else.
    pub(crate) fn parse(text: &str, what: &str) -> Option<Result<Self, JobError>> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        if lines.next() != Some(FIRST_LINE) {
            // Whoever types them from paper begins there.
            let is_words = Share::parse(text).is_ok();
            let error = ShareError::Malformed("the lines above its words are missing, from dbseal/v1 share on");
            return is_words.then(|| Err(JobError::Share { what: what.into(), error }));
        }
        Some(Self::parse_lines(lines, what).map_err(|error| JobError::Share { what: what.into(), error }))
    }

    fn parse_lines<'a>(mut lines: impl Iterator<Item = &'a str>, what: &str) -> Result<Self, ShareError> {
        let mut field = |name, reason| lines.next().and_then(|line| line.strip_prefix(name)).ok_or(ShareError::Malformed(reason));
        let code = field("recipient ", "the line with its recipient is missing")?.to_ascii_lowercase();
        let number = field("share ", "the line with its number is missing")?.to_owned();
        let mut words = Zeroizing::new(String::with_capacity(512));
        for line in lines {
            words.push_str(line);
            words.push(' ');
        }
        let count = words.split_ascii_whitespace().count();
        if count != WORDS {
            return Err(ShareError::WordCount(count));
        }
        let share = Share::parse(&words)?;
        keep_in_memory(share.place());
        if !share.is_of_ours() {
            return Err(ShareError::Malformed("it is of a set that dbseal does not make"));
        }
        if number.split(' ').next() != Some(&share.number().to_string()) {
            return Err(ShareError::Malformed("its words are those of another number"));
        }
        Ok(Self { what: what.into(), share, code })
    }
}

/// Where a share of an identity file goes that is not written itself: `backup.1.share` for `backup.key`.
#[must_use]
pub fn share_path(identity: &Path, number: u8) -> PathBuf {
    beside(identity, &format!("{number}.share"))
}

/// Refuses names of shares that are taken.
pub(crate) fn check_paths(identity: &Path, counts: ShareCounts) -> Result<(), JobError> {
    (1..=counts.count).try_for_each(|number| check_free(&share_path(identity, number)))
}

/// Writes the shares of an identity, of which nothing else is written. They are on the disk, and want only their names.
pub(crate) fn write(identity: &Identity, path: &Path, counts: ShareCounts) -> Result<Vec<PendingFile>, JobError> {
    let ShareCounts { threshold, count } = counts;
    let failed = |error| JobError::Share { what: path.display().to_string(), error };
    let code = identity.recipient().ok_or(failed(ShareError::NotAnIdentity))?.code();
    let shares = split_identity(identity, threshold, count, &mut UnwrapErr(SysRng)).map_err(failed)?;
    shares.iter().for_each(|share| keep_in_memory(share.place()));
    let write = |share: &Share| {
        let (number, words) = (share.number(), share.expose_text());
        let mut file = PendingFile::create(&share_path(path, number), Privacy::Owner, Overwrite::Refused)?;
        let set = share.set_id();
        let head = format!(
            "# A share of a private key. {threshold} of its {count} shares make the key, fewer say nothing of it.\n\
             # Keep each with somebody else, and none beside the backups.\n\
             {FIRST_LINE}\nrecipient {code}\nshare {number} of {count}, {threshold} needed, set {set}\n"
        );
        file.write_all(head.as_bytes())?;
        let words: Vec<_> = words.split(' ').collect();
        for line in words.chunks(COLUMNS) {
            for (index, word) in line.iter().enumerate() {
                file.write_all(if index == 0 { b"" } else { b" " })?;
                file.write_all(word.as_bytes())?;
            }
            file.write_all(b"\n")?;
        }
        Ok(file)
    };
    shares.iter().map(write).collect()
}

/// The identity that shares make together; none of no shares.
pub(crate) fn identity_of(files: &[ShareFile]) -> Result<Option<Identity>, JobError> {
    let Some(first) = files.first() else { return Ok(None) };
    let named = |index: usize, error| Err(JobError::Share { what: files[index].what.clone(), error });
    if let Some(index) = files.iter().position(|file| file.code != first.code) {
        return named(index, ShareError::OtherSet(index));
    }
    let shares: Vec<_> = files.iter().map(|file| file.share.clone()).collect();
    shares.iter().for_each(|share| keep_in_memory(share.place()));
    match combine_shares(&shares, b"").and_then(|secret| secret.identity_of(|recipient| recipient.code().to_string() == first.code)) {
        Ok(identity) => {
            keep_in_memory(identity.place());
            Ok(Some(identity))
        }
        Err(error @ (ShareError::OtherSet(index) | ShareError::SameNumber(index) | ShareError::DoesNotFit(index))) => named(index, error),
        Err(error) => {
            let all: Vec<_> = files.iter().map(|file| file.what.as_str()).collect();
            Err(JobError::Share { what: all.join(", "), error })
        }
    }
}
