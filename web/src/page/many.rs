//! Choosing many backups: folders and files, in the desktop app.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::elements::{Tag, button, div, paragraph};
use super::files::{Picked, in_app};
use super::native::App;
use super::notice::Notice;
use super::{Page, texts};
use crate::messages::Failure;
use crate::messages::desktop::Choice;

/// What was chosen is listed up to here.
const MAX_NAMES: usize = 12;

/// Whether so much was given that it is to be looked at together.
pub(super) fn is_many(files: &[Picked]) -> bool {
    files.iter().any(Picked::is_folder) || files.iter().filter(|file| !file.is_seal()).count() > 1
}

/// What was chosen, or what to do first.
pub(super) fn chosen(page: &Page) -> Result<Vec<Picked>, (Failure, &'static str)> {
    let many = page.0.many.borrow().clone();
    if many.is_empty() { Err((texts::no_backups(), "folder")) } else { Ok(many) }
}

/// The part of a form where they are chosen.
pub(super) fn section(page: &Page, app: &Rc<App>, notice: &Notice) -> Tag {
    let list = Tag::new("ul").class("names").id("many");
    let clear = button("many-remove", "link", texts::REMOVE, |_| {});
    let refresh = {
        let (page, list, clear) = (page.clone(), list.clone(), clear.clone());
        move || {
            let many = page.0.many.borrow();
            let names = many.iter().take(MAX_NAMES).map(|file| Tag::new("li").text(&file.path()));
            let more = many.len().checked_sub(MAX_NAMES).filter(|count| *count > 0);
            let more = more.map(|count| Tag::new("li").text(&texts::and_more(count)));
            list.replace(names.chain(more));
            [&list, &clear].into_iter().for_each(|tag| tag.show(!many.is_empty()));
        }
    };
    let take = {
        let (page, notice, refresh) = (page.clone(), notice.clone(), refresh.clone());
        move |files: Vec<Picked>| {
            if !files.is_empty() {
                add(&page, files);
                notice.clear();
                refresh();
            }
        }
    };
    let chooser = |id: &str, (label, hint): (&str, &str), choice: Choice| {
        let (app, take) = (Rc::clone(app), take.clone());
        let pressed = move |_| {
            let (app, choice, take) = (Rc::clone(&app), choice.clone(), take.clone());
            spawn_local(async move { take(in_app(app.choose(&choice).await)) });
        };
        let hint_id = format!("{id}-hint");
        let choose = button(id, "secondary", label, pressed).attr("aria-describedby", &hint_id);
        div("chooser").child(choose).child(Tag::new("span").class("hint").id(&hint_id).text(hint))
    };
    let clear = clear.on("click", {
        let (page, refresh) = (page.clone(), refresh.clone());
        move |_| {
            page.0.many.take();
            refresh();
        }
    });
    refresh();
    page.on_drop(take.clone());
    super::job::section(texts::MANY_FILES)
        .child(paragraph("hint", texts::MANY_HINT))
        .child(div("row").child(chooser("folder", texts::MANY_FOLDER, Choice::Folder)).child(chooser(
            "several",
            texts::MANY_SEVERAL,
            Choice::Backups,
        )))
        .child(list)
        .child(clear)
}

/// Adds what is not there yet: the app knows a file by the same number each time.
fn add(page: &Page, files: Vec<Picked>) {
    let mut many = page.0.many.borrow_mut();
    for file in files {
        if !many.iter().any(|known| known.in_app() == file.in_app()) {
            many.push(file);
        }
    }
}
