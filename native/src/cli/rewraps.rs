//! Other recipients for many backups: what is done, and what became of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use dbseal_core::{Identity, Leaving, Purpose, Recipient, RewrapError, Strength, Trust, UnwrapError};
use serde_json::json;

use super::advice::hint;
use super::plan::load;
use super::rewrap_args::{AcceptRewrap, RewrapArgs};
use super::seals::backups_below;
use super::terminal::Terminal;
use super::trusted::trust;
use super::ui::{Outcome, Ui, printable};
use crate::against_seal::{Names, SealCheck, SealPolicy};
use crate::age_file::header_of;
use crate::apart::lies_among;
use crate::error::JobError;
use crate::handoff::{names as handoff_names, read_new_headers, read_request};
use crate::install::{Answers, InstallRequest, install};
use crate::keys::{load_identities, load_recipients, load_signing_key};
use crate::reason::is_denied;
use crate::report::Observer;
use crate::rewrap::{Act, Resealing, RewrapRequest, Rewrapped, Unvouched, Way, rewrap};

/// Backups, and what is done with each.
pub(super) struct RewrapPlan {
    inputs: Vec<PathBuf>,
    work: Work,
    act: Act,
}

enum Work {
    /// With a key that opens them.
    Rewrap(Box<RewrapRequest>),
    /// With headers that somebody else has made with one.
    Install(Box<InstallRequest>),
}

/// Recipients as they were typed, and those in files.
pub(super) fn recipients(typed: &[String], files: &[PathBuf], ui: &Ui) -> Result<Vec<Recipient>, JobError> {
    let mut recipients = typed.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>().map_err(JobError::RecipientArgument)?;
    for path in files {
        recipients.extend(load_recipients(path, ui)?);
    }
    Ok(recipients)
}

/// Says who comes, as the other machine of a hand-off does too: with a code, as a post-quantum recipient has two thousand letters.
pub(super) fn tell_who_comes(recipients: &[Recipient], ui: &Ui) {
    for recipient in recipients {
        let text = recipient.to_string();
        let shown = if text.len() > 80 { format!("{}...", &text[..40]) } else { text };
        ui.note(&format!("new recipient {}, {shown}", recipient.code()));
    }
}

/// Whoever can write to the storage could have named a recipient of their own.
pub(super) fn warn_of_recipients_among(files: &[PathBuf], storage: &[PathBuf], ui: &Ui) {
    for path in files.iter().filter(|path| lies_among(path, storage)) {
        let path = path.display();
        ui.warning(&format!("{path} lies where the backups do: whoever can write there may have put another recipient into it"));
    }
}

pub(super) fn decide(args: RewrapArgs, ui: &Arc<Ui>) -> Result<RewrapPlan, JobError> {
    let act = if args.dry_run { Act::Pretend } else { Act::Do };
    let work = match &args.request {
        Some(request) => decide_install(&args, request, act, ui).map(Box::new).map(Work::Install)?,
        None => return decide_rewrap(args, act, ui),
    };
    Ok(RewrapPlan { inputs: backups_below(args.inputs, ui)?, work, act })
}

fn decide_install(args: &RewrapArgs, request: &Path, act: Act, ui: &Ui) -> Result<InstallRequest, JobError> {
    if lies_among(request, &args.inputs) {
        return Err(JobError::RequestAmongBackups(request.into()));
    }
    let (request, headers) = (read_request(&[request.into()])?, read_new_headers(&args.apply)?);
    if let Purpose::Rewrap(recipients) = request.purpose() {
        tell_who_comes(recipients, ui);
    }
    let trust = trust(&args.trust, &args.inputs, None)?;
    let policy = if trust.is_some() { SealPolicy::Trusted } else { SealPolicy::IfThere };
    let trust = trust.unwrap_or_default();
    let names = if args.accept.contains(&AcceptRewrap::Renamed) { Names::MayDiffer } else { Names::MustMatch };
    let answers = Answers::of(&request, &headers, &trust, args.code.as_deref(), &handoff_names(&args.apply))?;
    let seal = SealCheck { policy, path: None, trust, names };
    let way = if args.copy { Way::Copy } else { Way::InPlace };
    Ok(InstallRequest { answers, seal, way, act })
}

fn decide_rewrap(args: RewrapArgs, act: Act, ui: &Arc<Ui>) -> Result<RewrapPlan, JobError> {
    let recipients = recipients(&args.recipient, &args.recipients_file, ui)?;
    warn_of_recipients_among(&args.recipients_file, &args.inputs, ui);
    tell_who_comes(&recipients, ui);
    let everybody_leaves = args.only || args.new_file_key;
    let backups = backups_below(args.inputs.clone(), ui)?;
    let (threads, pace) = load(&args.load())?;
    let trust = if args.without_seal { None } else { trust(&args.trust, &args.inputs, None)? };
    let policy = match &trust {
        _ if args.without_seal => SealPolicy::Ignored,
        Some(_) => SealPolicy::Trusted,
        None => SealPolicy::IfThere,
    };
    let resealing = match &args.sign {
        Some(path) => Some(Resealing::Sign(Box::new(load_signing_key(path, &**ui)?))),
        None => args.drop_seal.then_some(Resealing::Drop),
    };
    let names = if args.accept.contains(&AcceptRewrap::Renamed) { Names::MayDiffer } else { Names::MustMatch };
    let (sources, passphrase) = args.keys.sources()?;
    if sources.is_empty() {
        return Err(JobError::NoIdentity);
    }
    let identities = load_identities(&sources, &passphrase, &Terminal, &**ui)?;
    let stays = |recipient: &Recipient| recipients.iter().any(|new| new.to_string() == recipient.to_string());
    if args.new_file_key && identities.iter().filter_map(Identity::recipient).any(|recipient| stays(&recipient)) {
        ui.warning(
            "a key that you give with -i opens these afterwards too: if it is that key which others have, this changes nothing for them",
        );
    }
    let leaving = match (args.add, everybody_leaves) {
        (true, _) => Leaving::Nobody,
        (_, true) => Leaving::Everybody,
        _ => Leaving::Opened,
    };
    let way = match (args.new_file_key, args.copy) {
        (true, _) => Way::Anew,
        (_, true) => Way::Copy,
        _ => Way::InPlace,
    };
    let request = RewrapRequest {
        identities,
        recipients,
        leaving,
        strength: if args.allow_weaker { Strength::MayWeaken } else { Strength::Kept },
        way,
        resealing,
        seal: SealCheck { policy, path: None, trust: trust.unwrap_or_else(Trust::default), names },
        unvouched: if args.accept.contains(&AcceptRewrap::Unvouched) { Unvouched::Accepted } else { Unvouched::Refused },
        act,
        threads,
        pace,
    };
    // Last: who is asked has given all that is needed.
    if everybody_leaves && !args.yes && act == Act::Do && !Terminal.confirm(&who_leaves(&backups))? {
        return Err(JobError::NotMeant);
    }
    Ok(RewrapPlan { inputs: backups, work: Work::Rewrap(Box::new(request)), act })
}

/// What nobody should say yes to unread. Of a backup that cannot be read it is told when its turn comes.
fn who_leaves(backups: &[PathBuf]) -> String {
    let counts = backups.iter().filter_map(|backup| header_of(backup)).map(|header| header.recipient_tags().count());
    let most = counts.max().unwrap_or_default();
    let which = match backups {
        [backup] => backup.display().to_string(),
        _ => format!("each of {} backups", backups.len()),
    };
    format!("Up to {most} of the recipients of {which} leave: all whom you have not named, also those whose keys you do not have.")
}

/// Does them, on all cores, and tells of each in their order; one that cannot be done keeps none of the others from it.
pub(super) fn run(plan: &RewrapPlan, ui: &Ui, observer: &Arc<dyn Observer>) -> Result<Outcome, JobError> {
    let (mut done, mut already, mut unopened, mut unwritable, mut failed) = (0_usize, 0_usize, 0_usize, 0_usize, 0_usize);
    let mut last_error = None;
    let mut hints = BTreeSet::new();
    plan.each(&**observer, |backup, result| {
        match &result {
            Ok(Rewrapped::Done { .. }) => done += 1,
            Ok(Rewrapped::Already) => already += 1,
            Err(error) if is_unopened(error) => unopened += 1,
            Err(error) if is_unwritable(error) => unwritable += 1,
            Err(_) => failed += 1,
        }
        plan.tell(backup, &result, ui)?;
        hints.extend(result.as_ref().err().and_then(|error| hint(error, Some("rewrap"))));
        last_error = result.err().or(last_error.take());
        Ok(())
    })?;
    match (failed + unopened + unwritable, last_error) {
        (0, _) | (_, None) => Ok(Outcome::told()),
        // What went wrong with the only one is the error of the command.
        (_, Some(error)) if plan.inputs.len() == 1 => Err(error),
        (_, Some(_)) => {
            hints.iter().for_each(|hint| ui.note(hint));
            let have = if plan.act == Act::Pretend { "would have other recipients" } else { "have other recipients now" };
            let sum = format!(
                "of {} backups {done} {have}, {already} had them, {unopened} open with none of the keys, {unwritable} cannot be \
                 written to, and {failed} failed",
                plan.inputs.len()
            );
            Ok(Outcome::verified(Some(JobError::NotAllRewrapped(sum))))
        }
    }
}

/// A sentence about a backup whose name stands before it already.
pub(super) fn without_name(words: &str, name: &str) -> String {
    let rest = words.strip_prefix(name).unwrap_or_default();
    match (rest.strip_prefix(": "), rest.starts_with(' ')) {
        (Some(said), _) => said.into(),
        (None, true) => format!("it{rest}"),
        // Also that of what lies beside it.
        (None, false) => words.into(),
    }
}

/// Whether a key is missing: also where the change was made before, and the old key has gone.
fn is_unopened(error: &JobError) -> bool {
    matches!(error, JobError::Rewrap { error: RewrapError::Unwrap(UnwrapError::NoMatch), .. })
}

/// Whether the rights are missing to change it.
fn is_unwritable(error: &JobError) -> bool {
    matches!(error, JobError::Write { error, .. } | JobError::Create { error, .. } if is_denied(error))
}

impl Work {
    fn on(&self, backup: &Path, observer: &dyn Observer) -> Result<Rewrapped, JobError> {
        match self {
            Self::Rewrap(request) => rewrap(request, backup, observer),
            Self::Install(asked) => install(asked, backup, observer),
        }
    }
}

impl RewrapPlan {
    /// Calls this with what became of each backup, in their order.
    fn each(
        &self,
        observer: &dyn Observer,
        mut tell: impl FnMut(&Path, Result<Rewrapped, JobError>) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let (groups, next, (send, receive)) = (&self.groups(), &AtomicUsize::new(0), channel());
        // One that is encrypted anew takes all cores itself, with a batch for each: so many at once would take the square of that.
        let takes_all_cores = matches!(&self.work, Work::Rewrap(request) if request.way == Way::Anew);
        let at_once = if takes_all_cores { 1 } else { thread::available_parallelism().map_or(1, NonZeroUsize::get) };
        thread::scope(|scope| {
            for _ in 0..at_once.min(groups.len()) {
                let send = send.clone();
                scope.spawn(move || {
                    while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                        for &index in group {
                            if send.send((index, self.work.on(&self.inputs[index], observer))).is_err() {
                                return;
                            }
                        }
                    }
                });
            }
            drop(send);
            // Those that were done before one that comes earlier.
            let mut early = BTreeMap::new();
            for (index, backup) in self.inputs.iter().enumerate() {
                let result = loop {
                    match early.remove(&index) {
                        Some(result) => break result,
                        None => early.extend([receive.recv().expect("each is told of, or a thread has panicked")]),
                    }
                };
                // Whoever is at work finishes that one, and begins no other.
                tell(backup, result).inspect_err(|_| next.store(groups.len(), Ordering::Relaxed))?;
            }
            Ok(())
        })
    }

    /// The backups by their places in the list: those together that are names of one file, and would each find it in use by the other.
    fn groups(&self) -> Vec<Vec<usize>> {
        let (mut groups, mut group_of): (Vec<Vec<usize>>, _) = (Vec::new(), HashMap::new());
        for (index, backup) in self.inputs.iter().enumerate() {
            let group =
                backup.symlink_metadata().map_or(groups.len(), |file| *group_of.entry((file.dev(), file.ino())).or_insert(groups.len()));
            match groups.get_mut(group) {
                Some(group) => group.push(index),
                None => groups.push(vec![index]),
            }
        }
        groups
    }

    fn tell(&self, backup: &Path, result: &Result<Rewrapped, JobError>, ui: &Ui) -> Result<(), JobError> {
        let name = backup.display().to_string();
        let pretends = self.act == Act::Pretend;
        let mut change = (None, None, None);
        let (state, words) = match result {
            Ok(Rewrapped::Done { left_count, added_count, way }) => {
                let (way, words) = match way {
                    Way::InPlace => ("in-place", ""),
                    Way::Copy => ("copy", ", by a copy"),
                    Way::Anew => ("anew", ", encrypted anew"),
                };
                change = (Some(left_count), Some(added_count), Some(way));
                let would = if pretends { "would be " } else { "" };
                ("done", format!("{would}done: {left_count} left, {added_count} came{words}"))
            }
            Ok(Rewrapped::Already) => ("already", "it has these recipients already".into()),
            Err(error) if is_unopened(error) => {
                ("unopened", "NOT DONE: none of the given keys opens it; it may have been done before".into())
            }
            Err(error) if is_unwritable(error) => ("unwritable", format!("NOT DONE: {}", without_name(&error.to_string(), &name))),
            Err(error) => ("failed", format!("NOT DONE: {}", without_name(&error.to_string(), &name))),
        };
        let (error, (left, came, way)) = (result.as_ref().err().map(ToString::to_string), change);
        let json = json!({
            "file": name, "state": state, "left": left, "came": came, "way": way, "error": error, "message": words, "dry_run": pretends,
        });
        // Of the only one a person is told as the error of the command.
        let is_told = result.is_err() && self.inputs.len() == 1;
        let line = if is_told { String::new() } else { format!("{}: {}\n", printable(&name), printable(&words)) };
        ui.answer(&line, &(json.to_string() + "\n"))
    }
}
