//! The question before a grant: what is asked for, what is known of it, and the code that both machines show. The job waits for the answer,
//! which is no until somebody presses the one button.

use std::cell::Cell;
use std::rc::Rc;

use super::elements::{Tag, button, choice, div, paragraph};
use super::notice::Notice;
use super::texts::{self, Tone};
use super::{Page, answer, job, start};
use crate::messages::grant::{Asked, AskedFile, Consent, Finding};

/// Shows it. `refused` is called where the answer is no; to leave the screen is that too, until the job `has_ended`.
pub(super) fn show(page: &Page, asked: &Asked, has_ended: &Rc<Cell<bool>>, refused: impl Fn() + 'static) {
    page.leave_screen();
    page.on_leave({
        let (page, has_ended) = (page.clone(), Rc::clone(has_ended));
        move || {
            if !has_ended.get() {
                page.0.engine.stop();
            }
        }
    });
    let notice = Notice::new();
    let tone = if asked.unverified_count() == 0 { Tone::Unsure } else { Tone::Bad };
    let (card, title) = answer::headline(tone, &texts::asked_title(asked), &texts::asked_lead(asked));
    let head = Tag::new("section").id("asked").attr("data-unverified", &asked.unverified_count().to_string()).child(card);
    let code = job::section(texts::CODE_TITLE)
        .child(paragraph("code", &asked.code).id("request-code"))
        .child(paragraph("", texts::CODE_SAYS))
        .child(paragraph("hint", &texts::request_signer(asked)).id("request-signer"));
    let files = Tag::new("ul").class("asked").children(asked.files.iter().map(file));
    let files = job::section(texts::ASKED_FILES).id("asked-files").child(files);

    let (row, tick) = choice("checkbox", "unverified", "grant-unverified", texts::GRANT_UNVERIFIED.0, texts::GRANT_UNVERIFIED.1);
    let needs_tick = asked.unverified_count() > 0;
    let unverified = needs_tick.then(|| job::section(texts::GRANT_UNVERIFIED_TITLE).child(row));
    let refuse = button("refuse", "primary", texts::REFUSE, move |_| refused());
    let agree = button("agree", "secondary", &texts::agree(asked), {
        let (page, notice, code) = (page.clone(), notice.clone(), asked.code.clone());
        move |_| {
            notice.clear();
            if needs_tick && !tick.input().checked() {
                return notice.fail_at(&texts::not_ticked(), "grant-unverified");
            }
            // The job takes one answer: a second is nothing to it.
            page.0.engine.agree(&Consent { code: code.clone(), unverified: needs_tick });
            page.announce(texts::GRANTING);
        }
    });
    let [said, failed] = notice.places();
    let parts = [Some(start::back(page)), Some(head), Some(said), Some(files), Some(code), unverified, Some(failed)];
    let actions = div("actions").child(refuse).child(agree);
    page.show("review", &title, parts.into_iter().flatten().chain([actions]));
}

/// A file that is asked for, and what is known of it.
fn file(file: &AskedFile) -> Tag {
    let (tone, known) = match file.finding {
        Finding::Verified(_) => (Tone::Good, "verified"),
        Finding::NotVerified(_) => (Tone::Bad, "not-verified"),
        Finding::NotOpened => (Tone::Plain, "not-opened"),
        Finding::Unusable(_) => (Tone::Bad, "unusable"),
    };
    let (name, says) = texts::asked_file(file);
    let words = div("asked-words").child(div("asked-name").text(&name)).child(div("asked-says").text(&says));
    Tag::new("li").attr("data-known", known).child(answer::sign(tone)).child(words)
}
