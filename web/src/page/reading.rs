//! Reads for a worker that may not read itself: see the worker's side.

use std::ops::Range;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Worker};

use crate::messages::Chosen;
use crate::objects;

/// Reads bytes of a file that was sent with a job, and gives them to the worker under the number by which it asked.
pub(super) async fn answer(worker: Worker, job: JsValue, id: u32, file: Chosen, range: Range<u64>) {
    let read = match Reflect::get(&job, &file.field().into()).and_then(JsCast::dyn_into::<Blob>) {
        Ok(file) => objects::read(&file, &range),
        Err(error) => Err(error),
    };
    let read = match read {
        Ok(read) => JsFuture::from(read).await,
        Err(error) => Err(error),
    };
    let (answer, transferred) = (Object::new(), Array::new());
    let set = |name: &str, value: &JsValue| {
        let _ = Reflect::set(&answer, &name.into(), value);
    };
    set("read", &id.into());
    match read {
        Ok(bytes) => {
            set("bytes", &bytes);
            transferred.push(&bytes);
        }
        // As it is: the worker reads the browser's words out of it.
        Err(error) => set("error", &error),
    }
    // It fails where the worker has gone: then nobody waits for it.
    let _ = worker.post_message_with_transfer(&answer, &transferred);
}
