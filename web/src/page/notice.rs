//! What went wrong in a form: a sentence and a next step, read aloud as soon as it is there.

use super::elements::{Tag, div, paragraph};
use super::texts;
use crate::messages::Failure;

/// A place in a form for what went wrong, which moves to where that is.
#[derive(Clone)]
pub(super) struct Notice {
    words: Tag,
    /// Where it stands if it is about no field: above the button.
    home: Tag,
    /// Where it stands if it is no fault: below the title, which is what the screen shows first.
    head: Tag,
}

impl Notice {
    pub(super) fn new() -> Self {
        let words = div("notice").id("notice").attr("role", "alert");
        Self { home: div("").child(words.clone()), head: div(""), words }
    }

    /// The places for it at the head of a form, and above its button.
    pub(super) fn places(&self) -> [Tag; 2] {
        [self.head.clone(), self.home.clone()]
    }

    pub(super) fn fail(&self, failure: &Failure) {
        self.stand_in(&self.home);
        self.tell(failure);
    }

    /// Says it beside the field with this identifier, and moves the focus there: both are then on the screen.
    pub(super) fn fail_at(&self, failure: &Failure, id: &str) {
        let Some(field) = Tag::find(id) else { return self.fail(failure) };
        self.stand_in(&field.section().unwrap_or_else(|| self.home.clone()));
        self.tell(failure);
        field.focus();
    }

    /// Says something that is no fault.
    pub(super) fn say(&self, text: &str) {
        self.stand_in(&self.head);
        self.words.replace([paragraph("notice-what", text)]);
        self.words.set_class("notice notice-plain");
    }

    pub(super) fn clear(&self) {
        self.words.replace([]);
        self.words.set_class("notice");
    }

    fn stand_in(&self, place: &Tag) {
        let _ = place.clone().child(self.words.clone());
    }

    fn tell(&self, failure: &Failure) {
        let what = paragraph("notice-what", &texts::sentence(&failure.what)).id("failure-what");
        self.words.replace([what, paragraph("notice-next", &texts::sentence(&failure.next)).id("failure-next")]);
        self.words.set_class("notice notice-bad");
    }
}
