//! A file read as one stream into the same few buffers over and over. Each slice of it would be new memory, which a browser frees so late
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

/// Reads of fewer bytes are no part of a walk through the file.
const MIN_LEN: u64 = 1 << 20;

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
    /// Those that nobody uses.
    buffers: RefCell<Vec<ArrayBuffer>>,
}

struct Positioned {
    reader: BufferReader,
    /// The byte of the file that the next read begins with.
    at: u64,
}

/// Bytes in a buffer, which is used again when this is dropped.
pub(super) struct Filled {
    pub(super) bytes: Uint8Array,
    state: Rc<State>,
}

/// A read in the queue. Dropped before it has ended, it ends the stream.
struct Queued {
    state: Rc<State>,
    has_ended: bool,
}

impl FileStream {
    pub(super) fn new(blob: Blob) -> Self {
        Self { blob, state: Rc::new(State { reader: RefCell::default(), works: Cell::new(true), buffers: RefCell::default() }) }
    }

    /// Begins to read, unless this is nothing for a stream. `None` in the end where not all of it came: whoever asked then has to read it
    /// in another way, and so do all that asked after them, as the stream is no longer where it should be.
    pub(super) fn read(&self, range: &Range<u64>) -> Option<impl Future<Output = Option<Filled>> + use<>> {
        if range.end - range.start < MIN_LEN || !self.state.works.get() {
            return None;
        }
        let mut queued = Queued { state: Rc::clone(&self.state), has_ended: false };
        let reading = self.begin(range).ok()?;
        let wanted_len = range.end - range.start;
        Some(async move {
            let bytes = JsFuture::from(reading).await.ok().and_then(|read| Reflect::get(&read, &"value".into()).ok());
            let bytes = bytes.and_then(|bytes| bytes.dyn_into::<Uint8Array>().ok());
            queued.has_ended = bytes.as_ref().is_some_and(|bytes| u64::from(bytes.length()) == wanted_len);
            let state = &queued.state;
            bytes.filter(|_| queued.has_ended && state.works.get()).map(|bytes| Filled { bytes, state: Rc::clone(state) })
        })
    }

    fn begin(&self, range: &Range<u64>) -> Result<Promise, JsValue> {
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
        let options = Object::new();
        Reflect::set(&options, &"min".into(), &number(range.end - range.start).into())?;
        Ok(reader.reader.read(&self.state.buffer(range.end - range.start), &options))
    }
}

impl State {
    /// A view of `len` bytes of a buffer.
    fn buffer(&self, len: u64) -> Uint8Array {
        let len = u32::try_from(len).expect("a piece fits the memory");
        let unused = self.buffers.borrow_mut().pop().filter(|buffer| buffer.byte_length() >= len);
        Uint8Array::new_with_byte_offset_and_length(&unused.unwrap_or_else(|| ArrayBuffer::new(len)), 0, len)
    }

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

impl Drop for Filled {
    fn drop(&mut self) {
        self.state.buffers.borrow_mut().push(self.bytes.buffer());
    }
}
