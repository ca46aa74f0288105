//! Whom this user and this machine are set up to trust.

use std::path::{Path, PathBuf};

use dbseal_core::Trust;

use crate::apart::lies_among;
use crate::error::JobError;
use crate::keys::load_trust;

/// Whom a file says to trust, which lies apart from `storage`: the backups, or folders of them.
///
/// # Errors
/// A file that lies among them, where whoever can replace them could replace it; one that cannot be read, or has a line that is not
/// understood.
pub(crate) fn load_trust_apart(path: &Path, storage: &[PathBuf]) -> Result<Trust, JobError> {
    if lies_among(path, storage) { Err(JobError::TrustBesideBackup(path.into())) } else { load_trust(path) }
}

/// Whom the files say that are there by default; `None` where there are none.
///
/// # Errors
/// One that lies among `storage`, the backups or folders of them; one that cannot be read, or has a line that is not understood: what should
/// say whom to trust is not passed over.
pub fn default_trust(storage: &[PathBuf]) -> Result<Option<Trust>, JobError> {
    let mut trust: Option<Trust> = None;
    for path in default_trust_files() {
        let more = load_trust_apart(&path, storage)?;
        match &mut trust {
            Some(trust) => trust.extend(more).map_err(JobError::TrustTogether)?,
            None => trust = Some(more),
        }
    }
    Ok(trust)
}

/// Those of the default files that are there, readable or not. The folders are those of the XDG Base Directory Specification, which calls a
/// relative path invalid. It would also be a trust file from wherever one stands, such as among the backups.
pub fn default_trust_files() -> impl Iterator<Item = PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    let files = config.map(|config| config.join("dbseal/trust")).into_iter().chain([PathBuf::from("/etc/dbseal/trust")]);
    files.filter(|path| is_there(path))
}

/// Whether there is anything of this name, readable or not.
pub(crate) fn is_there(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}
