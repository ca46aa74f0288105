//! What is said of a catalogue: a table that fits the terminal, and below a row what a person should look at.

use std::io;
use std::sync::Arc;

use dbseal_core::{Integrity, SourceKind, TestResult, Time};
use serde_json::json;

use super::answers::{missing_json, missing_words};
use super::seals::ListPlan;
use super::table::{Column, NOTHING, Row, Table};
use super::ui::{Outcome, Ui, printable};
use crate::catalogue::{Backup, Catalogue, RestoreTest, SealState, Statement, Warning, list as catalogue_of};
use crate::error::JobError;
use crate::lateness::Late;
use crate::place::Place;
use crate::report::Observer;
use crate::seen::LastCheck;
use crate::standing::{self, trusted_but};

/// Characters in a line where a terminal does not say.
const DEFAULT_WIDTH: usize = 80;

/// Reads the seals, shows what they say, and names the series that are late.
pub(super) fn list(plan: &ListPlan, ui: &Ui, observer: &Arc<dyn Observer>) -> Result<Outcome, JobError> {
    let mut catalogue = catalogue_of(&plan.request, &plan.trust, observer)?;
    catalogue.sort(plan.sort);
    if plan.reverse {
        catalogue.backups.reverse();
    }
    let now = plan.request.now;
    let json: String = catalogue.backups.iter().map(|backup| json_of(backup, plan.request.seen.is_some())).collect();
    ui.answer(&format!("{}\n{}\n", table(&catalogue, plan, now).to_text(width()), summary(&catalogue)), &json)?;
    for missing in &catalogue.missing {
        ui.answer(&missing_words(missing), &missing_json(missing))?;
    }
    let late = plan.max_age.map(|max_age| (max_age, catalogue.late(max_age, now)));
    for (max_age, late) in late.iter().flat_map(|(max_age, late)| late.iter().map(move |late| (*max_age, late))) {
        ui.answer(&late_words(late, max_age, now), &late_json(late, max_age, now))?;
    }
    let unproven = plan.proven_within.map(|max_age| (max_age, catalogue.unproven(max_age, now)));
    for (max_age, late) in unproven.iter().flat_map(|(max_age, late)| late.iter().map(move |late| (*max_age, late))) {
        ui.answer(&unproven_words(late, max_age, now), &unproven_json(late, max_age, now))?;
    }
    let late_count = late.as_ref().map_or(0, |(_, late)| late.len());
    let unproven_count = unproven.as_ref().map_or(0, |(_, late)| late.len());
    let is_age_asked = late.is_some() || unproven.is_some();
    let verdict = match (late_count, unproven_count) {
        (0, 0) if is_age_asked => late_error(0, catalogue.has_series()),
        (0, 0) => None,
        (0, 1) => Some(JobError::NotIntact("1 series has not passed a restore test in time".into())),
        (0, count) => Some(JobError::NotIntact(format!("{count} series have not passed a restore test in time"))),
        (count, _) => late_error(count, true),
    };
    Ok(Outcome::verified(verdict))
}

/// What ends a command that found this many series late, if anything does. Where there is no series, none is in time: a monitor that
/// looks at the wrong folder must hear of it.
pub(super) fn late_error(count: usize, has_series: bool) -> Option<JobError> {
    Some(JobError::NotIntact(match count {
        0 if has_series => return None,
        0 => "there is no series whose age could be checked".into(),
        1 => "1 series is late".into(),
        count => format!("{count} series are late"),
    }))
}

/// The characters that fit a line of the terminal; without one, all.
fn width() -> usize {
    let stdout = io::stdout();
    if !rustix::termios::isatty(&stdout) {
        return usize::MAX;
    }
    let columns = rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { DEFAULT_WIDTH } else { columns }
}

fn table(catalogue: &Catalogue, plan: &ListPlan, now: Time) -> Table {
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

/// To the minute: `2026-11-24 02:00`.
fn minute(time: Time) -> String {
    time.to_string().chars().take(16).map(|character| if character == 'T' { ' ' } else { character }).collect()
}

/// In three digits, with the units that sizes are typed with: `1.24G`.
#[expect(clippy::cast_precision_loss, reason = "three digits for a person")]
fn size(len: u64) -> String {
    let (mut amount, mut unit) = (len as f64, 0);
    while amount >= 999.5 && unit < 6 {
        amount /= 1024.0;
        unit += 1;
    }
    let decimals = match amount {
        _ if unit == 0 => 0,
        amount if amount < 9.995 => 2,
        amount if amount < 99.95 => 1,
        _ => 0,
    };
    format!("{amount:.decimals$}{}", ["B", "K", "M", "G", "T", "P", "E"][unit])
}

/// The largest whole unit: `40s`, `12m`, `30h`, `4d`.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago something was, in seconds; `None` where that is yet to come.
fn since(unix_time: u64, now: Time) -> Option<u64> {
    u64::try_from(now.as_unix()).unwrap_or(0).checked_sub(unix_time)
}

fn ago(seconds: Option<u64>) -> String {
    // The clock that gave the time is ahead of this one.
    seconds.map_or("in future".into(), age)
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

/// What is in the table, and what is not.
fn summary(catalogue: &Catalogue) -> String {
    let len = catalogue.backups.iter().filter_map(|backup| backup.len).fold(0, u64::saturating_add);
    let backups = match catalogue.backups.len() {
        1 => "1 backup".into(),
        count => format!("{count} backups"),
    };
    let unknown = match catalogue.unknown_count {
        0 => String::new(),
        1 => "; not listed: 1 whose seal does not say which series it is of".into(),
        count => format!("; not listed: {count} whose seals do not say which series they are of"),
    };
    format!("{backups}, {}{unknown}", size(len))
}

/// A series that is late, in words.
pub(super) fn late_words(late: &Late, max_age: u64, now: Time) -> String {
    older_words(late, "LATE", "backup that counts", max_age, now)
}

fn unproven_words(late: &Late, max_age: u64, now: Time) -> String {
    older_words(late, "NOT PROVEN", "restore test that passed and counts", max_age, now)
}

fn older_words(late: &Late, word: &str, what: &str, max_age: u64, now: Time) -> String {
    let series = printable(&late.series);
    match late.newest {
        Some(time) => {
            let old = ago(since(time.as_unix().try_into().unwrap_or(0), now));
            format!("series {series}: {word}: the newest {what} is {old} old, of {time}, and {} are allowed\n", age(max_age))
        }
        None => format!("series {series}: {word}: there is no {what}\n"),
    }
}

/// A series that is late, as one line of JSON.
pub(super) fn late_json(late: &Late, max_age: u64, now: Time) -> String {
    older_json("late", late, max_age, now)
}

fn unproven_json(late: &Late, max_age: u64, now: Time) -> String {
    older_json("unproven", late, max_age, now)
}

fn older_json(word: &str, late: &Late, max_age: u64, now: Time) -> String {
    let old = late.newest.map(|time| now.as_unix() - time.as_unix());
    let object = json!({
        "series": late.series,
        "newest": late.newest.map(|time| time.to_string()),
        "age_seconds": old,
        "max_age_seconds": max_age,
    });
    format!("{}\n", json!({ word: object }))
}

fn json_of(backup: &Backup, has_checks: bool) -> String {
    let says = backup.statement();
    let (seal, broken) = match &backup.seal {
        SealState::Missing => ("missing", None),
        SealState::Unreadable(reason) => ("unreadable", Some(reason.clone())),
        SealState::Broken(error) => ("broken", Some(error.to_string())),
        SealState::Says(says) if says.vouched_by.is_none() => ("unvouched", None),
        SealState::Says(_) => ("vouched", None),
    };
    let mut object = json!({
        "file": backup.path.to_string_lossy(),
        "bytes": backup.len,
        "sealed_bytes": says.map(|says| says.sealed_len),
        "seal": seal,
        "broken": broken,
        "place": backup.places.worst().word(),
        "places": backup.places.iter().map(Place::word).collect::<Vec<_>>(),
        "note": says.map(|says| &says.kind),
        "vouched_by": says.and_then(|says| says.vouched_by.as_ref()),
        "signer": says.and_then(|says| says.signer.as_ref()).map(ToString::to_string),
        "signer_trusted": says.map(|says| standing::word(says.standing)),
        "time": says.and_then(|says| says.time).map(|time| time.to_string()),
        "source": says.and_then(|says| says.source).map(SourceKind::word),
        "named": says.map(|says| &says.named),
        "series": backup.series().map(|series| series.label.to_string()),
        "epoch": backup.series().map(|series| series.epoch.to_string()),
        "number": backup.series().map(|series| series.number),
        "recipients": backup.recipients,
        "restore_test": says.and_then(|says| says.restore_test).map(|test| json!({
            "result": if test.result == TestResult::Passed { "passed" } else { "failed" },
            "time": test.time.to_string(),
        })),
        "uncounted_notes": says.map(|says| says.uncounted_count),
        "warnings": backup.warnings.iter().map(|warning| match warning {
            Warning::FileMissing => "file-missing",
            Warning::LenDiffers => "size-differs",
            Warning::HeaderDiffers => "header-differs",
            Warning::InFuture => "in-future",
            Warning::HalfSize { .. } => "half-size",
        }).collect::<Vec<_>>(),
    });
    if has_checks {
        object["last_check"] = backup.last_check.as_ref().map_or(serde_json::Value::Null, |check| {
            json!({
                "time": Time::from_unix(check.unix_time).map(|time| time.to_string()),
                "integrity": check.integrity,
                "place": check.place,
            })
        });
    }
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_short() {
        let sizes = [0, 999, 1000, 1023, 10 << 10, 1_331_000_000, 1023 << 30, u64::MAX].map(size);
        assert_eq!(sizes, ["0B", "999B", "0.98K", "1.00K", "10.0K", "1.24G", "1.00T", "16.0E"]);
        assert_eq!([0, 119, 120, 7199, 7200, 172_799, 172_800].map(age), ["0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
    }
}
