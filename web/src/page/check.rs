//! Check: is it whole, and who sealed it? Needs no key.

use super::elements::{Tag, button, div};
use super::keyless::Keyless;
use super::map::Map;
use super::texts::{self, Tone};
use super::{Page, answer, files, open, save, start};
use crate::messages::{Checked, Report, Request};

/// The task.
pub(super) static CHECK: Keyless = Keyless {
    name: "check",
    words: (texts::CHECK_TITLE, texts::CHECK_LEAD),
    start: texts::CHECK_START,
    doing: texts::CHECKING,
    failed: texts::CHECK_FAILED,
    mapped: true,
    request: |trust| Request::Check { trust },
    show_answer: |page, report| {
        let Report::Checked(checked) = report else { return false };
        show_answer(page, checked);
        true
    },
};

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
    let path = files::path(page);
    let file = Tag::new("p").class("subject").id("subject").text(&texts::subject(&path, checked.file_len));

    let report = texts::checked_report(checked, &path, &save::now(), &texts::program(page.app().is_some()));
    let [report, report_note] = save::report(page, "primary", format!("{}.check.txt", checked.name), move || report.clone());
    let actions = div("actions")
        .child(report)
        .child(button("open-this", "secondary", texts::OPEN_THIS, {
            let page = page.clone();
            move |_| open::show(&page, &open::Form::default())
        }))
        .child(CHECK.another(page, "check-another", texts::CHECK_ANOTHER))
        .child(report_note);
    let parts = [Some(start::back(page)), Some(file), Some(halves), damage, claims, Some(actions)];
    page.show("answer", &title, parts.into_iter().flatten());
    page.announce(&texts::spoken(&integrity, &place));
}
