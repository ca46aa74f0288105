//! What the seal of a backup says, for a row of the catalogue.

use std::path::Path;

use dbseal_core::{Counted, Extent, Header, Judgement, Note, Seal, TestResult, Trust};

use super::{Backup, Event, ListRequest, RestoreTest, SealState, Statement, Warning};
use crate::age_file::header_of;
use crate::chain::Link;
use crate::lateness::is_future;
use crate::place::Place;
use crate::report::Observer;
use crate::sealing::seal_path;
use crate::seen::Seen;
use crate::verify::{place, read_seal};

/// Events of a backup that are kept, beside the first.
const MAX_EVENTS: usize = 32;

/// Whoever reads the seals, and what they have to know for that.
pub(super) struct Reader<'a> {
    pub(super) request: &'a ListRequest,
    pub(super) trust: &'a Trust,
    pub(super) seen: &'a Seen,
    pub(super) observer: &'a dyn Observer,
}

impl Reader<'_> {
    pub(super) fn backup(&self, path: &Path) -> Backup {
        let len = path.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let mut backup = Backup {
            path: path.into(),
            len,
            seal: SealState::Missing,
            places: Place::Unknown.into(),
            recipients: Vec::new(),
            last_check: None,
            warnings: Vec::new(),
            link: None,
        };
        if len.is_none() {
            backup.warnings.push(Warning::FileMissing);
        }
        match read_seal(&seal_path(path)) {
            Ok(None) => {}
            Err(error) => backup.seal = SealState::Unreadable(error.to_string()),
            Ok(Some(bytes)) => {
                self.observer.advanced(bytes.len() as u64);
                match Seal::parse(&bytes) {
                    Ok(seal) => self.judged(&mut backup, &seal.judge(self.trust)),
                    Err(error) => backup.seal = SealState::Broken(error),
                }
            }
        }
        if backup.recipients.is_empty() && len.is_some() {
            backup.recipients = header_of(path).map(|header| tags(&header)).unwrap_or_default();
        }
        backup
    }

    fn judged(&self, backup: &mut Backup, judgement: &Judgement<'_>) {
        let statement = self.statement(judgement);
        backup.places = place(judgement, &backup.path).into();
        if backup.len.is_some_and(|len| len != statement.sealed_len) {
            backup.warnings.push(Warning::LenDiffers);
        }
        if statement.time.is_some_and(|time| is_future(time, self.request.now)) {
            backup.warnings.push(Warning::InFuture);
        }
        let copy = judgement.header_copy().and_then(|copy| Header::parse(copy).ok());
        if let Some((header, _)) = copy {
            backup.recipients = tags(&header);
        } else if let Some(header) = backup.len.and_then(|_| header_of(&backup.path)) {
            backup.recipients = tags(&header);
            if Extent::of(&header.to_bytes()) != judgement.header() {
                backup.warnings.push(Warning::HeaderDiffers);
            }
        }
        if let Some(link) = Link::of(judgement).filter(|_| backup.len.is_some()) {
            backup.last_check = link.notes.first().and_then(|first| self.seen.last_check(first)).cloned();
            backup.link = Some(link.shortened(self.seen));
        }
        backup.seal = SealState::Says(Box::new(statement));
    }

    fn statement(&self, judgement: &Judgement<'_>) -> Statement {
        let first = judgement.first();
        let tests = judgement.counted().filter_map(|counted| match counted.note.note() {
            // What was tested before the backup was encrypted again is not what is there now.
            Note::Restored(test) if test.payload == judgement.payload() => Some(RestoreTest { time: test.time, result: test.result }),
            _ => None,
        });
        let (mut restore_test, mut proven) = (None, None);
        for test in tests {
            restore_test = Some(test);
            if test.result == TestResult::Passed && !is_future(test.time, self.request.now) {
                proven = proven.max(Some(test.time));
            }
        }
        Statement {
            kind: first.kind().into(),
            vouched_by: judgement.vouched_by().map(ToString::to_string),
            signer: first.signer().cloned(),
            standing: judgement.standing(),
            time: first.time(),
            source: first.source(),
            named: first.file().map(ToString::to_string).unwrap_or_default(),
            series: first.series().cloned(),
            sealed_len: judgement.header().len.saturating_add(judgement.payload().len),
            restore_test,
            proven,
            uncounted_count: judgement.uncounted_len(),
            history: history(judgement),
        }
    }
}

impl Event {
    /// What this note says.
    pub(crate) fn of(Counted { note, by }: Counted<'_>) -> Self {
        let note = note.note();
        let result = if let Note::Restored(test) = note { Some(test.result) } else { None };
        Self { kind: note.kind().into(), by: by.to_string(), time: note.time(), result }
    }
}

/// What happened, as far as it is kept: the storage can put a seal with a thousand notes under as many names as it likes.
fn history(judgement: &Judgement<'_>) -> Vec<Event> {
    let count = judgement.counted().count();
    let is_kept = |index: usize| index == 0 || index + MAX_EVENTS >= count;
    judgement.counted().enumerate().filter(|(index, _)| is_kept(*index)).map(|(_, counted)| Event::of(counted)).collect()
}

/// The types of the recipients. In a file from elsewhere one may be of any length, and there may be thousands.
fn tags(header: &Header) -> Vec<String> {
    let tags = header.recipient_tags().filter(|tag| !tag.ends_with("-grease"));
    tags.take(64).map(|tag| tag.chars().take(64).collect()).collect()
}
