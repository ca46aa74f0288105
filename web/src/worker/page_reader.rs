//! The page as the one who reads, where a worker may not: WebKit lets no worker of a page that was opened from a file read anything.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::JsValue;

use super::post;
use crate::messages::{Chosen, Report, read_answer};

/// What was asked of the page and not answered yet: for each number what takes the bytes, and what takes an error.
#[derive(Default)]
pub(super) struct PageReader {
    next_id: Cell<u32>,
    asked: RefCell<BTreeMap<u32, (Function, Function)>>,
}

impl PageReader {
    /// Asks for bytes of a file; gives the promise of an `ArrayBuffer`.
    pub(super) fn read(&self, file: Chosen, range: &Range<u64>) -> Promise {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        let answered = Promise::new(&mut |take, fail| {
            self.asked.borrow_mut().insert(id, (take, fail));
        });
        post(&Report::Read { id, file, start: range.start, end: range.end }, None);
        answered
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
                None => fail.call1(&JsValue::UNDEFINED, &field(read_answer::ERROR).unwrap_or_default()),
            };
        }
        true
    }
}
