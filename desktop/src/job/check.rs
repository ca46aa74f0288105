//! Check, as the page shows it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use dbseal::core::{Integrity, Trust};
use dbseal::{Depth, JobError, Observer, Pace, Verification, VerifyRequest, verify};
use dbseal_web::engine::first_claims;
use dbseal_web::messages::{Checked, Claims, Failure, Place};

use super::{failures, inspect};
use crate::commands::threads;

pub(super) fn check(backup: &Path, seal: Option<&Path>, trust: &Trust, observer: &Arc<dyn Observer>) -> Result<Checked, Failure> {
    let answer = verify_whole(backup, seal, trust, observer).map_err(|error| failures::of(&error))?;
    if answer.integrity == Integrity::Unsealed {
        // What is no backup at all is not called one without a seal.
        inspect::has_possible_len(backup)?;
    }
    let file_len = backup.metadata().map_err(|error| failures::unreadable(backup, &error))?.len();
    Ok(checked(&answer, file_len))
}

/// Reads all of a backup.
pub(super) fn verify_whole(
    backup: &Path,
    seal: Option<&Path>,
    trust: &Trust,
    observer: &Arc<dyn Observer>,
) -> Result<Verification, JobError> {
    let request = VerifyRequest {
        backup: backup.into(),
        seal: seal.map(Into::into),
        depth: Depth::Whole,
        threads: threads(),
        pace: Pace::unlimited(),
    };
    verify(&request, trust, observer)
}

/// What was found, of a file with so many bytes.
pub(super) fn checked(answer: &Verification, file_len: u64) -> Checked {
    Checked {
        name: answer.backup.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        file_len,
        integrity: answer.integrity.word().into(),
        place: place(answer.places.worst()),
        claims: answer.claims.as_ref().map(|said| claims(said, None)),
        payload_len: answer.claims.as_ref().map_or(0, |claims| claims.payload_len),
        excess_len: answer.excess_len,
        missing_len: answer.damage.last().map_or(0, |range| range.end.saturating_sub(file_len)),
        located: answer.located,
        has_possible_len: answer.has_possible_len,
        is_all_other: is_all_other(answer),
        perhaps_anew_by: answer.perhaps_anew_by().map(Into::into),
        other_seal: answer.replaced_seal.as_ref().map(|seal| seal.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        broken: answer.broken.as_ref().map(|error| format!("the seal is broken: {error}")),
        damage: answer.damage.clone(),
    }
}

/// Whether nothing is as it was sealed, not even the header.
fn is_all_other(answer: &Verification) -> bool {
    let damaged: u64 = answer.damage.iter().map(|Range { start, end }| end - start).sum();
    answer.has_other_header && answer.claims.as_ref().is_some_and(|claims| damaged >= claims.payload_len)
}

/// What a seal says, as the page shows it. `proven` is whether its signer made the backup, where a key was at hand.
pub(super) fn claims(said: &dbseal::Claims, proven: Option<bool>) -> Claims {
    Claims {
        vouched_by: said.vouched_by.clone(),
        proven,
        encrypted_anew_by: said.encrypted_anew.as_ref().map(|event| event.by.clone()),
        series: said.series.as_ref().map(|series| (series.label.to_string(), series.number)),
        named: said.named.as_ref().map(ToString::to_string),
        uncounted_notes: said.uncounted_notes,
        ..first_claims(&said.first, said.standing)
    }
}

/// As far as it shows without the other backups.
pub(super) fn place(place: dbseal::Place) -> Place {
    match place {
        dbseal::Place::Renamed => Place::Renamed,
        dbseal::Place::Unchecked | dbseal::Place::InSeries => Place::InSeries,
        dbseal::Place::Alone => Place::Alone,
        // The rest comes of comparing with others, which nobody did here.
        _ => Place::Unknown,
    }
}
