//! What is said of a backup of which something was salvaged.

use std::ops::Range;

use serde_json::json;

use super::answers::MAX_RANGES;
use crate::salvage::SalvageReport;

/// What is left of a backup, and what is lost.
pub(super) fn words(report: &SalvageReport) -> String {
    let written_len = report.written_len;
    let mut text = match report.plaintext_len {
        Some(len) => format!("dbseal: salvaged {written_len} of {len} bytes of plaintext\n"),
        None => format!("dbseal: salvaged {written_len} bytes of plaintext; how many there were is not known\n"),
    };
    let mut list = |what: &str, ranges: &[Range<u64>], of: &str| {
        for Range { start, end } in ranges.iter().take(MAX_RANGES) {
            text += &format!("dbseal:   {what}: bytes {start} to {} of the {of}\n", end - 1);
        }
        if ranges.len() > MAX_RANGES {
            text += &format!("dbseal:   and {} more ranges: --json lists them\n", ranges.len() - MAX_RANGES);
        }
    };
    list("lost, zeros in the output", &report.lost, "plaintext");
    list("authentic, but the seal does not vouch for it", &report.unsealed, "plaintext");
    list("authentic, but left out, zeros in the output, as the seal does not vouch for it", &report.left_out, "plaintext");
    list("could not be read", &report.unreadable, "file");
    list("behind the end of the backup", &report.garbage, "file");
    if let Some(name) = &report.sealed_as {
        let why = if report.has_seal {
            ": it may be an older backup in the place of a newer one"
        } else {
            ", which vouches for nothing of it, and may be another backup's"
        };
        text += &format!("dbseal:   called {name} by its seal{why}\n");
    }
    text
}

/// As an event.
pub(super) fn json_event(report: &SalvageReport) -> serde_json::Value {
    let pairs = |ranges: &[Range<u64>]| ranges.iter().map(|range| [range.start, range.end]).collect::<Vec<_>>();
    json!({
        "event": "salvaged", "written_bytes": report.written_len, "plaintext_bytes": report.plaintext_len,
        "plaintext": {
            "lost": pairs(&report.lost), "unsealed": pairs(&report.unsealed), "left_out": pairs(&report.left_out),
        },
        "file": { "unreadable": pairs(&report.unreadable), "garbage": pairs(&report.garbage) },
        "has_seal": report.has_seal, "sealed_as": report.sealed_as,
    })
}
