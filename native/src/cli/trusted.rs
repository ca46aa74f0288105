//! Whom to trust, as it was typed or set up.

use std::path::{Path, PathBuf};

use dbseal_core::{Pattern, Trust};

use super::seal_args::TrustArgs;
use crate::apart::lies_among;
use crate::error::JobError;
use crate::keys::load_trust;

/// Whom to trust: what was typed, else what this user and this machine are set up to; `None` where nobody is. `storage` are the backups, or
/// folders of them.
pub(super) fn trust(args: &TrustArgs, storage: &[PathBuf], series: Option<&Pattern>) -> Result<Option<Trust>, JobError> {
    let mut trust: Option<Trust> = None;
    let mut add = |more: Trust| match &mut trust {
        Some(trust) => trust.extend(more),
        None => trust = Some(more),
    };
    for typed in &args.trust {
        // A key is one even if the storage has a file of that name.
        let parsed = Trust::parse(typed);
        let is_file = parsed.is_err() && (Path::new(typed).exists() || typed.matches('+').count() < 2);
        add(if is_file { load_apart(Path::new(typed), storage)? } else { parsed.map_err(JobError::TrustArgument)? });
    }
    if args.trust.is_empty() {
        for path in default_trust_files().filter(|path| is_there(path)) {
            add(load_apart(&path, storage)?);
        }
    }
    Ok(trust.map(|trust| series.into_iter().fold(trust, Trust::only_for)))
}

fn load_apart(path: &Path, storage: &[PathBuf]) -> Result<Trust, JobError> {
    if lies_among(path, storage) { Err(JobError::TrustBesideBackup(path.into())) } else { load_trust(path) }
}

/// Whether there is anything of this name, readable or not: what should say whom to trust must not be passed over.
pub(super) fn is_there(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}

/// The folders are those of the XDG Base Directory Specification, which calls a relative path invalid. It would also be a trust file
/// from wherever one stands, such as among the backups.
fn default_trust_files() -> impl Iterator<Item = PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    config.map(|config| config.join("dbseal/trust")).into_iter().chain([PathBuf::from("/etc/dbseal/trust")])
}
