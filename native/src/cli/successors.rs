//! The lines of a trust file that a succession justifies, as people see them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dbseal_core::{SeriesPlace, Succession, SuccessorLines, Time, Trust, TrustLine};

use super::seals::backups_below;
use super::successor_args::SuccessorArgs;
use super::trusted::trust;
use super::ui::{Outcome, Ui, printable};
use crate::error::JobError;
use crate::report::Observer;
use crate::sealing::seal_path;
use crate::successor::{Endings, LastBackup, endings, load_succession};

/// A succession by a key that is trusted, and where that is to end.
pub(super) struct SuccessorPlan {
    path: PathBuf,
    succession: Succession,
    trust: Trust,
    last: Vec<PathBuf>,
}

pub(super) fn decide(args: SuccessorArgs, ui: &Ui) -> Result<SuccessorPlan, JobError> {
    let succession = load_succession(&args.succession)?;
    for input in &args.last {
        // A seal alone is enough; a path at which there is nothing at all was mistyped.
        if !seal_path(input).exists() {
            input.metadata().map_err(|error| JobError::open(input, error))?;
        }
    }
    let trust = trust(&args.trust, &args.last, None)?.unwrap_or_default();
    let plan = SuccessorPlan { path: args.succession, succession, trust, last: backups_below(args.last, ui)? };
    // Before a folder is read for it.
    plan.lines(&Endings::default())?;
    Ok(plan)
}

pub(super) fn run(plan: &SuccessorPlan, ui: &Ui) -> Result<Outcome, JobError> {
    let old = plan.succession.old_key();
    let found = endings(&plan.last, &plan.trust, old)?;
    let lines = plan.lines(&found)?;
    let name = old.name();
    if plan.last.is_empty() {
        ui.warning(&format!(
            "{name} stays trusted for what is signed with it from now on: name the last backups that it has sealed with --last"
        ));
    }
    if found.alone_count > 0 {
        let count = found.alone_count;
        ui.warning(&format!(
            "backups of no series among these: {count}; no key ends there, and by these lines {name} vouches for none of them"
        ));
    }
    if found.uncounted_count > 0 {
        ui.warning(&format!("backups among these for which nobody vouches whom you trust: {}; nothing ends there", found.uncounted_count));
    }
    if !lines.lasting.is_empty() {
        ui.warning(&format!(
            "what {name} may note of backups that are there (may=rewrap, may=drill) has no end: destroy its key, or take that line out"
        ));
    }
    let text = text(&plan.succession, &lines, &found.backups);
    ui.answer(&text, &text)?;
    Ok(Outcome::told())
}

impl SuccessorPlan {
    fn lines(&self, found: &Endings) -> Result<SuccessorLines, JobError> {
        let places: Vec<_> = found.backups.iter().map(|backup| backup.place.clone()).collect();
        self.trust.succeeded(&self.succession, &places).map_err(|error| JobError::Successor { path: self.path.clone(), error })
    }
}

/// As it goes into the trust file, where `#` starts a comment. A name from the storage stays within one.
fn text(succession: &Succession, lines: &SuccessorLines, backups: &[LastBackup]) -> String {
    let (old, new) = (succession.old_key().name(), succession.new_key().name());
    let mut text = format!(
        "# {new} succeeds {old}, as both have signed (their clock said {})\n\
         # in the place of the lines of {old} without until=:\n",
        succession.time()
    );
    let ended: BTreeSet<_> = backups.iter().map(|backup| backup.place.series().label.to_string()).collect();
    if !ended.is_empty() {
        let ended = ended.into_iter().collect::<Vec<_>>().join(", ");
        text += &format!("# by these {old} vouches for its backups of {ended} up to these ends, and for no others\n");
    }
    for line in &lines.old {
        if let Some(backup) = last_of(line, backups) {
            let SeriesPlace { label, number, .. } = backup.place.series();
            let clock = backup.time.as_ref().map(Time::to_string).unwrap_or_default();
            text += &format!(
                "# up to {}, number {number} of {label} (its clock said {clock})\n",
                printable(&backup.path.display().to_string())
            );
        }
        text += &format!("{line}\n");
    }
    for line in &lines.lasting {
        text += &format!("# its notes of backups that are there count as before; take this out where others may have the key:\n{line}\n");
    }
    for line in &lines.endless {
        text += &format!("# no backup was given at which this could end, so it is left out: {line}\n");
    }
    lines.new.iter().fold(text, |text, line| text + &format!("{line}\n"))
}

/// The backup at which a line ends.
fn last_of<'a>(line: &TrustLine, backups: &'a [LastBackup]) -> Option<&'a LastBackup> {
    let end = line.until()?;
    backups.iter().find(|backup| backup.place.note() == end.note())
}
