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

/// A file, and where in it the stream is.
pub(super) struct FileStream {
    blob: Blob,
    reader: RefCell<Option<Positioned>>,
    /// Whether every read so far gave what was asked for.
    works: Rc<Cell<bool>>,
    buffers: Buffers,
}

struct Positioned {
    reader: BufferReader,
    /// The byte of the file that the next read begins with.
    at: u64,
}

/// Those that nobody uses.
#[derive(Clone, Default)]
struct Buffers(Rc<RefCell<Vec<ArrayBuffer>>>);

/// Bytes in a buffer, which is used again when this is dropped.
pub(super) struct Filled {
    pub(super) bytes: Uint8Array,
    buffers: Buffers,
}

impl FileStream {
    pub(super) fn new(blob: Blob) -> Self {
        Self { blob, reader: RefCell::default(), works: Rc::new(Cell::new(true)), buffers: Buffers::default() }
    }

    /// Begins to read, unless this is nothing for a stream. `None` in the end where not all of it came: whoever asked then has to read it
    /// in another way, and so are all that come after it, as the stream is no longer where it should be.
    pub(super) fn read(&self, range: &Range<u64>) -> Option<impl Future<Output = Option<Filled>> + use<>> {
        if range.end - range.start < MIN_LEN || !self.works.get() {
            return None;
        }
        let reading = self.begin(range);
        self.works.set(reading.is_ok());
        let (reading, works, buffers) = (reading.ok()?, Rc::clone(&self.works), self.buffers.clone());
        let wanted_len = range.end - range.start;
        Some(async move {
            let bytes = JsFuture::from(reading).await.ok().and_then(|read| Reflect::get(&read, &"value".into()).ok());
            let bytes = bytes.and_then(|bytes| bytes.dyn_into::<Uint8Array>().ok());
            let filled = bytes.filter(|bytes| works.get() && u64::from(bytes.length()) == wanted_len);
            works.set(filled.is_some());
            filled.map(|bytes| Filled { bytes, buffers })
        })
    }

    fn begin(&self, range: &Range<u64>) -> Result<Promise, JsValue> {
        let mut reader = self.reader.borrow_mut();
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
        Ok(reader.reader.read(&self.buffers.take(range.end - range.start), &options))
    }
}

impl Drop for FileStream {
    fn drop(&mut self) {
        if let Some(open) = self.reader.take() {
            let _ = open.reader.cancel();
        }
    }
}

impl Buffers {
    /// A view of `len` bytes of a buffer.
    fn take(&self, len: u64) -> Uint8Array {
        let len = u32::try_from(len).expect("a piece fits the memory");
        let unused = self.0.borrow_mut().pop().filter(|buffer| buffer.byte_length() >= len);
        Uint8Array::new_with_byte_offset_and_length(&unused.unwrap_or_else(|| ArrayBuffer::new(len)), 0, len)
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        self.buffers.0.borrow_mut().push(self.bytes.buffer());
    }
}
