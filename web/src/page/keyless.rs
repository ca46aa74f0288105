//! What is asked about a backup without a key: a form of files and trust, a job, and its answer.

use super::elements::{Tag, button, div};
use super::job::{self, Job};
use super::notice::Notice;
use super::{Page, answer, files, texts, trust};
use crate::messages::{Report, Request};

/// A task, and its words.
pub(super) struct Keyless {
    /// The form's name on the page.
    pub(super) name: &'static str,
    /// Its heading, and what stands below that.
    pub(super) words: (&'static str, &'static str),
    /// What is on the button that starts it.
    pub(super) start: &'static str,
    /// What is being done, in a word before the file's name.
    pub(super) doing: &'static str,
    /// The heading where it failed.
    pub(super) failed: &'static str,
    /// Whether the whole file is read, so that a map of it shows how far.
    pub(super) mapped: bool,
    /// What the worker is asked, by those whom the person trusts.
    pub(super) request: fn(String) -> Request,
    /// Shows the answer, if the report is one.
    pub(super) show_answer: fn(&Page, &Report) -> bool,
}

impl Keyless {
    /// Shows the form, with something to say where there is something.
    pub(super) fn show(&'static self, page: &Page, said: Option<&str>) {
        page.leave_screen();
        let notice = Notice::new();
        let parts = [files::section(page, &notice, || ()), trust::section(page, &notice)];
        let start = job::start_button(self.start, &notice, {
            let page = page.clone();
            move || {
                let files = files::chosen(&page)?;
                let request = (self.request)(trust::chosen(&page)?);
                self.run(&page, files, request);
                Ok(())
            }
        });
        job::show_form(page, self.name, self.words, &notice, parts, start);
        if let Some(said) = said {
            notice.say(said);
        }
    }

    fn run(&'static self, page: &Page, files: files::Pair, request: Request) {
        let Some(backup) = &files.backup else { return };
        let (title, mapped_len) = (format!("{} {}", self.doing, backup.name()), self.mapped.then(|| backup.len()));
        let job = Job { title, request, files, many: Vec::new(), key: None, output: None, mapped_len, live: None };
        let (stopped, ended) = (page.clone(), page.clone());
        job::run(
            page,
            job,
            move || self.show(&stopped, Some(texts::READING_STOPPED)),
            move |report, job_ended| {
                ended.leave_screen();
                if (self.show_answer)(&ended, &report) {
                    return;
                }
                let failure = if let Report::Failed(failure) = report { failure } else { texts::strange_worker() };
                answer::show_failure(&ended, self.failed, &failure, job_ended.heard.sections().chain([self.again(&ended)]));
            },
        );
    }

    fn again(&'static self, page: &Page) -> Tag {
        let page = page.clone();
        div("actions").child(button("again", "primary", texts::AGAIN, move |_| self.show(&page, None)))
    }

    /// A button that begins anew, with no file chosen.
    pub(super) fn another(&'static self, page: &Page, id: &str, text: &str) -> Tag {
        let page = page.clone();
        button(id, "secondary", text, move |_| {
            page.0.files.take();
            self.show(&page, None);
        })
    }
}
