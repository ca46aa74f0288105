//! What is said of a backup of which something was salvaged.

use std::ops::Range;

use serde_json::json;

use super::answers::MAX_RANGES;
use crate::salvage::SalvageReport;

/// What is left of a backup, and what is lost.
pub(super) fn words(report: &SalvageReport) -> String {
    let of = report.plaintext_len.map_or_else(|| "; how many there were is not known".into(), |len| format!(" of {len} bytes"));
    let mut text = format!("dbseal: salvaged {} bytes{of}\n", report.written_len);
    let mut list = |ranges: &[Range<u64>], what: &str| {
        for Range { start, end } in ranges.iter().take(MAX_RANGES) {
            text += &format!("dbseal:   {what}: bytes {start} to {}\n", end - 1);
        }
        if ranges.len() > MAX_RANGES {
            text += &format!("dbseal:   and {} more ranges: --json lists them\n", ranges.len() - MAX_RANGES);
        }
    };
    list(&report.lost, "lost, zeros in the output");
    list(&report.unsealed, "authentic, but near damage, where the seal vouches for nothing");
    list(&report.garbage, "behind the end of the backup, in the file");
    text
}

/// As an event.
pub(super) fn json_event(report: &SalvageReport) -> serde_json::Value {
    let pairs = |ranges: &[Range<u64>]| ranges.iter().map(|range| [range.start, range.end]).collect::<Vec<_>>();
    json!({
        "event": "salvaged", "written_bytes": report.written_len, "plaintext_bytes": report.plaintext_len, "lost": pairs(&report.lost),
        "unsealed": pairs(&report.unsealed), "garbage": pairs(&report.garbage),
    })
}
