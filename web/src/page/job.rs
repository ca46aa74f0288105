//! A job from its form to its end: what all tasks have in common.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Date, Object, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

use super::elements::{Tag, button, div, paragraph, sleep, title};
use super::files::{Pair, Picked};
use super::heard::Heard;
use super::key::Key;
use super::map::Map;
use super::notice::Notice;
use super::pace::Pace;
use super::stored::Stored;
use super::{Engine, Page, save, set_title, start, texts};
use crate::messages::desktop::Order;
use crate::messages::{Chosen, Failure, Progress, Report, Request};

/// In milliseconds: numbers that change more often cannot be read.
const TEXT_INTERVAL: f64 = 250.0;
/// In milliseconds: how often progress is read aloud.
const SPOKEN_INTERVAL: f64 = 15_000.0;
/// In milliseconds: a worker that says nothing for so long may be dead, which browsers do not always tell. The slowest passphrase that is
/// tried takes a part of it, and so does a disk that has to wake up.
const SILENCE: f64 = 20_000.0;
/// In milliseconds: how often it is looked whether it says something.
const LOOK_INTERVAL: i32 = 1000;

/// A part of a form or an answer, with its heading.
pub(super) fn section(heading: &str) -> Tag {
    Tag::new("section").class("section").child(Tag::new("h2").text(heading))
}

/// Shows a form: one clear path, and the way back.
pub(super) fn show_form(page: &Page, name: &str, words: (&str, &str), notice: &Notice, parts: impl IntoIterator<Item = Tag>, start: Tag) {
    let (heading, lead) = words;
    let title = title("title", heading);
    let [said, failed] = notice.places();
    let head = [start::back(page), title.clone(), paragraph("lead", lead), said];
    page.show(name, &title, head.into_iter().chain(parts).chain([failed, div("actions").child(start)]));
}

/// The button that starts a job: begins it, or says what is missing and goes there.
pub(super) fn start_button(text: &str, notice: &Notice, start: impl Fn() -> Result<(), (Failure, &'static str)> + 'static) -> Tag {
    let notice = notice.clone();
    button("start", "primary", text, move |_| {
        notice.clear();
        if let Err((failure, id)) = start() {
            notice.fail_at(&failure, id);
        }
    })
}

/// What the worker gets.
pub(super) struct Job {
    /// What is being done, and with what.
    pub(super) title: String,
    pub(super) request: Request,
    pub(super) files: Pair,
    /// In place of those, where many are looked at together.
    pub(super) many: Vec<Picked>,
    pub(super) key: Option<Key>,
    pub(super) output: Option<Output>,
    /// Bytes of the file, where all of it is read, so that a map of it shows how far.
    pub(super) mapped_len: Option<u64>,
    /// What else is shown while it runs.
    pub(super) live: Option<Live>,
}

/// A part of the screen that shows what is found while a job runs, or what hears a question that the job waits with.
pub(super) struct Live {
    tag: Tag,
    hear: Box<dyn Fn(Report)>,
}

impl Live {
    pub(super) fn new(tag: Tag, hear: impl Fn(Report) + 'static) -> Self {
        Self { tag, hear: Box::new(hear) }
    }
}

/// Where an output goes.
#[derive(Clone)]
pub(super) struct Output {
    /// What it is called if nobody says otherwise.
    pub(super) name: String,
    /// The file that was chosen, where one was.
    pub(super) handle: Option<JsValue>,
    /// The file in the browser's storage, where it goes there.
    pub(super) stored: Option<Stored>,
    /// The app's file, where it goes there.
    pub(super) chosen: Option<Picked>,
    /// The command line of the program that it goes to, where it goes to one.
    pub(super) program: Option<String>,
}

/// What has come of a job, beside its last word.
pub(super) struct Ended {
    /// What is still to be saved.
    pub(super) file: Option<Blob>,
    pub(super) heard: Heard,
}

/// Does a job: shows how far it is, and gives its last word to one of these.
pub(super) fn run(page: &Page, mut job: Job, stopped: impl Fn() + 'static, ended: impl Fn(Report, Ended) + 'static) {
    page.leave_screen();
    page.0.busy.set(true);
    let view = Rc::new(View::new(&job.title, job.mapped_len));
    let title = title("title", &job.title);
    let live = job.live.take();
    let stop = button("stop", "secondary", texts::STOP, {
        let page = page.clone();
        move |_| {
            page.0.engine.stop();
            stopped();
        }
    });
    let parts = [Some(title.clone()), Some(view.tag()), Some(div("actions").child(stop)), live.as_ref().map(|live| live.tag.clone())];
    page.show("running", &title, parts.into_iter().flatten());

    // A program reads when it likes.
    view.is_waiting.set(job.output.as_ref().is_some_and(|output| output.program.is_some()));
    watch(&view);
    let (page_then, heard, began) = (page.clone(), Heard::default(), Date::now());
    let listener = move |report, file| match report {
        Report::Progress(progress) => {
            if let Some(spoken) = view.update(&progress) {
                page_then.announce(&spoken);
            }
        }
        Report::Said(text) => heard.say(text),
        Report::Printed(text) => {
            heard.print(&text);
            view.print(heard.lines());
        }
        Report::Waiting(program) => {
            view.wait_for(&program);
            page_then.announce(&texts::waiting(&program));
        }
        report if !report.is_last() => {
            if let Some(live) = &live {
                (live.hear)(report);
            }
        }
        report => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time that a person reads")]
            let seconds = ((Date::now() - began) / 1000.0) as u64;
            let took = texts::took(seconds, &save::now());
            // Most of that, a person has thought.
            page_then.0.took.replace(took.filter(|_| !matches!(report, Report::Granted(_))));
            ended(report, Ended { file, heard: heard.clone() });
        }
    };
    // The secret of the job is wiped by that: the copy that is sent is the only one then.
    match &page.0.engine {
        Engine::Worker(bridge) => {
            let (message, transferred) = message(&job);
            drop(job);
            bridge.send(message.into(), transferred, listener);
        }
        Engine::App(app) => {
            let (order, passphrase) = order(&job);
            drop(job);
            app.send(order, passphrase, move |report| listener(report, None));
        }
    }
}

/// What is sent to the app, and the passphrase beside it.
fn order(job: &Job) -> (Order, Option<Uint8Array>) {
    let number = |file: Option<&Picked>| file.and_then(Picked::in_app);
    let order = Order {
        request: job.request.clone(),
        backups: job.files.backup.iter().chain(&job.many).filter_map(Picked::in_app).collect(),
        seal: number(job.files.seal.as_ref()),
        identity: number(job.key.as_ref().and_then(|key| key.identity.as_ref())),
        output: number(job.output.as_ref().and_then(|output| output.chosen.as_ref())),
    };
    let secret = job.key.as_ref().and_then(|key| key.secret.as_ref());
    (order, secret.map(|secret| Uint8Array::from(secret.as_slice())))
}

/// Says so when nothing is heard for long, as long as the job is shown.
fn watch(view: &Rc<View>) {
    let watched = Rc::downgrade(view);
    spawn_local(async move {
        loop {
            sleep(LOOK_INTERVAL).await;
            let Some(view) = watched.upgrade().filter(|view| view.bar.is_shown()) else { return };
            view.look();
        }
    });
}

/// What is sent, and what of it is handed over and not copied.
fn message(job: &Job) -> (Object, Array) {
    let (message, transferred) = (Object::new(), Array::new());
    let set = |name: &str, value: &JsValue| {
        let _ = Reflect::set(&message, &name.into(), value);
    };
    set("request", &serde_json::to_string(&job.request).expect("requests are text, numbers and lists").into());
    if let Some(backup) = job.files.backup.as_ref().and_then(Picked::here) {
        set(Chosen::Backup.field(), backup);
    }
    if let Some(seal) = job.files.seal.as_ref().and_then(Picked::here) {
        set(Chosen::Seal.field(), seal);
    }
    if let Some(Key { identity, secret, .. }) = &job.key {
        if let Some(identity) = identity.as_ref().and_then(Picked::here) {
            set(Chosen::Identity.field(), identity);
        }
        if let Some(secret) = secret {
            let secret = Uint8Array::from(secret.as_slice());
            transferred.push(&secret.buffer());
            set("secret", &secret);
        }
    }
    if let Some(handle) = job.output.as_ref().and_then(|output| output.handle.as_ref()) {
        set("output", handle);
    }
    (message, transferred)
}

/// How far a job is, on the screen.
struct View {
    title: String,
    map: Option<Map>,
    bar: Tag,
    percent: Tag,
    done: Tag,
    rate: Tag,
    left: Tag,
    pace: RefCell<Pace>,
    shown: Cell<f64>,
    spoken: Cell<f64>,
    /// When something was heard of the job.
    heard: Cell<f64>,
    silence: Tag,
    is_silent: Cell<bool>,
    /// Whether a program works on, which says nothing for as long as it likes.
    is_waiting: Cell<bool>,
    printed: Tag,
}

impl View {
    fn new(title: &str, mapped_len: Option<u64>) -> Self {
        let number = |id: &str| Tag::new("span").id(id);
        Self {
            title: title.into(),
            map: mapped_len.map(Map::new),
            bar: Tag::new("progress").id("progress").attr("aria-label", texts::PROGRESS_LABEL),
            percent: number("percent").class("percent"),
            done: number("done").text(texts::PREPARING),
            rate: number("rate"),
            left: number("time-left"),
            pace: RefCell::default(),
            shown: Cell::default(),
            spoken: Cell::new(Date::now()),
            heard: Cell::new(Date::now()),
            silence: paragraph("notice notice-plain", "").id("silence").attr("role", "alert"),
            is_silent: Cell::default(),
            is_waiting: Cell::default(),
            printed: Tag::new("div").class("printed").id("printed").attr("tabindex", "0").attr("aria-label", texts::PRINTED),
        }
    }

    fn tag(&self) -> Tag {
        let numbers = div("numbers").children([&self.percent, &self.done, &self.rate, &self.left].map(Tag::clone));
        self.silence.show(false);
        self.printed.show(false);
        div("progress")
            .child(self.bar.clone())
            .child(numbers)
            .child(self.silence.clone())
            .child(self.map.as_ref().map(Map::tag))
            .child(self.printed.clone())
    }

    fn print(&self, lines: Vec<Tag>) {
        self.printed.show(true);
        self.printed.replace(lines);
        self.printed.show_end();
    }

    fn wait_for(&self, program: &str) {
        self.is_waiting.set(true);
        self.done.set_text(&texts::waiting(program));
        [&self.percent, &self.rate, &self.left].into_iter().for_each(|number| number.set_text(""));
    }

    fn look(&self) {
        let is_silent = !self.is_waiting.get() && Date::now() - self.heard.get() > SILENCE;
        // Said once, as it is read aloud.
        if is_silent != self.is_silent.replace(is_silent) {
            self.silence.show(is_silent);
            self.silence.set_text(if is_silent { texts::SILENCE } else { "" });
        }
    }

    /// Shows how far it is; gives what is to be said now and then.
    fn update(&self, progress: &Progress) -> Option<String> {
        let Progress { done_len, total_len, damage } = progress;
        if let Some(map) = &self.map {
            map.update(*done_len, *total_len, damage);
        }
        let now = Date::now();
        self.heard.set(now);
        // How much there is, is not known yet.
        if *total_len == 0 && *done_len > 0 {
            return None;
        }
        let mut pace = self.pace.borrow_mut();
        pace.note(now, *done_len);
        let percent = texts::percent(*done_len, *total_len);
        if now - self.shown.get() < TEXT_INTERVAL && percent < 100 {
            return None;
        }
        self.shown.set(now);
        let left = pace.left(*total_len);
        self.bar.set("max", "100");
        self.bar.set("value", &percent.to_string());
        self.percent.set_text(&format!("{percent}%"));
        set_title(&format!("{percent}%, {}", self.title));
        self.done.set_text(&texts::progress(*done_len, *total_len));
        self.rate.set_text(&pace.rate().map(texts::rate).unwrap_or_default());
        self.left.set_text(&left.map(texts::time_left).unwrap_or_default());
        let damaged_len = self.map.as_ref().map_or(0, Map::damaged_len);
        if let Some(map) = &self.map {
            map.label(percent);
        }
        if now - self.spoken.get() < SPOKEN_INTERVAL {
            return None;
        }
        self.spoken.set(now);
        Some(texts::spoken_progress(percent, left, damaged_len))
    }
}
