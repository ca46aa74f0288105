//! The first screen: the tasks.

use wasm_bindgen_futures::spawn_local;

use super::check::CHECK;
use super::elements::{Tag, button, div, paragraph, title};
use super::inspect::INSPECT;
use super::{Page, grant, native, open, texts};
#[cfg(feature = "many")]
use super::{catalogue, files::Picked, many};

pub(super) fn show(page: &Page) {
    page.leave_screen();
    page.0.table.take();
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
        .child(task("task-inspect", texts::INSPECT, |page| INSPECT.show(page, None)))
        .child(task("task-grant", texts::GRANT, |page| grant::show(page, &grant::Form::default())));
    #[cfg(feature = "many")]
    let tasks = tasks.child(page.app().map(|_| task("task-many", texts::MANY, |page| catalogue::show(page, None))));
    let given = page.0.given.take();
    #[cfg(feature = "many")]
    let (given, given_many) = take_many(page, given);
    #[cfg(not(feature = "many"))]
    let given_many = None;
    let taken = page.0.files.borrow_mut().take(&given);
    let refused = taken.err().map(|failure| paragraph("warning", &format!("{} {}", failure.what, failure.next)).id("refused"));
    let chosen = page.0.files.borrow().backup.as_ref().map(|backup| paragraph("subject", &texts::given(&backup.path())).id("given"));
    let chosen = given_many.or(chosen);
    let advice = native::is_around().then(networks);
    let parts = [Some(title.clone()), Some(paragraph("lead", texts::START_LEAD)), advice, refused, chosen, Some(tasks)];
    page.show("start", &title, parts.into_iter().flatten().chain(engine_parts(page)));
}

/// Takes so many files that they are to be looked at together, and says so; others are left.
#[cfg(feature = "many")]
fn take_many(page: &Page, given: Vec<Picked>) -> (Vec<Picked>, Option<Tag>) {
    if !many::is_many(&given) {
        return (given, None);
    }
    let said = paragraph("subject", &texts::given_many(given.len())).id("given");
    page.0.many.replace(given);
    (Vec::new(), Some(said))
}

/// What is only there in the desktop app: the way to the page's own engine, or back.
fn engine_parts(page: &Page) -> impl Iterator<Item = Tag> + use<> {
    let is_by_itself = page.app().is_none();
    let by_itself = (native::is_around() && is_by_itself).then(|| paragraph("warning", texts::BY_ITSELF).id("by-itself"));
    let other = native::is_around().then(|| {
        let text = if is_by_itself { texts::USE_APP } else { texts::USE_PAGE };
        button("change-engine", "link", text, |_| spawn_local(native::change_engine()))
    });
    [by_itself, other].into_iter().flatten()
}

/// What is said of this computer's networks. Asked each time, as a cable is pulled when that was read.
fn networks() -> Tag {
    let advice = paragraph("warning", "").id("networks");
    advice.show(false);
    let shown = advice.clone();
    spawn_local(async move {
        let about = native::about().await;
        if let Some(text) = texts::networks(about.and_then(|about| about.networks).as_deref()) {
            shown.set_text(&text);
            shown.show(true);
        }
    });
    advice
}

/// The way back to the first screen, and to the table where the job was begun from one.
pub(super) fn back(page: &Page) -> Tag {
    let table = page.0.table.borrow().clone().map(|show| button("back-to-table", "back", texts::BACK_TO_TABLE, move |_| show()));
    let page = page.clone();
    div("row").child(button("back", "back", texts::BACK, move |_| show(&page))).child(table)
}
