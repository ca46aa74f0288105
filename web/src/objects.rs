//! What the browser's objects say, for page and worker alike.

use std::ops::Range;

use js_sys::{Promise, Reflect};
use wasm_bindgen::JsValue;
use web_sys::Blob;

/// The length of a file in bytes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53, which JavaScript's numbers hold")]
pub(crate) fn len(file: &Blob) -> u64 {
    file.size() as u64
}

/// Begins to read bytes of a file: the promise of an `ArrayBuffer`, which has fewer where the file does.
pub(crate) fn read(file: &Blob, range: &Range<u64>) -> Result<Promise, JsValue> {
    Ok(file.slice_with_f64_and_f64(number(range.start), number(range.end))?.array_buffer())
}

/// JavaScript's numbers hold each whole number up to 2^53, and no file is longer than 2^53 bytes.
#[expect(clippy::cast_precision_loss, reason = "2^53 bytes are 9 petabytes")]
pub(crate) fn number(len: u64) -> f64 {
    len as f64
}

/// What the browser says of an error; nothing where it gives no reason.
pub(crate) fn words_of(error: &JsValue) -> String {
    Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string()).unwrap_or_default()
}
