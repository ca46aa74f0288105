//! What is decided about seals before the first byte is read: who signs, what is checked, what is accepted.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dbseal_core::{FileName, Integrity, Pattern, Trust};

use super::args::LoadArgs;
use super::plan::load;
use super::seal_args::{Accept, DecryptSealArgs, ListArgs, SealArgs, SignArgs, VerifyArgs};
use super::trusted::trust;
use super::ui::Ui;
use crate::adopt::AdoptRequest;
use crate::against_seal::{Names, SealCheck, SealPolicy};
use crate::below::Below;
use crate::catalogue::{ListRequest, SortBy, backups_in, is_asked_for};
use crate::destination::folder_of;
use crate::destination::{Destination, Overwrite};
use crate::error::JobError;
use crate::input::Source;
use crate::keys::load_signing_key;
use crate::pace::Pace;
use crate::place::Place;
use crate::report::Observer;
use crate::sample::Depth;
use crate::sealing::{Sign, now, seal_path};
use crate::seen::Seen;
use crate::series::Series;
use crate::trusted::is_there;
use crate::verify::{Verification, VerifyRequest};

/// The seal of a backup, with the name of the file that its key is in.
pub(super) fn sign(
    args: SignArgs,
    destination: &Destination,
    overwrite: Overwrite,
    ui: &Arc<Ui>,
) -> Result<Option<(PathBuf, Sign)>, JobError> {
    let Some(key_path) = args.sign.or_else(signing_credential) else {
        let wants_one = args.seal_to.is_some() || args.series.is_some();
        return if wants_one { Err(JobError::NoSigningKey) } else { Ok(None) };
    };
    let backup = match destination {
        Destination::File { path, .. } if !destination.is_stream()? => Some(path.clone()),
        _ => None,
    };
    let path = args.seal_to.or_else(|| backup.as_deref().map(seal_path)).ok_or(JobError::NoSealPath)?;
    let backup =
        backup.unwrap_or_else(|| if path.extension().is_some_and(|end| end == "seal") { path.with_extension("") } else { path.clone() });
    let name = backup.file_name().unwrap_or_default();
    let file = FileName::of(name.as_encoded_bytes()).ok_or_else(|| JobError::NameInSeal(backup.display().to_string()))?;
    let state_folder = args.series_state.or_else(state_directory).unwrap_or_else(|| "/var/lib/dbseal".into());
    let series = args.series.map(|label| Series { label, state_folder });
    let key = load_signing_key(&key_path, &**ui)?;
    Ok(Some((key_path, Sign { key, path, overwrite, file, series })))
}

/// A key that the service manager has handed over (systemd.exec(5), `LoadCredential=`).
pub(super) fn signing_credential() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join("dbseal.sign");
    is_there(&path).then_some(path)
}

/// Where the service manager has a service keep its state (systemd.exec(5), `StateDirectory=`); the first, if there are several.
fn state_directory() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("STATE_DIRECTORY")?).next()
}

pub(super) fn adopt(args: SealArgs, ui: &Arc<Ui>) -> Result<AdoptRequest, JobError> {
    let (threads, pace) = load(&args.load)?;
    Ok(AdoptRequest { backup: args.input, key: load_signing_key(&args.sign, &**ui)?, threads, pace })
}

/// Backups to check, one after the other, each on all threads.
pub(super) struct VerifyPlan {
    inputs: Vec<PathBuf>,
    seal: Option<PathBuf>,
    pub(super) trust: Trust,
    pub(super) chain: Option<ChainPlan>,
    series: Option<Pattern>,
    accept: Vec<Accept>,
    depth: Depth,
    load: LoadArgs,
}

/// That the backups are looked at together.
pub(super) struct ChainPlan {
    /// What was seen before, and is remembered from now on.
    pub(super) state: Option<PathBuf>,
    /// What is in there before the first backup is read.
    pub(super) seen_before: Seen,
    /// Seconds that the newest backup of a series may be old.
    pub(super) max_age: Option<u64>,
}

pub(super) fn verify(args: VerifyArgs, ui: &Ui) -> Result<VerifyPlan, JobError> {
    let mut seen_before = Seen::default();
    // Before the first backup is read: hours later is late to hear that the file is no state, or cannot be one.
    if let Some(path) = &args.state {
        Seen::check_apart(path, &args.inputs)?;
        Seen::check_writable(path)?;
        match Seen::load(path)? {
            Some(seen) => seen_before = seen,
            None => ui.warning(&format!("no state yet at {}: starting one; roll-backs before now cannot be seen", path.display())),
        }
    }
    let trust = trust(&args.trust, &args.inputs, args.series.as_ref())?;
    warn_of_below(&args.inputs, ui)?;
    let inputs = backups(args.inputs, args.state.as_deref())?;
    let chain = args.chain.then_some(ChainPlan { state: args.state, seen_before, max_age: args.max_age });
    let depth = args.sample.map_or(Depth::Whole, Depth::Sample);
    let seal = named_seal(args.seal)?;
    if seal.is_some() && inputs.len() > 1 {
        return Err(JobError::SealOfSeveral(inputs.len()));
    }
    warn_if_nobody(trust.as_ref(), ui);
    let trust = trust.unwrap_or_default();
    Ok(VerifyPlan { inputs, seal, trust, chain, series: args.series, accept: args.accept, depth, load: args.load })
}

/// A catalogue, and what is asked of it.
pub(super) struct ListPlan {
    pub(super) request: ListRequest,
    pub(super) trust: Trust,
    pub(super) sort: SortBy,
    pub(super) reverse: bool,
    /// In seconds.
    pub(super) max_age: Option<u64>,
    /// In seconds.
    pub(super) proven_within: Option<u64>,
}

pub(super) fn list(args: ListArgs, ui: &Ui) -> Result<ListPlan, JobError> {
    let load_state = |path: &PathBuf| -> Result<Seen, JobError> {
        Seen::check_apart(path, &args.inputs)?;
        let seen = Seen::load(path)?;
        if seen.is_none() {
            ui.warning(&format!("no state yet at {}: roll-backs cannot be seen; verify --chain --state starts one", path.display()));
        }
        Ok(seen.unwrap_or_default())
    };
    let seen = args.state.as_ref().map(load_state).transpose()?;
    let trust = trust(&args.trust, &args.inputs, None)?;
    for input in &args.inputs {
        // A seal alone is listed; a path at which there is nothing at all was mistyped.
        if !seal_path(input).exists() {
            input.metadata().map_err(|error| JobError::open(input, error))?;
        }
    }
    warn_of_below(&args.inputs, ui)?;
    let backups = backups(args.inputs, args.state.as_deref())?;
    warn_if_nobody(trust.as_ref(), ui);
    Ok(ListPlan {
        request: ListRequest { backups, series: args.series, seen, now: now() },
        trust: trust.unwrap_or_default(),
        sort: args.sort.into(),
        reverse: args.reverse,
        max_age: args.max_age,
        proven_within: args.proven_within,
    })
}

/// Tells of backups that are not among others of their folder.
fn warn_of_below(inputs: &[PathBuf], ui: &Ui) -> Result<(), JobError> {
    for folder in inputs.iter().filter(|input| input.is_dir()) {
        let count = Below::of(folder)?.backups.iter().filter(|backup| backup.parent() != Some(folder)).count();
        if count > 0 {
            ui.warning(&format!("{}: {count} backups in folders below it are not looked at", folder.display()));
        }
    }
    Ok(())
}

fn warn_if_nobody(trust: Option<&Trust>, ui: &Ui) {
    if trust.is_none() {
        ui.warning("you trust nobody, so no seal counts: name who signs with --trust");
    }
}

/// The backups that were named, and those in folders that were.
pub(super) fn backups(inputs: Vec<PathBuf>, state: Option<&Path>) -> Result<Vec<PathBuf>, JobError> {
    expanded(inputs, |folder| {
        let found = backups_in(folder)?;
        // Where there is a memory of what was there, that all is gone is an answer.
        if found.is_empty() && state.is_none() { Err(JobError::NoBackups(folder.into())) } else { Ok(found) }
    })
}

/// The same, with those in folders below: a key that goes takes along whatever was left out.
pub(super) fn backups_below(inputs: Vec<PathBuf>, ui: &Ui) -> Result<Vec<PathBuf>, JobError> {
    expanded(inputs, |folder| {
        let Below { backups, others } = Below::of(folder)?;
        for other in &others {
            ui.warning(&format!("{} is an age file, but not called so (.age): it was left out", other.display()));
        }
        if backups.is_empty() { Err(JobError::NoBackups(folder.into())) } else { Ok(backups) }
    })
}

/// One path of all that lead to a name in a folder.
fn whatever_its_spelling(path: &Path) -> PathBuf {
    let folder = folder_of(path).canonicalize().ok();
    folder.zip(path.file_name()).map_or_else(|| path.into(), |(folder, name)| folder.join(name))
}

fn expanded(inputs: Vec<PathBuf>, in_folder: impl Fn(&Path) -> Result<Vec<PathBuf>, JobError>) -> Result<Vec<PathBuf>, JobError> {
    let (mut backups, mut seen) = (Vec::new(), HashSet::new());
    for input in inputs {
        let named = if input.is_dir() {
            in_folder(&input)?
        } else if input.extension().is_some_and(|end| end == "seal") {
            // A shell's `*` names the seals too.
            vec![input.with_extension("")]
        } else {
            vec![input]
        };
        // Named by itself and with its folder, it would be in the way of itself.
        backups.extend(named.into_iter().filter(|backup| seen.insert(whatever_its_spelling(backup))));
    }
    Ok(backups)
}

impl VerifyPlan {
    /// The checks, in order.
    pub(super) fn requests(&self) -> Result<Vec<VerifyRequest>, JobError> {
        let (threads, _): (NonZeroUsize, _) = load(&self.load)?;
        let pace = || self.load.limit_rate.map_or_else(Pace::unlimited, Pace::limited);
        let (seal, depth) = (&self.seal, self.depth);
        let request = |backup: &PathBuf| VerifyRequest { backup: backup.clone(), seal: seal.clone(), depth, threads, pace: pace() };
        Ok(self.inputs.iter().map(request).collect())
    }

    /// Whether this answer lets the command end with 0: each thing that is wrong has to be accepted by its own word.
    pub(super) fn accepts(&self, answer: &Verification) -> bool {
        let accepts = |case| self.accept.contains(&case);
        let integrity = match answer.integrity {
            Integrity::Intact | Integrity::Sampled => true,
            Integrity::Unvouched => accepts(Accept::Unvouched),
            // That it is not complete is another case, which nobody accepts.
            Integrity::Unsealed => answer.has_possible_len && accepts(Accept::Unsealed),
            Integrity::HeaderChanged => accepts(Accept::HeaderChanged),
            Integrity::Damaged | Integrity::BrokenSeal => false,
        };
        integrity
            && answer.places.iter().all(|place| match place {
                // Who accepts that nobody vouches accepts that nobody says where it belongs.
                Place::Unknown if answer.integrity == Integrity::Unsealed => true,
                Place::Unknown => accepts(Accept::Unvouched),
                place => self.accepts_place(place),
            })
    }

    /// Whether a series is one that was asked for: of others no seal is believed, and none is missed.
    pub(super) fn wants(&self, label: &str) -> bool {
        is_asked_for(self.series.as_ref(), label)
    }

    /// Whether a place is good, or was accepted by its word.
    pub(super) fn accepts_place(&self, place: Place) -> bool {
        let accepts = |case| self.accept.contains(&case);
        match place {
            Place::Alone | Place::Unchecked | Place::InSeries => true,
            Place::Unknown => false,
            Place::Renamed => accepts(Accept::Renamed),
            Place::NewEpoch => accepts(Accept::NewEpoch),
            Place::Gap => accepts(Accept::Gap),
            Place::Fork => accepts(Accept::Fork),
            Place::RolledBack => accepts(Accept::RolledBack),
        }
    }
}

/// What is asked of the seal of a backup that is decrypted: where somebody is trusted, that they vouch for it.
pub(super) fn check(args: DecryptSealArgs, source: &Source) -> Result<SealCheck, JobError> {
    let backup = if let Source::File(path) = source { std::slice::from_ref(path) } else { &[] };
    if args.without_seal {
        return Ok(SealCheck { policy: SealPolicy::Ignored, path: None, trust: Trust::default(), names: Names::MayDiffer });
    }
    let trust = trust(&args.trust, backup, args.series.as_ref())?;
    let policy = if trust.is_some() || args.require_seal || args.series.is_some() { SealPolicy::Trusted } else { SealPolicy::IfThere };
    let names = if args.accept.is_some() { Names::MayDiffer } else { Names::MustMatch };
    Ok(SealCheck { policy, path: named_seal(args.seal)?, trust: trust.unwrap_or_default(), names })
}

/// A seal that was named has to be there: one that is not looked at by mistake would make a backup unsealed.
pub(super) fn named_seal(path: Option<PathBuf>) -> Result<Option<PathBuf>, JobError> {
    if let Some(path) = &path {
        path.metadata().map_err(|error| JobError::open(path, error))?;
    }
    Ok(path)
}
