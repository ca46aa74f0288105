//! What will be done: everything is decided, and refused, here, before the first byte is read.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dbseal_core::{DEFAULT_WORK_FACTOR, Recipient};
use rustix::fs::FileType;

use super::args::{DecryptArgs, EncryptArgs, InspectArgs, KeygenArgs, LoadArgs, OutputArgs, Subcommand};
use super::handoffs::{self, GrantPlan, RequestPlan};
use super::identity_args::IdentityArgs;
use super::naming::expand;
use super::opens::{self, OpensPlan};
use super::rewraps::{self, RewrapPlan};
use super::seals::{self, ListPlan, VerifyPlan};
use super::standard::{check_input, check_output};
use super::successors::{self, SuccessorPlan};
use super::terminal::Terminal;
use super::ui::Ui;
use crate::adopt::AdoptRequest;
use crate::against_seal::SealPolicy;
use crate::child::Command;
use crate::decrypt::{DecryptRequest, Part};
use crate::destination::{Destination, Overwrite, Streams};
use crate::encrypt::{Compression, Encoding, EncryptRequest};
use crate::error::JobError;
use crate::input::{Fifos, Source, is_same_file};
use crate::inspect::InspectRequest;
use crate::keygen::{IdentityKind, KeygenRequest, check_key_paths, check_succession_path};
use crate::keys::{IdentitySource, PassphraseSource, Unlock, load_signing_key};
use crate::pace::Pace;
use crate::process::run_idle;
use crate::report::Observer;
use crate::salvage::SalvageRequest;
use crate::sealing::now;

/// A job in which everything is decided.
pub(super) enum Plan {
    Encrypt(Box<EncryptRequest>),
    Decrypt(Box<DecryptRequest<'static>>),
    Salvage(Box<SalvageRequest<'static>>),
    Inspect(InspectRequest<'static>),
    Opens(OpensPlan),
    Keygen(KeygenRequest),
    PublicHalves(Unlock<'static>),
    Verify(VerifyPlan),
    List(ListPlan),
    Seal(AdoptRequest),
    Rewrap(RewrapPlan),
    Request(RequestPlan),
    Grant(Box<GrantPlan>),
    Trust(Box<SuccessorPlan>),
}

impl Plan {
    pub(super) fn decide(subcommand: Subcommand, ui: &Arc<Ui>) -> Result<Self, JobError> {
        match subcommand {
            Subcommand::Encrypt(args) => encrypt(*args, ui),
            Subcommand::Decrypt(args) => decrypt(*args, ui),
            Subcommand::Inspect(args) => inspect(args, ui),
            Subcommand::Keygen(args) => keygen(args, ui),
            Subcommand::Verify(args) => seals::verify(args, ui).map(Plan::Verify),
            Subcommand::List(args) => seals::list(args, ui).map(Plan::List),
            Subcommand::Seal(args) => seals::adopt(args, ui).map(Plan::Seal),
            Subcommand::Rewrap(args) => rewraps::decide(*args, ui).map(Plan::Rewrap),
            Subcommand::Request(args) => handoffs::decide_request(args, ui).map(Plan::Request),
            Subcommand::Grant(args) => handoffs::decide_grant(args, ui).map(Box::new).map(Plan::Grant),
            Subcommand::Trust(args) => successors::decide(args, ui).map(Box::new).map(Plan::Trust),
        }
    }
}

fn encrypt(args: EncryptArgs, ui: &Arc<Ui>) -> Result<Plan, JobError> {
    let mut recipients = rewraps::recipients(&args.recipient, &args.recipients_file, ui)?;
    let source = match (Command::from_words(args.command), args.input) {
        (Some(command), _) => Source::Command(command),
        (None, input) => file_or_stdin(input, "the backup", ui)?,
    };
    let mut output = args.output;
    if let Some(name) = output.output.take() {
        output.output = Some(expand(name.as_os_str(), args.sign.series.as_ref(), now())?);
    }
    let overwrite = if output.force { Overwrite::Allowed } else { Overwrite::Refused };
    let destination = match args.into {
        Some(words) => Destination::Into(split_words("--into", &words)?),
        None => destination(output, if args.armor { Content::Text } else { Content::Binary })?,
    };
    // A seal is of a binary file. A service's key is there whatever is asked for.
    let sign = if args.armor { None } else { seals::sign(args.sign, &destination, overwrite, ui)? };
    if args.armor && seals::signing_credential().is_some() {
        ui.warning("a backup in armor gets no seal: the signing key of this service is not used");
    }
    let signing_key = sign.iter().map(|(key_path, _)| key_path);
    check_names(
        args.report.metrics.as_deref(),
        &source,
        &destination,
        sign.as_ref().map(|(_, sign)| sign.path.as_path()),
        &args.recipients_file.iter().chain(&args.passphrase_file).chain(signing_key).collect::<Vec<_>>(),
    )?;
    // Asked for last: nobody should type a passphrase twice and then hear that the output exists.
    if args.passphrase || args.passphrase_file.is_some() {
        destination.check()?;
        let passphrase = match args.passphrase_file {
            Some(path) => PassphraseSource::File(path).passphrase("the backup", &Terminal, &**ui)?,
            None => Terminal.ask_new("the backup", "")?.ok_or(JobError::EmptyPassphrase)?,
        };
        recipients.push(Recipient::passphrase(passphrase, DEFAULT_WORK_FACTOR));
    }
    let (threads, pace) = load(&args.load)?;
    Ok(Plan::Encrypt(Box::new(EncryptRequest {
        // A dump that wrote nothing is no dump, whatever its exit status.
        min_size: args.min_size.unwrap_or(u64::from(!matches!(source, Source::File(_)))),
        source,
        destination,
        recipients,
        encoding: if args.armor { Encoding::Armored } else { Encoding::Binary },
        compression: args.zstd.map(|level| Compression { level }),
        threads,
        pace,
        sign: sign.map(|(_, sign)| sign),
    })))
}

fn decrypt(args: DecryptArgs, ui: &Arc<Ui>) -> Result<Plan, JobError> {
    let source = file_or_stdin(args.input, "the age file", ui)?;
    let destination = match Command::from_words(args.command) {
        Some(command) => Destination::Into(command),
        None => destination(args.output, Content::Binary)?,
    };
    let part = match (args.range, args.decompress) {
        (Some((start, end)), _) => Part::Bytes(start, end),
        (None, true) => Part::Decompressed,
        (None, false) => Part::Whole,
    };
    check_names(
        args.report.metrics.as_deref(),
        &source,
        &destination,
        None,
        &args.keys.identity.iter().chain(&args.keys.passphrase_file).chain(&args.header).collect::<Vec<_>>(),
    )?;
    check_stdin(&source, &args.keys.identity)?;
    let (threads, pace) = load(&args.load)?;
    let seal = seals::check(args.seal, &source)?;
    let mut unlock = unlock(args.keys)?;
    if let Some(request) = args.request {
        unlock.identities.push(IdentitySource::Grant { request, grant: args.grant });
    }
    if let Some(keep) = args.salvage {
        let (Source::File(backup), Destination::File { path, overwrite, .. }) = (&source, &destination) else {
            return Err(JobError::NotSalvageable(source.what()));
        };
        return Ok(Plan::Salvage(Box::new(SalvageRequest {
            backup: backup.clone(),
            header: args.header,
            output: path.clone(),
            overwrite: *overwrite,
            keep: keep.into(),
            unlock,
            seal,
            threads,
            pace,
        })));
    }
    let fifos = if seal.policy == SealPolicy::Trusted { Fifos::Refused } else { Fifos::Read };
    Ok(Plan::Decrypt(Box::new(DecryptRequest { source, destination, unlock, part, threads, pace, seal, fifos })))
}

/// Refuses a name of a file to be written that is also a file to be read: keys, passphrases, the input.
fn check_names<'a>(
    metrics: Option<&'a Path>,
    source: &'a Source,
    destination: &'a Destination,
    seal: Option<&'a Path>,
    keys: &[&'a PathBuf],
) -> Result<(), JobError> {
    let output = if let Destination::File { path, .. } = destination { Some(path.as_path()) } else { None };
    let input = if let Source::File(path) = source { Some(path.as_path()) } else { None };
    let read =
        |name: &Path| keys.iter().map(|path| path.as_path()).chain(input).find(|other| is_same_file(name, other)).map(Path::to_owned);
    let written: Vec<&Path> = [metrics, output, seal].into_iter().flatten().collect();
    let twice = written.iter().enumerate().find_map(|(index, name)| written[..index].iter().find(|other| is_same_file(name, other)));
    let replaced = twice.map(|path| path.to_path_buf()).or_else(|| written.iter().find_map(|name| read(name)));
    replaced.map_or(Ok(()), |path| Err(JobError::SameFile(path)))
}

/// Refuses a standard input that is to be two things.
fn check_stdin(source: &Source, identities: &[PathBuf]) -> Result<(), JobError> {
    let from_stdin = identities.iter().filter(|path| *path == Path::new("-")).count() + usize::from(matches!(source, Source::Stdin));
    if from_stdin > 1 { Err(JobError::StdinTwice) } else { Ok(()) }
}

fn inspect(args: InspectArgs, ui: &Arc<Ui>) -> Result<Plan, JobError> {
    if args.input.len() > 1 || args.input.iter().any(|path| path.is_dir()) {
        return opens::decide(args, ui).map(Plan::Opens);
    }
    let source = file_or_stdin(args.input.into_iter().next(), "the age file", ui)?;
    check_stdin(&source, &args.keys.identity)?;
    let seal = seals::named_seal(args.seal)?;
    Ok(Plan::Inspect(InspectRequest { source, seal, unlock: unlock(args.keys)? }))
}

fn file_or_stdin(path: Option<PathBuf>, what: &str, ui: &Arc<Ui>) -> Result<Source, JobError> {
    if let Some(path) = path.filter(|path| path != Path::new("-")) {
        return Ok(Source::File(path));
    }
    check_input()?;
    if std::io::stdin().is_terminal() {
        ui.warning(&format!("reading {what} from the terminal; end with ctrl-d"));
    }
    Ok(Source::Stdin)
}

fn keygen(args: KeygenArgs, ui: &Arc<Ui>) -> Result<Plan, JobError> {
    if !args.convert.is_empty() {
        let keys = IdentityArgs { identity: args.convert, identity_command: Vec::new(), passphrase_file: args.passphrase_file };
        return Ok(Plan::PublicHalves(unlock(keys)?));
    }
    let output = args.output.filter(|path| path != Path::new("-"));
    output.as_deref().map_or_else(check_output, check_key_paths)?;
    if args.shares.is_some() && output.is_none() {
        return Err(JobError::SharesWithoutName);
    }
    let succeeds = match (args.succeeds, &output) {
        (Some(_), None) => return Err(JobError::SuccessionWithoutName),
        (Some(old), Some(output)) => {
            check_succession_path(output)?;
            Some(Box::new(load_signing_key(&old, &**ui)?))
        }
        (None, _) => None,
    };
    // A key that a shell redirects into a file gets the file's mode from the umask.
    let is_shared = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_mode & 0o077 != 0;
    if output.is_none() && rustix::fs::fstat(std::io::stdout()).is_ok_and(is_shared) {
        ui.warning("the file that the private key goes to can be read by others than its owner: use -o FILE, or chmod 600");
    }
    let passphrase = match args.passphrase_file {
        Some(path) => Some(PassphraseSource::File(path).passphrase("the identity", &Terminal, &**ui)?),
        // A host signs at night, with nobody there to ask.
        None if args.sign.is_some() || args.shares.is_some() => None,
        None if Terminal::is_there() => Terminal.ask_new("the identity", " (empty for none)")?,
        None => None,
    };
    if passphrase.is_none() && args.sign.is_none() && args.shares.is_none() {
        ui.warning("the identity is not protected by a passphrase: whoever gets the file can open every backup made for it");
    }
    let kind = if args.pq { IdentityKind::PostQuantum } else { IdentityKind::X25519 };
    Ok(Plan::Keygen(match (args.sign, args.shares, output) {
        (Some(name), _, path) => KeygenRequest::Signing { name, path, succeeds },
        (None, Some(counts), Some(path)) => KeygenRequest::Shares { kind, path, counts },
        (None, Some(_), None) => return Err(JobError::SharesWithoutName),
        (None, None, path) => KeygenRequest::Identity { kind, path, passphrase },
    }))
}

fn unlock(keys: IdentityArgs) -> Result<Unlock<'static>, JobError> {
    let (identities, passphrase) = keys.sources()?;
    Ok(Unlock { identities, passphrase, ask: &Terminal })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Binary,
    Text,
}

fn destination(args: OutputArgs, content: Content) -> Result<Destination, JobError> {
    match args.output {
        Some(path) if path != Path::new("-") => {
            let overwrite = if args.force { Overwrite::Allowed } else { Overwrite::Refused };
            return Ok(Destination::File { path, overwrite, streams: Streams::Written });
        }
        None if content == Content::Binary && std::io::stdout().is_terminal() => return Err(JobError::BinaryToTerminal),
        _ => {}
    }
    check_output()?;
    Ok(Destination::Stdout)
}

/// Splits a command line without running a shell: what a shell would do with it must be asked for, not guessed.
pub(super) fn split_words(option: &'static str, text: &str) -> Result<Command, JobError> {
    let bad = |why: String| JobError::BadCommand { option, why };
    let words = shell_words::split(text).map_err(|_| bad("a quote is not closed".into()))?;
    if let Some(word) = words.iter().find(|word| ["|", "||", "&", "&&", ";", "<", ">", ">>"].contains(&word.as_str())) {
        return Err(bad(format!("'{word}' needs a shell")));
    }
    Command::from_words(words.into_iter().map(OsString::from)).ok_or_else(|| bad("it is empty".into()))
}

pub(super) fn load(args: &LoadArgs) -> Result<(NonZeroUsize, Pace), JobError> {
    // Now, since only threads and commands that are started later are idle too.
    if args.idle {
        run_idle()?;
    }
    // Respects the affinity and the quota of the control group.
    let all = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok((args.threads.unwrap_or_else(all), args.limit_rate.map_or_else(Pace::unlimited, Pace::limited)))
}
