//! A file read as one stream into buffers that are used over and over. Each slice of it would be new memory, which a browser frees so late
//! that gigabytes add up, and costs it a third more of its processor time.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStream};

use crate::objects::number;

#[wasm_bindgen]
extern "C" {
    /// Fills buffers that it is given, and gives them back. Streams standard, section 4.5.
    #[wasm_bindgen(js_name = ReadableStreamBYOBReader)]
    type BufferReader;

    /// Throws for a stream that cannot do so.
    #[wasm_bindgen(catch, constructor, js_class = "ReadableStreamBYOBReader")]
    fn new(stream: &ReadableStream) -> Result<BufferReader, JsValue>;

    #[wasm_bindgen(method)]
    fn read(this: &BufferReader, view: &Uint8Array, options: &Object) -> Promise;

    #[wasm_bindgen(method)]
    fn cancel(this: &BufferReader) -> Promise;

    #[wasm_bindgen(extends = ArrayBuffer, js_name = ArrayBuffer)]
    type NewBuffer;

    /// Throws where there is no memory for it.
    #[wasm_bindgen(catch, constructor, js_class = "ArrayBuffer")]
    fn new(len: u32) -> Result<NewBuffer, JsValue>;
}

/// A file, and the stream of it that is open. Reads are queued: one that does not come to its end spoils all after it.
pub(super) struct FileStream {
    blob: Blob,
    open: RefCell<Option<Rc<Open>>>,
    /// Whether every read so far gave what was asked for.
    works: Rc<Cell<bool>>,
}

struct Open {
    reader: BufferReader,
    /// The byte of the file that the next read begins with.
    at: Cell<u64>,
    /// Whether reading went on elsewhere.
    is_left: Cell<bool>,
}

/// A read in the queue. Dropped before it has ended, it ends its stream.
struct Queued {
    open: Rc<Open>,
    works: Rc<Cell<bool>>,
    has_ended: bool,
}

impl FileStream {
    pub(super) fn new(blob: Blob) -> Self {
        Self { blob, open: RefCell::default(), works: Rc::new(Cell::new(true)) }
    }

    /// Begins to read these bytes to the start of a buffer, which is gone. `None`, now or in the end, where not all of it comes: whoever asks
    /// then has to read it in another way, and so do all that ask after them, as the stream is no longer where it should be.
    pub(super) fn read(
        &self,
        range: &Range<u64>,
        buffer: Option<ArrayBuffer>,
    ) -> Option<impl Future<Output = Option<ArrayBuffer>> + use<>> {
        if !self.works.get() {
            return None;
        }
        let begun = self.begin(range, buffer);
        self.works.set(begun.is_ok());
        let (open, reading) = begun.ok()?;
        let (mut queued, wanted_len) = (Queued { open, works: Rc::clone(&self.works), has_ended: false }, range.end - range.start);
        Some(async move {
            let bytes = JsFuture::from(reading).await.ok().and_then(|read| Reflect::get(&read, &"value".into()).ok());
            let bytes = bytes.and_then(|bytes| bytes.dyn_into::<Uint8Array>().ok());
            queued.has_ended = bytes.as_ref().is_some_and(|bytes| u64::from(bytes.length()) == wanted_len);
            bytes.filter(|_| queued.has_ended && queued.works.get()).map(|bytes| bytes.buffer())
        })
    }

    fn begin(&self, range: &Range<u64>, buffer: Option<ArrayBuffer>) -> Result<(Rc<Open>, Promise), JsValue> {
        let len = u32::try_from(range.end - range.start).map_err(|_| JsValue::UNDEFINED)?;
        let buffer = match buffer.filter(|buffer| buffer.byte_length() >= len) {
            Some(buffer) => buffer,
            None => NewBuffer::new(len)?.into(),
        };
        let options = Object::new();
        Reflect::set(&options, &"min".into(), &len.into())?;
        let open = self.open_at(range.start)?;
        open.at.set(range.end);
        let reading = open.reader.read(&Uint8Array::new_with_byte_offset_and_length(&buffer, 0, len), &options);
        Ok((open, reading))
    }

    /// The stream, where the next byte is this one of the file.
    fn open_at(&self, at: u64) -> Result<Rc<Open>, JsValue> {
        if let Some(open) = self.open.borrow().as_ref().filter(|open| open.at.get() == at) {
            return Ok(Rc::clone(open));
        }
        self.leave();
        let rest = self.blob.slice_with_f64(number(at))?;
        let open = Rc::new(Open { reader: BufferReader::new(&rest.stream())?, at: Cell::new(at), is_left: Cell::default() });
        self.open.replace(Some(Rc::clone(&open)));
        Ok(open)
    }

    fn leave(&self) {
        if let Some(open) = self.open.take() {
            open.is_left.set(true);
            // It would keep what it has read ahead.
            let _ = open.reader.cancel();
        }
    }
}

impl Drop for FileStream {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if !self.has_ended && !self.open.is_left.get() {
            self.works.set(false);
            let _ = self.open.reader.cancel();
        }
    }
}
