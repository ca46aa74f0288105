//! The end of opening: what was written, who made it, what is lost.

use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::elements::{Tag, button, div, facts, paragraph, sleep};
use super::files::{self, Picked};
use super::job::{self, Ended, Output};
use super::stored::Stored;
use super::texts::{self, Opening, Tone};
use super::{Page, answer, native, open, output, save, start};
use crate::messages::{Opened, Place};

/// Shows it; `file` is what is still to be saved, where it did not go into a file that was chosen.
pub(super) fn show(page: &Page, opened: &Opened, opening: Opening, backup_name: &str, output: &Output, ended: Ended) {
    let Ended { file, heard, .. } = ended;
    let tone = match (opened.is_complete(), opened.is_vouched() && opened.place != Place::Renamed) {
        (false, _) => Tone::Bad,
        (true, false) => Tone::Unsure,
        (true, true) => Tone::Good,
    };
    let (path, saved) = (files::path(page), file.is_none());
    let heading = if output.program.is_some() { texts::RESTORED } else { texts::opened_title(opened, opening, saved) };
    let (card, title) = answer::headline(tone, heading, &texts::opened_lead(opened, opening));
    let head = Tag::new("section").id("answer").attr("data-answer", "opened").attr("data-written", &opened.written_len.to_string());
    let head = head.attr("role", "status").child(card);

    let name = output.handle.as_ref().and_then(|handle| js_sys::Reflect::get(handle, &"name".into()).ok()?.as_string());
    let name =
        name.or_else(|| output.chosen.as_ref().map(Picked::path)).unwrap_or_else(|| output::with_ending(&output.name, opened.is_zstd));
    // What is only in memory or in the browser's storage is gone with the page.
    page.0.busy.set(!saved);
    page.0.offered.replace(output.stored.clone());
    let save_file = file.map(|file| save_section(page, file, &name, output.stored.clone()));
    let what = job::section(texts::OUTPUT_SAYS).id("facts").child(facts(texts::opened_facts(
        opened,
        opening,
        &path,
        went_to(output, saved.then_some(name.as_str())),
    )));
    let lost = answer::ranges("lost", texts::LOST, &opened.lost);
    let unsealed = answer::ranges("unsealed", texts::NOT_SEALED, &opened.unsealed);
    let report = (opening == Opening::Salvage).then(|| {
        let text = texts::salvage_report(&path, opened, &save::now(), &texts::program(page.app().is_some()));
        save::report(page, "secondary", format!("{backup_name}.salvage.txt"), move || text.clone())
    });
    let [report, report_note] = report.map_or([None, None], |report| report.map(Some));
    let another = button("open-another", "secondary", texts::OPEN_ANOTHER, {
        let page = page.clone();
        move |_| {
            page.0.files.take();
            open::show(&page, &open::Form::default());
        }
    });
    let actions = div("actions").child(report).child(another).child(report_note);
    let parts = [Some(start::back(page)), Some(head), save_file, lost, unsealed].into_iter().flatten();
    page.show("answer", &title, parts.chain(heard.sections()).chain([what, actions]));
}

/// What the output is in, if it is saved: a program or a file.
fn went_to<'a>(output: &'a Output, file: Option<&'a str>) -> Option<(&'static str, &'a str)> {
    match &output.program {
        Some(program) => Some((texts::WENT_TO_PROGRAM, program)),
        None => file.map(|file| (texts::WENT_TO_FILE, file)),
    }
}

/// The way from where the output is to the browser's downloads.
fn save_section(page: &Page, file: Blob, name: &str, stored: Option<Stored>) -> Tag {
    let note = paragraph("hint", texts::SAVE_NOTE).attr("role", "status");
    let save = button("save-output", "primary", &texts::save_output(name), {
        let (page, name, note) = (page.clone(), name.to_owned(), note.clone());
        move |_| {
            save::save_output(&file, &name);
            note.set_text(if native::is_around() { texts::SAVE_STARTED_APP } else { texts::SAVE_STARTED });
            let Some(stored) = &stored else { return page.0.busy.set(false) };
            stored.note_save();
            // It is copied from storage, which goes with the page: for a while, leaving asks first.
            let (page, note) = (page.clone(), note.clone());
            spawn_local(async move {
                sleep(save::HELD_FOR).await;
                if note.is_shown() {
                    page.0.busy.set(false);
                }
            });
        }
    });
    div("save").child(save).child(note)
}
