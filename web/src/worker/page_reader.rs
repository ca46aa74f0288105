//! The page as the one who reads: see there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;

use js_sys::{Array, ArrayBuffer, Error, Function, Promise, Reflect};
use wasm_bindgen::JsValue;

use super::send;
use crate::messages::{BUFFER, Chosen, Report, STREAMED_LEN, read_answer};

/// What was asked of the page and not answered yet: for each number what takes the bytes, and what takes an error.
#[derive(Default)]
pub(super) struct PageReader {
    next_id: Cell<u32>,
    asked: RefCell<BTreeMap<u32, (Function, Function)>>,
    /// Memory that is used again, as a browser frees late what nobody uses: it goes to the page with a question, and comes back filled.
    unused: RefCell<Vec<ArrayBuffer>>,
}

impl PageReader {
    /// Asks for bytes of a file; gives the promise of an `ArrayBuffer` that begins with them.
    pub(super) fn read(&self, file: Chosen, range: &Range<u64>) -> Promise {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        let answered = Promise::new(&mut |take, fail| {
            self.asked.borrow_mut().insert(id, (take, fail));
        });
        let question = Report::Read { id, file, start: range.start, end: range.end };
        let unused = self.unused.borrow_mut().pop();
        let sent = match &unused {
            Some(buffer) => send(&question, Some((BUFFER, buffer)), &Array::of1(buffer)),
            None => send(&question, None, &Array::new()),
        };
        match sent {
            Ok(()) => answered,
            Err(error) => Promise::reject(&error),
        }
    }

    /// Takes a buffer that nobody uses any more, if it is one for long pieces.
    pub(super) fn use_again(&self, buffer: ArrayBuffer) {
        if u64::from(buffer.byte_length()) >= STREAMED_LEN {
            self.unused.borrow_mut().push(buffer);
        }
    }

    /// Takes an answer of the page; whether it is one.
    pub(super) fn take(&self, data: &JsValue) -> bool {
        let field = |name: &str| Reflect::get(data, &name.into()).ok().filter(|value| !value.is_undefined());
        let Some(id) = field(read_answer::ID).and_then(|id| id.as_f64()) else { return false };
        let asked = self.asked.borrow().keys().copied().find(|asked| f64::from(*asked) == id);
        let answered = asked.and_then(|asked| self.asked.borrow_mut().remove(&asked));
        if let Some((take, fail)) = answered {
            let _ = match field(read_answer::BYTES) {
                Some(bytes) => take.call1(&JsValue::UNDEFINED, &bytes),
                None => fail.call1(&JsValue::UNDEFINED, &error(&field(read_answer::ERROR).unwrap_or_default())),
            };
        }
        true
    }
}

/// An error with these words.
fn error(words: &JsValue) -> Error {
    Error::new(&words.as_string().unwrap_or_default())
}
