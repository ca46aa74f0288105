//! The end of granting: the grant as text, as a file, and as codes for a camera.

use dbseal_core::Grant;

use super::codes;
use super::elements::{Tag, button, copy_selection, div, paragraph};
use super::heard::Heard;
use super::texts::{self, Tone};
use super::{Page, answer, grant, job, save, start};
use crate::messages::desktop::Saved;
use crate::messages::grant::Granted;

/// What the file is called if nobody says otherwise.
const FILE_NAME: &str = "dbseal.grant";

/// Shows it.
pub(super) fn show(page: &Page, granted: &Granted, heard: &Heard) {
    let tone = if granted.granted_count == granted.asked_count { Tone::Good } else { Tone::Unsure };
    let (card, title) = answer::headline(tone, &texts::granted_title(granted), texts::GRANTED_LEAD);
    let head = Tag::new("section").id("answer").attr("data-answer", "granted").attr("data-granted", &granted.granted_count.to_string());
    let head = head.attr("role", "status").child(card);
    let code = job::section(texts::GRANT_CODE_TITLE)
        .child(paragraph("code", &granted.code).id("grant-code"))
        .child(paragraph("hint", texts::GRANT_CODE_SAYS));
    let another = button("grant-another", "secondary", texts::GRANT_ANOTHER, {
        let page = page.clone();
        move |_| grant::show(&page, &grant::Form::default())
    });
    let parts = [start::back(page), head, text_section(page, granted), codes_section(granted), code];
    page.show("answer", &title, parts.into_iter().chain(heard.sections()).chain([div("actions").child(another)]));
}

fn text_section(page: &Page, granted: &Granted) -> Tag {
    let text = Tag::new("textarea").id("grant-text").attr("rows", "6").attr("readonly", "").attr("spellcheck", "false");
    text.text_area().set_value(&granted.text);
    let copied = paragraph("hint", "").id("copy-note").attr("role", "status");
    let copy = button("copy-grant", "primary", texts::COPY, {
        let (text, copied) = (text.clone(), copied.clone());
        move |_| {
            text.focus();
            text.text_area().select();
            copied.set_text(if copy_selection() { texts::COPIED } else { texts::NOT_COPIED });
        }
    });
    let kept = save::Text {
        what: Saved::Grant,
        name: FILE_NAME.into(),
        label: texts::SAVE_GRANT,
        started: [texts::GRANT_STARTED, texts::GRANT_STARTED_APP],
    };
    let [save, saved] = save::keep(page, ("save-grant", "secondary"), kept, {
        let text = granted.text.clone();
        move || text.clone()
    });
    let actions = div("actions").child(copy).child(save).child(copied).child(saved);
    let label = Tag::new("label").class("label").attr("for", "grant-text").text(texts::GRANT_TEXT_LABEL);
    job::section(texts::GRANT_TEXT).child(label).child(text).child(actions)
}

fn codes_section(granted: &Granted) -> Tag {
    let section = job::section(texts::GRANT_CODES).id("codes");
    // The page's own job has made it.
    match Grant::parse(granted.text.as_bytes()).and_then(|grant| crate::engine::codes_of(&grant.to_bytes())) {
        Ok(codes) => section.child(paragraph("hint", texts::GRANT_CODES_SAYS)).children(codes::figures(&codes)),
        Err(_) => section.child(paragraph("hint", texts::TOO_LONG_FOR_CODES)),
    }
}
