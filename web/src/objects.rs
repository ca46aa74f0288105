//! What the browser's objects say, for page and worker alike.

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use web_sys::Blob;

/// The length of a file in bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53, which JavaScript's numbers hold")]
pub(crate) fn len(file: &Blob) -> u64 {
    file.size() as u64
}

/// What the browser says of an error; nothing where it gives no reason.
pub(crate) fn words_of(error: &JsValue) -> String {
    Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string()).unwrap_or_default()
}
