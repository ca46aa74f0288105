//! What is said of a catalogue: a table that fits the terminal, and below a row what a person should look at.

mod json;
mod rows;
mod short;

use std::io;
use std::sync::Arc;

use dbseal_core::Time;
use serde_json::json;

use self::json::json_of;
use self::rows::table;
use self::short::{age, ago, since, size};
use super::answers::{missing_json, missing_words};
use super::json_text::line;
use super::seals::ListPlan;
use super::ui::{Outcome, Ui, printable};
use crate::catalogue::{Catalogue, list as catalogue_of};
use crate::error::JobError;
use crate::lateness::Late;
use crate::report::Observer;

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
    line(&json!({ word: object }))
}
