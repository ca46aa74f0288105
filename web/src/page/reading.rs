//! Reads for a worker that may not read itself: see the worker's side.

use std::ops::Range;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Worker};

use crate::messages::{Chosen, read_answer};
use crate::objects;

/// Reads bytes of a file that was sent with a job, and gives them to the worker under the number by which it asked.
pub(super) async fn answer(worker: Worker, job: JsValue, id: u32, file: Chosen, range: Range<u64>) {
    let (answer, transferred) = (Object::new(), Array::new());
    let set = |name: &str, value: &JsValue| {
        let _ = Reflect::set(&answer, &name.into(), value);
    };
    set(read_answer::ID, &id.into());
    match read(&job, file, &range).await {
        Ok(bytes) => {
            set(read_answer::BYTES, &bytes);
            transferred.push(&bytes);
        }
        // As it is: the worker reads the browser's words out of it.
        Err(error) => set(read_answer::ERROR, &error),
    }
    // It fails where the worker has gone: then nobody waits for it.
    let _ = worker.post_message_with_transfer(&answer, &transferred);
}

async fn read(job: &JsValue, file: Chosen, range: &Range<u64>) -> Result<JsValue, JsValue> {
    let file: Blob = Reflect::get(job, &file.field().into())?.dyn_into()?;
    JsFuture::from(objects::read(&file, range)?).await
}
