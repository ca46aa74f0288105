//! Open: decrypt a backup, a part of it, or what is left of it.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::app_output::AppOutputSection;
use super::elements::{Tag, button, div, paragraph};
use super::files::{self, Pair, Picked};
use super::heard::Heard;
use super::job::{self, Ended, Job, Output};
use super::key::{By, KeySection, Ways};
use super::notice::Notice;
use super::output::{self, Outlet};
use super::part::PartSection;
use super::stored::Stored;
use super::texts::{self, Opening};
use super::{Page, answer, opened, trust};
use crate::messages::desktop::Choice;
use crate::messages::{AppOutput, Failure, OutputKind, Part, Report, Request, SealPolicy, Zstd};
use crate::objects::words_of;

/// What the form begins with.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) part: Part,
    pub(super) by: By,
    /// The file of keys that was chosen: not what is in it.
    pub(super) identity: Option<Picked>,
    pub(super) seal: SealPolicy,
    /// Where the output goes in the desktop app.
    pub(super) output: (AppOutput, Zstd),
    pub(super) said: Option<&'static str>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            part: Part::Whole,
            by: By::default(),
            identity: None,
            seal: SealPolicy::Trusted,
            output: (AppOutput::File, Zstd::Kept),
            said: None,
        }
    }
}

/// Shows the form.
pub(super) fn show(page: &Page, form: &Form) {
    page.leave_screen();
    let notice = Notice::new();
    let key = KeySection::new(page, Ways::All, form.by, form.identity.as_ref());
    page.on_leave({
        let key = key.clone();
        move || key.forget()
    });
    let part = PartSection::new(&form.part);
    let app_output = page.app().map(|_| AppOutputSection::new(&form.output, &form.seal));
    let (output, outlet) = output_section(page, app_output.as_ref());
    let seal = form.seal.clone();
    let is_asked = seal != SealPolicy::Ignored;
    let (heading, start_text) =
        if is_asked { (texts::OPEN_TITLE, texts::OPEN_START) } else { (texts::OPEN_UNSEALED_TITLE, texts::OPEN_UNSEALED_START) };
    let start = job::start_button(start_text, &notice, {
        let (page, notice, key, part, app_output) = (page.clone(), notice.clone(), key.clone(), part.clone(), app_output.clone());
        move || {
            let files = files::chosen(&page)?;
            if let Some(missing) = key.missing() {
                return Err(missing);
            }
            let output = app_output.as_ref().map(AppOutputSection::chosen).transpose()?.unwrap_or((AppOutput::File, Zstd::Kept));
            let asked = Asked { files, part: part.chosen()?, seal: seal.clone(), trust: trusted(&page, &seal)?, output };
            if asked.output.0 != AppOutput::File && asked.part == Part::Salvage {
                return Err((texts::no_salvage_into_program(), "output-program"));
            }
            if asked.output.1 == Zstd::Decompressed && asked.part != Part::Whole {
                return Err((texts::no_part_decompressed(), "decompress"));
            }
            let Some(outlet) = outlet.get() else { return Err((texts::still_preparing(), "output-note")) };
            let longest = output::longest(asked.files.backup.as_ref().map_or(0, Picked::len), &asked.part);
            if let Some(failure) = outlet.refusal(longest) {
                return Err((failure, "output-note"));
            }
            spawn_local(begin(page.clone(), asked, outlet, key.clone(), notice.clone()));
            Ok(())
        }
    });
    let trusted = is_asked.then(|| trust::section(page, &notice));
    // The form that asks the seal, with all else as it is filled in now.
    let ask_seal = {
        let (page, form, key, part) = (page.clone(), form.clone(), key.clone(), part.clone());
        move |said| {
            let part = part.chosen().unwrap_or_else(|_| form.part.clone());
            let output = app_output.as_ref().and_then(|section| section.chosen().ok()).unwrap_or_else(|| form.output.clone());
            show(&page, &Form { part, by: key.by(), identity: key.identity(), seal: SealPolicy::Trusted, output, said });
        }
    };
    // What was let pass for one backup must not pass for the next.
    let other = {
        let (ask_seal, is_waived) = (ask_seal.clone(), form.seal != SealPolicy::Trusted);
        move || {
            if is_waived {
                ask_seal(Some(texts::OTHER_BACKUP));
            }
        }
    };
    let parts = [warning(form, ask_seal), Some(files::section(page, &notice, other)), Some(key.tag), Some(part.tag), trusted, Some(output)];
    job::show_form(page, "open", (heading, texts::OPEN_LEAD), &notice, parts.into_iter().flatten(), start);
    if let Some(said) = form.said {
        notice.say(said);
    }
}

/// Nobody is asked where the seal does not matter.
fn trusted(page: &Page, seal: &SealPolicy) -> Result<String, (Failure, &'static str)> {
    match seal {
        SealPolicy::Trusted | SealPolicy::Renamed(_) => trust::chosen(page),
        SealPolicy::Ignored => Ok(String::new()),
    }
}

/// What the person asked for, all of it in order.
struct Asked {
    files: Pair,
    part: Part,
    seal: SealPolicy,
    trust: String,
    output: (AppOutput, Zstd),
}

/// What it means to open a backup without its seal or under another name, and the way back from there.
fn warning(form: &Form, ask_seal: impl Fn(Option<&'static str>) + 'static) -> Option<Tag> {
    let (id, warning, back) = match &form.seal {
        SealPolicy::Trusted => return None,
        SealPolicy::Renamed(sealed) => ("renamed-warning", texts::renamed_warning(sealed), texts::ASK_NAME),
        SealPolicy::Ignored => ("unsealed-warning", texts::UNSEALED_WARNING.into(), texts::ASK_SEAL),
    };
    let back = button("ask-seal", "link", back, move |_| ask_seal(None));
    Some(div("warning").id(id).child(paragraph("", &warning)).child(back))
}

/// Says where the output will go, as soon as that is known.
fn output_section(page: &Page, app_output: Option<&AppOutputSection>) -> (Tag, Rc<Cell<Option<Outlet>>>) {
    let note = paragraph("", texts::PREPARING).id("output-note");
    let outlet = Rc::new(Cell::new(None));
    spawn_local({
        let (note, outlet, page) = (note.clone(), Rc::clone(&outlet), page.clone());
        async move {
            let found = Outlet::find(&page).await;
            note.set_text(&found.note());
            note.set("data-output", found.word());
            outlet.set(Some(found));
        }
    });
    (job::section(texts::OUTPUT).child(app_output.map(|section| section.tag.clone())).child(note), outlet)
}

/// Lets the person choose the output where they can, and starts.
async fn begin(page: Page, asked: Asked, outlet: Outlet, key: KeySection, notice: Notice) {
    let Asked { files, part, seal, trust, output: (app_output, zstd) } = asked;
    let backup_name = files.backup.as_ref().map(Picked::name).unwrap_or_default();
    let name = output::name(&backup_name, &part, zstd);
    let program = if let AppOutput::Program(line) = &app_output { Some(line.clone()) } else { None };
    let mut output = Output { name, handle: None, stored: None, chosen: None, program };
    let kind = match outlet {
        Outlet::Picker => match output::pick(&output.name).await {
            Ok(handle) => {
                output.handle = Some(handle);
                OutputKind::Picker
            }
            Err(failure) => return notice.fail(&failure),
        },
        Outlet::Storage { .. } => match Stored::hold().await {
            Ok(stored) => OutputKind::Storage(output.stored.insert(stored).name().into()),
            Err(error) => return notice.fail(&texts::place_refused(&words_of(&error))),
        },
        Outlet::Memory { .. } => OutputKind::Memory,
        Outlet::App => match (&output.program, page.app()) {
            (Some(line), Some(app)) => {
                if !app.let_run(line, &trust).await {
                    return notice.fail(&texts::program_not_let());
                }
                OutputKind::App(app_output.clone(), zstd)
            }
            (None, Some(app)) => {
                output.chosen = files::in_app(app.choose(&Choice::Output(output.name.clone())).await).pop();
                if output.chosen.is_none() {
                    return notice.fail(&texts::no_place_chosen());
                }
                OutputKind::App(app_output.clone(), zstd)
            }
            (_, None) => return notice.fail(&texts::no_place_chosen()),
        },
    };
    // The form was left while the file was being chosen.
    if !key.tag.is_shown() {
        return discard(&output);
    }
    // Nor must the form name another backup than the one that is opened.
    if *page.0.files.borrow() != files {
        discard(&output);
        return notice.fail(&texts::other_backup_meanwhile());
    }
    let (by, key) = (key.by(), key.take());
    // The app knows it by a number; of a browser's file a page could read more.
    let identity = key.identity.clone().filter(|file| by == By::File && file.in_app().is_some());
    let request = Request::Open { key: key.kind, part: part.clone(), trust, seal: seal.clone(), output: kind };
    let mapped_len = files.backup.as_ref().filter(|_| !matches!(part, Part::Bytes(..))).map(Picked::len);
    let title = format!("{} {backup_name}", texts::OPENING);
    let job = Job { title, request, files, many: Vec::new(), key: Some(key), output: Some(output.clone()), mapped_len, live: None };
    let said = if output.program.is_some() { texts::STOPPED_PROGRAM } else { texts::STOPPED };
    let form = Form { part, by, identity, seal, output: (app_output, zstd), said: Some(said) };
    let stopped = {
        let (page, form, output) = (page.clone(), form.clone(), output.clone());
        move || {
            discard(&output);
            show(&page, &form);
        }
    };
    let then = page.clone();
    job::run(&page, job, stopped, move |report, job_ended| ended(&then, &form, &backup_name, &output, report, job_ended));
}

fn ended(page: &Page, form: &Form, backup_name: &str, output: &Output, report: Report, ended: Ended) {
    page.leave_screen();
    match report {
        Report::Opened(report) => opened::show(page, &report, Opening::of(&form.part), backup_name, output, ended),
        Report::Failed(failure) => {
            discard(output);
            show_failure(page, form, &failure, &ended.heard);
        }
        _ => {
            discard(output);
            show_failure(page, form, &texts::strange_worker(), &ended.heard);
        }
    }
}

/// Removes what choosing an output has left, for a job that wrote nothing.
fn discard(output: &Output) {
    if let Some(stored) = &output.stored {
        stored.let_go();
    }
    if let Some(handle) = output.handle.clone() {
        spawn_local(async move { output::discard(&handle).await });
    }
}

fn show_failure(page: &Page, form: &Form, failure: &Failure, heard: &Heard) {
    let to_form = |id: &str, class: &str, text: &str, seal: SealPolicy| {
        let (page, form) = (page.clone(), Form { seal, said: None, ..form.clone() });
        button(id, class, text, move |_| show(&page, &form))
    };
    let again = div("actions").child(to_form("again", "primary", texts::AGAIN, form.seal.clone()));
    let anyway = failure.passes_with.as_ref().and_then(|seal| {
        let (heading, says, text) = match seal {
            SealPolicy::Trusted => return None,
            SealPolicy::Renamed(_) => (texts::OPEN_RENAMED_TITLE, texts::OPEN_RENAMED_SAYS, texts::OPEN_RENAMED),
            SealPolicy::Ignored => (texts::OPEN_ANYWAY_TITLE, texts::OPEN_ANYWAY_SAYS, texts::OPEN_ANYWAY),
        };
        Some(job::section(heading).child(paragraph("", says)).child(to_form("open-anyway", "secondary", text, seal.clone())))
    });
    answer::show_failure(page, texts::OPEN_FAILED, failure, [Some(again), anyway].into_iter().flatten().chain(heard.sections()));
}
