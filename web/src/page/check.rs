//! Check: is it whole, and who sealed it? Needs no key.

use super::elements::{Tag, button, div};
use super::job::{self, Job};
use super::map::Map;
use super::notice::Notice;
use super::texts::{self, Tone};
use super::{Page, answer, files, open, save, start, trust};
use crate::messages::{Checked, Report, Request};

/// Shows the form, with something to say where there is something.
pub(super) fn show(page: &Page, said: Option<&str>) {
    page.leave_screen();
    let notice = Notice::new();
    let parts = [files::section(page, &notice), trust::section(page, &notice)];
    let start = job::start_button(texts::CHECK_START, &notice, {
        let page = page.clone();
        move || {
            let files = files::chosen(&page)?;
            let trust = page.0.trust.borrow().clone();
            run(&page, files, Request::Check { trust });
            Ok(())
        }
    });
    job::show_form(page, "check", (texts::CHECK_TITLE, texts::CHECK_LEAD), &notice, parts, start);
    if let Some(said) = said {
        notice.say(said);
    }
}

fn run(page: &Page, files: files::Pair, request: Request) {
    let job = Job { doing: texts::CHECKING, request, files, key: None, output: None, mapped: true };
    let (stopped, ended) = (page.clone(), page.clone());
    job::run(
        page,
        job,
        move || show(&stopped, Some(texts::STOPPED)),
        move |report, _| {
            ended.leave_screen();
            match report {
                Report::Checked(checked) => show_answer(&ended, &checked),
                Report::Failed(failure) => answer::show_failure(&ended, texts::CHECK_FAILED, &failure, [again(&ended)]),
                _ => answer::show_failure(&ended, texts::CHECK_FAILED, &texts::strange_worker(), [again(&ended)]),
            }
        },
    );
}

fn again(page: &Page) -> Tag {
    let page = page.clone();
    div("actions").child(button("again", "primary", texts::AGAIN, move |_| show(&page, None)))
}

/// Both halves, integrity first; then what the seal says, and where it is damaged.
fn show_answer(page: &Page, checked: &Checked) {
    let (integrity, place) = (texts::integrity(checked), texts::place(checked));
    let (first, title) = answer::half("integrity", texts::INTEGRITY, &integrity, true);
    let (second, _) = answer::half("place", texts::PLACE, &place, false);
    let halves = Tag::new("section").id("answer").attr("data-answer", "checked").attr("data-integrity", &checked.integrity);
    let halves = halves.attr("data-place", &format!("{:?}", checked.place).to_lowercase());
    let halves = halves.attr("role", if integrity.tone == Tone::Bad { "alert" } else { "status" }).child(first).child(second);

    let claims = checked.claims.as_ref().map(answer::claims);
    let map = (!checked.damage.is_empty()).then(|| Map::of_damage(checked.file_len, &checked.damage).tag());
    let heading = if checked.located { texts::DAMAGE } else { texts::DAMAGE_SOMEWHERE };
    let damage = answer::ranges("damage", heading, &checked.damage).map(|section| section.child(map));
    let file = Tag::new("p").class("subject").id("subject").text(&texts::subject(&checked.name, checked.file_len));

    let report = texts::checked_report(checked, &save::now());
    let report_name = format!("{}.check.txt", checked.name);
    let actions = div("actions")
        .child(button("save-report", "primary", texts::SAVE_REPORT, move |_| save::save_text(&report, &report_name)))
        .child(button("open-this", "secondary", texts::OPEN_THIS, {
            let page = page.clone();
            move |_| open::show(&page, &open::Form::default())
        }))
        .child(button("check-another", "secondary", texts::CHECK_ANOTHER, {
            let page = page.clone();
            move |_| {
                page.0.files.take();
                show(&page, None);
            }
        }));
    let parts = [Some(start::back(page)), Some(file), Some(halves), damage, claims, Some(actions)];
    page.show("answer", &title, parts.into_iter().flatten());
    page.announce(&texts::spoken(&integrity, &place));
}
