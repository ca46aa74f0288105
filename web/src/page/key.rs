//! What opens a backup. The page hands it on and forgets it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, File};
use zeroize::Zeroizing;

use super::elements::{Tag, choice, div, paragraph};
use super::files::{self, Picked, Row};
use super::{Page, job, texts};
use crate::engine::{PROTECTED_START_LEN, is_protected};
use crate::messages::desktop::Choice;
use crate::messages::{Failure, KeyKind};

/// How a key is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum By {
    /// As an identity file.
    #[default]
    File,
    /// As a text that is pasted.
    Text,
    /// As the passphrase of the backup.
    Passphrase,
}

/// Which ways there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    /// All.
    All,
    /// Not the passphrase of a backup.
    Keys,
}

/// A key on its way to the worker.
pub(super) struct Key {
    pub(super) kind: KeyKind,
    pub(super) identity: Option<Picked>,
    /// Wiped here when it was copied for the worker, which wipes its own.
    pub(super) secret: Option<Zeroizing<Vec<u8>>>,
}

/// The part of a form where a key is chosen or entered.
#[derive(Clone)]
pub(super) struct KeySection {
    pub(super) tag: Tag,
    by_text: Tag,
    by_passphrase: Tag,
    text: Tag,
    passphrase: Tag,
    chosen: Rc<Chosen>,
}

#[derive(Default)]
struct Chosen {
    identity: RefCell<Option<Picked>>,
    is_protected: Cell<bool>,
}

impl KeySection {
    /// The part, where one way is chosen already, and maybe the file.
    pub(super) fn new(page: &Page, ways: Ways, by: By, identity: Option<&Picked>) -> Self {
        let option = |id: &str, (label, hint): (&str, &str)| choice("radio", "key", id, label, hint);
        let (file_row, by_file) = option("key-by-file", texts::KEY_FILE);
        let (text_row, by_text) = option("key-by-text", texts::KEY_TEXT);
        let (passphrase_row, by_passphrase) = option("key-by-passphrase", texts::KEY_PASSPHRASE);
        let chosen_first = match by {
            By::File => &by_file,
            By::Text => &by_text,
            By::Passphrase => &by_passphrase,
        };
        chosen_first.input().set_checked(true);
        let chosen = Rc::new(Chosen::default());

        let text = secret(Tag::new("textarea").id("key-text").attr("rows", "2"));
        let passphrase = secret(Tag::new("input").id("passphrase").attr("type", "text"));
        let (show_row, show) = choice("checkbox", "show", "show-secret", texts::SHOW_SECRET, "");
        let _ = show.clone().on("change", {
            let (show, text, passphrase) = (show.clone(), text.clone(), passphrase.clone());
            move |_| {
                let class = if show.input().checked() { "" } else { "secret" };
                text.set_class(class);
                passphrase.set_class(class);
            }
        });
        let passphrase_label = Tag::new("label").class("label").attr("for", "passphrase");
        let passphrase_hint = paragraph("hint", texts::KEY_PASSPHRASE_HINT);
        let passphrase_field = div("field").child(passphrase_label.clone()).child(passphrase_hint.clone()).child(passphrase.clone());
        let text_field = div("field").child(Tag::new("label").class("label").attr("for", "key-text").text(texts::KEY_TEXT_LABEL));
        let text_field = text_field.child(text.clone());
        let file_field = div("field");

        let update = {
            let (chosen, text, by_text, by_passphrase) = (Rc::clone(&chosen), text.clone(), by_text.clone(), by_passphrase.clone());
            let (file_field, text_field, passphrase_field) = (file_field.clone(), text_field.clone(), passphrase_field.clone());
            let show_row = show_row.clone();
            move || {
                let (texted, passed) = (by_text.input().checked(), by_passphrase.input().checked());
                let protected =
                    if texted { is_protected(Zeroizing::new(text.text_area().value()).trim_start()) } else { chosen.is_protected.get() };
                file_field.show(!texted && !passed);
                text_field.show(texted);
                passphrase_field.show(passed || protected);
                show_row.show(passed || texted || protected);
                passphrase_label.set_text(if passed { texts::PASSPHRASE_LABEL } else { texts::KEY_PASSPHRASE_LABEL });
                passphrase_hint.show(!passed);
            }
        };
        let _ = text.clone().on("input", {
            let update = update.clone();
            move |_| update()
        });
        let row = identity_row(page, &chosen, identity, &update);
        let file_field = file_field.child(div("files").child(row));
        update();
        let rows = Tag::new("fieldset").class("choices").child(Tag::new("legend").class("visually-hidden").text(texts::KEY));
        // In the desktop app no private key enters the page.
        let text_row = page.app().is_none().then_some(text_row);
        let passphrase_row = (ways == Ways::All).then_some(passphrase_row);
        // One way is no choice.
        rows.show(text_row.is_some() || passphrase_row.is_some());
        let rows = rows.child(file_row).child(text_row).child(passphrase_row).on("change", move |_| update());
        let fields = div("fields").child(file_field).child(text_field).child(passphrase_field).child(show_row);
        // In a form of its own that nobody keeps: browsers that remember what was typed, for when the page is loaded again, ask it.
        let form = Tag::new("form").attr("autocomplete", "off").child(rows).child(fields);
        let form = form.on("submit", |event| {
            event.prevent_default();
            if let Some(start) = Tag::find("start") {
                start.click();
            }
        });
        let warning = super::trust::is_from_file().then(|| paragraph("warning", texts::KIT_WARNING).id("kit-warning"));
        let tag = job::section(texts::KEY)
            .child(warning)
            .child(form)
            .child(paragraph("hint", if page.app().is_some() { texts::KEY_NOTE_APP } else { texts::KEY_NOTE }));
        Self { tag, by_text, by_passphrase, text, passphrase, chosen }
    }

    /// The way that is chosen.
    pub(super) fn by(&self) -> By {
        if self.by_passphrase.input().checked() {
            By::Passphrase
        } else if self.by_text.input().checked() {
            By::Text
        } else {
            By::File
        }
    }

    /// The file that is chosen.
    pub(super) fn identity(&self) -> Option<Picked> {
        self.chosen.identity.borrow().clone()
    }

    /// What is missing, and where.
    pub(super) fn missing(&self) -> Option<(Failure, &'static str)> {
        let no_passphrase = || Zeroizing::new(self.passphrase.input().value()).is_empty().then(|| (texts::no_passphrase(), "passphrase"));
        match self.by() {
            By::Passphrase => no_passphrase(),
            By::Text => match Zeroizing::new(self.text.text_area().value()).trim() {
                "" => Some((texts::no_key_text(), "key-text")),
                text if is_protected(text) => no_passphrase(),
                _ => None,
            },
            By::File => match self.chosen.identity.borrow().as_ref() {
                None => Some((texts::no_identity(), "identity-file")),
                Some(_) if self.chosen.is_protected.get() => no_passphrase(),
                Some(_) => None,
            },
        }
    }

    /// The key, which is no longer here after that.
    pub(super) fn take(&self) -> Key {
        let passphrase = Zeroizing::new(self.passphrase.input().value());
        let text = Zeroizing::new(self.text.text_area().value());
        self.forget();
        let passphrase_bytes = || Some(Zeroizing::new(passphrase.as_bytes().to_vec()));
        let identity = self.chosen.identity.take();
        match self.by() {
            By::Passphrase => Key { kind: KeyKind::Passphrase, identity: None, secret: passphrase_bytes() },
            By::Text if is_protected(text.trim()) => {
                let file = File::new_with_str_sequence(&Array::of1(&JsValue::from_str(&text)), "identity").ok().map(Picked::Here);
                Key { kind: KeyKind::ProtectedIdentity, identity: file, secret: passphrase_bytes() }
            }
            By::Text => Key { kind: KeyKind::Identity, identity: None, secret: Some(Zeroizing::new(text.as_bytes().to_vec())) },
            By::File if self.chosen.is_protected.get() => Key { kind: KeyKind::ProtectedIdentity, identity, secret: passphrase_bytes() },
            By::File => Key { kind: KeyKind::Identity, identity, secret: None },
        }
    }

    /// Empties what was typed. The browser may keep copies of it that no page can reach, until it needs the memory.
    pub(super) fn forget(&self) {
        self.text.text_area().set_value("");
        self.passphrase.input().set_value("");
    }
}

/// A field for a secret. Not one for passwords: those are offered to be saved, and filled in by browsers.
fn secret(field: Tag) -> Tag {
    field.class("secret").attr("autocomplete", "off").attr("spellcheck", "false").attr("autocapitalize", "off").attr("autocorrect", "off")
}

fn identity_row(page: &Page, chosen: &Rc<Chosen>, known: Option<&Picked>, update: &(impl Fn() + Clone + 'static)) -> Tag {
    let row: Rc<RefCell<Option<Row>>> = Rc::default();
    let choose = {
        let (row, chosen, update) = (Rc::clone(&row), Rc::clone(chosen), update.clone());
        move |file: Option<Picked>| {
            if let Some(row) = &*row.borrow() {
                row.update(file.as_ref());
            }
            chosen.is_protected.set(false);
            chosen.identity.replace(file.clone());
            update();
            if let Some(file) = file {
                let (chosen, update) = (Rc::clone(&chosen), update.clone());
                spawn_local(async move {
                    let is_protected = match &file {
                        Picked::Here(file) => begins_protected(file).await,
                        Picked::InApp(file) => file.is_protected,
                    };
                    chosen.is_protected.set(is_protected);
                    update();
                });
            }
        }
    };
    let take = {
        let choose = choose.clone();
        move |files: Vec<Picked>| choose(files.into_iter().next())
    };
    let remove = {
        let choose = choose.clone();
        move || choose(None)
    };
    let made = Row::new(page, ("identity", texts::IDENTITY, texts::IDENTITY_HINT), Choice::Identity, take.clone(), remove);
    // What is dropped here is no backup.
    let tag = made.tag.clone().on("drop", move |event| {
        event.prevent_default();
        event.stop_propagation();
        super::show_dragging(false);
        take(files::here(files::dropped(&event)));
    });
    row.replace(Some(made));
    choose(known.cloned());
    tag
}

async fn begins_protected(file: &File) -> bool {
    let Ok(start) = file.slice_with_f64_and_f64(0.0, PROTECTED_START_LEN as f64) else { return false };
    let start: Blob = start;
    JsFuture::from(start.text()).await.ok().and_then(|text| text.as_string()).is_some_and(|text| is_protected(&text))
}
