//! Whom the person trusts, and remembering it if they ask for that.

use std::rc::Rc;

use dbseal_core::Trust;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{File, Storage};

use super::elements::{Tag, choice, div, paragraph, window};
use super::notice::Notice;
use super::{Page, native, texts};
use crate::engine::has_private_key;
use crate::messages::Failure;
use crate::objects;

const STORED_AS: &str = "dbseal-trust";
/// In bytes: thousands of keys. More is another file, chosen by mistake.
const MAX_FILE_LEN: u64 = 1 << 20;

/// What was remembered; nothing if nothing was.
pub(super) fn remembered() -> String {
    let stored = storage().and_then(|storage| storage.get_item(STORED_AS).ok().flatten());
    stored.filter(|lines| may_be_remembered(lines)).unwrap_or_default()
}

/// Remembers the lines that are known, if that was asked for.
fn store(page: &Page) {
    match &*page.0.trust.borrow() {
        Lines::Known(lines) if page.0.remembers.get() => remember(lines),
        _ => forget(),
    }
}

/// Remembers lines, and nothing that somebody put there by mistake. What was remembered before goes in any case: a key that was taken back
/// must not come back.
fn remember(lines: &str) {
    match storage() {
        Some(storage) if may_be_remembered(lines) => {
            let _ = storage.set_item(STORED_AS, lines);
        }
        _ => forget(),
    }
}

fn forget() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(STORED_AS);
    }
}

/// Whether these are lines of trust, without a private key, not even in a comment.
fn may_be_remembered(lines: &str) -> bool {
    !has_private_key(lines.as_bytes()) && Trust::parse(lines).is_ok()
}

/// Lines of trust. While a file of them is being read, and where that failed, nothing is done with those that were there before: with
/// fewer lines more is believed.
pub(super) enum Lines {
    Known(String),
    Coming,
    Lost,
}

impl Lines {
    fn text(&self) -> &str {
        match self {
            Self::Known(lines) => lines,
            Self::Coming | Self::Lost => "",
        }
    }
}

/// Whom the person trusts, or why that is not known now.
pub(super) fn chosen(page: &Page) -> Result<String, (Failure, &'static str)> {
    match &*page.0.trust.borrow() {
        Lines::Known(lines) => Ok(lines.clone()),
        Lines::Coming => Err((texts::still_reading_trust(), "trust")),
        Lines::Lost => Err((texts::trust_lost(), "trust")),
    }
}

/// Where lines are remembered. Not in a page that was opened from a file: some browsers let all such pages share what they
/// remember, and a page that lies beside the backups could add its own signer to those who are trusted.
fn storage() -> Option<Storage> {
    if is_from_file() {
        return None;
    }
    window().local_storage().ok().flatten()
}

/// Whether this page was opened from a file, and not from a server.
pub(super) fn is_from_file() -> bool {
    window().location().protocol().is_ok_and(|protocol| protocol == "file:")
}

/// The part of a form where the person says whom they trust.
pub(super) fn section(page: &Page, notice: &Notice) -> Tag {
    let area = Tag::new("textarea").id("trust").attr("rows", "3").attr("spellcheck", "false").attr("autocomplete", "off");
    let area = area.attr("autocapitalize", "off").attr("placeholder", texts::TRUST_EXAMPLE).attr("aria-describedby", "trust-hint");
    area.text_area().set_value(page.0.trust.borrow().text());
    let (remember_row, tick) = choice(
        "checkbox",
        "remember",
        "remember-trust",
        if page.app().is_some() { texts::TRUST_REMEMBER_APP } else { texts::TRUST_REMEMBER },
        texts::TRUST_REMEMBER_HINT,
    );
    tick.input().set_checked(page.0.remembers.get());

    let area = area.clone().on("input", {
        let (page, area) = (page.clone(), area.clone());
        move |_| {
            // Until it is whole again, which shows when the field is left.
            forget();
            page.0.trust.replace(Lines::Known(area.text_area().value()));
        }
    });
    let area = area.on("change", {
        let page = page.clone();
        move |_| store(&page)
    });
    let _ = tick.clone().on("change", {
        let page = page.clone();
        move |_| {
            page.0.remembers.set(tick.input().checked());
            store(&page);
        }
    });
    let chooser =
        Tag::new("label").class("file-chooser").child(chooser(page, &area, notice)).child(Tag::new("span").text(texts::TRUST_FILE));
    super::job::section(texts::TRUST)
        .child(Tag::new("label").class("label").attr("for", "trust").text(texts::TRUST_LABEL))
        .child(paragraph("hint", texts::TRUST_HINT).id("trust-hint"))
        .child(page.app().map(|_| default_files()))
        .child(area)
        .child(div("row").child(chooser).child(storage().map(|_| remember_row)))
}

/// The files that the app asks where nobody is named here, once it has said which.
fn default_files() -> Tag {
    let hint = paragraph("hint", "").id("trust-default");
    hint.show(false);
    spawn_local({
        let hint = hint.clone();
        async move {
            if let Some(about) = native::about().await.filter(|about| !about.trust_files.is_empty()) {
                hint.set_text(&format!("{}{}", texts::TRUST_DEFAULT, texts::visible(&about.trust_files.join(", "))));
                hint.show(true);
            }
        }
    });
    hint
}

/// What a file of lines is chosen with: the browser's own way, or the app's.
fn chooser(page: &Page, area: &Tag, notice: &Notice) -> Tag {
    let (page, area, notice) = (page.clone(), area.clone(), notice.clone());
    let named = |tag: &str| Tag::new(tag).id("trust-file").class("file-input").attr("aria-label", texts::TRUST_FILE);
    match page.app() {
        None => named("input").attr("type", "file").on("change", move |event| {
            let Some(input) = event.current_target() else { return };
            let input: web_sys::HtmlInputElement = input.unchecked_into();
            let chosen = input.files().and_then(|list| list.get(0));
            input.set_value("");
            if let Some(chosen) = chosen {
                read(chosen, page.clone(), area.clone(), notice.clone());
            }
        }),
        Some(app) => named("button").attr("type", "button").on("click", move |_| {
            let (app, page, area, notice) = (Rc::clone(&app), page.clone(), area.clone(), notice.clone());
            spawn_local(async move {
                match app.choose_trust().await {
                    Ok(None) => {}
                    Ok(Some(text)) => take(&text, &page, &area, &notice),
                    Err(failure) => {
                        page.0.trust.replace(Lines::Lost);
                        notice.fail(&failure);
                    }
                }
            });
        }),
    }
}

/// Trusts whom a file says.
fn take(text: &str, page: &Page, area: &Tag, notice: &Notice) {
    area.text_area().set_value(text);
    page.0.trust.replace(Lines::Known(area.text_area().value()));
    store(page);
    notice.clear();
}

fn read(file: File, page: Page, area: Tag, notice: Notice) {
    if objects::len(&file) > MAX_FILE_LEN {
        notice.fail(&texts::trust_file_too_long());
        return;
    }
    page.0.trust.replace(Lines::Coming);
    spawn_local(async move {
        match JsFuture::from(file.text()).await {
            Ok(text) => take(&text.as_string().unwrap_or_default(), &page, &area, &notice),
            Err(_) => {
                page.0.trust.replace(Lines::Lost);
                notice.fail(&texts::unreadable_file());
            }
        }
    });
}
