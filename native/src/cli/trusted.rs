//! Whom to trust, as it was typed or set up.

use std::path::{Path, PathBuf};

use dbseal_core::{Pattern, Trust};

use super::seal_args::TrustArgs;
use crate::error::JobError;
use crate::trusted::{default_trust, load_trust_apart};

/// Whom to trust: what was typed, else what this user and this machine are set up to; `None` where nobody is. `storage` are the backups, or
/// folders of them.
pub(super) fn trust(args: &TrustArgs, storage: &[PathBuf], series: Option<&Pattern>) -> Result<Option<Trust>, JobError> {
    let mut trust: Option<Trust> = None;
    for typed in &args.trust {
        // A key is one even if the storage has a file of that name.
        let parsed = Trust::parse(typed);
        let is_file = parsed.is_err() && (Path::new(typed).exists() || typed.matches('+').count() < 2);
        let more = if is_file { load_trust_apart(Path::new(typed), storage)? } else { parsed.map_err(JobError::TrustArgument)? };
        match &mut trust {
            Some(trust) => trust.extend(more).map_err(JobError::TrustTogether)?,
            None => trust = Some(more),
        }
    }
    if args.trust.is_empty() {
        trust = default_trust(storage)?;
    }
    Ok(trust.map(|trust| series.into_iter().fold(trust, Trust::only_for)))
}
