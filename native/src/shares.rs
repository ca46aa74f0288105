//! Shares of an identity in files, and the identity that some of them make: in memory alone (core, "shares").

use std::path::{Path, PathBuf};

use dbseal_core::{Code, Identity, Share, ShareError, combine_shares, split_identity};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::keygen::{beside, check_free};
use crate::locked::keep_in_memory;
use crate::output::{CompleteFile, PendingFile};

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
    /// That of the recipient whose key it is a part of.
    code: Code,
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
        let code = field("recipient ", "the line with its recipient is missing")?;
        let code = Code::parse(code).ok_or(ShareError::Malformed("the code of its recipient has other than 16 digits"))?;
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
pub(crate) fn write(identity: &Identity, path: &Path, counts: ShareCounts) -> Result<Vec<CompleteFile>, JobError> {
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
        file.put_on_disk()
    };
    shares.iter().map(write).collect()
}

/// The identities that shares make together: of each recipient one.
pub(crate) fn identities_of(files: Vec<ShareFile>) -> Result<Vec<Identity>, JobError> {
    let mut sets: Vec<Vec<ShareFile>> = Vec::new();
    for file in files {
        match sets.iter_mut().find(|set| set[0].code == file.code) {
            Some(set) => set.push(file),
            None => sets.push(vec![file]),
        }
    }
    let made: Vec<_> = sets.iter().map(|set| identity_of(set)).collect();
    let lacks_some = |made: &Result<_, _>| matches!(made, Err(JobError::Share { error: ShareError::TooFew { .. }, .. }));
    if sets.len() > 1 && made.iter().all(lacks_some) {
        // One that is of another set is among them.
        let stray = &sets.iter().rev().min_by_key(|set| set.len()).expect("more than one")[0];
        return Err(JobError::Share { what: stray.what.clone(), error: ShareError::OtherSet(0) });
    }
    made.into_iter().collect()
}

fn identity_of(files: &[ShareFile]) -> Result<Identity, JobError> {
    let shares: Vec<_> = files.iter().map(|file| file.share.clone()).collect();
    shares.iter().for_each(|share| keep_in_memory(share.place()));
    let named = |index: usize, error| Err(JobError::Share { what: files[index].what.clone(), error });
    match combine_shares(&shares, b"").and_then(|secret| secret.identity_of(|recipient| recipient.code() == files[0].code)) {
        Ok(identity) => {
            keep_in_memory(identity.place());
            Ok(identity)
        }
        Err(error @ (ShareError::OtherSet(index) | ShareError::SameNumber(index) | ShareError::DoesNotFit(index))) => named(index, error),
        Err(error) => {
            let all: Vec<_> = files.iter().map(|file| file.what.as_str()).collect();
            Err(JobError::Share { what: all.join(", "), error })
        }
    }
}
