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
    page.0.table.take();
    let notice = Notice::new();
    let parts = [many::section(page, &app, &notice), trust::section(page, &notice)];
    let start = job::start_button(texts::MANY_START, &notice, {
        let page = page.clone();
        move || {
            let asked = Asked { chosen: many::chosen(&page)?, trust: trust::chosen(&page)? };
            run(&page, &Rc::new(asked), Depth::Seals);
            Ok(())
        }
    });
    job::show_form(page, "many", (texts::MANY_TITLE, texts::MANY_LEAD), &notice, parts, start);
    if let Some(said) = said {
        notice.say(said);
    }
}

/// What was looked at, and whom that trusts.
struct Asked {
    chosen: Vec<Picked>,
    trust: String,
}

/// What was found, and when, with something to say where there is something.
struct Found {
    asked: Rc<Asked>,
    listed: Listed,
    /// By this computer's clock.
    when: String,
    said: Option<String>,
}

impl Found {
    fn now(asked: &Rc<Asked>, listed: Listed, said: Option<String>) -> Rc<Self> {
        Rc::new(Self { asked: Rc::clone(asked), listed, when: save::now(), said })
    }
}

fn run(page: &Page, asked: &Rc<Asked>, depth: Depth) {
    let so_far: SoFar = Rc::default();
    let stopped = (page.clone(), Rc::clone(asked), Rc::clone(&so_far));
    let (ended, asked_then) = (page.clone(), Rc::clone(asked));
    let named = match depth {
        Depth::Seals => texts::MANY_READING,
        Depth::Whole => texts::MANY_CHECKING,
    };
    let job = Job {
        title: named.into(),
        request: Request::Catalogue { trust: asked.trust.clone(), depth },
        files: Pair::default(),
        many: asked.chosen.clone(),
        key: None,
        output: None,
        mapped_len: None,
        live: Some(live(&so_far)),
    };
    job::run(
        page,
        job,
        move || {
            let (page, asked, so_far) = &stopped;
            match so_far.take() {
                // What hours have found is not thrown away.
                Some(listed) => {
                    page.leave_screen();
                    show_answer(page, &Found::now(asked, listed, Some(texts::MANY_STOPPED.into())));
                }
                None => show(page, Some(texts::READING_STOPPED)),
            }
        },
        move |report, job_ended| {
            ended.leave_screen();
            let failure = match report {
                Report::Listed(listed) => return show_answer(&ended, &Found::now(&asked_then, *listed, None)),
                Report::Failed(failure) => failure,
                _ => texts::strange_worker(),
            };
            if let Some(listed) = so_far.take() {
                let said = format!("{} {}", texts::sentence(&failure.what), texts::sentence(&failure.next));
                return show_answer(&ended, &Found::now(&asked_then, listed, Some(said)));
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
type SoFar = Rc<RefCell<Option<Listed>>>;

/// The table, as it fills while the backups are read.
fn live(so_far: &SoFar) -> Live {
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

fn show_answer(page: &Page, found: &Rc<Found>) {
    page.0.table.take();
    let Found { asked, listed, when, said } = &**found;
    let (tone, heading, lead) = texts::listed_words(listed);
    let depth = if listed.depth == Depth::Whole { "whole" } else { "seals" };
    let (card, title) = answer::headline(tone, &heading, &lead);
    let head = Tag::new("section").id("answer").attr("data-answer", "listed").attr("data-depth", depth).attr("role", "status").child(card);
    let items = listed.missing.iter().map(|missing| Tag::new("li").text(&texts::missing_words(missing)));
    let missing = (!listed.missing.is_empty())
        .then(|| job::section(texts::MISSING).id("missing").child(Tag::new("ul").class("names").children(items)));
    let table = Table::new(listed, Some((page, &asked.chosen))).tag();
    let check_all = (listed.depth == Depth::Seals).then(|| {
        let (page, asked) = (page.clone(), Rc::clone(asked));
        button("check-all", "primary", texts::CHECK_ALL, move |_| run(&page, &asked, Depth::Whole))
    });
    let class = if check_all.is_some() { "secondary" } else { "primary" };
    let [report, report_note] = save::report(page, class, "backups.check.txt".into(), {
        let found = Rc::clone(found);
        move || {
            let folders: Vec<_> = found.asked.chosen.iter().map(Picked::folder).collect();
            texts::listed_report(&found.listed, &folders, &found.when, &texts::program(true))
        }
    });
    let another = button("look-at-others", "secondary", texts::MANY_ANOTHER, {
        let page = page.clone();
        move |_| {
            page.0.many.take();
            show(&page, None);
        }
    });
    let actions = div("actions").child(check_all).child(report).child(another).child(report_note);
    let said = said.as_ref().map(|said| paragraph("warning", said).id("said").attr("role", "alert"));
    let looked = paragraph("hint", &texts::looked_at(when));
    let parts = [Some(start::back(page)), said, Some(head), Some(looked), Some(actions), missing, Some(table)];
    page.show("listed", &title, parts.into_iter().flatten());
    page.announce(&format!("{heading}. {lead}"));
    let back = {
        let (page, found) = (page.clone(), Rc::clone(found));
        move || {
            page.leave_screen();
            show_answer(&page, &found);
        }
    };
    page.0.table.replace(Some(Rc::new(back)));
}
