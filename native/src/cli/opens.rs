//! Which backups a key still opens, a line each: before it is thrown away, and after others came in its place.

use std::path::PathBuf;
use std::sync::Arc;

use dbseal_core::Identity;
use serde_json::json;

use super::args::InspectArgs;
use super::rewraps::without_name;
use super::seals::backups_below;
use super::terminal::Terminal;
use super::ui::{Outcome, Ui, printable};
use crate::error::JobError;
use crate::keys::load_identities;
use crate::opens::opens;

/// Backups, and what is tried.
pub(super) struct OpensPlan {
    backups: Vec<PathBuf>,
    identities: Vec<Identity>,
}

pub(super) fn decide(args: InspectArgs, ui: &Arc<Ui>) -> Result<OpensPlan, JobError> {
    let (sources, passphrase) = args.keys.sources()?;
    if sources.is_empty() {
        return Err(JobError::NoIdentity);
    }
    let backups = backups_below(args.input, ui)?;
    // It would be looked at for none of them.
    if args.seal.is_some() {
        return Err(JobError::SealOfSeveral(backups.len()));
    }
    Ok(OpensPlan { identities: load_identities(&sources, &passphrase, &Terminal, &**ui)?, backups })
}

pub(super) fn tell(plan: &OpensPlan, ui: &Ui) -> Result<Outcome, JobError> {
    let mut left_count = 0;
    for backup in &plan.backups {
        let name = backup.display().to_string();
        let (is_opened, words) = match opens(backup, &plan.identities) {
            Ok(true) => (true, "opens".into()),
            Ok(false) => (false, "DOES NOT OPEN".into()),
            Err(error) => (false, format!("DOES NOT OPEN: {}", without_name(&error.to_string(), &name))),
        };
        left_count += usize::from(!is_opened);
        let json = json!({"file": name, "opens": is_opened, "message": words}).to_string() + "\n";
        ui.answer(&format!("{}: {}\n", printable(&name), printable(&words)), &json)?;
    }
    let opened = match plan.backups.len() - left_count {
        0 => "none".into(),
        count => count.to_string(),
    };
    let sum = || JobError::NotAllOpened(format!("of {} backups the keys open {opened}", plan.backups.len()));
    Ok(Outcome::verified((left_count > 0).then(sum)))
}
