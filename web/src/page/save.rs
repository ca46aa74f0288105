//! Downloads: files that the page made itself.

use js_sys::Array;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag, Url};

use super::elements::{Tag, button, paragraph, window};
use super::{Page, native, texts};
use crate::messages::desktop::Saved;

/// In milliseconds: a browser that asks where a download goes has taken hold of it by then.
pub(super) const HELD_FOR: i32 = 60_000;

/// Hands an output to the browser's downloads. It is said to be of no known type: else Chromium looks at it, and adds an ending that fits.
pub(super) fn save_output(file: &Blob, name: &str) {
    let _ = match file.slice_with_f64_and_f64_and_content_type(0.0, file.size(), "application/octet-stream") {
        Ok(file) => save(&file, name),
        Err(_) => save(file, name),
    };
}

/// Whether that could begin.
fn save(file: &Blob, name: &str) -> bool {
    let Ok(url) = Url::create_object_url_with_blob(file) else { return false };
    Tag::new("a").attr("href", &url).attr("download", name).click();
    // Until then the file cannot be given up.
    let release = Closure::once_into_js(move || Url::revoke_object_url(&url));
    let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(release.unchecked_ref(), HELD_FOR);
    true
}

/// A text that the person may keep as a file.
pub(super) struct Text {
    pub(super) what: Saved,
    /// What the file is called if nobody says otherwise.
    pub(super) name: String,
    /// What the button says.
    pub(super) label: &'static str,
    /// What is said when the browser has begun to save it, and when it does so in the app.
    pub(super) started: [&'static str; 2],
}

/// A button by which the person has a report as a file, by the app's dialog or as a download, and a place where it says so.
pub(super) fn report(page: &Page, class: &str, name: String, text: impl Fn() -> String + 'static) -> [Tag; 2] {
    let started = [texts::REPORT_STARTED, texts::REPORT_STARTED_APP];
    keep(page, ("save-report", class), Text { what: Saved::Report, name, label: texts::SAVE_REPORT, started }, text)
}

/// The same with any text.
pub(super) fn keep(page: &Page, (id, class): (&str, &str), kept: Text, text: impl Fn() -> String + 'static) -> [Tag; 2] {
    let note = paragraph("hint", "").id(&format!("{}-note", id.trim_start_matches("save-"))).attr("role", "status");
    let Text { what, name, label, started: [started, started_app] } = kept;
    let save = button(id, class, label, {
        let (page, note) = (page.clone(), note.clone());
        move |_| {
            let (app, note, name, text) = (page.app(), note.clone(), name.clone(), text());
            spawn_local(async move {
                match app {
                    // Where it is not saved, the app has said why, or the person did not want it.
                    Some(app) => {
                        let path = app.save_text(what, &name, &text).await;
                        note.set_text(&path.map(|path| texts::saved_as(&path)).unwrap_or_default());
                    }
                    None if !download(&text, &name) => {}
                    None => note.set_text(if native::is_around() { started_app } else { started }),
                }
            });
        }
    });
    [save, note]
}

/// Whether that could begin.
fn download(text: &str, name: &str) -> bool {
    let kind = BlobPropertyBag::new();
    kind.set_type("text/plain;charset=utf-8");
    Blob::new_with_str_sequence_and_options(&Array::of1(&JsValue::from_str(text)), &kind).is_ok_and(|blob| save(&blob, name))
}

/// The time by this computer's clock.
pub(super) fn now() -> String {
    let time: String = js_sys::Date::new_0().to_iso_string().into();
    // To the second, as everywhere: "2026-11-28T16:17:02.123Z".
    time.split_once('.').map_or_else(|| time.clone(), |(seconds, _)| format!("{seconds}Z"))
}
