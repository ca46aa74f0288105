//! Many backups at once, in the desktop app: what is there, what is missing, and whether each is whole. Needs no key.

use std::cell::RefCell;
use std::rc::Rc;

use super::elements::{Tag, button, div, paragraph};
use super::files::{Pair, Picked};
use super::job::{self, Job, Live};
use super::notice::Notice;
use super::table::Table;
use super::{Page, answer, many, save, start, texts, trust};
use crate::messages::catalogue::{Depth, Listed};
use crate::messages::{Report, Request};

/// Shows the form, with something to say where there is something.
pub(super) fn show(page: &Page, said: Option<&str>) {
    let Some(app) = page.app() else { return };
    page.leave_screen();
    let notice = Notice::new();
    let parts = [many::section(page, &app, &notice), trust::section(page, &notice)];
    let start = job::start_button(texts::MANY_START, &notice, {
        let page = page.clone();
        move || {
            let chosen = many::chosen(&page)?;
            run(&page, chosen, trust::chosen(&page)?, Depth::Seals);
            Ok(())
        }
    });
    job::show_form(page, "many", (texts::MANY_TITLE, texts::MANY_LEAD), &notice, parts, start);
    if let Some(said) = said {
        notice.say(said);
    }
}

fn run(page: &Page, chosen: Vec<Picked>, trust: String, depth: Depth) {
    let found: Found = Rc::default();
    let (stopped, ended) = ((page.clone(), chosen.clone(), trust.clone(), Rc::clone(&found)), page.clone());
    let named = match depth {
        Depth::Seals => texts::MANY_READING,
        Depth::Whole => texts::MANY_CHECKING,
    };
    let job = Job {
        title: named.into(),
        request: Request::Catalogue { trust: trust.clone(), depth },
        files: Pair::default(),
        many: chosen.clone(),
        key: None,
        output: None,
        mapped_len: None,
        live: Some(live(&found)),
    };
    job::run(
        page,
        job,
        move || {
            let (page, chosen, trust, found) = &stopped;
            match found.take() {
                // What hours have found is not thrown away.
                Some(listed) => {
                    page.leave_screen();
                    show_answer(page, chosen, trust, &Rc::new(listed), Some(texts::MANY_STOPPED));
                }
                None => show(page, Some(texts::READING_STOPPED)),
            }
        },
        move |report, job_ended| {
            ended.leave_screen();
            let failure = match report {
                Report::Listed(listed) => return show_answer(&ended, &chosen, &trust, &Rc::new(*listed), None),
                Report::Failed(failure) => failure,
                _ => texts::strange_worker(),
            };
            if let Some(listed) = found.take() {
                let said = format!("{} {}", texts::sentence(&failure.what), texts::sentence(&failure.next));
                return show_answer(&ended, &chosen, &trust, &Rc::new(listed), Some(&said));
            }
            let again = {
                let page = ended.clone();
                div("actions").child(button("again", "primary", texts::AGAIN, move |_| show(&page, None)))
            };
            answer::show_failure(&ended, texts::MANY_FAILED, &failure, job_ended.heard.sections().chain([again]));
        },
    );
}

/// What was found so far, while all is read.
type Found = Rc<RefCell<Option<Listed>>>;

/// The table, as it fills while the backups are read.
fn live(so_far: &Found) -> Live {
    let tag = div("live");
    let (place, table, so_far) = (tag.clone(), RefCell::new(None::<Table>), Rc::clone(so_far));
    Live::new(tag, move |report| match report {
        Report::Found(listed) => {
            let found = Table::new(&listed, None);
            place.replace([found.tag()]);
            table.replace(Some(found));
            so_far.replace(Some(*listed));
        }
        Report::Row(index, row) => {
            if let Some(table) = &*table.borrow() {
                table.update(index, &row);
            }
            if let Some(known) = so_far.borrow_mut().as_mut().and_then(|listed| listed.rows.get_mut(index)) {
                *known = *row;
            }
        }
        _ => {}
    })
}

fn show_answer(page: &Page, chosen: &[Picked], trust: &str, listed: &Rc<Listed>, said: Option<&str>) {
    let (tone, heading, lead) = texts::listed_words(listed);
    let depth = if listed.depth == Depth::Whole { "whole" } else { "seals" };
    let (card, title) = answer::headline(tone, &heading, &lead);
    let head = Tag::new("section").id("answer").attr("data-answer", "listed").attr("data-depth", depth).attr("role", "status").child(card);
    let items = listed.missing.iter().map(|missing| Tag::new("li").text(&texts::missing_words(missing)));
    let missing = (!listed.missing.is_empty())
        .then(|| job::section(texts::MISSING).id("missing").child(Tag::new("ul").class("names").children(items)));
    let table = Table::new(listed, Some((page, chosen))).tag();
    let check_all = (listed.depth == Depth::Seals).then(|| {
        let (page, chosen, trust) = (page.clone(), chosen.to_vec(), trust.to_owned());
        button("check-all", "primary", texts::CHECK_ALL, move |_| run(&page, chosen.clone(), trust.clone(), Depth::Whole))
    });
    let class = if check_all.is_some() { "secondary" } else { "primary" };
    let report = button("save-report", class, texts::SAVE_REPORT, {
        let (page, listed) = (page.clone(), Rc::clone(listed));
        move |_| save::save_text(&page, &texts::listed_report(&listed, &save::now(), &texts::program(true)), "backups.check.txt")
    });
    let another = button("look-at-others", "secondary", texts::MANY_ANOTHER, {
        let page = page.clone();
        move |_| {
            page.0.many.take();
            show(&page, None);
        }
    });
    let actions = div("actions").child(check_all).child(report).child(another);
    let said = said.map(|said| paragraph("warning", said).id("said").attr("role", "alert"));
    let parts = [Some(start::back(page)), said, Some(head), Some(actions), missing, Some(table)];
    page.show("listed", &title, parts.into_iter().flatten());
    page.announce(&format!("{heading}. {lead}"));
}
