//! Grant: let another machine open backups, whose key is here and stays here.

use std::cell::Cell;
use std::rc::Rc;

use super::elements::{button, div};
use super::files::{Pair, Picked};
use super::heard::Heard;
use super::job::{self, Ended, Job, Live};
use super::key::{By, KeySection, Ways};
use super::notice::Notice;
use super::request::{Given, RequestSection};
use super::{Page, answer, granted, review, texts, trust};
use crate::messages::{Failure, Report, Request};

/// What the form begins with.
#[derive(Clone, Default)]
pub(super) struct Form {
    given: Given,
    by: By,
    /// The file of keys that was chosen: not what is in it.
    identity: Option<Picked>,
    said: Option<&'static str>,
}

/// Shows the form.
pub(super) fn show(page: &Page, form: &Form) {
    page.leave_screen();
    let notice = Notice::new();
    let key = KeySection::new(page, Ways::Keys, form.by, form.identity.as_ref());
    page.on_leave({
        let key = key.clone();
        move || key.forget()
    });
    let request = RequestSection::new(page, &form.given, &notice);
    let start = job::start_button(texts::GRANT_START, &notice, {
        let (page, request, key) = (page.clone(), request.clone(), key.clone());
        move || {
            let given = request.chosen()?;
            if let Some(missing) = key.missing() {
                return Err(missing);
            }
            begin(&page, given, trust::chosen(&page)?, &key);
            Ok(())
        }
    });
    let parts = [request.tag, key.tag, trust::section(page, &notice)];
    job::show_form(page, "grant", (texts::GRANT_TITLE, texts::GRANT_LEAD), &notice, parts, start);
    if let Some(said) = form.said {
        notice.say(said);
    }
}

fn begin(page: &Page, given: Given, trust: String, key: &KeySection) {
    let (by, key) = (key.by(), key.take());
    // The app knows it by a number; of a browser's file a page could read more.
    let identity = key.identity.clone().filter(|file| by == By::File && file.in_app().is_some());
    let form = Rc::new(Form { given: given.clone(), by, identity, said: None });
    let request = Request::Grant { key: key.kind, trust, pasted: given.pasted.clone(), lens: given.lens() };
    let files = Pair { backup: given.joined(), seal: None };
    let has_ended = Rc::new(Cell::new(false));
    let live = Live::new(div(""), {
        let (page, form, has_ended) = (page.clone(), Rc::clone(&form), Rc::clone(&has_ended));
        move |report| {
            if let Report::Asked(asked) = report {
                let page_then = page.clone();
                let form = Form { said: Some(texts::GRANTED_NOTHING), ..Form::clone(&form) };
                review::show(&page, &asked, &has_ended, move || show(&page_then, &form));
            }
        }
    });
    let job = Job {
        title: texts::READING_REQUEST.into(),
        request,
        files,
        many: given.files,
        key: Some(key),
        output: None,
        mapped_len: None,
        live: Some(live),
    };
    let stopped = {
        let (page, form) = (page.clone(), Rc::clone(&form));
        move || show(&page, &Form { said: Some(texts::READING_STOPPED), ..Form::clone(&form) })
    };
    let then = page.clone();
    job::run(page, job, stopped, move |report, job_ended| {
        has_ended.set(true);
        ended(&then, &form, report, &job_ended);
    });
}

fn ended(page: &Page, form: &Rc<Form>, report: Report, ended: &Ended) {
    page.leave_screen();
    match report {
        Report::Granted(report) => granted::show(page, &report, &ended.heard),
        Report::Failed(failure) => show_failure(page, form, &failure, &ended.heard),
        _ => show_failure(page, form, &texts::strange_worker(), &ended.heard),
    }
}

fn show_failure(page: &Page, form: &Rc<Form>, failure: &Failure, heard: &Heard) {
    let again = button("again", "primary", texts::AGAIN, {
        let (page, form) = (page.clone(), Rc::clone(form));
        move |_| show(&page, &form)
    });
    let actions = div("actions").child(again);
    answer::show_failure(page, texts::GRANT_FAILED, failure, [actions].into_iter().chain(heard.sections()));
}
