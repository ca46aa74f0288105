//! A backup of a catalogue for a machine.

use dbseal_core::{SourceKind, TestResult, Time};
use serde_json::json;

use super::super::json_text::line;
use crate::catalogue::{Backup, SealState, Warning};
use crate::place::Place;
use crate::standing;

/// As one line of JSON.
pub(super) fn json_of(backup: &Backup, has_checks: bool) -> String {
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
    line(&object)
}
