//! Inspect: what header and seal say.

use super::check::CHECK;
use super::elements::{Tag, button, div, facts};
use super::keyless::Keyless;
use super::texts::{self, Tone};
use super::{Page, answer, files, job, start};
use crate::messages::{Inspected, Report, Request};

/// The task.
pub(super) static INSPECT: Keyless = Keyless {
    name: "inspect",
    words: (texts::INSPECT_TITLE, texts::INSPECT_LEAD),
    start: texts::INSPECT_START,
    doing: texts::INSPECTING,
    failed: texts::INSPECT_FAILED,
    mapped: false,
    request: |trust| Request::Inspect { trust },
    show_answer: |page, report| {
        let Report::Inspected(inspected) = report else { return false };
        show_answer(page, inspected);
        true
    },
};

fn show_answer(page: &Page, inspected: &Inspected) {
    let tone = match inspected.as_sealed {
        _ if inspected.broken.is_some() => Tone::Bad,
        Some(false) => Tone::Bad,
        Some(true) if !inspected.is_vouched() => Tone::Unsure,
        Some(true) | None => Tone::Plain,
    };
    let (card, title) = answer::headline(tone, texts::inspected_title(inspected), &texts::inspected_note(inspected));
    let head = Tag::new("section").id("answer").attr("data-answer", "inspected").attr("role", "status").child(card);
    let file = job::section(texts::FILE_SAYS).id("facts").child(facts(texts::inspected_facts(inspected, &files::path(page))));
    let claims = inspected.claims.as_ref().map(answer::claims);
    let actions = div("actions")
        .child(button("check-this", "primary", texts::CHECK_THIS, {
            let page = page.clone();
            move |_| CHECK.show(&page, None)
        }))
        .child(INSPECT.another(page, "inspect-another", texts::INSPECT_ANOTHER));
    let parts = [Some(start::back(page)), Some(head), Some(file), claims, Some(actions)];
    page.show("answer", &title, parts.into_iter().flatten());
}
