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
}

/// A file, and where in it the stream is. Reads are queued: one that does not come to its end spoils all after it.
pub(super) struct FileStream {
    blob: Blob,
    state: Rc<State>,
}

struct State {
    reader: RefCell<Option<Positioned>>,
    /// Whether every read so far gave what was asked for.
    works: Cell<bool>,
}

struct Positioned {
    reader: BufferReader,
    /// The byte of the file that the next read begins with.
    at: u64,
}

/// A read in the queue. Dropped before it has ended, it ends the stream.
struct Queued {
    state: Rc<State>,
    has_ended: bool,
}

impl FileStream {
    pub(super) fn new(blob: Blob) -> Self {
        Self { blob, state: Rc::new(State { reader: RefCell::default(), works: Cell::new(true) }) }
    }

    /// Begins to read these bytes to the start of a buffer, which is gone. `None`, now or in the end, where not all of it comes: whoever asks
    /// then has to read it in another way, and so do all that ask after them, as the stream is no longer where it should be.
    pub(super) fn read(
        &self,
        range: &Range<u64>,
        buffer: Option<ArrayBuffer>,
    ) -> Option<impl Future<Output = Option<ArrayBuffer>> + use<>> {
        let mut queued = Queued { has_ended: !self.state.works.get(), state: Rc::clone(&self.state) };
        if queued.has_ended {
            return None;
        }
        let reading = self.begin(range, buffer).ok()?;
        let wanted_len = range.end - range.start;
        Some(async move {
            let bytes = JsFuture::from(reading).await.ok().and_then(|read| Reflect::get(&read, &"value".into()).ok());
            let bytes = bytes.and_then(|bytes| bytes.dyn_into::<Uint8Array>().ok());
            queued.has_ended = bytes.as_ref().is_some_and(|bytes| u64::from(bytes.length()) == wanted_len);
            bytes.filter(|_| queued.has_ended && queued.state.works.get()).map(|bytes| bytes.buffer())
        })
    }

    fn begin(&self, range: &Range<u64>, buffer: Option<ArrayBuffer>) -> Result<Promise, JsValue> {
        let mut reader = self.state.reader.borrow_mut();
        if let Some(elsewhere) = reader.take_if(|reader| reader.at != range.start) {
            // It would keep what it has read ahead.
            let _ = elsewhere.reader.cancel();
        }
        let reader = match &mut *reader {
            Some(reader) => reader,
            none => {
                let rest = self.blob.slice_with_f64(number(range.start))?;
                none.insert(Positioned { reader: BufferReader::new(&rest.stream())?, at: range.start })
            }
        };
        reader.at = range.end;
        let len = u32::try_from(range.end - range.start).map_err(|_| JsValue::UNDEFINED)?;
        let buffer = buffer.filter(|buffer| buffer.byte_length() >= len).unwrap_or_else(|| ArrayBuffer::new(len));
        let options = Object::new();
        Reflect::set(&options, &"min".into(), &len.into())?;
        Ok(reader.reader.read(&Uint8Array::new_with_byte_offset_and_length(&buffer, 0, len), &options))
    }
}

impl State {
    fn end(&self) {
        if let Some(open) = self.reader.take() {
            let _ = open.reader.cancel();
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if !self.has_ended {
            self.state.works.set(false);
            self.state.end();
        }
    }
}

impl Drop for FileStream {
    fn drop(&mut self) {
        self.state.end();
    }
}
