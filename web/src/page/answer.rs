//! What all answers are made of.

use std::ops::Range;

use super::elements::{Tag, div, facts, paragraph, title};
use super::texts::{self, Half, Tone};
use super::{Page, job};
use crate::messages::{Claims, Failure};

/// The sign that stands beside a colour.
pub(super) fn sign(tone: Tone) -> Tag {
    let (class, sign) = match tone {
        Tone::Good => ("sign good", "✓"),
        Tone::Plain => ("sign plain", "i"),
        Tone::Unsure => ("sign unsure", "?"),
        Tone::Bad => ("sign bad", "✕"),
    };
    Tag::new("span").class(class).attr("aria-hidden", "true").text(sign)
}

fn card_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "card good",
        Tone::Plain => "card",
        Tone::Unsure => "card unsure",
        Tone::Bad => "card bad",
    }
}

/// The headline of an answer, and the element to focus.
pub(super) fn headline(tone: Tone, heading: &str, lead: &str) -> (Tag, Tag) {
    let title = title("answer-title", heading);
    let words = div("card-words").child(title.clone()).child(paragraph("says", lead).id("answer-says"));
    (div(card_class(tone)).child(sign(tone)).child(words), title)
}

/// One half of an answer, of which the first has the title of all.
pub(super) fn half(id: &str, name: &str, half: &Half, is_title: bool) -> (Tag, Tag) {
    let title = if is_title { title("answer-title", &half.title) } else { Tag::new("h2").id(&format!("{id}-title")).text(&half.title) };
    let words = div("card-words").child(paragraph("card-name", name)).child(title.clone()).child(paragraph("says", &half.says));
    let words = words.child(half.next.as_ref().map(|next| self::next(next)));
    // A second half that is good must not shine brighter than a first that is not.
    let class = if half.tone == Tone::Good && !is_title { "card" } else { card_class(half.tone) };
    (div(class).id(id).child(sign(half.tone)).child(words), title)
}

/// What to do next.
pub(super) fn next(text: &str) -> Tag {
    Tag::new("p").class("next").child(Tag::new("strong").text(texts::NEXT)).child(Tag::new("span").text(text))
}

/// What a seal says.
pub(super) fn claims(claims: &Claims) -> Tag {
    job::section(texts::SEAL_SAYS).id("claims").child(facts(texts::claim_facts(claims)))
}

/// Ranges of bytes, the first of many.
pub(super) fn ranges(id: &str, heading: &str, ranges: &[Range<u64>]) -> Option<Tag> {
    let (shown, more) = ranges.split_at(ranges.len().min(texts::MAX_RANGES));
    let items = shown.iter().map(|range| Tag::new("li").text(&texts::range(range)));
    let more = (!more.is_empty()).then(|| Tag::new("li").text(&texts::more_ranges(more.len())));
    (!ranges.is_empty()).then(|| job::section(heading).id(id).child(Tag::new("ul").class("ranges").children(items).child(more)))
}

/// Shows why a job failed, and what can be done now.
pub(super) fn show_failure(page: &Page, heading: &str, failure: &Failure, actions: impl IntoIterator<Item = Tag>) {
    let title = title("answer-title", heading);
    let words = div("card-words").child(title.clone()).child(paragraph("says", &texts::sentence(&failure.what)).id("failure-what"));
    let words = words.child(next(&texts::sentence(&failure.next)).id("failure-next"));
    let card = div(card_class(Tone::Bad)).attr("role", "alert").child(sign(Tone::Bad)).child(words);
    let answer = Tag::new("section").id("answer").attr("data-answer", "failed").child(card);
    page.show("answer", &title, [super::start::back(page), answer].into_iter().chain(actions));
}
