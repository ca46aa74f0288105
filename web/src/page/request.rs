//! What another machine asks for: a request that is pasted, or chosen as files or as pictures of its codes.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Array;
use web_sys::File;

use super::elements::{Tag, div, paragraph};
use super::files::{Picked, Row};
use super::notice::Notice;
use super::{Page, job, texts};
use crate::messages::Failure;
use crate::messages::desktop::Choice;

/// What was chosen of it.
#[derive(Clone, Default)]
pub(super) struct Given {
    pub(super) pasted: String,
    pub(super) files: Vec<Picked>,
}

impl Given {
    /// Bytes of each of the files.
    pub(super) fn lens(&self) -> Vec<u64> {
        self.files.iter().map(Picked::len).collect()
    }

    /// The files of the browser as one, which has them one behind the other.
    pub(super) fn joined(&self) -> Option<Picked> {
        let files: Array = self.files.iter().filter_map(Picked::here).collect();
        if files.length() == 0 {
            return None;
        }
        File::new_with_blob_sequence(&files, "request").ok().map(Picked::Here)
    }

    /// Adds what is not there yet.
    fn add(&mut self, files: Vec<Picked>) {
        for file in files {
            if !self.files.iter().any(|known| is_same(known, &file)) {
                self.files.push(file);
            }
        }
    }
}

/// Whether it is a file that was chosen before: a browser makes another object of it each time.
fn is_same(one: &Picked, other: &Picked) -> bool {
    let of = |file: &Picked| file.here().map(|file| (file.name(), file.last_modified().to_bits()));
    one == other || one.len() == other.len() && of(one).is_some() && of(one) == of(other)
}

/// The part of a form where it is chosen.
#[derive(Clone)]
pub(super) struct RequestSection {
    pub(super) tag: Tag,
    text: Tag,
    files: Rc<RefCell<Vec<Picked>>>,
}

impl RequestSection {
    /// The part, with what was given before.
    pub(super) fn new(page: &Page, given: &Given, notice: &Notice) -> Self {
        let text = Tag::new("textarea").id("request-text").attr("rows", "4").attr("spellcheck", "false").attr("autocomplete", "off");
        let text = text.attr("autocapitalize", "off").attr("placeholder", texts::REQUEST_EXAMPLE).attr("aria-describedby", "request-hint");
        text.text_area().set_value(&given.pasted);
        let files = Rc::new(RefCell::new(given.files.clone()));
        let row: Rc<RefCell<Option<Row>>> = Rc::default();
        let refresh = {
            let (row, files) = (Rc::clone(&row), Rc::clone(&files));
            move || {
                if let Some(row) = &*row.borrow() {
                    row.update_all(&files.borrow());
                }
            }
        };
        let take = {
            let (row, files, notice, refresh) = (Rc::clone(&row), Rc::clone(&files), notice.clone(), refresh.clone());
            move |chosen: Vec<Picked>| {
                // A dialog lets the form be left while it is open.
                if row.borrow().as_ref().is_none_or(|row| !row.tag.is_shown()) {
                    return;
                }
                if chosen.iter().any(Picked::is_folder) {
                    return notice.fail_at(&texts::request_is_folder(), "request-file");
                }
                let mut given = Given { pasted: String::new(), files: files.take() };
                given.add(chosen);
                files.replace(given.files);
                notice.clear();
                refresh();
            }
        };
        let remove = {
            let (files, refresh) = (Rc::clone(&files), refresh.clone());
            move || {
                files.take();
                refresh();
            }
        };
        let made = Row::new(page, ("request", texts::REQUEST_FILES, texts::REQUEST_FILES_HINT), Choice::Request, take.clone(), remove);
        made.input.set("multiple", "");
        let rows = div("files").id("files").child(made.tag.clone());
        row.replace(Some(made));
        refresh();
        page.on_drop(take);
        let tag = job::section(texts::REQUEST)
            .child(Tag::new("label").class("label").attr("for", "request-text").text(texts::REQUEST_LABEL))
            .child(paragraph("hint", texts::REQUEST_HINT).id("request-hint"))
            .child(text.clone())
            .child(paragraph("hint or", texts::REQUEST_OR))
            .child(rows);
        Self { tag, text, files }
    }

    /// What is there now.
    pub(super) fn given(&self) -> Given {
        Given { pasted: self.text.text_area().value(), files: self.files.borrow().clone() }
    }

    /// What was given, or what is missing.
    pub(super) fn chosen(&self) -> Result<Given, (Failure, &'static str)> {
        let given = self.given();
        match (given.pasted.trim().is_empty(), given.files.is_empty()) {
            (true, true) => Err((texts::no_request(), "request-text")),
            (false, false) => Err((texts::two_requests(), "request-text")),
            (true, false) => Ok(Given { pasted: String::new(), ..given }),
            (false, true) => Ok(given),
        }
    }
}
