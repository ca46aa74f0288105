//! The worker: takes one request from the page, does the job, and reports.

mod file;
mod message;
mod output;
mod page_reader;
mod person;
mod pictures;
mod progress;

use std::rc::Rc;

use dbseal_core::{Backend, Spread};
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};
use zeroize::Zeroizing;

use self::file::FileSource;
use self::message::{Message, strange_request};
use self::output::Output;
use self::page_reader::PageReader;
use self::person::Page;
use self::pictures::Canvas;
use self::progress::Reporter;
use crate::engine::{self, Keys};
use crate::messages::{Chosen, Failure, KeyKind, Report, Request};

/// Who works on the chunks of a batch.
#[cfg(feature = "threads")]
const SPREAD: Spread = Spread::Rayon;
#[cfg(not(feature = "threads"))]
const SPREAD: Spread = Spread::Serial;

/// Says that the worker is ready, and does what the first message asks. A job is stopped by ending the worker.
///
/// # Panics
/// Outside a dedicated worker.
#[wasm_bindgen]
pub fn start_worker() {
    let (page, person) = (Rc::new(PageReader::default()), Rc::new(Page::default()));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if !page.take(&event.data()) && !person.take(&event.data()) {
            wasm_bindgen_futures::spawn_local(answer(event.data(), Rc::clone(&page), Rc::clone(&person)));
        }
    });
    scope().set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    #[cfg(feature = "threads")]
    let threads = rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    let threads = 1;
    post(&Report::Ready { threads, backend: Backend::detect().name().into() }, None);
}

async fn answer(data: JsValue, page: Rc<PageReader>, person: Rc<Page>) {
    let mut file = None;
    let report = match Message::take(&data) {
        Ok(message) => job(message, &page, &person, &mut file).await.unwrap_or_else(Report::Failed),
        Err(failure) => Report::Failed(failure),
    };
    post(&report, file.as_ref());
}

async fn job(message: Message, page: &Rc<PageReader>, person: &Page, file: &mut Option<Blob>) -> Result<Report, Failure> {
    let Message { request, name, backup, seal, secret, identity, picked } = message;
    let backup = match backup {
        Some(backup) => Some(FileSource::open(backup, Chosen::Backup, page).await),
        None => None,
    };
    let (backup, reporter) = (backup.as_ref(), Reporter::default());
    let seal = match seal {
        Some(seal) => Some(engine::read_seal(&FileSource::open(seal, Chosen::Seal, page).await).await?),
        None => None,
    };
    let seal = seal.as_deref();
    Ok(match request {
        Request::Check { trust } => {
            let backup = backup.ok_or_else(strange_request)?;
            Report::Checked(Box::new(engine::check(&name, backup, seal, &trust, SPREAD, &reporter).await?))
        }
        #[cfg(feature = "many")]
        Request::Catalogue { .. } => return Err(Failure::new("only the desktop app looks at many backups", "choose one of them")),
        Request::Inspect { trust } => {
            let backup = backup.ok_or_else(strange_request)?;
            Report::Inspected(Box::new(engine::inspect(backup, seal, &engine::trust_of(&trust)?).await?))
        }
        Request::Open { key, part, trust, seal: policy, output } => {
            let backup = backup.ok_or_else(strange_request)?;
            let keys = keys_of(key, secret, read_identity(identity, page).await?)?;
            let output = Output::create(output, picked).await?;
            let made = output.made();
            let request = engine::OpenRequest { name: &name, seal, trust: &trust, policy: &policy, part: &part, spread: SPREAD };
            let opened = engine::open(&request, backup, keys, output, &reporter).await?;
            *file = made.take();
            Report::Opened(Box::new(opened))
        }
        Request::Grant { key, trust, pasted, lens } => {
            let trust = engine::trust_of(&trust)?;
            let request = match backup {
                Some(files) => engine::read_request(files, &lens, &Canvas).await?,
                None => engine::pasted_request(&pasted)?,
            };
            let identities = keys_of(key, secret, read_identity(identity, page).await?)?.into_identities();
            Report::Granted(Box::new(engine::grant(&request, identities, &trust, person).await?))
        }
    })
}

async fn read_identity(file: Option<Blob>, page: &Rc<PageReader>) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    match file {
        Some(file) => engine::read_identity(&FileSource::open(file, Chosen::Identity, page).await).await.map(Some),
        None => Ok(None),
    }
}

fn keys_of(kind: KeyKind, secret: Zeroizing<Vec<u8>>, identity: Option<Zeroizing<Vec<u8>>>) -> Result<Keys, Failure> {
    match (kind, identity) {
        (KeyKind::Identity, Some(identity)) => Keys::new(kind, identity, None),
        (_, identity) => Keys::new(kind, secret, identity),
    }
}

/// Sends a report to the page, with a file that it made.
fn post(report: &Report, file: Option<&Blob>) {
    // It fails where the page has gone: then nobody is there to be told.
    let _ = send(report, file.map(|file| ("file", file.as_ref())), &Array::new());
}

/// Sends a report with something beside it; what is in `transferred` is the worker's no longer.
fn send(report: &Report, beside: Option<(&str, &JsValue)>, transferred: &Array) -> Result<(), JsValue> {
    let message = Object::new();
    let set = |name: &str, value: &JsValue| {
        let _ = Reflect::set(&message, &name.into(), value);
    };
    set("text", &serde_json::to_string(report).expect("reports are text, numbers and lists").into());
    if let Some((name, value)) = beside {
        set(name, value);
    }
    scope().post_message_with_transfer(&message, transferred)
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().dyn_into().expect("this is called in a worker")
}
