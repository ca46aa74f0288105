//! Choosing a backup and its seal: one after the other, both at once, or dropped anywhere on the page.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DragEvent, Event, File, FileList};

use super::elements::{Tag, button, div, paragraph};
use super::notice::Notice;
use super::{Page, texts};
use crate::messages::Failure;
use crate::messages::desktop::{self, Choice};
use crate::objects;

const SEAL_END: &str = ".seal";

/// A file that was chosen.
#[derive(Clone, PartialEq)]
pub(super) enum Picked {
    /// One that the browser gave to the page.
    Here(File),
    /// One that the desktop app knows by a number.
    InApp(desktop::Picked),
}

impl Picked {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Here(file) => file.name(),
            Self::InApp(file) => file.name.clone(),
        }
    }

    /// Its name, with the folder where that is known.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Here(file) => file.name(),
            Self::InApp(file) => format!("{}/{}", file.folder.trim_end_matches('/'), file.name),
        }
    }

    /// The folder that it is, or lies in; nothing where that is not known.
    pub(super) fn folder(&self) -> String {
        match self {
            Self::Here(_) => String::new(),
            Self::InApp(file) if file.is_folder => self.path(),
            Self::InApp(file) => file.folder.clone(),
        }
    }

    /// Bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Here(file) => objects::len(file),
            Self::InApp(file) => file.len,
        }
    }

    /// The browser's file, if it is one.
    pub(super) fn here(&self) -> Option<&File> {
        if let Self::Here(file) = self { Some(file) } else { None }
    }

    /// Whether it is a folder, which only the app can be given.
    pub(super) fn is_folder(&self) -> bool {
        matches!(self, Self::InApp(file) if file.is_folder)
    }

    /// Whether it is a seal, by its name.
    pub(super) fn is_seal(&self) -> bool {
        self.name().ends_with(SEAL_END)
    }

    /// The app's number, if it is one of its files.
    pub(super) fn in_app(&self) -> Option<u32> {
        if let Self::InApp(file) = self { Some(file.id) } else { None }
    }
}

/// Files that the browser gave to the page.
pub(super) fn here(files: Vec<File>) -> Vec<Picked> {
    files.into_iter().map(Picked::Here).collect()
}

/// Files that the app named.
pub(super) fn in_app(files: Vec<desktop::Picked>) -> Vec<Picked> {
    files.into_iter().map(Picked::InApp).collect()
}

/// What was chosen.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Pair {
    pub(super) backup: Option<Picked>,
    pub(super) seal: Option<Picked>,
}

impl Pair {
    /// Takes files by their names: the seal's ends with `.seal`.
    pub(super) fn take(&mut self, files: &[Picked]) -> Result<(), Failure> {
        if files.iter().any(Picked::is_folder) {
            return Err(texts::is_folder());
        }
        let names: Vec<String> = files.iter().map(Picked::name).collect();
        let (backup, seal) = sort(&names)?;
        // The app names a seal that lies beside a backup; one of another backup must not stay.
        if backup.is_some() && files.iter().all(|file| file.in_app().is_some()) {
            self.seal = None;
        }
        if let Some(index) = backup {
            self.backup = Some(files[index].clone());
        }
        if let Some(index) = seal {
            self.seal = Some(files[index].clone());
        }
        Ok(())
    }
}

/// Which of these names is the backup's, and which the seal's.
fn sort(names: &[String]) -> Result<(Option<usize>, Option<usize>), Failure> {
    let (mut backup, mut seal) = (None, None);
    for (index, name) in names.iter().enumerate() {
        let place = if name.ends_with(SEAL_END) { &mut seal } else { &mut backup };
        if place.replace(index).is_some() {
            return Err(texts::too_many_files(names.len()));
        }
    }
    Ok((backup, seal))
}

fn all(list: &FileList) -> Vec<File> {
    (0..list.length()).filter_map(|index| list.get(index)).collect()
}

/// The files that an event of dragging brings.
pub(super) fn dropped(event: &Event) -> Vec<File> {
    let list = event.unchecked_ref::<DragEvent>().data_transfer().and_then(|data| data.files());
    list.map(|list| all(&list)).unwrap_or_default()
}

/// The backup that was chosen, or what to do first.
pub(super) fn chosen(page: &Page) -> Result<Pair, (Failure, &'static str)> {
    let pair = page.0.files.borrow().clone();
    if pair.backup.is_some() { Ok(pair) } else { Err((texts::no_backup(), "backup-file")) }
}

/// The backup that was chosen, with its folder where that is known.
pub(super) fn path(page: &Page) -> String {
    page.0.files.borrow().backup.as_ref().map(Picked::path).unwrap_or_default()
}

/// The part of a form where a backup and its seal are chosen. `other` is called when another backup is.
pub(super) fn section(page: &Page, notice: &Notice, other: impl Fn() + Clone + 'static) -> Tag {
    let rows: Rc<RefCell<Vec<Row>>> = Rc::default();
    let refresh = {
        let (page, rows) = (page.clone(), Rc::clone(&rows));
        move || {
            let pair = page.0.files.borrow();
            for (row, file) in rows.borrow().iter().zip([&pair.backup, &pair.seal]) {
                row.update(file.as_ref());
            }
        }
    };
    // A dialog lets the form be used, and be left, while it is open.
    let is_left = {
        let rows = Rc::clone(&rows);
        move || rows.borrow().first().is_none_or(|row: &Row| !row.tag.is_shown())
    };
    let take_and_say = {
        let (page, notice, refresh, is_left) = (page.clone(), notice.clone(), refresh.clone(), is_left.clone());
        move |files: &[Picked], said: Option<String>| {
            if is_left() {
                return;
            }
            // Not held while the focus moves, which others may hear of.
            let before = page.0.files.borrow().backup.clone();
            let taken = page.0.files.borrow_mut().take(files);
            refresh();
            match (taken, said) {
                (Ok(()), Some(said)) => notice.say(&said),
                (Ok(()), None) => notice.clear(),
                (Err(failure), _) => return notice.fail_at(&failure, "backup-file"),
            }
            let is_other = page.0.files.borrow().backup != before;
            if is_other {
                other();
            }
        }
    };
    let take = {
        let take = take_and_say.clone();
        move |files: Vec<Picked>| take(&files, None)
    };
    let remove = |which: fn(&mut Pair) -> &mut Option<Picked>| {
        let (page, refresh) = (page.clone(), refresh.clone());
        move || {
            which(&mut page.0.files.borrow_mut()).take();
            refresh();
        }
    };
    let backup =
        Row::new(page, ("backup", texts::BACKUP, texts::BACKUP_HINT), Choice::Backup, take.clone(), remove(|pair| &mut pair.backup));
    backup.input.set("multiple", "");
    // What is chosen as the seal is the seal, whatever its name.
    let take_seal = {
        let (page, notice, refresh) = (page.clone(), notice.clone(), refresh.clone());
        move |files: Vec<Picked>| {
            if is_left() {
                return;
            }
            page.0.files.borrow_mut().seal = files.into_iter().next();
            notice.clear();
            refresh();
        }
    };
    let mut seal = Row::new(page, ("seal", texts::SEAL, texts::SEAL_HINT), Choice::Seal, take_seal, remove(|pair| &mut pair.seal));
    // The app looks beside the backup in any case: what lies there is not taken away by not naming it.
    seal.is_removable = page.app().is_none();
    let section = super::job::section(texts::FILES)
        .child(paragraph("hint", texts::FILES_HINT))
        .child(div("files").id("files").child(backup.tag.clone()).child(seal.tag.clone()));
    *rows.borrow_mut() = vec![backup, seal];
    refresh();
    // For these nobody has opened a dialog: they may come by a start of the app elsewhere.
    page.on_drop(move |files| {
        let named = files.iter().find(|file| !file.is_seal()).or(files.first());
        take_and_say(&files, named.map(|file| texts::taken(&file.path())));
    });
    section
}

/// A file that is chosen, its name, and a way to choose none.
pub(super) struct Row {
    pub(super) tag: Tag,
    pub(super) input: Tag,
    name: Tag,
    action: Tag,
    remove: Tag,
    hint: &'static str,
    is_removable: bool,
}

impl Row {
    pub(super) fn new(
        page: &Page,
        (id, label, hint): (&str, &str, &'static str),
        choice: Choice,
        take: impl Fn(Vec<Picked>) + Clone + 'static,
        remove: impl Fn() + 'static,
    ) -> Self {
        let name_id = format!("{id}-name");
        let name = Tag::new("span").class("file-name").id(&name_id);
        let action = Tag::new("span");
        let input = chooser(page, choice, move |files| {
            if !files.is_empty() {
                take(files);
            }
        });
        let input = input.id(&format!("{id}-file")).attr("aria-label", label).attr("aria-describedby", &name_id);
        let remove = button(&format!("{id}-remove"), "link", texts::REMOVE, {
            let input = input.clone();
            move |_| {
                remove();
                input.focus();
            }
        });
        remove.set("aria-label", &format!("{}: {label}", texts::REMOVE));
        let words = div("file-words").child(Tag::new("span").class("file-label").text(label)).child(name.clone());
        let chooser = Tag::new("label").class("file-chooser").child(input.clone()).child(action.clone());
        let tag = div("file-row").child(words).child(remove.clone()).child(chooser);
        Self { tag, input, name, action, remove, hint, is_removable: true }
    }

    pub(super) fn update(&self, file: Option<&Picked>) {
        self.show(file.is_some(), if file.is_some() { texts::CHANGE } else { texts::CHOOSE });
        match file {
            Some(file) => self.name.set_text(&texts::subject(&file.path(), file.len())),
            None => self.name.set_text(self.hint),
        }
    }

    /// Shows several files, to which more can be added.
    pub(super) fn update_all(&self, files: &[Picked]) {
        self.show(!files.is_empty(), if files.is_empty() { texts::CHOOSE_FILES } else { texts::CHOOSE_MORE });
        let names = files.iter().map(|file| Tag::new("span").class("line").text(&texts::subject(&file.path(), file.len())));
        match files {
            [] => self.name.set_text(self.hint),
            _ => self.name.replace(names),
        }
    }

    fn show(&self, is_chosen: bool, action: &str) {
        self.action.set_text(action);
        self.remove.show(is_chosen && self.is_removable);
        self.tag.set_class(if is_chosen { "file-row chosen" } else { "file-row" });
    }
}

/// What a file is chosen with: the browser's own way, or the app's.
fn chooser(page: &Page, choice: Choice, take: impl Fn(Vec<Picked>) + Clone + 'static) -> Tag {
    let Some(app) = page.app() else {
        return Tag::new("input").class("file-input").attr("type", "file").on("change", move |event| {
            let Some(input) = event.current_target() else { return };
            let input: web_sys::HtmlInputElement = input.unchecked_into();
            let files = input.files().map(|list| all(&list)).unwrap_or_default();
            // So that the same file can be chosen again after it was removed.
            input.set_value("");
            take(here(files));
        });
    };
    Tag::new("button").class("file-input").attr("type", "button").on("click", move |_| {
        let (app, choice, take) = (Rc::clone(&app), choice.clone(), take.clone());
        spawn_local(async move { take(in_app(app.choose(&choice).await)) });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str]) -> Option<(Option<usize>, Option<usize>)> {
        sort(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).ok()
    }

    #[test]
    fn a_backup_and_its_seal_are_told_apart_by_their_names() {
        assert_eq!(sorted(&["shop.age.seal", "shop.age"]), Some((Some(1), Some(0))));
        assert_eq!(sorted(&["shop.age"]), Some((Some(0), None)));
        assert_eq!(sorted(&["shop.age.seal"]), Some((None, Some(0))));
        assert_eq!(sorted(&["a.age", "b.age"]), None);
        assert_eq!(sorted(&["a.age", "a.age.seal", "b.age.seal"]), None);
    }
}
