//! The second bridge: to the desktop app, whose jobs are those of the dbseal command. What they say is what a worker says.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::elements::window;
use super::texts;
use crate::messages::desktop::{About, Choice, Order, Picked, Saved};
use crate::messages::grant::Consent;
use crate::messages::{Failure, Report};
use crate::objects::words_of;

/// The global object by which a page in Tauri calls its app.
const APP: &str = "__TAURI__";
/// Behind the page's address: that the page is to work by itself, though it is in the app.
const BY_ITSELF: &str = "#by-itself";

/// Called with all that is reported of a job.
type Listener = Rc<dyn Fn(Report)>;

/// What the app calls with a message.
type OnMessage = Closure<dyn FnMut(JsValue)>;

/// The desktop app around this page.
pub(super) struct App {
    core: JsValue,
    /// Of the job at work. Each job has a cell of its own: the last word of one that was stopped must not be taken for the next one's.
    listener: RefCell<Rc<RefCell<Option<Listener>>>>,
    /// What the app calls: of a job that was stopped, a last word may still be on its way.
    channels: RefCell<Vec<OnMessage>>,
}

/// Whether the page is in the app, whichever engine works.
pub(super) fn is_around() -> bool {
    core().is_some()
}

/// What the app is around this page, and where it runs, whichever engine works.
pub(super) async fn about() -> Option<About> {
    let promise = invoke(&core()?, "about", &Object::new()).ok()?;
    take(&JsFuture::from(promise).await.ok()?)
}

fn core() -> Option<JsValue> {
    let app = Reflect::get(&window(), &APP.into()).ok().filter(JsValue::is_object)?;
    Reflect::get(&app, &"core".into()).ok().filter(JsValue::is_object)
}

/// Starts the page again, with the other engine, where the person says so to the app.
pub(super) async fn change_engine() {
    let location = window().location();
    let page_works = location.hash().is_ok_and(|hash| hash != BY_ITSELF);
    let Some(core) = core() else { return };
    let Ok(promise) = invoke(&core, "let_page_work", &arguments(&[("pageWorks", &page_works.into())])) else { return };
    if JsFuture::from(promise).await.is_ok_and(|is_let| is_let.is_truthy()) {
        let _ = location.set_hash(if page_works { BY_ITSELF } else { "" });
        let _ = location.reload();
    }
}

impl App {
    /// The app, where the page is in it and is to use it.
    pub(super) fn find() -> Option<Rc<Self>> {
        let core = core().filter(|_| window().location().hash().is_ok_and(|hash| hash != BY_ITSELF))?;
        Some(Rc::new(Self { core, listener: RefCell::default(), channels: RefCell::default() }))
    }

    /// Lets the person choose files; none if they choose none.
    pub(super) async fn choose(&self, choice: &Choice) -> Vec<Picked> {
        let chosen = self.call("choose", &arguments(&[("choice", &give(choice))])).await;
        chosen.ok().as_ref().and_then(take).unwrap_or_default()
    }

    /// A backup by its raw name, in a folder that was chosen or chosen itself, with the seal beside it; none where it is not there any
    /// more.
    pub(super) async fn choose_in(&self, chosen: u32, name: &[u8]) -> Vec<Picked> {
        let files = self.call("choose_in", &arguments(&[("chosen", &chosen.into()), ("name", &give(&name))])).await;
        files.ok().as_ref().and_then(take).unwrap_or_default()
    }

    /// Lets the person choose a file that says whom they trust. Its text, if they choose one.
    pub(super) async fn choose_trust(&self) -> Result<Option<String>, Failure> {
        self.call("choose_trust", &Object::new()).await.map(|text| text.as_string()).map_err(|error| failure(&error))
    }

    /// Asks the person whether the next job may give its output to a program, if one of these vouches for it.
    pub(super) async fn let_run(&self, line: &str, trust: &str) -> bool {
        let is_let = self.call("let_run", &arguments(&[("line", &line.into()), ("trust", &trust.into())])).await;
        is_let.is_ok_and(|is_let| is_let.is_truthy())
    }

    /// Lets the person choose where a text goes. Its path, if it was written; the app says so where it could not be.
    pub(super) async fn save_text(&self, what: Saved, name: &str, text: &str) -> Option<String> {
        let arguments = arguments(&[("what", &give(&what)), ("name", &name.into()), ("text", &text.into())]);
        self.call("save_text", &arguments).await.ok()?.as_string()
    }

    /// Tells the job, which waits for it, that the person has said yes.
    pub(super) fn agree(&self, consent: &Consent) {
        self.tell("agree", &arguments(&[("consent", &give(consent))]));
    }

    /// Calls this with files that come from outside: by a double click, dropped on the window.
    pub(super) fn on_given(&self, take_files: impl Fn(Vec<Picked>) + 'static) {
        let listener = self.channel(move |message| {
            if let Some(files) = take(message) {
                take_files(files);
            }
        });
        self.tell("given", &arguments(&[("listener", &listener)]));
    }

    /// Starts a job. The passphrase is overwritten here once it was handed over.
    pub(super) fn send(self: &Rc<Self>, order: Order, passphrase: Option<Uint8Array>, listener: impl Fn(Report) + 'static) {
        let listener: Listener = Rc::new(listener);
        let listener = Rc::new(RefCell::new(Some(listener)));
        self.listener.replace(Rc::clone(&listener));
        let app = Rc::clone(self);
        spawn_local(async move {
            if let Err(error) = app.start(&order, passphrase, &listener).await {
                hear(&listener, Report::Failed(failure(&error)));
            }
        });
    }

    async fn start(&self, order: &Order, passphrase: Option<Uint8Array>, listener: &Rc<RefCell<Option<Listener>>>) -> Result<(), JsValue> {
        if let Some(passphrase) = passphrase {
            let handed_over = self.call("passphrase", &passphrase).await;
            passphrase.fill(0, 0, passphrase.length());
            handed_over?;
        }
        // It was stopped meanwhile: nobody would hear of it.
        if listener.borrow().is_none() {
            return Ok(());
        }
        let listener = Rc::clone(listener);
        let reports = self.channel(move |message| {
            let report = message.as_string().and_then(|text| serde_json::from_str(&text).ok());
            hear(&listener, report.unwrap_or_else(|| Report::Failed(texts::strange_worker())));
        });
        self.call("start", &arguments(&[("order", &give(order)), ("reports", &reports)])).await.map(drop)
    }

    /// Ends the job at once; an output that is not complete is gone with it. Whether there was one.
    pub(super) fn stop(&self) -> bool {
        let was_at_work = self.listener.borrow().take().is_some();
        if was_at_work {
            self.tell("stop", &Object::new());
        }
        was_at_work
    }

    /// Calls the app, which has nothing to say.
    fn tell(&self, command: &str, arguments: &Object) {
        // Asked now: of a page that goes nothing is awaited.
        if let Ok(promise) = self.invoke(command, arguments) {
            spawn_local(async move { drop(JsFuture::from(promise).await) });
        }
    }

    async fn call(&self, command: &str, arguments: &Object) -> Result<JsValue, JsValue> {
        JsFuture::from(self.invoke(command, arguments)?).await
    }

    fn invoke(&self, command: &str, arguments: &Object) -> Result<Promise, JsValue> {
        invoke(&self.core, command, arguments)
    }

    /// What the app calls with one message after the other, in order.
    fn channel(&self, take_message: impl Fn(&JsValue) + 'static) -> JsValue {
        let closure = OnMessage::new(move |message: JsValue| take_message(&message));
        let channel = Reflect::get(&self.core, &"Channel".into()).and_then(|channel| {
            let channel: Function = channel.dyn_into()?;
            Reflect::construct(&channel, &js_sys::Array::new())
        });
        let channel = channel.unwrap_or_default();
        let _ = Reflect::set(&channel, &"onmessage".into(), closure.as_ref());
        self.channels.borrow_mut().push(closure);
        channel
    }
}

/// Calls a command of the app.
fn invoke(core: &JsValue, command: &str, arguments: &Object) -> Result<Promise, JsValue> {
    let invoke: Function = Reflect::get(core, &"invoke".into())?.dyn_into()?;
    invoke.call2(core, &command.into(), arguments)?.dyn_into()
}

fn hear(listener: &Rc<RefCell<Option<Listener>>>, report: Report) {
    let heard = if report.is_last() { listener.take() } else { listener.borrow().clone() };
    if let Some(heard) = heard {
        heard(report);
    }
}

fn arguments(named: &[(&str, &JsValue)]) -> Object {
    let arguments = Object::new();
    for (name, value) in named {
        let _ = Reflect::set(&arguments, &(*name).into(), value);
    }
    arguments
}

fn give(value: &impl Serialize) -> JsValue {
    let text = serde_json::to_string(value).expect("messages are text, numbers and lists");
    js_sys::JSON::parse(&text).unwrap_or_default()
}

fn take<T: DeserializeOwned>(value: &JsValue) -> Option<T> {
    let text = js_sys::JSON::stringify(value).ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}

/// What the app says instead of an answer: a failure of its own, or one of Tauri's, as text.
fn failure(error: &JsValue) -> Failure {
    take(error).unwrap_or_else(|| texts::worker_failed(&error.as_string().unwrap_or_else(|| words_of(error))))
}
