//! The first screen: three tasks.

use super::check::CHECK;
use super::elements::{Tag, div, paragraph, title};
use super::inspect::INSPECT;
use super::{Page, open, texts};

pub(super) fn show(page: &Page) {
    page.leave_screen();
    let title = title("title", texts::START_TITLE);
    let task = |id: &str, (name, what, needs): (&str, &str, &str), show: fn(&Page)| {
        let page = page.clone();
        Tag::new("button")
            .id(id)
            .class("task")
            .attr("type", "button")
            .child(Tag::new("span").class("task-name").text(name))
            .child(Tag::new("span").class("task-what").text(what))
            .child(Tag::new("span").class("task-needs").text(needs))
            .on("click", move |_| show(&page))
    };
    let tasks = div("tasks")
        .child(task("task-check", texts::CHECK, |page| CHECK.show(page, None)))
        .child(task("task-open", texts::OPEN, |page| open::show(page, &open::Form::default())))
        .child(task("task-inspect", texts::INSPECT, |page| INSPECT.show(page, None)));
    page.show("start", &title, [title.clone(), paragraph("lead", texts::START_LEAD), tasks]);
}

/// The way back to the first screen.
pub(super) fn back(page: &Page) -> Tag {
    let page = page.clone();
    super::elements::button("back", "back", texts::BACK, move |_| show(&page))
}
