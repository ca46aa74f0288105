//! Inspect: what header and seal say.

use super::elements::{Tag, button, div, facts};
use super::job::{self, Job};
use super::notice::Notice;
use super::texts::{self, Tone};
use super::{Page, answer, check, files, start, trust};
use crate::messages::{Inspected, Report, Request};

/// Shows the form, with something to say where there is something.
pub(super) fn show(page: &Page, said: Option<&str>) {
    page.leave_screen();
    let notice = Notice::new();
    let parts = [files::section(page, &notice), trust::section(page, &notice)];
    let start = job::start_button(texts::INSPECT_START, &notice, {
        let page = page.clone();
        move || {
            let files = files::chosen(&page)?;
            let trust = page.0.trust.borrow().clone();
            run(&page, files, Request::Inspect { trust });
            Ok(())
        }
    });
    job::show_form(page, "inspect", (texts::INSPECT_TITLE, texts::INSPECT_LEAD), &notice, parts, start);
    if let Some(said) = said {
        notice.say(said);
    }
}

fn run(page: &Page, files: files::Pair, request: Request) {
    let job = Job { doing: texts::INSPECTING, request, files, key: None, output: None, mapped: false };
    let (stopped, ended) = (page.clone(), page.clone());
    job::run(
        page,
        job,
        move || show(&stopped, Some(texts::STOPPED)),
        move |report, _| {
            ended.leave_screen();
            match report {
                Report::Inspected(inspected) => show_answer(&ended, &inspected),
                Report::Failed(failure) => answer::show_failure(&ended, texts::INSPECT_FAILED, &failure, [again(&ended)]),
                _ => answer::show_failure(&ended, texts::INSPECT_FAILED, &texts::strange_worker(), [again(&ended)]),
            }
        },
    );
}

fn again(page: &Page) -> Tag {
    let page = page.clone();
    div("actions").child(button("again", "primary", texts::AGAIN, move |_| show(&page, None)))
}

fn show_answer(page: &Page, inspected: &Inspected) {
    let tone = if inspected.broken.is_some() || inspected.as_sealed == Some(false) { Tone::Bad } else { Tone::Plain };
    let (card, title) = answer::headline(tone, texts::inspected_title(inspected), &texts::inspected_note(inspected));
    let head = Tag::new("section").id("answer").attr("data-answer", "inspected").attr("role", "status").child(card);
    let file = job::section(texts::FILE_SAYS).id("facts").child(facts(texts::inspected_facts(inspected)));
    let claims = inspected.claims.as_ref().map(answer::claims);
    let actions = div("actions")
        .child(button("check-this", "primary", texts::CHECK_THIS, {
            let page = page.clone();
            move |_| check::show(&page, None)
        }))
        .child(button("inspect-another", "secondary", texts::INSPECT_ANOTHER, {
            let page = page.clone();
            move |_| {
                page.0.files.take();
                show(&page, None);
            }
        }));
    let parts = [Some(start::back(page)), Some(head), Some(file), claims, Some(actions)];
    page.show("answer", &title, parts.into_iter().flatten());
}
