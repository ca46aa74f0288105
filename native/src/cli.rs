//! The command line, a play in three acts: what was typed (`args`), what will be done (`plan`), how it went (`ui`).

mod advice;
mod answers;
mod args;
mod catalogue;
mod checks;
mod handoff_args;
mod handoffs;
mod identity_args;
mod json_text;
mod naming;
mod opens;
mod plan;
mod qr;
mod rewrap_args;
mod rewraps;
mod salvaged;
mod seal_args;
mod seals;
mod signals;
mod size;
mod standard;
mod successor_args;
mod successors;
mod table;
mod terminal;
mod trusted;
mod ui;
mod usage;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use clap::FromArgMatches as _;
use dbseal_core::Backend;

use crate::error::JobError;
use crate::metrics::Metrics;
use crate::report::Observer;
use advice::{Exit, exit};
use args::{Args, Subcommand};
use handoffs::Used;
use plan::Plan;
use ui::{Outcome, Ui, Voice};

/// The definition that parsing, help, man pages and completions come from. Parsing knows an option more, for people who measure.
#[must_use]
pub fn definition() -> clap::Command {
    <Args as clap::CommandFactory>::command()
}

/// Runs the command and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    crate::process::forbid_core_dumps();
    // Before anything can repeat an argument in a message.
    if private_key_among(std::env::args_os().skip(1)) {
        return refuse(&JobError::PrivateKeyArgument);
    }
    let mut typed = std::env::args_os().skip(1);
    let takes_command = typed.next().is_some_and(|name| name == "encrypt" || name == "decrypt");
    if takes_command && typed.any(|arg| arg == "--") && typed.next().is_none() {
        return refuse(&JobError::NoCommand);
    }
    let (args, backend) = match parse() {
        Ok(parsed) => parsed,
        Err(request) if !request.use_stderr() => request.exit(), // for help or the version
        Err(help) if help.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => help.exit(),
        Err(error) => {
            let subcommand = std::env::args_os().nth(1).filter(|name| definition().find_subcommand(name).is_some());
            let (message, hint) = usage::explain(&error, subcommand.as_deref().and_then(OsStr::to_str));
            Ui::new(typed_voice(), None).failure(&message, Some(&hint), None, Exit::CannotRun);
            return ExitCode::from(Exit::CannotRun as u8);
        }
    };
    let ui = Arc::new(Ui::new(args.subcommand.voice(), Some(args.subcommand.name())));
    if let Some(name) = backend
        && Backend::force(&name).is_err()
    {
        let names: Vec<&str> = Backend::all().map(Backend::name).collect();
        let message = format!("there is no cipher backend '{name}' here: this machine has {}", names.join(", "));
        ui.failure(&message, None, None, Exit::CannotRun);
        return ExitCode::from(Exit::CannotRun as u8);
    }
    let running = Arc::new(OnceLock::new());
    let result = signals::watch(Arc::clone(&ui), Arc::clone(&running)).and_then(|()| run(args.subcommand, &ui, &running));
    let code = match result {
        Ok(()) => Exit::Done,
        Err(error) => {
            ui.error(&error);
            exit(&error)
        }
    };
    ExitCode::from(code as u8)
}

/// What was typed, and the cipher's backend that was asked for. An option of the definition's own would be in the completions, hidden
/// or not.
fn parse() -> clap::error::Result<(Args, Option<String>)> {
    let backend = clap::Arg::new("cipher-backend").long("cipher-backend").value_name("NAME").global(true).hide(true);
    let mut matches = definition().arg(backend).try_get_matches()?;
    let name = matches.remove_one("cipher-backend");
    Ok((Args::from_arg_matches_mut(&mut matches)?, name))
}

/// Ends a command that was not even parsed.
fn refuse(error: &JobError) -> ExitCode {
    Ui::new(typed_voice(), None).error(error);
    ExitCode::from(exit(error) as u8)
}

/// The voice that was asked for, as far as one can tell without parsing.
fn typed_voice() -> Voice {
    let mut typed = std::env::args_os().skip(1).take_while(|arg| arg != "--");
    if typed.any(|arg| arg == "--json") { Voice::Json } else { Voice::Words }
}

/// Whether somebody typed an identity where a file name belongs. What follows `--` is another command's; what follows `-r` is
/// refused by name.
fn private_key_among(args: impl Iterator<Item = OsString>) -> bool {
    let mut after_recipient = false;
    for arg in args.take_while(|arg| arg != "--") {
        let text = arg.to_string_lossy();
        let is_recipient = after_recipient || text.starts_with("-r") || text.starts_with("--recipient=");
        if !is_recipient && holds_private_key(&text) {
            return true;
        }
        after_recipient = arg == "-r" || arg == "--recipient";
    }
    false
}

/// A job, or one that was refused, whose metrics have a place if they were asked for.
struct Running {
    command: &'static str,
    metrics: Option<Metrics>,
    started: Instant,
}

impl Running {
    /// `done` is how many bytes were read and written, if the job succeeded.
    fn write_metrics(&self, done: Option<(u64, u64)>) -> Result<(), JobError> {
        self.metrics.as_ref().map_or(Ok(()), |metrics| metrics.write(self.command, self.started.elapsed(), done))
    }
}

/// Bech32 (BIP 173) allows no other characters after its `1`; half a key is a secret too, a file named after one is none.
fn holds_private_key(text: &str) -> bool {
    let is_bech32 = |character: &char| character.is_ascii_alphanumeric() && !"1bio".contains(*character);
    let text = text.to_ascii_lowercase();
    if text.contains("private+key+") {
        return true;
    }
    let mut ends =
        ["age-secret-key-1", "age-secret-key-pq-1"].iter().flat_map(|start| text.match_indices(start).map(|(at, start)| at + start.len()));
    ends.any(|end| text[end..].chars().take_while(is_bech32).count() >= 16)
}

fn run(subcommand: Subcommand, ui: &Arc<Ui>, running: &OnceLock<Running>) -> Result<(), JobError> {
    let started = Instant::now();
    let (command, metrics) = (subcommand.name(), subcommand.metrics().as_deref().map(Metrics::new));
    metrics.as_ref().map_or(Ok(()), Metrics::check)?;
    let plan = Plan::decide(subcommand, ui);
    // A name that was refused is not written to.
    let metrics = metrics.filter(|_| !matches!(plan, Err(JobError::SameFile(_))));
    let running = running.get_or_init(|| Running { command, metrics, started });
    let result = plan.and_then(|plan| execute(plan, ui));
    ui.clear_progress();
    // What ends with 1, as every salvage does, is no success to an alert.
    let done = result.as_ref().ok().filter(|outcome| outcome.verdict.is_none());
    let written = running.write_metrics(done.map(|outcome| (outcome.read_len, outcome.written_len)));
    let outcome = result.inspect_err(|_| {
        if let Err(error) = &written {
            ui.warning(&format!("the metrics are not those of this run: {error}"));
        }
    })?;
    ui.outcome(&outcome, started.elapsed())?;
    if let Some(verdict) = outcome.verdict {
        return Err(verdict);
    }
    // The backup is good; that nobody will hear of it is still a failure, and the one to report.
    written.map_err(|error| JobError::MetricsNotWritten(Box::new(error)))
}

fn execute(plan: Plan, ui: &Arc<Ui>) -> Result<Outcome, JobError> {
    let observer: Arc<dyn Observer> = Arc::clone(ui) as Arc<dyn Observer>;
    match plan {
        Plan::Encrypt(mut request) => crate::encrypt(&mut request, &observer).map(|done| Outcome::encrypted(&request, done)),
        Plan::Decrypt(request) => {
            let done = crate::decrypt(&request, &observer)?;
            let used = if matches!(request.part, crate::Part::Bytes(..)) { Used::InPart } else { Used::Up };
            handoffs::forget_used(&request.unlock.identities, used, ui)?;
            Ok(Outcome::decrypted(&request, done))
        }
        Plan::Salvage(request) => {
            let report = crate::salvage(&request, &observer)?;
            handoffs::forget_used(&request.unlock.identities, Used::InPart, ui)?;
            ui.salvaged(&report);
            Ok(Outcome::salvaged(&report))
        }
        Plan::Inspect(request) => crate::inspect(&request, &observer).map(|inspection| Outcome::inspected(&inspection)),
        Plan::Keygen(request) => crate::keygen(&request).map(|generated| Outcome::generated(&request, generated)),
        Plan::Seal(request) => crate::adopt(&request, &observer).map(|adopted| Outcome::adopted(&adopted)),
        Plan::Verify(plan) => checks::verify(&plan, ui, &observer),
        Plan::List(plan) => catalogue::list(&plan, ui, &observer),
        Plan::Rewrap(plan) => rewraps::run(&plan, ui, &observer),
        Plan::Opens(plan) => opens::tell(&plan, ui),
        Plan::Request(asked) => handoffs::ask(&asked, ui),
        Plan::Trust(plan) => successors::run(&plan, ui),
        Plan::Grant(plan) => handoffs::grant(&plan, ui),
        Plan::PublicHalves(unlock) => crate::public_halves_of(&unlock, &**ui).map(Outcome::public_halves),
    }
}
