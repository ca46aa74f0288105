//! A file that a person chose, read in pieces.

use js_sys::{ArrayBuffer, Uint8Array};
use std::ops::Range;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::output::reason;
use crate::engine::{Piece, ReadError, Source};
use crate::objects;

pub(super) struct FileSource {
    blob: Blob,
    len: u64,
}

/// Outside the memory of the program, until it is copied.
pub(super) struct FilePiece(Uint8Array);

impl FileSource {
    pub(super) fn new(blob: Blob) -> Self {
        let len = objects::len(&blob);
        Self { blob, len }
    }
}

impl Source for FileSource {
    type Piece = FilePiece;

    fn len(&self) -> u64 {
        self.len
    }

    /// The browser refuses to read a file that has changed since it was chosen.
    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<FilePiece, ReadError>> + use<> {
        let wanted_len = range.end - range.start;
        let started = self.blob.slice_with_f64_and_f64(number(range.start), number(range.end)).map(|slice| slice.array_buffer());
        async move {
            let failed = |error: JsValue| ReadError(reason(&error));
            let buffer: ArrayBuffer = JsFuture::from(started.map_err(failed)?).await.map_err(failed)?.unchecked_into();
            let piece = Uint8Array::new(&buffer);
            if u64::from(piece.length()) == wanted_len { Ok(FilePiece(piece)) } else { Err(ReadError("it is shorter than it was".into())) }
        }
    }
}

impl Piece for FilePiece {
    fn copy_to(&self, bytes: &mut [u8]) {
        self.0.copy_to(bytes);
    }
}

/// JavaScript's numbers hold each whole number up to 2^53, and no file is longer than 2^53 bytes.
#[expect(clippy::cast_precision_loss, reason = "2^53 bytes are 9 petabytes")]
pub(super) fn number(len: u64) -> f64 {
    len as f64
}
