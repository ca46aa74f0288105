//! The hand-off across an air gap, as people see it: what is asked for, what is known of it, and the code that both machines show.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dbseal_core::{
    Answer, Finding, HandoffError, Identity, NewHeaders, Purpose, Request, RequestedFile, Review, SigningKey, Strength, Trust, WrapError,
};
use getrandom::SysRng;
use rand_core::UnwrapErr;

use super::handoff_args::{GrantArgs, RequestArgs};
use super::qr::{Draw, draw};
use super::rewraps::{recipients, tell_who_comes, warn_of_recipients_among};
use super::seals::backups_below;
use super::terminal::Terminal;
use super::trusted::trust;
use super::ui::{Outcome, Ui, printable};
use crate::destination::{Overwrite, Privacy};
use crate::error::JobError;
use crate::handoff::{HandoffRequest, Wanted, check_answer_path, forget_request_key, names, read_request, request, request_key_path};
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
        true => match recipients(&args.recipient, &args.recipients_file, ui)? {
            none if none.is_empty() => return Err(JobError::Wrap(WrapError::NoRecipient)),
            some => Wanted::NewHeaders(some),
        },
        false => Wanted::Grant,
    };
    warn_of_recipients_among(&args.recipients_file, &args.inputs, ui);
    let (storage, backups) = (args.inputs.clone(), backups_below(args.inputs, ui)?);
    Ok(RequestPlan { asked: HandoffRequest { backups, storage, path: args.output, wanted, key }, draw })
}

pub(super) fn ask(plan: &RequestPlan, ui: &Ui) -> Result<Outcome, JobError> {
    let asked = &plan.asked;
    let made = request(asked, ui)?;
    if let Purpose::Rewrap(recipients) = made.purpose() {
        tell_who_comes(recipients, ui);
    }
    if plan.draw == Draw::Codes {
        draw(&made.to_bytes(), ui)?;
    }
    let name = |path: &Path| printable(&path.display().to_string());
    made.files().iter().for_each(|file| ui.note(&format!("asks for {}", file.name())));
    let (code, path) = (made.code(), name(&asked.path));
    let mut text = format!("Code of the request: {code}\nCarry {path} to the machine that has the key, and compare the code there.");
    if matches!(asked.wanted, Wanted::Grant) {
        text += &format!(" {} stays here.", name(&request_key_path(&asked.path)));
    }
    text.push('\n');
    ui.answer(&text, &text)?;
    Ok(Outcome::told())
}

/// What was read of a backup by a grant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    /// All of it.
    Up,
    /// A part, after which another may be wanted.
    InPart,
}

/// Wipes the key of a request whose only backup was opened; of others it is said that they are there.
pub(super) fn forget_used(sources: &[IdentitySource], used: Used, ui: &Ui) -> Result<(), JobError> {
    for source in sources {
        let IdentitySource::Grant { request, .. } = source else { continue };
        if used == Used::Up && read_request(std::slice::from_ref(request))?.files().len() == 1 {
            forget_request_key(request)?;
            ui.note(&format!("{} was overwritten and removed: all that it was for was read", request_key_path(request).display()));
        } else {
            ui.note(&format!("remove {} when you have read all that you want", request_key_path(request).display()));
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
        check_answer_path(path)?;
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
    // Before anybody has compared anything.
    let wants_signature = matches!(request.purpose(), Purpose::Rewrap(_)) && request.files().iter().any(|file| file.seal().is_some());
    if wants_signature && signer.is_none() {
        return Err(JobError::Handoff { what: names(&args.input), error: HandoffError::NotSigned });
    }
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
        Purpose::Open(_) => "to open the backups there, with a key that was made for that",
        Purpose::Rewrap(_) => "for other recipients, in the place of those whose keys you give:",
    };
    ui.note(&format!("request {}, signed by {by}, {purpose}", request.code()));
    if let Purpose::Rewrap(recipients) = request.purpose() {
        tell_who_comes(recipients, ui);
    }
    // First: of what was altered on its way everything may be said.
    if plan.code.as_ref().is_some_and(|code| !request.code().is(code)) {
        return Err(JobError::OtherCode(plan.what.clone()));
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
                return Err(failed(HandoffError::NoNewHeader));
            }
            plan.answer(&headers.to_text(), &headers.to_bytes(), ui)?;
            ui.note(&format!("new headers: {} of {of}; code of the answer: {}", headers.count(), headers.code()));
        }
    }
    Ok(Outcome::told())
}

/// Says what is known of a backup.
fn tell(file: &RequestedFile, finding: &Finding, ui: &Ui) {
    let name = file.name();
    match finding {
        Finding::Verified(facts) => {
            let named = facts.name.as_ref().unwrap_or(name);
            let series = facts.series.as_ref().map(|series| format!(", number {} of {}", series.number, series.label)).unwrap_or_default();
            let time = facts.time.map(|time| format!(", {time} by its clock")).unwrap_or_default();
            ui.note(&format!("{named}: sealed and made by {}{series}{time}", facts.made_by));
        }
        Finding::NotVerified(why) => ui.warning(&format!("{name}: NOT VERIFIED: {why}")),
        Finding::NotOpened => ui.warning(&format!("{name}: none of the keys opens it; it is not granted")),
        Finding::Unusable(why) => ui.warning(&format!("{name}: {why}; it is not granted")),
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
        let signer = self.signer.as_ref().map(|key| (key, now()));
        let answers = review.new_headers(&self.identities, self.strength, signer, &mut UnwrapErr(SysRng))?;
        for ((file, _), answer) in review.files().zip(&answers) {
            match answer {
                Answer::New(_) | Answer::NotOpened => {}
                Answer::Already => ui.note(&format!("{}: it has these recipients already", file.name())),
                Answer::Refused(why) => ui.warning(&format!("{}: it gets no new header: {why}", file.name())),
                Answer::Failed(why) => ui.warning(&format!("{}: it gets no new header: {why}", file.name())),
            }
        }
        NewHeaders::of(&self.request, answers, self.signer.as_ref())
    }

    /// Lets nothing pass that nobody has said yes to.
    fn confirm(&self, is_verified: bool, count: usize) -> Result<(), JobError> {
        if self.code.is_some() {
            let is_meant = is_verified || self.unverified == Unverified::Granted;
            return if is_meant { Ok(()) } else { Err(JobError::GrantNotVerified(self.what.clone())) };
        }
        if !std::io::stderr().is_terminal() {
            return Err(JobError::NobodyToAsk);
        }
        let backups = if count == 1 { "is the backup".into() } else { format!("are {count} backups") };
        let known = match (is_verified, count) {
            (true, _) => "",
            (false, 1) => " NOTHING IS VERIFIED of it.",
            (false, _) => " Of some of them NOTHING IS VERIFIED.",
        };
        let question = format!("Is the code {} on the other machine too, and {backups} to be granted?{known}", self.request.code());
        if Terminal.confirm(&question)? { Ok(()) } else { Err(JobError::NotGranted) }
    }
}
