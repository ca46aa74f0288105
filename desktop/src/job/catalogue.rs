//! Many backups, as the page shows them: what their seals say and, if asked, whether each is whole.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use dbseal::core::{TestResult, Trust};
use dbseal::{Backup, ListRequest, Observer, SealState, Statement, backups_in, list, now, seal_path};
use dbseal_web::engine::{source_word, trusted};
use dbseal_web::messages::catalogue::{Depth, Event, Listed, Missing, Reading, Row, RowSeal, Warning};
use dbseal_web::messages::{Checked, Claims, Failure, Report};

use super::check::{checked, verify_whole};
use super::failures;
use super::telling::Teller;
use crate::worker::JobOrder;

/// Backups that are looked at together: a page with more rows is slow. None is left out instead, as that may be the one that matters.
const MAX_ROWS: usize = 10_000;
/// Why what was read does not count.
const EXCHANGED: &str = "the backup or its seal was exchanged while it was looked at: look again";

/// What was asked for.
pub(super) struct Catalogue<'a> {
    pub(super) order: &'a JobOrder,
    pub(super) depth: Depth,
    pub(super) trust: Trust,
    pub(super) teller: &'a Arc<Teller>,
}

impl Catalogue<'_> {
    pub(super) fn look(&self) -> Result<Listed, Failure> {
        let found = self.find()?;
        if found.len() > MAX_ROWS {
            return Err(failures::too_many_backups(found.len(), MAX_ROWS));
        }
        let request = ListRequest { backups: found.iter().map(|(path, _)| path.clone()).collect(), series: None, seen: None, now: now() };
        let observer: Arc<dyn Observer> = Arc::<Teller>::clone(self.teller);
        let catalogue = list(&request, &self.trust, &observer).map_err(|error| failures::of(&error))?;
        // The rows are in the order of the series, which is not the one that they were found in.
        let found: BTreeMap<PathBuf, usize> = found.into_iter().collect();
        let rows = catalogue.backups.iter().map(|backup| row(backup, found.get(&backup.path).copied().unwrap_or_default()));
        let missing = catalogue.missing.iter().map(missing).collect();
        let mut listed = Listed { rows: rows.collect(), missing, depth: self.depth };
        if self.depth == Depth::Whole {
            self.teller.tell(&Report::Found(Box::new(listed.clone())));
            self.check(&catalogue.backups, &mut listed);
        }
        Ok(listed)
    }

    /// The backups that were chosen, and those in the folders that were, each with the index of that.
    fn find(&self) -> Result<Vec<(PathBuf, usize)>, Failure> {
        let mut found: Vec<(PathBuf, usize)> = Vec::new();
        for (index, path) in self.order.backups.iter().enumerate() {
            let backups = if path.is_dir() {
                backups_in(path).map_err(|error| failures::of(&error))?
            } else if path.extension().is_some_and(|end| end == "seal") {
                vec![path.with_extension("")]
            } else {
                // A seal alone is listed; where there is nothing at all, as of a disk that was pulled, nothing is known.
                if !seal_path(path).exists() {
                    path.metadata().map_err(|error| failures::unreadable(path, &error))?;
                }
                vec![path.to_path_buf()]
            };
            found.extend(backups.into_iter().map(|backup| (backup, index)));
        }
        found.sort();
        found.dedup_by(|next, known| next.0 == known.0);
        if found.is_empty() { Err(failures::no_backups()) } else { Ok(found) }
    }

    /// Reads one backup after the other, each on all threads, and tells of each as soon as it is known. Where each belongs is known from
    /// the seals, however whole it is.
    fn check(&self, backups: &[Backup], listed: &mut Listed) {
        let total_len = backups.iter().filter_map(|backup| backup.len).fold(0, u64::saturating_add);
        self.teller.started(Some(total_len));
        let observer: Arc<dyn Observer> = Arc::new(OneOfMany(Arc::clone(self.teller)));
        let mut done_len: u64 = 0;
        for (index, (backup, row)) in backups.iter().zip(&mut listed.rows).enumerate() {
            let Some(len) = backup.len else { continue };
            row.reading = match verify_whole(&backup.path, None, &self.trust, &observer) {
                Ok(answer) => {
                    let len_now = backup.path.metadata().map_or(len, |metadata| metadata.len());
                    let checked = checked(&answer, len_now);
                    if says_the_same(&row.seal, &checked) { Reading::Done(Box::new(checked)) } else { Reading::Failed(EXCHANGED.into()) }
                }
                Err(error) => Reading::Failed(error.to_string()),
            };
            done_len = done_len.saturating_add(len);
            // Of a backup without a seal nothing was read.
            self.teller.reached(done_len);
            self.teller.tell(&Report::Row(index, Box::new(row.clone())));
        }
    }
}

/// Whether the seal that a backup was compared with is the one that its row is about: whoever holds the storage can have exchanged both
/// in the hours between.
fn says_the_same(seal: &RowSeal, checked: &Checked) -> bool {
    match seal {
        RowSeal::Says(claims) => checked.claims.as_ref() == Some(&**claims),
        RowSeal::Missing => checked.claims.is_none() && checked.broken.is_none(),
        RowSeal::Broken(_) => checked.broken.is_some(),
        RowSeal::Unreadable(_) => false,
    }
}

/// What is heard of a check that is one of many: how far it is, of all of them.
struct OneOfMany(Arc<Teller>);

impl Observer for OneOfMany {
    fn started(&self, _: Option<u64>) {}

    fn advanced(&self, len: u64) {
        self.0.advanced(len);
    }

    fn waiting(&self, _: &str) {}

    fn child_stderr(&self, _: &[u8]) {}

    fn compressed(&self) {}

    fn warning(&self, text: &str) {
        self.0.warning(text);
    }

    fn note(&self, text: &str) {
        self.0.note(text);
    }
}

fn row(backup: &Backup, chosen: usize) -> Row {
    let says = backup.statement();
    Row {
        name: backup.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        raw_name: backup.path.file_name().unwrap_or_default().as_bytes().into(),
        chosen,
        file_len: backup.len,
        seal: match &backup.seal {
            SealState::Missing => RowSeal::Missing,
            SealState::Unreadable(why) => RowSeal::Unreadable(why.clone()),
            SealState::Broken(error) => RowSeal::Broken(format!("the seal is broken: {error}")),
            SealState::Says(says) => RowSeal::Says(Box::new(claims(says))),
        },
        places: backup.places.iter().map(|place| place.word().into()).collect(),
        recipients: backup.recipients.clone(),
        history: says.map(|says| says.history.iter().map(event).collect()).unwrap_or_default(),
        warnings: backup.warnings.iter().filter_map(|warning| warning_of(warning, backup)).collect(),
        reading: Reading::NotYet,
    }
}

fn claims(says: &Statement) -> Claims {
    Claims {
        vouched_by: says.vouched_by.clone(),
        signer: says.signer.as_ref().map(ToString::to_string).unwrap_or_default(),
        trusted: trusted(says.standing),
        made: says.kind == "sealed",
        proven: None,
        encrypted_anew_by: says.history.iter().rfind(|event| event.kind == "reencrypted").map(|event| event.by.clone()),
        time: says.time.map(|time| time.to_string()),
        series: says.series.as_ref().map(|series| (series.label.to_string(), series.number)),
        named: Some(says.named.clone()).filter(|named| !named.is_empty()),
        source: says.source.map(|source| source_word(source).into()),
        uncounted_notes: says.uncounted_count,
    }
}

fn event(event: &dbseal::Event) -> Event {
    Event {
        kind: event.kind.clone(),
        by: event.by.clone(),
        time: event.time.map(|time| time.to_string()),
        passed: event.result.map(|result| result == TestResult::Passed),
    }
}

fn warning_of(warning: &dbseal::Warning, backup: &Backup) -> Option<Warning> {
    Some(match warning {
        // That is what having no length means.
        dbseal::Warning::FileMissing => return None,
        dbseal::Warning::LenDiffers => Warning::LenDiffers(backup.statement()?.sealed_len),
        dbseal::Warning::HeaderDiffers => Warning::HeaderDiffers,
        dbseal::Warning::InFuture => Warning::InFuture,
        dbseal::Warning::HalfSize { number, len } => Warning::HalfSize(*number, *len),
    })
}

fn missing(missing: &dbseal::Missing) -> Missing {
    Missing { series: missing.series.clone(), from: missing.from, to: missing.to }
}
