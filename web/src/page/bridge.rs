//! The one owner of the worker: starts it, hands it one job, passes on what it reports, ends it, and has another ready.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, ErrorEvent, MessageEvent, Worker};

use super::reading::Files;
use super::texts;
use crate::messages::grant::{CONSENT, Consent};
use crate::messages::{BUFFER, Failure, Report};
use crate::objects::words_of;

/// The global function that makes a worker and hands it what the page has compiled. Scripts make it: those of the page and of the kit, which
/// may load no other file, differ in it.
const NEW_WORKER: &str = "dbsealNewWorker";

/// Called with all that the worker reports of a job, and the file that it made.
type Listener = Rc<dyn Fn(Report, Option<Blob>)>;

/// Called with the number of threads and the name of the cipher's implementation.
type OnReady = dyn Fn(usize, &str);

pub(super) struct Bridge(Rc<Inner>);

struct Inner {
    worker: RefCell<Option<Running>>,
    /// One of its functions may be what replaced it.
    before: RefCell<Option<Running>>,
    listener: RefCell<Option<Listener>>,
    /// A job that waits until the worker can take it, and what is handed over with it.
    waiting: RefCell<Option<(JsValue, Array)>>,
    /// Those of the job that the worker does.
    files: RefCell<Option<Rc<Files>>>,
    on_ready: Box<OnReady>,
    myself: Weak<Inner>,
}

struct Running {
    worker: Worker,
    ready: Cell<bool>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(JsValue)>,
}

impl Bridge {
    /// Starts a worker before there is a job for it; calls this each time one is ready.
    pub(super) fn start(on_ready: impl Fn(usize, &str) + 'static) -> Self {
        let inner = Rc::new_cyclic(|myself| Inner {
            worker: RefCell::default(),
            before: RefCell::default(),
            listener: RefCell::default(),
            waiting: RefCell::default(),
            files: RefCell::default(),
            on_ready: Box::new(on_ready),
            myself: myself.clone(),
        });
        // Where it fails, the person is told as soon as there is a job.
        let _ = inner.start_worker();
        Self(inner)
    }

    /// Gives the worker a job; what is in `transferred` is the page's no longer.
    pub(super) fn send(&self, job: JsValue, transferred: Array, listener: impl Fn(Report, Option<Blob>) + 'static) {
        self.0.listener.replace(Some(Rc::new(listener)));
        self.0.waiting.replace(Some((job, transferred)));
        if self.0.worker.borrow().is_none()
            && let Err(failure) = self.0.start_worker()
        {
            self.0.end(Report::Failed(failure), None);
            return;
        }
        self.0.post_waiting();
    }

    /// Tells the job, which waits for it, that the person has said yes.
    pub(super) fn agree(&self, consent: &Consent) {
        let message = Object::new();
        let text = serde_json::to_string(consent).expect("it is text");
        let _ = Reflect::set(&message, &CONSENT.into(), &text.into());
        if let Some(running) = &*self.0.worker.borrow() {
            let _ = running.worker.post_message(&message);
        }
    }

    /// Ends the job at once; an output that is not complete is gone with it.
    pub(super) fn stop(&self) {
        let _ = self.leave();
        let _ = self.0.start_worker();
    }

    /// Ends the job, and has nobody ready for another: the page is left. Whether there was one.
    pub(super) fn leave(&self) -> bool {
        let was_at_work = self.0.listener.take().is_some();
        self.0.drop_waiting();
        self.0.end_worker();
        was_at_work
    }
}

impl Inner {
    fn start_worker(&self) -> Result<(), Failure> {
        let worker = new_worker().map_err(|error| texts::no_worker(&words_of(&error)))?;
        let myself = self.myself.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(inner) = myself.upgrade() {
                inner.take(&event.data());
            }
        });
        let myself = self.myself.clone();
        let on_error = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
            if let Some(inner) = myself.upgrade() {
                inner.broke(&event);
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.worker.replace(Some(Running { worker, ready: Cell::new(false), _on_message: on_message, _on_error: on_error }));
        Ok(())
    }

    fn end_worker(&self) {
        self.files.take();
        if let Some(running) = self.worker.take() {
            running.worker.terminate();
            running.worker.set_onmessage(None);
            running.worker.set_onerror(None);
            self.before.replace(Some(running));
        }
    }

    /// A job that no worker gets, with the secret beside it.
    fn drop_waiting(&self) {
        if let Some((job, _)) = self.waiting.take() {
            wipe_secret(&job);
        }
    }

    fn post_waiting(&self) {
        let failed = {
            let worker = self.worker.borrow();
            let Some(running) = worker.as_ref().filter(|running| running.ready.get()) else { return };
            let Some((job, transferred)) = self.waiting.take() else { return };
            let failed = running.worker.post_message_with_transfer(&job, &transferred).err();
            if failed.is_some() {
                wipe_secret(&job);
            }
            self.files.replace(Some(Files::of(job)));
            failed
        };
        if let Some(error) = failed {
            self.end(Report::Failed(texts::worker_failed(&words_of(&error))), None);
        }
    }

    fn take(&self, data: &JsValue) {
        let text = Reflect::get(data, &"text".into()).ok().and_then(|text| text.as_string());
        let report = text.and_then(|text| serde_json::from_str(&text).ok());
        match report {
            Some(Report::Ready { threads, backend }) => {
                if let Some(running) = &*self.worker.borrow() {
                    running.ready.set(true);
                }
                (self.on_ready)(threads, &backend);
                self.post_waiting();
            }
            Some(Report::Read { id, file, start, end }) => {
                let (worker, files) = (self.worker.borrow().as_ref().map(|running| running.worker.clone()), self.files.borrow().clone());
                if let (Some(worker), Some(files)) = (worker, files) {
                    let buffer = Reflect::get(data, &BUFFER.into()).ok().and_then(|buffer| buffer.dyn_into().ok());
                    files.answer(&worker, id, file, start..end, buffer);
                }
            }
            Some(report) if !report.is_last() => self.tell(report, None),
            Some(report) => {
                let file = Reflect::get(data, &"file".into()).ok().and_then(|file| file.dyn_into().ok());
                self.end(report, file);
            }
            None => self.end(Report::Failed(texts::strange_worker()), None),
        }
    }

    /// The worker could not be loaded, or stopped at an error that it did not expect.
    fn broke(&self, event: &JsValue) {
        let was_ready = self.worker.borrow().as_ref().is_some_and(|running| running.ready.get());
        let why = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message).unwrap_or_default();
        let failure = if was_ready { texts::worker_failed(&why) } else { texts::no_worker(&why) };
        if was_ready {
            self.end(Report::Failed(failure), None);
        } else {
            // Another one would most likely not start either: it waits for the next job.
            self.end_worker();
            self.drop_waiting();
            self.tell_last(Report::Failed(failure), None);
        }
    }

    /// Passes on the last word of a job. A worker does one: its memory, with all that was in it, goes with it.
    fn end(&self, report: Report, file: Option<Blob>) {
        self.drop_waiting();
        self.end_worker();
        let _ = self.start_worker();
        self.tell_last(report, file);
    }

    fn tell(&self, report: Report, file: Option<Blob>) {
        let listener = self.listener.borrow().clone();
        if let Some(listener) = listener {
            listener(report, file);
        }
    }

    fn tell_last(&self, report: Report, file: Option<Blob>) {
        if let Some(listener) = self.listener.take() {
            listener(report, file);
        }
    }
}

fn wipe_secret(job: &JsValue) {
    if let Ok(secret) = Reflect::get(job, &"secret".into()).and_then(JsCast::dyn_into::<Uint8Array>) {
        secret.fill(0, 0, secret.length());
    }
}

fn new_worker() -> Result<Worker, JsValue> {
    let new_worker: Function = Reflect::get(&js_sys::global(), &NEW_WORKER.into())?.dyn_into()?;
    new_worker.call0(&JsValue::UNDEFINED)?.dyn_into()
}
