//! The catalogue of what is there, from the seals alone: no payload is read, and of a backup's file only the length is asked for, and
//! the header where no seal has a copy of it.
//!
//! Nothing that the storage says is trusted: a seal that is missing, broken or unreadable makes a row of its own, and what nobody
//! vouches for is shown and never counts.

mod reading;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dbseal_core::{Epoch, Pattern, SealError, SeriesPlace, SourceKind, Standing, TestResult, Time, Trust, VerifierKey};

use self::reading::Reader;
use crate::chain::{Link, Missing, place_linked};
use crate::error::JobError;
use crate::lateness::{Late, late};
use crate::place::Places;
use crate::report::Observer;
use crate::seen::{LastCheck, Seen};

/// Everything that was decided about a catalogue.
#[derive(Debug)]
pub struct ListRequest {
    /// The backups.
    pub backups: Vec<PathBuf>,
    /// Only the series that look like this.
    pub series: Option<Pattern>,
    /// What a verifier remembers.
    pub seen: Option<Seen>,
    /// What the reader's clock says.
    pub now: Time,
}

/// What is there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Catalogue {
    /// The backups.
    pub backups: Vec<Backup>,
    /// What is missing between them, and what was seen before and is not there.
    pub missing: Vec<Missing>,
    /// How many backups were left out whose seals do not say which series they are of.
    pub unknown_count: usize,
    /// The series that were seen before.
    seen_series: Vec<String>,
}

/// A row of the catalogue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Backup {
    /// Its file.
    pub path: PathBuf,
    /// Bytes in it; `None` where it is not there, or is no file.
    pub len: Option<u64>,
    /// What its seal says.
    pub seal: SealState,
    /// Where it belongs.
    pub places: Places,
    /// The types of its recipients, in the order of its header.
    pub recipients: Vec<String>,
    /// How the last check of it ended, if a verifier remembers one.
    pub last_check: Option<LastCheck>,
    /// What a person should look at.
    pub warnings: Vec<Warning>,
    link: Option<Link>,
}

/// The seal of a backup.
#[derive(Clone, Debug)]
pub enum SealState {
    /// There is none.
    Missing,
    /// It cannot be read: a sentence.
    Unreadable(String),
    /// It breaks a rule, and says nothing.
    Broken(SealError),
    /// It says something.
    Says(Box<Statement>),
}

/// What a seal says, as far as a row shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Statement {
    /// The kind of its first note.
    pub kind: String,
    /// The name of the trusted key that vouches; without one all the rest is a claim of anybody.
    pub vouched_by: Option<String>,
    /// Who signed, as the first note has it.
    pub signer: Option<VerifierKey>,
    /// How they stand to who reads.
    pub standing: Standing,
    /// When the backup was made or seen, as the signer says.
    pub time: Option<Time>,
    /// Where its data came from, as the signer says; `None` of who only saw it.
    pub source: Option<SourceKind>,
    /// The name it was given.
    pub named: String,
    /// Where in its series.
    pub series: Option<SeriesPlace>,
    /// Bytes that the file should have.
    pub sealed_len: u64,
    /// The last restore test that counts, of the payload that is current.
    pub restore_test: Option<RestoreTest>,
    /// When the newest of them that passed was; none of a time in the future.
    pub proven: Option<Time>,
    /// How many notes say nothing to who reads.
    pub uncounted_count: usize,
    /// What happened to the backup, by the notes that count, in order: the first, and the last of many.
    pub history: Vec<Event>,
}

/// Something that happened to a backup, as somebody who is trusted for that says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The kind of its note.
    pub kind: String,
    /// The name of the trusted key that signed it.
    pub by: String,
    /// When, as its signer says.
    pub time: Option<Time>,
    /// How it ended, of a restore test.
    pub result: Option<TestResult>,
}

/// A restore test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreTest {
    /// When, as its signer says.
    pub time: Time,
    /// How it ended.
    pub result: TestResult,
}

/// What a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// There is a seal, and not its backup.
    FileMissing,
    /// The file is not as long as its seal says.
    LenDiffers,
    /// Its header is another than the one that was signed last.
    HeaderDiffers,
    /// It was made later than now, as its seal says.
    InFuture,
    /// It has less than half the bytes of the one before it in its series.
    HalfSize {
        /// The number of the one before.
        number: u64,
        /// The bytes of the one before, as its seal says.
        len: u64,
    },
}

/// In what order the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// By series, there by epoch, the one that started first before the others, as somebody vouches, and by number; then what has no series.
    Series,
    /// By the time that the seal says.
    Time,
    /// By the length of the file.
    Size,
    /// By the name of the file.
    Name,
}

/// Reads the seals of some backups, one after the other.
///
/// # Errors
/// None for what is on the storage: that is in the rows.
pub fn list(request: &ListRequest, trust: &Trust, observer: &Arc<dyn Observer>) -> Result<Catalogue, JobError> {
    let nothing = Seen::default();
    let seen = request.seen.as_ref().unwrap_or(&nothing);
    let mut catalogue = Catalogue {
        backups: Vec::new(),
        missing: Vec::new(),
        unknown_count: 0,
        seen_series: seen.series().filter(|label| request.wants(label)).map(ToString::to_string).collect(),
    };
    observer.started(None);
    for path in &request.backups {
        let backup = Reader { request, trust, seen, observer: &**observer }.backup(path);
        match (&request.series, backup.series()) {
            (Some(pattern), Some(series)) if !pattern.matches(&series.label) => {}
            (Some(_), None) => catalogue.unknown_count += usize::from(!matches!(backup.seal, SealState::Says(_))),
            _ => catalogue.backups.push(backup),
        }
    }
    // A file that is gone leaves a gap, whatever its seal says.
    let linked = catalogue.backups.iter_mut().filter_map(|backup| Some((backup.link.as_ref()?, &mut backup.places)));
    catalogue.missing = place_linked(linked, seen);
    catalogue.missing.retain(|missing| request.wants(&missing.series));
    catalogue.sort(SortBy::Series);
    catalogue.compare_sizes();
    Ok(catalogue)
}

/// The backups in a folder, by name; a seal without its backup stands for that, which is missing.
///
/// # Errors
/// Where the folder cannot be read.
pub fn backups_in(folder: &Path) -> Result<Vec<PathBuf>, JobError> {
    let failed = |error| JobError::open(folder, error);
    let mut backups = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match path.extension().and_then(OsStr::to_str) {
            Some("age") => backups.push(path),
            Some("seal") => backups.push(path.with_extension("")),
            _ => {}
        }
    }
    backups.sort();
    backups.dedup();
    Ok(backups)
}

impl ListRequest {
    fn wants(&self, label: &str) -> bool {
        is_asked_for(self.series.as_ref(), label)
    }
}

/// Whether the series with this label is one that looks like the pattern, if there is one.
pub(crate) fn is_asked_for(series: Option<&Pattern>, label: &str) -> bool {
    series.is_none_or(|pattern| label.parse().is_ok_and(|label| pattern.matches(&label)))
}

impl Backup {
    /// What its seal says, if that can be read.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        if let SealState::Says(statement) = &self.seal { Some(statement) } else { None }
    }

    /// Where in its series it is, as its seal says.
    #[must_use]
    pub fn series(&self) -> Option<&SeriesPlace> {
        self.statement()?.series.as_ref()
    }

    /// Whether somebody vouches for it, and its file is there with the length that its seal says.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.statement().is_some_and(|statement| statement.vouched_by.is_some() && self.len == Some(statement.sealed_len))
    }

    fn time(&self) -> Option<Time> {
        self.statement()?.time
    }
}

impl Catalogue {
    /// Puts the rows in order.
    pub fn sort(&mut self, by: SortBy) {
        self.backups.sort_by(|a, b| a.path.cmp(&b.path));
        match by {
            SortBy::Name => {}
            SortBy::Size => self.backups.sort_by_key(|backup| backup.len),
            SortBy::Time => self.backups.sort_by_key(Backup::time),
            SortBy::Series => {
                let starts = self.epoch_starts();
                self.backups.sort_by_cached_key(|backup| {
                    let key = |series: &SeriesPlace| {
                        let start = starts.get(&(series.label.to_string(), series.epoch)).copied();
                        (series.label.clone(), start.is_none(), start, series.epoch, series.number)
                    };
                    (backup.series().is_none(), backup.series().map(key))
                });
            }
        }
    }

    /// When the epochs of the series started, by the seals that somebody vouches for: any other could change their order, and so what is
    /// compared.
    fn epoch_starts(&self) -> BTreeMap<(String, Epoch), Time> {
        let mut starts = BTreeMap::new();
        for statement in self.backups.iter().filter_map(Backup::statement).filter(|statement| statement.vouched_by.is_some()) {
            if let (Some(series), Some(time)) = (&statement.series, statement.time) {
                let start = starts.entry((series.label.to_string(), series.epoch)).or_insert(time);
                *start = time.min(*start);
            }
        }
        starts
    }

    /// Warns of what is much smaller than the one before it, by what the seals say. The rows are in the order of the series. What
    /// nobody vouches for is compared with its like alone: it could bring warnings about, or hide them.
    fn compare_sizes(&mut self) {
        let mut before: BTreeMap<(String, bool), (u64, u64)> = BTreeMap::new();
        for backup in &mut self.backups {
            let Some(statement) = backup.statement() else { continue };
            let Some(series) = &statement.series else { continue };
            let (number, len) = (series.number, statement.sealed_len);
            let key = (series.label.to_string(), statement.vouched_by.is_some());
            if let Some((number, before_len)) = before.insert(key, (number, len))
                && len < before_len / 2
            {
                backup.warnings.push(Warning::HalfSize { number, len: before_len });
            }
        }
    }

    /// The series whose newest backup that counts is older than `max_age` seconds.
    #[must_use]
    pub fn late(&self, max_age: u64, now: Time) -> Vec<Late> {
        self.older(|backup| backup.time(), max_age, now)
    }

    /// The series none of whose backups that count has passed a restore test in the last `max_age` seconds.
    #[must_use]
    pub fn unproven(&self, max_age: u64, now: Time) -> Vec<Late> {
        self.older(|backup| backup.statement()?.proven, max_age, now)
    }

    /// Whether there is any series.
    #[must_use]
    pub fn has_series(&self) -> bool {
        !self.seen_series.is_empty() || self.backups.iter().any(|backup| backup.series().is_some())
    }

    fn older(&self, time: impl Fn(&Backup) -> Option<Time>, max_age: u64, now: Time) -> Vec<Late> {
        let here = self.backups.iter().filter_map(|backup| {
            let label = backup.series()?.label.as_str();
            Some((label, Some(backup).filter(|backup| backup.counts()).and_then(&time)))
        });
        late(here.chain(self.seen_series.iter().map(|label| (label.as_str(), None))), max_age, now)
    }
}
