//! Reads for the worker. A browser hands over bytes only to who has nothing else to do, and a worker has: what comes next is read here while
//! it works on what came before. And WebKit lets no worker of a page that was opened from a file read anything.

use std::ops::Range;

use js_sys::{Array, ArrayBuffer, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, Worker};

use super::stream::FileStream;
use crate::messages::{Chosen, STREAMED_LEN, read_answer};
use crate::objects;

/// The files that were sent with a job.
pub(super) struct Files {
    job: JsValue,
    backup: Option<FileStream>,
}

impl Files {
    pub(super) fn of(job: JsValue) -> Self {
        let files = Self { job, backup: None };
        Self { backup: files.get(Chosen::Backup).ok().map(FileStream::new), ..files }
    }

    fn get(&self, file: Chosen) -> Result<Blob, JsValue> {
        Reflect::get(&self.job, &file.field().into())?.dyn_into()
    }

    /// Begins to read bytes of a file, for which `buffer` may be used; gives them to the worker under the number by which it asked.
    pub(super) fn answer(&self, worker: &Worker, id: u32, file: Chosen, range: Range<u64>, buffer: Option<ArrayBuffer>) {
        let stream = self.backup.as_ref().filter(|_| file == Chosen::Backup && range.end - range.start >= STREAMED_LEN);
        let streamed = stream.and_then(|stream| stream.read(&range, buffer));
        let (worker, file) = (worker.clone(), self.get(file));
        spawn_local(async move {
            let streamed = match streamed {
                Some(streamed) => streamed.await,
                None => None,
            };
            let bytes = match streamed {
                Some(bytes) => Ok(bytes.into()),
                None => slice(file, &range).await,
            };
            give(&worker, id, bytes);
        });
    }
}

async fn slice(file: Result<Blob, JsValue>, range: &Range<u64>) -> Result<JsValue, JsValue> {
    JsFuture::from(objects::read(&file?, range)?).await
}

fn give(worker: &Worker, id: u32, bytes: Result<JsValue, JsValue>) {
    let (answer, transferred) = (Object::new(), Array::new());
    let set = |name: &str, value: &JsValue| {
        let _ = Reflect::set(&answer, &name.into(), value);
    };
    set(read_answer::ID, &id.into());
    match bytes {
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
