//! Backups that are checked one after the other, and together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dbseal_core::Epoch;

use super::seals::VerifyPlan;
use super::ui::{Outcome, Ui, printable};
use super::{answers, catalogue};
use crate::error::JobError;
use crate::lateness::late;
use crate::place::Place;
use crate::report::Observer;
use crate::sealing::{now, seal_path};
use crate::seen::Seen;
use crate::state_file::lock;
use crate::verify::{Verification, VerifyRequest, link_of_unread};

/// Checks one backup after the other, and answers for each as soon as it is known.
pub(super) fn verify(plan: &VerifyPlan, ui: &Arc<Ui>, observer: &Arc<dyn Observer>) -> Result<Outcome, JobError> {
    let mut verdict = Verdict::default();
    let (mut checked, mut unread) = (Vec::new(), Vec::new());
    for request in plan.requests()? {
        match crate::verify(&request, &plan.trust, observer) {
            Ok(mut answer) => match &plan.chain {
                None => verdict.add(ui, plan, &answer)?,
                Some(chain) => {
                    if let Some(claims) = &mut answer.claims {
                        claims.link = claims.link.take().map(|link| link.shortened(&chain.seen_before));
                    }
                    checked.push(answer);
                }
            },
            Err(error) => {
                // What cannot be read is there: it is not missing.
                if let Some(chain) = plan.chain.as_ref().filter(|_| !is_gone(&error)) {
                    unread.extend(link_of_unread(&request, &plan.trust).map(|link| link.shortened(&chain.seen_before)));
                }
                verdict.add_failure(ui, &request, error)?;
            }
        }
    }
    if let Some(chain) = &plan.chain {
        let _lock = chain.state.as_deref().map(lock).transpose()?;
        let mut seen = chain.state.as_deref().map(Seen::load).transpose()?.flatten().unwrap_or_default();
        let mut missing = crate::chain::place_all(&mut checked, &unread, &seen);
        missing.retain(|missing| plan.wants(&missing.series));
        for answer in &checked {
            verdict.add(ui, plan, answer)?;
        }
        for missing in &missing {
            ui.answer(&answers::missing_words(missing), &answers::missing_json(missing))?;
        }
        let unknown_count = checked.iter().filter(|answer| answer.places.worst() == Place::Unknown).count();
        if !missing.is_empty() && unknown_count > 0 {
            ui.warning(&format!("what is missing may be among the {unknown_count} of which no seal that counts says where they belong"));
        }
        // What was the newest of an epoch a state knows.
        for (series, count) in several_epochs(&checked).iter().filter(|_| chain.state.is_none()) {
            ui.warning(&format!(
                "series {series} has {count} epochs: what was the newest of an earlier one may be gone, and nothing shows it"
            ));
        }
        verdict.missing = missing.iter().filter(|missing| !plan.accepts_place(missing.cause.place())).count();
        let now = now();
        // Nothing is forgotten as gone while some of what is there could not be read.
        seen.learn(&checked, &missing, |place| verdict.failure.is_none() && plan.accepts_place(place), now);
        if let Some(max_age) = chain.max_age {
            let here = checked.iter().filter_map(|answer| {
                let first = &answer.claims.as_ref()?.first;
                let is_good = answer.integrity.is_good();
                let label = first.series()?.label.as_str();
                Some((label, first.time().filter(|_| is_good)))
            });
            let all = here.chain(seen.series().map(|label| (label, None)));
            let wanted: Vec<_> = all.filter(|(label, _)| plan.wants(label)).collect();
            let has_series = !wanted.is_empty();
            let late = late(wanted.into_iter(), max_age, now);
            verdict.late = catalogue::late_error(late.len(), has_series);
            for late in &late {
                ui.answer(&catalogue::late_words(late, max_age, now), &catalogue::late_json(late, max_age, now))?;
            }
        }
        if let Some(path) = &chain.state {
            seen.save(path)?;
        }
    }
    Ok(Outcome::verified(verdict.end()))
}

/// What becomes of the exit code as backups are checked.
#[derive(Default)]
struct Verdict {
    total: usize,
    refused: usize,
    /// Series of which backups are missing, though none of them need be in what was checked.
    missing: usize,
    /// Some series are too old.
    late: Option<JobError>,
    failure: Option<JobError>,
}

impl Verdict {
    fn add(&mut self, ui: &Ui, plan: &VerifyPlan, answer: &Verification) -> Result<(), JobError> {
        self.total += 1;
        self.refused += usize::from(!plan.accepts(answer));
        ui.answer(&answers::words(answer), &answers::json(answer))
    }

    fn add_failure(&mut self, ui: &Ui, request: &VerifyRequest, error: JobError) -> Result<(), JobError> {
        self.total += 1;
        self.refused += 1;
        let file = request.backup.display().to_string();
        // Its seal says that it was there: an answer, and no fault of the command.
        if is_gone(&error) && seal_path(&request.backup).exists() {
            return ui.answer(&format!("{}: MISSING: only its seal is here\n", printable(&file)), &answers::failed_json(&file, &error));
        }
        ui.answer(
            &format!("{}: NOT CHECKED: {}\n", printable(&file), printable(&error.to_string())),
            &answers::failed_json(&file, &error),
        )?;
        self.failure.get_or_insert(error);
        Ok(())
    }

    /// What ends the command, if it does not end well.
    fn end(self) -> Option<JobError> {
        match (self.failure, self.refused) {
            (Some(error), _) if self.total == 1 => Some(error),
            (_, 0) if self.missing == 0 => self.late,
            (_, 0) => Some(JobError::NotIntact("backups are missing from their series".into())),
            (_, 1) if self.total == 1 => Some(JobError::NotIntact("the backup is not intact, or not in its place".into())),
            (_, refused) => Some(JobError::NotIntact(format!("{refused} of {} backups are not intact, or not in their place", self.total))),
        }
    }
}

/// Whether there is no such backup, as opposed to one that cannot be read.
fn is_gone(error: &JobError) -> bool {
    matches!(error, JobError::Open { error, .. } if error.kind() == std::io::ErrorKind::NotFound)
}

/// The series that backups with several epochs are of, with how many.
fn several_epochs(answers: &[Verification]) -> Vec<(String, usize)> {
    let mut epochs: BTreeMap<String, BTreeSet<Epoch>> = BTreeMap::new();
    for series in answers.iter().filter_map(|answer| answer.claims.as_ref()?.link.as_ref()?.series.as_ref()) {
        epochs.entry(series.label.to_string()).or_default().insert(series.epoch);
    }
    epochs.into_iter().map(|(series, epochs)| (series, epochs.len())).filter(|(_, count)| *count > 1).collect()
}
