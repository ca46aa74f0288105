//! A file that a person chose, read in pieces.

use std::ops::Range;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::output::reason;
use super::page_reader::PageReader;
use super::stream::{FileStream, Filled};
use crate::engine::{Piece, ReadError, Source};
use crate::messages::Chosen;
use crate::objects;

pub(super) struct FileSource {
    blob: Blob,
    len: u64,
    which: Chosen,
    /// How what is long is read. Of the backup alone: a secret would stay in the buffers.
    stream: Option<FileStream>,
    /// Who reads it, where the worker may not.
    page: Option<Rc<PageReader>>,
}

/// Outside the memory of the program, until it is copied.
pub(super) enum FilePiece {
    Sliced(Uint8Array, Chosen),
    Streamed(Filled),
}

impl FileSource {
    /// Finds out who can read it by trying.
    pub(super) async fn open(blob: Blob, which: Chosen, page: &Rc<PageReader>) -> Self {
        let len = objects::len(&blob);
        let stream = (which == Chosen::Backup).then(|| FileStream::new(blob.clone()));
        let mut file = Self { blob, len, which, stream, page: None };
        if file.read(0..len.min(1)).await.is_err() {
            (file.page, file.stream) = (Some(Rc::clone(page)), None);
        }
        file
    }

    fn begin(&self, range: &Range<u64>) -> Result<Promise, JsValue> {
        match &self.page {
            Some(page) => Ok(page.read(self.which, range)),
            None => objects::read(&self.blob, range),
        }
    }
}

impl Source for FileSource {
    type Piece = FilePiece;

    fn len(&self) -> u64 {
        self.len
    }

    /// The browser refuses a slice of a file that has changed since it was chosen, and a stream of one that had changed when it was begun.
    fn read(&self, range: Range<u64>) -> impl Future<Output = Result<FilePiece, ReadError>> + use<> {
        let streamed = self.stream.as_ref().and_then(|stream| stream.read(&range));
        let sliced = if streamed.is_none() { Some(self.begin(&range)) } else { None };
        let (blob, which) = (self.blob.clone(), self.which);
        async move {
            if let Some(streamed) = streamed
                && let Some(filled) = streamed.await
            {
                return Ok(FilePiece::Streamed(filled));
            }
            let failed = |error: JsValue| ReadError(reason(&error));
            let sliced = sliced.unwrap_or_else(|| objects::read(&blob, &range)).map_err(failed)?;
            let buffer: ArrayBuffer = JsFuture::from(sliced).await.map_err(failed)?.unchecked_into();
            let bytes = Uint8Array::new(&buffer);
            if u64::from(bytes.length()) != range.end - range.start {
                return Err(ReadError("it is shorter than it was".into()));
            }
            Ok(FilePiece::Sliced(bytes, which))
        }
    }
}

impl Piece for FilePiece {
    fn copy_to(&self, bytes: &mut [u8]) {
        match self {
            Self::Streamed(filled) => filled.bytes.copy_to(bytes),
            Self::Sliced(read, which) => {
                read.copy_to(bytes);
                if *which == Chosen::Identity {
                    read.fill(0, 0, read.length());
                }
            }
        }
    }
}
