//! Reports to keep, as plain text.

use std::ops::Range;

use super::answer::{Half, claim_facts, integrity, place};
use super::outcome::{END_MISSING, output_len, written};
use super::visible;
use crate::messages::{Checked, End, Opened};
use crate::numbers::{range, share, size, total};

/// What writes the report.
pub(in crate::page) fn program(is_app: bool) -> String {
    format!("dbseal {}, {}", env!("CARGO_PKG_VERSION"), if is_app { "the desktop app" } else { "in a browser" })
}

/// What a check found, for the file that is saved; `now` is the time by this computer's clock.
pub(in crate::page) fn checked_report(checked: &Checked, path: &str, now: &str, program: &str) -> String {
    let mut report = Report::new("Report of a check");
    report.fact("Backup", path);
    report.fact("Length", &size(checked.file_len));
    report.fact("Checked", &format!("{now}, by the clock of the computer that checked"));
    report.fact("With", program);
    report.half("Integrity", &integrity(checked));
    report.half("Place", &place(checked));
    if let Some(claims) = &checked.claims {
        report.heading("What its seal says");
        for (name, value) in claim_facts(claims) {
            report.fact(name, &value);
        }
    }
    let heading = if checked.located { "Damaged, counted from 0" } else { "Damaged, somewhere in" };
    report.ranges(heading, &checked.damage);
    report.0
}

/// What a salvage lost.
pub(in crate::page) fn salvage_report(path: &str, opened: &Opened, now: &str, program: &str) -> String {
    let mut report = Report::new("Report of what was saved of a damaged backup");
    report.fact("Backup", path);
    report.fact("Written", &written(opened));
    let lost_len = total(&opened.lost);
    report.fact("Lost", &format!("{}, {}", size(lost_len), share(lost_len, output_len(opened))));
    if opened.end == End::Missing {
        report.fact("End", END_MISSING);
    }
    report.fact("When", &format!("{now}, by the clock of the computer that opened it"));
    report.fact("With", program);
    report.ranges("Lost in the output, where it is zeros, counted from 0", &opened.lost);
    report.ranges("Opened, but not as it was sealed", &opened.unsealed);
    report.0
}

pub(super) struct Report(pub(super) String);

impl Report {
    pub(super) fn new(title: &str) -> Self {
        Self(format!("{title}\n{}\n\n", "=".repeat(title.len())))
    }

    pub(super) fn heading(&mut self, heading: &str) {
        let heading = visible(heading);
        self.0 += &format!("\n{heading}\n{}\n", "-".repeat(heading.chars().count()));
    }

    pub(super) fn line(&mut self, text: &str) {
        self.0 += &format!("{}\n", visible(text));
    }

    /// A name may come from anybody: it stays on its line.
    pub(super) fn fact(&mut self, name: &str, value: &str) {
        self.0 += &format!("{name}: {}\n", visible(value));
    }

    fn half(&mut self, name: &str, half: &Half) {
        self.heading(&format!("{name}: {}", half.title));
        self.0 += &format!("{}\n", visible(&half.says));
        if let Some(next) = &half.next {
            self.fact("Next", next);
        }
    }

    fn ranges(&mut self, heading: &str, ranges: &[Range<u64>]) {
        if !ranges.is_empty() {
            self.heading(heading);
            for one in ranges {
                self.0 += &format!("{}\n", range(one));
            }
        }
    }
}
