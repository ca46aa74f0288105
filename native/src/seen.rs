//! What a verifier remembers from one check to the next, out of reach of the storage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dbseal_core::{Integrity, NoteHash, SeriesPlace, Time};
use serde::{Deserialize, Serialize};

use crate::apart::lies_among;
use crate::chain::{Link, Missing, MissingCause};
use crate::destination::{Destination, Overwrite};
use crate::error::JobError;
use crate::output::PendingFile;
use crate::place::Place;
use crate::state_file;
use crate::verify::Verification;

/// Bytes of a verifier's state that are read, at most: some 100,000 backups.
const MAX_LEN: u64 = 64 << 20;

/// The version of the state that is written here.
const VERSION: u64 = 1;

/// What a verifier has seen before (SEAL.md, "What is remembered"). Kept where the storage cannot write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// One that was written before there were versions is the first.
    #[serde(default = "version")]
    version: u64,
    /// For each epoch of each series, as [`epoch_key`] has it, the first note of each number.
    series: BTreeMap<String, BTreeMap<u64, String>>,
    /// For each epoch, the newest number that should be there; where none stands here, the newest that was seen.
    #[serde(default)]
    newest: BTreeMap<String, u64>,
    /// For each backup, by the hash of its first note, that of its last.
    backups: BTreeMap<String, String>,
    /// For each backup, by the hash of its first note, how it was when it was last checked.
    #[serde(default)]
    checks: BTreeMap<String, LastCheck>,
}

fn version() -> u64 {
    VERSION
}

impl Default for Seen {
    fn default() -> Self {
        let (series, newest, backups, checks) = Default::default();
        Self { version: VERSION, series, newest, backups, checks }
    }
}

/// What every version of a state says.
#[derive(Deserialize)]
struct Versioned {
    #[serde(default = "version")]
    version: u64,
}

/// How the last check of a backup ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastCheck {
    /// When, by the clock of who checked: seconds after the start of 1970.
    pub unix_time: u64,
    /// The word for its integrity.
    pub integrity: String,
    /// The word for its place.
    pub place: String,
}

impl LastCheck {
    /// Whether it found nothing wrong, the backup vouched for and in its place.
    #[must_use]
    pub fn is_good(&self) -> bool {
        Integrity::from_word(&self.integrity).is_some_and(Integrity::is_good) && Place::from_word(&self.place).is_some_and(Place::is_good)
    }
}

impl Seen {
    /// What was seen before; `None` where there is no such file yet, so that whatever is gone since does not show.
    ///
    /// # Errors
    /// A file that cannot be read, is something else, or is of another version.
    pub fn load(path: &Path) -> Result<Option<Self>, JobError> {
        let Some((text, _)) = state_file::load(path, MAX_LEN)? else { return Ok(None) };
        let not_one = |_| JobError::NotAState(path.into());
        match serde_json::from_slice(&text).map_err(not_one)? {
            Versioned { version: VERSION } => serde_json::from_slice(&text).map(Some).map_err(not_one),
            Versioned { version } => Err(JobError::StateVersion { path: path.into(), version }),
        }
    }

    /// Refuses a state that lies beside one of these backups, or in or under one of these folders: whoever can write there could make
    /// it say what they like.
    ///
    /// # Errors
    /// Where it does.
    pub fn check_apart(state: &Path, storage: &[PathBuf]) -> Result<(), JobError> {
        if lies_among(state, storage) { Err(JobError::StateBesideBackups(state.into())) } else { Ok(()) }
    }

    /// Refuses a state that could not be saved.
    ///
    /// # Errors
    /// A folder that is not there or cannot be written to, or something else under the state's name.
    pub fn check_writable(state: &Path) -> Result<(), JobError> {
        Destination::check_file(state, Overwrite::Allowed)?;
        state_file::lock(state).map(|_| ())
    }

    /// The label of each series of which something should be there.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.epochs().filter(|key| self.newest(key) > 0).filter_map(|key| key.split_once('/')).map(|(label, _)| label)
    }

    /// How the last check of the backup with this first note ended.
    #[must_use]
    pub fn last_check(&self, first: &NoteHash) -> Option<&LastCheck> {
        self.checks.get(&first.to_string())
    }

    /// Remembers what is there, and how the check of it ended. What is gone stays remembered, and is found again the next time, unless
    /// its place is one that is accepted.
    pub fn learn(&mut self, answers: &[Verification], missing: &[Missing], accepts: impl Fn(Place) -> bool, now: Time) {
        let links: Vec<&Link> = answers.iter().filter_map(|answer| answer.claims.as_ref()?.link.as_ref()).collect();
        if accepts(Place::RolledBack) {
            self.forget_lost_notes(&links);
            for gone in missing.iter().filter(|missing| missing.cause == MissingCause::RolledBack) {
                self.newest.insert(format!("{}/{}", gone.series, gone.epoch), gone.from - 1);
            }
        }
        if accepts(Place::Fork) {
            self.forget_lost_histories(&links);
        }
        links.iter().for_each(|link| self.learn_link(link));
        answers.iter().for_each(|answer| self.learn_check(answer, now));
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// Where the file cannot be written, or would be too long to be read again; then the one before stays.
    pub fn save(&self, path: &Path) -> Result<(), JobError> {
        let text = serde_json::to_vec_pretty(self).expect("plain data");
        if text.len() as u64 > MAX_LEN {
            return Err(JobError::StateTooLong(path.into()));
        }
        let mut file = PendingFile::create_report(path)?;
        file.write_all(&text)?;
        file.commit()
    }
}

impl Seen {
    /// The epochs that were seen, each as [`epoch_key`] has it.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str)
    }

    pub(crate) fn knows_epoch(&self, key: &str) -> bool {
        self.series.contains_key(key)
    }

    /// Whether any epoch of its series was seen.
    pub(crate) fn knows_series_of(&self, key: &str) -> bool {
        let Some((label, _)) = key.split_once('/') else { return false };
        let start = format!("{label}/");
        self.series.range(start.clone()..).next().is_some_and(|(key, _)| key.starts_with(&start))
    }

    /// The newest number that should be there; 0 where none should.
    pub(crate) fn newest(&self, key: &str) -> u64 {
        let newest_seen = || self.series.get(key)?.keys().next_back().copied();
        self.newest.get(key).copied().or_else(newest_seen).unwrap_or(0)
    }

    /// The first note that was seen of the backup with this number.
    pub(crate) fn first_note(&self, key: &str, number: u64) -> Option<&str> {
        self.series.get(key)?.get(&number).map(String::as_str)
    }

    /// The last note that was seen of the backup with this first one.
    pub(crate) fn last_note(&self, first: &NoteHash) -> Option<&str> {
        self.backups.get(&first.to_string()).map(String::as_str)
    }

    /// Whether it has no more the last note that was seen.
    pub(crate) fn has_lost_notes(&self, link: &Link) -> bool {
        let last_seen = link.notes.first().and_then(|first| self.last_note(first));
        last_seen.is_some_and(|last_seen| !link.has_note(last_seen))
    }

    /// The last note of a backup is forgotten where no copy has it.
    fn forget_lost_notes(&mut self, links: &[&Link]) {
        let firsts = |link: &&Link| link.notes.first().copied();
        let kept: BTreeSet<NoteHash> = links.iter().filter(|link| !self.has_lost_notes(link)).filter_map(firsts).collect();
        for first in links.iter().filter_map(firsts).filter(|first| !kept.contains(first)) {
            self.backups.remove(&first.to_string());
        }
    }

    /// What was seen under a number is forgotten where another is there alone.
    fn forget_lost_histories(&mut self, links: &[&Link]) {
        let here: BTreeSet<String> = links.iter().filter_map(|link| link.notes.first()).map(ToString::to_string).collect();
        for series in links.iter().filter_map(|link| link.series.as_ref()) {
            if let Some(numbers) = self.series.get_mut(&epoch_key(series))
                && numbers.get(&series.number).is_some_and(|known| !here.contains(known))
            {
                numbers.remove(&series.number);
            }
        }
    }

    fn learn_link(&mut self, link: &Link) {
        let Some(first) = link.notes.first() else { return };
        if let Some(series) = &link.series {
            let key = epoch_key(series);
            self.newest.insert(key.clone(), self.newest(&key).max(series.number));
            self.series.entry(key).or_default().entry(series.number).or_insert_with(|| first.to_string());
        }
        if !self.has_lost_notes(link) {
            self.backups.insert(first.to_string(), link.last.to_string());
        }
    }

    /// Remembers how a check ended, if somebody vouches for the backup: what anybody could have written has no place here. Of
    /// several copies that are checked in the same second, the one that is not well is remembered.
    fn learn_check(&mut self, answer: &Verification, now: Time) {
        let link = answer.claims.as_ref().and_then(|claims| claims.link.as_ref());
        let Some(first) = link.and_then(|link| link.notes.first()) else { return };
        let check = LastCheck {
            unix_time: now.as_unix().try_into().unwrap_or(0),
            integrity: answer.integrity.word().into(),
            place: answer.places.worst().word().into(),
        };
        let known = self.checks.entry(first.to_string()).or_insert_with(|| check.clone());
        if known.unix_time != check.unix_time || known.is_good() {
            *known = check;
        }
    }
}

/// What an epoch of a series is remembered by: `label/epoch`. A label has no slash.
pub(crate) fn epoch_key(series: &SeriesPlace) -> String {
    format!("{}/{}", series.label, series.epoch)
}
