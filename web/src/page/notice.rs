//! What went wrong in a form: a sentence and a next step, read aloud as soon as it is there.

use super::elements::{Tag, div, paragraph};
use super::texts;
use crate::messages::Failure;

/// A place in a form for what went wrong.
#[derive(Clone)]
pub(super) struct Notice(Tag);

impl Notice {
    pub(super) fn new() -> Self {
        Self(div("notice").id("notice").attr("role", "alert"))
    }

    pub(super) fn tag(&self) -> Tag {
        self.0.clone()
    }

    pub(super) fn fail(&self, failure: &Failure) {
        let what = paragraph("notice-what", &texts::sentence(&failure.what)).id("failure-what");
        self.0.replace([what, paragraph("notice-next", &texts::sentence(&failure.next)).id("failure-next")]);
        self.0.set_class("notice notice-bad");
    }

    /// Says something that is no fault.
    pub(super) fn say(&self, text: &str) {
        self.0.replace([paragraph("notice-what", text)]);
        self.0.set_class("notice notice-plain");
    }

    pub(super) fn clear(&self) {
        self.0.replace([]);
        self.0.set_class("notice");
    }
}
