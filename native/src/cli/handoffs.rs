//! The hand-off across an air gap, as people see it: what is asked for, what is known of it, and the code that both machines show.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dbseal_core::{
    Finding, HandoffError, Identity, NewHeader, NewHeaders, NotVerified, Purpose, Recipient, Request, RequestedFile, Review, RewrapError,
    SigningKey, Strength, Trust,
};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use super::handoff_args::{GrantArgs, RequestArgs};
use super::qr::{Draw, draw};
use super::rewraps::recipients;
use super::seals::backups;
use super::terminal::Terminal;
use super::trusted::trust;
use super::ui::{Outcome, Ui, printable};
use crate::destination::{Destination, Overwrite, Privacy};
use crate::error::JobError;
use crate::handoff::{HandoffRequest, Wanted, forget, key_path, names, read_request, request};
use crate::keys::{IdentitySource, load_identities, load_signing_key};
use crate::output::PendingFile;
use crate::report::Observer;
use crate::sealing::now;

/// What is asked for, and how it is shown.
pub(super) struct RequestPlan {
    asked: HandoffRequest,
    draw: Draw,
}

pub(super) fn decide_request(args: RequestArgs, ui: &Arc<Ui>) -> Result<RequestPlan, JobError> {
    let key = args.sign.map(|path| load_signing_key(&path, &**ui)).transpose()?;
    let draw = if args.qr { Draw::Codes } else { Draw::Nothing };
    let wanted = match args.rewrap {
        true => Wanted::NewHeaders(recipients(&args.recipient, &args.recipients_file, ui)?),
        false => Wanted::Grant,
    };
    Ok(RequestPlan { asked: HandoffRequest { backups: backups(args.inputs, None)?, path: args.output, wanted, key }, draw })
}

pub(super) fn ask(plan: &RequestPlan, ui: &Ui) -> Result<Outcome, JobError> {
    let asked = &plan.asked;
    let made = request(asked)?;
    if plan.draw == Draw::Codes {
        draw(&made.to_bytes(), ui)?;
    }
    let name = |path: &Path| printable(&path.display().to_string());
    let (code, path) = (made.code(), name(&asked.path));
    let mut text = format!("Code of the request: {code}\nCarry {path} to the machine that has the key, and compare the code there.");
    if matches!(asked.wanted, Wanted::Grant) {
        text += &format!(" {} stays here.", name(&key_path(&asked.path)));
    }
    text.push('\n');
    ui.answer(&text, &text)?;
    Ok(Outcome::verified(None))
}

/// What was read of a backup by a grant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    /// All of it, or all that is left.
    Up,
    /// A part, after which another may be wanted.
    InPart,
}

/// Wipes the key of a request whose only backup was opened; of others it is said that they are there.
pub(super) fn forget_used(sources: &[IdentitySource], used: Used, ui: &Ui) -> Result<(), JobError> {
    for source in sources {
        let IdentitySource::Grant { request, .. } = source else { continue };
        if used == Used::Up && read_request(std::slice::from_ref(request))?.files().len() == 1 {
            forget(request)?;
        } else {
            ui.note(&format!("remove {} when you have read all that you want", key_path(request).display()));
        }
    }
    Ok(())
}

/// A request that was read, and what it is to be answered with.
pub(super) struct GrantPlan {
    request: Request,
    what: String,
    identities: Vec<Identity>,
    trust: Trust,
    output: Option<PathBuf>,
    draw: Draw,
    /// The code that was typed instead of an answer.
    code: Option<String>,
    /// What signs a change of recipients.
    signer: Option<SigningKey>,
    strength: Strength,
    /// Whether backups of which nothing is known are granted with that.
    unverified: Unverified,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unverified {
    Refused,
    Granted,
}

pub(super) fn decide_grant(args: GrantArgs, ui: &Arc<Ui>) -> Result<GrantPlan, JobError> {
    // Before anybody has compared anything.
    if let Some(path) = &args.output {
        Destination::check_file(path, Overwrite::Refused).map_err(|error| match error {
            JobError::OutputExists(path) => JobError::AnswerExists(path),
            error => error,
        })?;
    }
    let request = read_request(&args.input)?;
    let of_new_headers = [("--sign", args.sign.is_some()), ("--allow-weaker", args.allow_weaker)];
    if let (Purpose::Open(_), Some((option, _))) = (request.purpose(), of_new_headers.into_iter().find(|(_, is_given)| *is_given)) {
        return Err(JobError::OnlyForRewrap(option));
    }
    let trust = trust(&args.trust, &args.input, None)?.unwrap_or_default();
    let (sources, passphrase) = args.keys.sources()?;
    if sources.is_empty() {
        return Err(JobError::NoIdentity);
    }
    let identities = load_identities(&sources, &passphrase, &Terminal, &**ui)?;
    let unverified = if args.not_verified { Unverified::Granted } else { Unverified::Refused };
    let signer = args.sign.map(|path| load_signing_key(&path, &**ui)).transpose()?;
    let strength = if args.allow_weaker { Strength::MayWeaken } else { Strength::Kept };
    let draw = if args.qr { Draw::Codes } else { Draw::Nothing };
    Ok(GrantPlan {
        request,
        what: names(&args.input),
        identities,
        trust,
        output: args.output,
        draw,
        code: args.code,
        signer,
        strength,
        unverified,
    })
}

/// Shows what is asked for, asks, and writes the answer.
pub(super) fn grant(plan: &GrantPlan, ui: &Ui) -> Result<Outcome, JobError> {
    let failed = |error| JobError::Handoff { what: plan.what.clone(), error };
    let request = &plan.request;
    let by = request.signed_by(&plan.trust).map_or_else(|| "nobody whom you trust".into(), ToString::to_string);
    let purpose = match request.purpose() {
        Purpose::Open(_) => "for a key that was made for it".into(),
        Purpose::Rewrap(recipients) => format!("for {} other recipients, in the place of those whose keys you give:", recipients.len()),
    };
    ui.note(&format!("request {}, signed by {by}, {purpose}", request.code()));
    if let Purpose::Rewrap(recipients) = request.purpose() {
        // A post-quantum one has two thousand letters, which nobody compares.
        recipients.iter().for_each(|recipient| ui.note(&format!("new recipient {}, {}", recipient.code(), shortened(recipient))));
    }
    let review = request.review(&plan.identities, &plan.trust).map_err(failed)?;
    review.files().for_each(|(file, finding)| tell(file, finding, ui));
    plan.confirm(review.is_verified(), review.opened_count())?;
    let of = request.files().len();
    match request.purpose() {
        Purpose::Open(_) => {
            let grant = review.grant(&mut UnwrapErr(SysRng)).map_err(failed)?;
            plan.answer(&grant.to_text(), &grant.to_bytes(), ui)?;
            ui.note(&format!("granted: {} of {of}; code of the grant: {}", grant.granted_count(), grant.code()));
        }
        Purpose::Rewrap(_) => {
            let headers = plan.new_headers(&review, ui).map_err(failed)?;
            if headers.count() == 0 {
                return Err(failed(HandoffError::Rewrap(RewrapError::NothingChanges)));
            }
            plan.answer(&headers.to_text(), &headers.to_bytes(), ui)?;
            ui.note(&format!("new headers: {} of {of}; code of the answer: {}", headers.count(), headers.code()));
        }
    }
    Ok(Outcome::verified(None))
}

/// As much of a recipient as fits a line.
fn shortened(recipient: &Recipient) -> String {
    let text = recipient.to_string();
    if text.len() > 80 { format!("{}...", &text[..40]) } else { text }
}

/// Says what is known of a backup.
fn tell(file: &RequestedFile, finding: &Finding, ui: &Ui) {
    let name = file.name();
    match finding {
        Finding::Verified(facts) => {
            let named = facts.name.as_ref().unwrap_or(name);
            let series = facts.series.as_ref().map(|series| format!(", number {} of {}", series.number, series.label)).unwrap_or_default();
            let time = facts.time.map(|time| format!(", {time} by its clock")).unwrap_or_default();
            let anew = facts.encrypted_anew_by.as_ref().map(|by| format!(", and encrypted anew by {by}")).unwrap_or_default();
            ui.note(&format!("{named}: sealed and made by {}{anew}{series}{time}", facts.made_by));
        }
        Finding::NotVerified(why) => ui.warning(&format!("{name}: NOT VERIFIED: {why}")),
        Finding::NotOpened => ui.warning(&format!("{name}: none of the keys opens it; it is not granted")),
    }
}

impl GrantPlan {
    /// Writes, prints or draws the answer.
    fn answer(&self, text: &str, bytes: &[u8], ui: &Ui) -> Result<(), JobError> {
        match &self.output {
            Some(path) => {
                let mut file = PendingFile::create(path, Privacy::Shared, Overwrite::Refused)?;
                file.write_all(text.as_bytes())?;
                file.commit()?;
            }
            None if self.draw == Draw::Nothing => ui.answer(text, text)?,
            None => {}
        }
        if self.draw == Draw::Codes { draw(bytes, ui) } else { Ok(()) }
    }

    /// A header for each file that opens and has not these recipients yet.
    fn new_headers(&self, review: &Review<'_>, ui: &Ui) -> Result<NewHeaders, HandoffError> {
        let mut answers = Vec::new();
        for (file, finding) in review.files() {
            match finding {
                Finding::NotOpened => {
                    answers.push(None);
                    continue;
                }
                // A note of ours says that the proofs before it were checked (SEAL.md).
                Finding::NotVerified(why @ (NotVerified::WrongProof | NotVerified::OtherHeader)) => {
                    ui.warning(&format!("{}: it gets no new header: {why}", file.name()));
                    answers.push(None);
                    continue;
                }
                _ => {}
            }
            let signer = self.signer.as_ref().map(|key| (key, now()));
            let new = NewHeader::of(&self.request, file, &self.identities, self.strength, signer, &mut UnwrapErr(SysRng));
            answers.push(match new {
                Err(HandoffError::Rewrap(RewrapError::NothingChanges)) => {
                    ui.note(&format!("{}: it has these recipients already", file.name()));
                    None
                }
                new => Some(new?),
            });
        }
        NewHeaders::of(&self.request, answers, self.signer.as_ref())
    }

    /// Lets nothing pass that nobody has said yes to.
    fn confirm(&self, is_verified: bool, count: usize) -> Result<(), JobError> {
        if let Some(code) = &self.code {
            let is_it = code.trim().eq_ignore_ascii_case(&self.request.code().to_string());
            return match (is_it, is_verified || self.unverified == Unverified::Granted) {
                (false, _) => Err(JobError::OtherCode(self.what.clone())),
                (true, false) => Err(JobError::GrantNotVerified(self.what.clone())),
                (true, true) => Ok(()),
            };
        }
        if !std::io::stderr().is_terminal() {
            return Err(JobError::NobodyToAsk);
        }
        let backups = if count == 1 { "the backup".into() } else { format!("{count} backups") };
        let known = if is_verified { "" } else { " Of some of it NOTHING IS VERIFIED." };
        let question = format!("Is the code {} on the other machine too, and is {backups} to be granted?{known}", self.request.code());
        if Terminal.confirm(&question)? { Ok(()) } else { Err(JobError::NotGranted) }
    }
}
