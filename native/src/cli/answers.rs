//! What is said of a backup that was checked: to a person in a few lines, to a machine in one.

use std::ops::Range;

use dbseal_core::{Integrity, Note};
use serde_json::json;

use super::ui::printable;
use crate::chain::{Missing, MissingCause};
use crate::error::JobError;
use crate::place::Place;
use crate::sample::Sample;
use crate::verify::{Claims, Verification};

/// Damaged ranges that a person is shown; a machine gets them all.
pub(super) const MAX_RANGES: usize = 20;

/// In words, a line or more.
pub(super) fn words(answer: &Verification) -> String {
    let mut text = format!("{}: {}", printable(&answer.backup.display().to_string()), integrity(answer));
    if let Some(claims) = &answer.claims {
        text.extend(answer.places.iter().filter_map(|place| misplaced(place, &claims.first)).map(|words| format!("; {words}")));
        if claims.uncounted_notes > 0 && claims.vouched_by.is_some() {
            text += &format!("; {} of its notes say nothing, by your trust", claims.uncounted_notes);
        }
    }
    text.push('\n');
    for Range { start, end } in answer.damage.iter().take(MAX_RANGES) {
        let where_ = if answer.located { "damaged" } else { "somewhere in" };
        text += &format!("  {where_}: bytes {start} to {} of the file\n", end - 1);
    }
    if answer.damage.len() > MAX_RANGES {
        text += &format!("  and {} more ranges: --json lists them\n", answer.damage.len() - MAX_RANGES);
    }
    text
}

/// What is wrong with a place, if anything is.
fn misplaced(place: Place, first: &Note) -> Option<String> {
    Some(match place {
        Place::Alone | Place::Unchecked | Place::InSeries | Place::Unknown => return None,
        Place::Renamed => format!("RENAMED: its seal calls it {}", first.file().map(ToString::to_string).unwrap_or_default()),
        Place::NewEpoch => "a NEW EPOCH of the series begins: its host lost the state, or somebody writes another history".into(),
        Place::Gap => "the backup before it is MISSING".into(),
        Place::Fork => "FORK: its history is not the only one of the series".into(),
        Place::RolledBack => "ROLLED BACK: something newer was seen before, and is gone".into(),
    })
}

fn integrity(answer: &Verification) -> String {
    let claims = answer.claims.as_ref();
    match answer.integrity {
        Integrity::Intact => format!("intact, {}", claims.map(vouched).unwrap_or_default()),
        Integrity::Sampled => format!("{}; {}", answer.sample.map(sampled).unwrap_or_default(), claims.map(vouched).unwrap_or_default()),
        Integrity::Unvouched if answer.sample.is_some() => format!(
            "NOT VOUCHED FOR: {}; but nobody whom you trust has signed its seal; that names {}",
            answer.sample.map(sampled).unwrap_or_default(),
            claims.and_then(|claims| claims.first.signer()).map(ToString::to_string).unwrap_or_default()
        ),
        Integrity::Unvouched => format!(
            "NOT VOUCHED FOR: it is what its seal says, but nobody whom you trust has signed that; it names {}",
            claims.and_then(|claims| claims.first.signer()).map(ToString::to_string).unwrap_or_default()
        ),
        Integrity::Unsealed => "NO SEAL: without one, and without a key, nothing can be said".into(),
        Integrity::HeaderChanged if answer.sample.is_some() => {
            let sample = answer.sample.map(sampled).unwrap_or_default();
            format!("HEADER CHANGED: it is not the one that was signed last, and may not open; {sample}")
        }
        Integrity::HeaderChanged => {
            "HEADER CHANGED: the payload is whole, but the header is not the one that was signed last; it may not open".into()
        }
        Integrity::Damaged => {
            let len: u64 = answer.damage.iter().map(|range| range.end - range.start).sum();
            let whole_len = claims.map_or(len, |claims| claims.payload_len);
            if let Some(Sample { read_count, group_count }) = answer.sample {
                format!("DAMAGED: {len} bytes of {whole_len} at least; {read_count} of {group_count} groups were read")
            } else if answer.located {
                format!("DAMAGED: {len} bytes of {whole_len} ({:.3}%)", percent(len.min(whole_len), whole_len))
            } else {
                "DAMAGED: it is not what was sealed, and its seal does not say where".into()
            }
        }
        Integrity::BrokenSeal => format!("BROKEN SEAL: {}", answer.broken.map(|error| error.to_string()).unwrap_or_default()),
    }
}

/// What was read, and what may be damaged all the same.
fn sampled(sample: Sample) -> String {
    let Sample { read_count, group_count } = sample;
    let one = format!("damage to 1 group is missed with probability {}", probability(sample.miss_probability(1)));
    let few = match sample.hardly_missed_count() {
        1 => String::new(),
        count => format!(", to {count} with {}", probability(sample.miss_probability(count))),
    };
    format!("sampled {read_count} of {group_count} groups, none damaged; {one}{few}")
}

/// To two digits, or more where it is near certainty, which it must not be rounded to.
fn probability(probability: f64) -> String {
    let percent = 100.0 * probability;
    if percent == 0.0 {
        "0%".into()
    } else if percent < 10.0 {
        format!("{percent:.2}%")
    } else {
        let decimals = (1..5).find(|&decimals| 100.0 - percent >= 0.1_f64.powi(decimals)).unwrap_or(5);
        format!("{percent:.*}%", decimals.unsigned_abs() as usize)
    }
}

fn vouched(claims: &Claims) -> String {
    let by = claims.vouched_by.as_deref().unwrap_or_default();
    let time = claims.first.time().map(|time| time.to_string()).unwrap_or_default();
    let verb = if let Note::Sealed(_) = claims.first { "made by" } else { "as seen by" };
    let series = claims.first.series().map(|series| format!(", number {} of {}", series.number, series.label)).unwrap_or_default();
    format!("{verb} {by} (its clock said {time}){series}")
}

#[expect(clippy::cast_precision_loss, reason = "a share that a person reads")]
fn percent(len: u64, of: u64) -> f64 {
    100.0 * len as f64 / of.max(1) as f64
}

/// As one line of JSON.
pub(super) fn json(answer: &Verification) -> String {
    let claims = answer.claims.as_ref();
    let first = claims.map(|claims| &claims.first);
    let series = first.and_then(Note::series);
    let object = json!({
        "file": answer.backup.to_string_lossy(),
        "integrity": answer.integrity.word(),
        "place": answer.places.worst().word(),
        "places": answer.places.iter().map(Place::word).collect::<Vec<_>>(),
        "vouched_by": claims.and_then(|claims| claims.vouched_by.as_deref()),
        "note": first.map(Note::kind),
        "signer": first.and_then(Note::signer).map(ToString::to_string),
        "time": first.and_then(Note::time).map(|time| time.to_string()),
        "named": first.and_then(Note::file).map(ToString::to_string),
        "series": series.map(|series| series.label.to_string()),
        "epoch": series.map(|series| series.epoch.to_string()),
        "number": series.map(|series| series.number),
        "sample": answer.sample.map(|sample| json!({
            "groups_read": sample.read_count,
            "groups": sample.group_count,
            "miss_probability_of_1": sample.miss_probability(1),
            "hardly_missed_groups": sample.hardly_missed_count(),
            "miss_probability_of_these": sample.miss_probability(sample.hardly_missed_count()),
        })),
        "payload_bytes": claims.map(|claims| claims.payload_len),
        "uncounted_notes": claims.map(|claims| claims.uncounted_notes),
        "damage": answer.damage.iter().map(|range| [range.start, range.end]).collect::<Vec<_>>(),
        "damage_located": answer.located,
        "broken": answer.broken.map(|error| error.to_string()),
    });
    format!("{object}\n")
}

/// A backup that could not be checked.
pub(super) fn failed_json(file: &str, error: &JobError) -> String {
    format!("{}\n", json!({ "file": file, "error": error.to_string() }))
}

/// Backups that a series lacks.
pub(super) fn missing_words(missing: &Missing) -> String {
    let Missing { series, epoch, from, to, cause } = missing;
    let numbers = if from == to { format!("number {from} is") } else { format!("numbers {from} to {to} are") };
    let cause = match cause {
        MissingCause::Gap => "a gap",
        MissingCause::RolledBack => "rolled back",
    };
    format!("series {series}: {numbers} MISSING: {cause} (epoch {epoch})\n")
}

/// As one line of JSON.
pub(super) fn missing_json(missing: &Missing) -> String {
    format!("{}\n", json!({ "missing": missing }))
}
