//! Downloads: files that the page made itself.

use js_sys::Array;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, Url};

use super::Page;
use super::elements::{Tag, window};

/// In milliseconds: a browser that asks where a download goes has taken hold of it by then.
pub(super) const HELD_FOR: i32 = 60_000;

/// Hands an output to the browser's downloads. It is said to be of no known type: else Chromium looks at it, and adds an ending that fits.
pub(super) fn save_output(file: &Blob, name: &str) {
    match file.slice_with_f64_and_f64_and_content_type(0.0, file.size(), "application/octet-stream") {
        Ok(file) => save(&file, name),
        Err(_) => save(file, name),
    }
}

fn save(file: &Blob, name: &str) {
    let Ok(url) = Url::create_object_url_with_blob(file) else { return };
    Tag::new("a").attr("href", &url).attr("download", name).click();
    // Until then the file cannot be given up.
    let release = Closure::once_into_js(move || Url::revoke_object_url(&url));
    let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(release.unchecked_ref(), HELD_FOR);
}

/// Lets the person have a text as a file: by the app's dialog, or as a download.
pub(super) fn save_text(page: &Page, text: &str, name: &str) {
    if let Some(app) = page.app() {
        app.save_text(name, text);
        return;
    }
    let kind = BlobPropertyBag::new();
    kind.set_type("text/plain;charset=utf-8");
    if let Ok(blob) = Blob::new_with_str_sequence_and_options(&Array::of1(&JsValue::from_str(text)), &kind) {
        save(&blob, name);
    }
}

/// The time by this computer's clock.
pub(super) fn now() -> String {
    let time: String = js_sys::Date::new_0().to_iso_string().into();
    // To the second, as everywhere: "2026-11-28T16:17:02.123Z".
    time.split_once('.').map_or_else(|| time.clone(), |(seconds, _)| format!("{seconds}Z"))
}
