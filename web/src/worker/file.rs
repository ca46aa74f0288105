//! A file that a person chose, read in pieces.

use std::ops::Range;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::output::reason;
use super::page_reader::PageReader;
use crate::engine::{Piece, ReadError, Source};
use crate::messages::{Chosen, STREAMED_LEN};
use crate::objects;

pub(super) struct FileSource {
    blob: Blob,
    len: u64,
    which: Chosen,
    reads: Reads,
    page: Rc<PageReader>,
}

/// What the worker reads itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// All but long pieces of the backup.
    Short,
    /// Nothing: it may not.
    Nothing,
}

/// Outside the memory of the program, until it is copied.
pub(super) struct FilePiece {
    bytes: Uint8Array,
    which: Chosen,
    page: Rc<PageReader>,
}

impl FileSource {
    /// Finds out who can read it by trying.
    pub(super) async fn open(blob: Blob, which: Chosen, page: &Rc<PageReader>) -> Self {
        let len = objects::len(&blob);
        let mut file = Self { blob, len, which, reads: Reads::Short, page: Rc::clone(page) };
        if file.read(0..len.min(1)).await.is_err() {
            file.reads = Reads::Nothing;
        }
        file
    }

    fn begin(&self, range: &Range<u64>) -> Result<Promise, JsValue> {
        let is_long = self.which == Chosen::Backup && range.end - range.start >= STREAMED_LEN;
        if is_long || self.reads == Reads::Nothing {
            return Ok(self.page.read(self.which, range));
        }
        objects::read(&self.blob, range)
    }
}

impl Source for FileSource {
    type Piece = FilePiece;

    fn len(&self) -> u64 {
        self.len
    }

    /// The browser refuses a slice of a file that has changed since it was chosen, and a stream of one that had changed when it was begun.
    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<FilePiece, ReadError>> + use<> {
        let (started, which, page) = (self.begin(&range), self.which, Rc::clone(&self.page));
        async move {
            let failed = |error: JsValue| ReadError(reason(&error));
            let buffer: ArrayBuffer = JsFuture::from(started.map_err(failed)?).await.map_err(failed)?.unchecked_into();
            let wanted_len = u32::try_from(range.end - range.start).expect("a piece fits the memory");
            let mut piece = FilePiece { bytes: Uint8Array::new(&buffer), which, page };
            if piece.bytes.length() < wanted_len {
                return Err(ReadError("it is shorter than it was".into()));
            }
            // A buffer that was used before may be longer.
            piece.bytes = piece.bytes.subarray(0, wanted_len);
            Ok(piece)
        }
    }
}

impl Piece for FilePiece {
    fn copy_to(&self, bytes: &mut [u8]) {
        self.bytes.copy_to(bytes);
    }
}

impl Drop for FilePiece {
    fn drop(&mut self) {
        match self.which {
            Chosen::Backup => self.page.use_again(self.bytes.buffer()),
            Chosen::Identity => drop(self.bytes.fill(0, 0, self.bytes.length())),
            Chosen::Seal => {}
        }
    }
}
