//! The table of a catalogue: a row for each backup, and below it what a person should look at.

use dbseal_core::{Integrity, TestResult, Time};

use super::super::seals::ListPlan;
use super::super::table::{Column, NOTHING, Row, Table};
use super::super::ui::printable;
use super::short::{ago, minute, since, size};
use crate::catalogue::{Backup, Catalogue, RestoreTest, SealState, Statement, Warning};
use crate::place::Place;
use crate::seen::LastCheck;
use crate::standing::trusted_but;

pub(super) fn table(catalogue: &Catalogue, plan: &ListPlan, now: Time) -> Table {
    let mut columns = vec![
        Column::text("SERIES"),
        Column::number("NO"),
        Column::fixed("TIME (UTC)"),
        Column::number("SIZE"),
        Column::text("HOST"),
        Column::optional("TO"),
        Column::fixed("TESTED"),
    ];
    if plan.request.seen.is_some() {
        columns.push(Column::fixed("CHECKED"));
    }
    columns.push(Column::fixed("STATE"));
    columns.push(Column::optional("FILE"));
    let mut folders = catalogue.backups.iter().map(|backup| backup.path.parent());
    let first_folder = folders.next();
    let is_one_folder = folders.all(|folder| Some(folder) == first_folder);
    let row = |backup: &Backup| {
        let says = backup.statement();
        let series = backup.series();
        let mut cells = vec![
            series.map_or(NOTHING.into(), |series| series.label.to_string()),
            series.map_or(NOTHING.into(), |series| series.number.to_string()),
            says.and_then(|says| says.time).map_or(NOTHING.into(), minute),
            backup.len.map_or(NOTHING.into(), size),
            says.map_or(NOTHING.into(), host),
            recipients(&backup.recipients),
            says.and_then(|says| says.restore_test).map_or(NOTHING.into(), |test| tested(test, now)),
        ];
        if plan.request.seen.is_some() {
            let check = backup.last_check.as_ref();
            cells.push(check.map_or("never".into(), |check| format!("{} {}", check_word(check), ago(since(check.unix_time, now)))));
        }
        cells.push(state(backup));
        let name = backup.path.file_name().filter(|_| is_one_folder).unwrap_or(backup.path.as_os_str());
        cells.push(printable(&name.to_string_lossy()));
        Row { cells, notes: notes(backup) }
    };
    Table { columns, rows: catalogue.backups.iter().map(row).collect() }
}

/// How the last check ended, as short as it can be said.
fn check_word(check: &LastCheck) -> &'static str {
    match Integrity::from_word(&check.integrity) {
        _ if !check.is_good() => "BAD",
        Some(Integrity::Sampled) => "sampled",
        _ => "ok",
    }
}

/// The name that vouches; a question mark before one that is a claim.
fn host(says: &Statement) -> String {
    let claimed = || says.signer.as_ref().map(|signer| signer.name().to_string()).unwrap_or_default();
    says.vouched_by.as_deref().map_or_else(|| printable(&format!("?{}", claimed())), printable)
}

/// `X25519`, or `2 X25519`; of several types, each.
fn recipients(types: &[String]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for kind in types {
        match counted.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count += 1,
            None => counted.push((kind, 1)),
        }
    }
    let words = counted.iter().map(|(kind, count)| if *count == 1 { printable(kind) } else { format!("{count} {}", printable(kind)) });
    let text = words.collect::<Vec<_>>().join("+");
    if text.is_empty() { NOTHING.into() } else { text }
}

fn tested(test: RestoreTest, now: Time) -> String {
    let result = if test.result == TestResult::Passed { "passed" } else { "FAILED" };
    format!("{result} {}", ago(since(test.time.as_unix().try_into().unwrap_or(0), now)))
}

/// The word for the worst that is known.
fn state(backup: &Backup) -> String {
    match &backup.seal {
        _ if backup.len.is_none() => "no file".into(),
        SealState::Missing => "unsealed".into(),
        SealState::Unreadable(_) => "unreadable".into(),
        SealState::Broken(_) => "broken-seal".into(),
        SealState::Says(says) if says.vouched_by.is_none() => "unvouched".into(),
        SealState::Says(_) => backup.places.worst().word().into(),
    }
}

/// What a person should look at, a sentence each.
fn notes(backup: &Backup) -> Vec<String> {
    let mut notes = Vec::new();
    match &backup.seal {
        SealState::Missing => {}
        SealState::Unreadable(reason) => notes.push(printable(reason)),
        SealState::Broken(error) => notes.push(error.to_string()),
        SealState::Says(says) => {
            let series = says.series.as_ref().map(|series| series.label.as_str());
            if let (Some(why), Some(signer)) = (trusted_but(says.standing, series), &says.signer) {
                notes.push(format!("its seal is signed by {}, whom you trust, but {why}", signer.name()));
            }
            notes.extend(backup.warnings.iter().map(|warning| warning_words(warning, backup, says)));
            if says.uncounted_count > 0 && says.vouched_by.is_some() {
                notes.push(format!("{} of its notes say nothing, by your trust", says.uncounted_count));
            }
        }
    }
    if let Some(check) = backup.last_check.as_ref().filter(|check| !check.is_good()) {
        notes.push(format!("its last check ended with: {}, {}", printable(&check.integrity), printable(&check.place)));
    }
    notes.extend(backup.places.iter().filter_map(|place| match place {
        Place::Renamed => Some(format!("its seal calls it {}", backup.statement().map(|says| printable(&says.named)).unwrap_or_default())),
        Place::NewEpoch => Some("a NEW EPOCH of the series begins here".into()),
        Place::Gap => Some("the backup before it is MISSING".into()),
        Place::Fork => Some("its history is not the only one of the series".into()),
        Place::RolledBack => Some("something newer was seen before, and is gone".into()),
        Place::Alone | Place::Unchecked | Place::InSeries | Place::Unknown => None,
    }));
    notes
}

fn warning_words(warning: &Warning, backup: &Backup, says: &Statement) -> String {
    match warning {
        Warning::FileMissing => "the backup is MISSING: only its seal is here".into(),
        Warning::LenDiffers => {
            format!("it has {} bytes, and its seal says {}", backup.len.unwrap_or_default(), says.sealed_len)
        }
        Warning::HeaderDiffers => "its header is not the one that was signed last".into(),
        Warning::InFuture => "its time is in the FUTURE".into(),
        Warning::HalfSize { number, len } => {
            format!("smaller than half of number {number} before it ({}, then {})", size(*len), size(says.sealed_len))
        }
    }
}
