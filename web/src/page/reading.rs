//! Reads for the worker. A browser hands over bytes only to who has nothing else to do, and a worker has: what comes next is read here while
//! it works on what came before. And WebKit lets no worker of a page that was opened from a file read anything.

use std::ops::Range;
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, Worker};

use super::stream::FileStream;
use crate::messages::{Chosen, STREAMED_LEN, read_answer};
use crate::objects::{self, words_of};

/// The files that were sent with a job.
pub(super) struct Files {
    job: JsValue,
    backup: Option<FileStream>,
}

impl Files {
    pub(super) fn of(job: JsValue) -> Rc<Self> {
        let files = Self { job, backup: None };
        Rc::new(Self { backup: files.get(Chosen::Backup).ok().map(FileStream::new), ..files })
    }

    fn get(&self, file: Chosen) -> Result<Blob, JsValue> {
        Reflect::get(&self.job, &file.field().into())?.dyn_into()
    }

    /// Begins to read bytes of a file, for which `buffer` may be used; gives them to the worker under the number by which it asked.
    pub(super) fn answer(self: &Rc<Self>, worker: &Worker, id: u32, file: Chosen, range: Range<u64>, buffer: Option<ArrayBuffer>) {
        let stream = self.backup.as_ref().filter(|_| file == Chosen::Backup && range.end - range.start >= STREAMED_LEN);
        let streamed = stream.and_then(|stream| stream.read(&range, buffer));
        let (worker, file, files) = (worker.clone(), self.get(file), Rc::downgrade(self));
        spawn_local(async move {
            let streamed = match streamed {
                Some(streamed) => streamed.await,
                None => None,
            };
            // The job has ended: nobody waits for it.
            if files.strong_count() == 0 {
                return;
            }
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
    let given = bytes.and_then(|bytes| {
        let answer = answer(id, read_answer::BYTES, &bytes);
        worker.post_message_with_transfer(&answer, &Array::of1(&bytes))
    });
    if let Err(error) = given {
        // Its words, as not every browser lets an error itself be sent.
        let _ = worker.post_message(&answer(id, read_answer::ERROR, &words_of(&error).into()));
    }
}

fn answer(id: u32, name: &str, value: &JsValue) -> Object {
    let answer = Object::new();
    for (name, value) in [(read_answer::ID, &id.into()), (name, value)] {
        let _ = Reflect::set(&answer, &name.into(), value);
    }
    answer
}
