//! What is said of a backup that was checked: to a person in a few lines, to a machine in one.

use std::ops::Range;

use dbseal_core::{Integrity, Note, SourceKind};
use serde_json::{Value, json};

use super::json_text::line;
use super::ui::printable;
use crate::catalogue::Event;
use crate::chain::{Missing, MissingCause};
use crate::error::JobError;
use crate::place::Place;
use crate::replaced::replaced_words;
use crate::sample::Sample;
use crate::standing::{self, trusted_but};
use crate::verify::{Claims, Verification};

/// Damaged ranges that a person is shown; a machine gets them all.
pub(super) const MAX_RANGES: usize = 20;

/// In words, a line or more. What is wrong comes first: nobody reads on after "intact".
pub(super) fn words(answer: &Verification) -> String {
    let faults = answer.claims.iter().flat_map(|claims| answer.places.iter().filter_map(|place| misplaced(place, &claims.first)));
    let mut says: Vec<String> = faults.collect();
    says.insert(if answer.integrity.is_good() { says.len() } else { 0 }, integrity(answer));
    if let Some(claims) = answer.claims.as_ref().filter(|claims| claims.uncounted_notes > 0 && claims.vouched_by.is_some()) {
        says.push(format!("{} of its notes say nothing, by your trust", claims.uncounted_notes));
    }
    let mut text = format!("{}: {}\n", printable(&answer.backup.display().to_string()), says.join("; "));
    for Range { start, end } in answer.damage.iter().take(MAX_RANGES) {
        let where_ = if answer.located { "damaged" } else { "somewhere in" };
        text += &format!("  {where_}: bytes {start} to {} of the file\n", end - 1);
    }
    if answer.damage.len() > MAX_RANGES {
        text += &format!("  and {} more ranges: --json lists them\n", answer.damage.len() - MAX_RANGES);
    }
    if let Some(path) = &answer.replaced_seal {
        text += &format!("  {}\n", printable(&replaced_words(path)));
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
        Integrity::Unvouched => {
            let what = answer.sample.map_or_else(|| "it is what that says".into(), sampled);
            format!("NOT VOUCHED FOR: {}; {what}", claims.map(not_vouched).unwrap_or_default())
        }
        Integrity::Unsealed if !answer.has_possible_len => {
            "NOT COMPLETE, and NO SEAL: no complete backup has this length; it was cut off, or something was added, or writing it failed or \
             goes on"
                .into()
        }
        Integrity::Unsealed => {
            "NO SEAL: without one, and without a key, nothing can be said of what is in it, or whether its end is there".into()
        }
        Integrity::HeaderChanged => {
            let what = answer.sample.map_or_else(|| "the payload section is whole".into(), sampled);
            let stranger = claims.filter(|claims| claims.vouched_by.is_none());
            let nobody = stranger.map(|claims| format!("; {}", not_vouched(claims))).unwrap_or_default();
            let why = match &answer.header_by {
                Some(by) => format!("{} has signed it, whom you do not trust with that (may=rewrap)", by.signer),
                None => "it is not the one that was signed last, and may not open".into(),
            };
            format!("HEADER CHANGED: {why}; {what}{nobody}")
        }
        Integrity::Damaged => {
            let len: u64 = answer.damage.iter().map(|range| range.end - range.start).sum();
            let len = len - answer.excess_len.min(len);
            let whole_len = claims.map_or(len, |claims| claims.payload_len);
            let len = len.min(whole_len);
            let excess = match answer.excess_len {
                0 => String::new(),
                1 => "1 byte too many behind its end, and ".into(),
                count => format!("{count} bytes too many behind its end, and "),
            };
            let of = format!("of the {whole_len} bytes of its payload section");
            match (answer.sample, answer.perhaps_anew_by()) {
                (Some(Sample { read_count, group_count, .. }), _) => {
                    format!("DAMAGED: {excess}{len} {of} at least; {read_count} of {group_count} groups were read")
                }
                (None, Some(signer)) => format!(
                    "DAMAGED, unless {signer} is right, whom you do not trust with that (may=rewrap): it was encrypted anew, they say"
                ),
                (None, None) if answer.located => format!("DAMAGED: {excess}{len} {of} ({:.3}%)", percent(len, whole_len)),
                (None, None) => "DAMAGED: it is not what was sealed, and its seal does not say where".into(),
            }
        }
        Integrity::BrokenSeal => format!("BROKEN SEAL: {}", answer.broken.map(|error| error.to_string()).unwrap_or_default()),
    }
}

/// Why nobody vouches. A key with the name of one that is trusted is a stranger's all the same: so all of it is shown.
fn not_vouched(claims: &Claims) -> String {
    let signer = claims.first.signer();
    let series = claims.first.series().map(|series| series.label.as_str());
    match (trusted_but(claims.standing, series), signer) {
        (Some(why), Some(signer)) => format!("its seal is signed by {}, whom you trust, but {why}", signer.name()),
        _ => format!("nobody whom you trust has signed its seal, which names {}", signer.map(ToString::to_string).unwrap_or_default()),
    }
}

/// What was read, and what may be damaged all the same.
fn sampled(sample: Sample) -> String {
    let Sample { read_count, group_count, hardly_missed_count } = sample;
    let one = format!("damage to 1 group is missed with probability {}", probability(sample.miss_probability(1)));
    let few = match hardly_missed_count {
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

/// What the first note of a seal says of a backup, in the name of this signer. That they made it too, only the file key shows.
pub(super) fn signed(first: &Note, by: &str) -> String {
    let time = first.time().map(|time| time.to_string()).unwrap_or_default();
    let verb = if let Note::Sealed(_) = first { "sealed by" } else { "as seen by" };
    let series = first.series().map(|series| format!(", number {} of {}", series.number, series.label)).unwrap_or_default();
    let source = if first.source() == Some(SourceKind::Stdin) { "; the dump's exit status was not seen" } else { "" };
    format!("{verb} {by} (its clock said {time}){series}{source}")
}

fn vouched(claims: &Claims) -> String {
    let sealed = signed(&claims.first, claims.vouched_by.as_deref().unwrap_or_default());
    let since = [("encrypted anew", &claims.encrypted_anew), ("recipients changed", &claims.rewrapped)];
    since.into_iter().fold(sealed, |words, (what, event)| match event {
        Some(Event { by, time, .. }) => {
            format!("{words}; {what} by {by} (its clock said {})", time.map(|time| time.to_string()).unwrap_or_default())
        }
        None => words,
    })
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
        "signer_trusted": claims.map(|claims| standing::word(claims.standing)),
        "time": first.and_then(Note::time).map(|time| time.to_string()),
        "source": first.and_then(Note::source).map(SourceKind::word),
        "named": first.and_then(Note::file).map(ToString::to_string),
        "series": series.map(|series| series.label.to_string()),
        "epoch": series.map(|series| series.epoch.to_string()),
        "number": series.map(|series| series.number),
        "sample": answer.sample.map(|sample| json!({
            "groups_read": sample.read_count,
            "groups": sample.group_count,
            "miss_probability_of_1": sample.miss_probability(1),
            "hardly_missed_groups": sample.hardly_missed_count,
            "miss_probability_of_these": sample.miss_probability(sample.hardly_missed_count),
        })),
        "encrypted_anew": event_json(claims.and_then(|claims| claims.encrypted_anew.as_ref())),
        "recipients_changed": event_json(claims.and_then(|claims| claims.rewrapped.as_ref())),
        "header_by": answer.header_by.as_ref().map(|by| &by.signer),
        "payload_bytes": claims.map(|claims| claims.payload_len),
        "uncounted_notes": claims.map(|claims| claims.uncounted_notes),
        "damage": answer.damage.iter().map(|range| [range.start, range.end]).collect::<Vec<_>>(),
        // With a seal the damage says it.
        "not_complete": (answer.integrity == Integrity::Unsealed).then_some(!answer.has_possible_len),
        "damage_located": answer.located,
        "broken": answer.broken.map(|error| error.to_string()),
        "replaced_seal": answer.replaced_seal.as_ref().map(|path| path.to_string_lossy()),
    });
    line(&object)
}

fn event_json(event: Option<&Event>) -> Option<Value> {
    event.map(|event| json!({ "by": event.by, "time": event.time.map(|time| time.to_string()) }))
}

/// A backup that could not be checked.
pub(super) fn failed_json(file: &str, error: &JobError) -> String {
    line(&json!({ "file": file, "error": error.to_string() }))
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
    line(&json!({ "missing": missing }))
}
