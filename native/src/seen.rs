//! What a verifier remembers from one check to the next, out of reach of the storage.

use std::collections::BTreeMap;
use std::path::Path;

use dbseal_core::{Integrity, NoteHash, SeriesPlace, Time};
use serde::{Deserialize, Serialize};

use crate::chain::Link;
use crate::error::JobError;
use crate::output::PendingFile;
use crate::place::Place;
use crate::state_file;
use crate::verify::Verification;

/// Bytes of a verifier's state that are read, at most: some 100,000 backups.
const MAX_LEN: u64 = 64 << 20;

/// What a verifier has seen before. Kept where the storage cannot write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// For each epoch of each series, as `label/epoch`, the first note of each number.
    series: BTreeMap<String, BTreeMap<u64, String>>,
    /// For each backup, by the hash of its first note, that of its last.
    backups: BTreeMap<String, String>,
    /// For each backup, by the hash of its first note, how it was when it was last checked.
    #[serde(default)]
    checks: BTreeMap<String, LastCheck>,
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
    /// What was seen before; nothing, where the file does not exist yet.
    ///
    /// # Errors
    /// A file that cannot be read, or is something else.
    pub fn load(path: &Path) -> Result<Self, JobError> {
        Ok(state_file::load(path, MAX_LEN, JobError::NotAState)?.map(|(seen, _)| seen).unwrap_or_default())
    }

    /// The label of each series that was seen.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.series.keys().filter_map(|key| key.split_once('/')).map(|(label, _)| label)
    }

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

    /// The newest number that was seen; 0 if none was.
    pub(crate) fn newest(&self, key: &str) -> u64 {
        self.series.get(key).and_then(|numbers| numbers.keys().next_back()).copied().unwrap_or(0)
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

    /// Remembers what is there.
    pub(crate) fn learn(&mut self, links: &[&Link]) {
        for link in links {
            let (Some(first), Some(last)) = (link.notes.first(), link.notes.last()) else { continue };
            if let Some(series) = &link.series {
                let numbers = self.series.entry(epoch_key(series)).or_default();
                numbers.entry(series.number).or_insert_with(|| first.to_string());
            }
            if !self.has_lost_notes(link) {
                self.backups.insert(first.to_string(), last.to_string());
            }
        }
    }

    /// How the last check of the backup with this first note ended.
    #[must_use]
    pub fn last_check(&self, first: &NoteHash) -> Option<&LastCheck> {
        self.checks.get(&first.to_string())
    }

    /// Remembers how a check ended, if somebody vouches for the backup: what anybody could have written has no place here. Of
    /// several copies that are checked in the same second, the one that is not well is remembered.
    pub fn learn_check(&mut self, answer: &Verification, now: Time) {
        let link = answer.claims.as_ref().and_then(|claims| claims.link.as_ref());
        let Some(first) = link.and_then(|link| link.notes.first()) else { return };
        let check = LastCheck {
            unix_time: now.as_unix().try_into().unwrap_or(0),
            integrity: answer.integrity.word().into(),
            place: answer.places.worst().word().into(),
        };
        let is_well = |check: &LastCheck| Integrity::from_word(&check.integrity).is_some_and(Integrity::is_good);
        let known = self.checks.entry(first.to_string()).or_insert_with(|| check.clone());
        if known.unix_time != check.unix_time || is_well(known) {
            *known = check;
        }
    }

    /// Remembers what is there now; what is missing now stays remembered.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), JobError> {
        let mut file = PendingFile::create_report(path)?;
        file.write_all(&serde_json::to_vec_pretty(self).expect("plain data"))?;
        file.commit()
    }
}

/// What an epoch of a series is remembered by: `label/epoch`. A label has no slash.
pub(crate) fn epoch_key(series: &SeriesPlace) -> String {
    format!("{}/{}", series.label, series.epoch)
}
