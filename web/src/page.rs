//! The page: a person's view of a job. It shows what can be done, what is being done, how far it is, how it ended and what to do next; it
//! computes nothing itself, makes no request, and holds no key longer than it takes to hand it on.

mod answer;
mod app_output;
mod bridge;
#[cfg(feature = "many")]
mod catalogue;
mod check;
mod codes;
mod elements;
mod files;
mod grant;
mod granted;
mod heard;
mod inspect;
mod job;
mod key;
mod keyless;
#[cfg(feature = "many")]
mod many;
mod map;
mod native;
mod notice;
mod open;
mod opened;
mod output;
mod pace;
mod part;
mod reading;
mod request;
mod review;
mod save;
mod start;
mod stored;
mod stream;
#[cfg(feature = "many")]
mod table;
mod texts;
mod trust;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BeforeUnloadEvent, DragEvent};

use self::bridge::Bridge;
use self::elements::{Tag, always_on, document, paragraph, window};
use self::files::{Pair, Picked};
use self::native::App;
use self::stored::Stored;
use crate::messages::grant::Consent;

/// Shows the first screen.
///
/// # Panics
/// Outside a page that has the elements of `index.html`.
#[wasm_bindgen]
pub fn start_page() {
    let page = Page::new();
    page.ask_before_leaving();
    // Before its output is removed.
    page.end_when_leaving();
    page.take_drops();
    keep_no_plaintext();
    start::show(&page);
    page.meet_app();
}

/// What all screens share.
#[derive(Clone)]
struct Page(Rc<State>);

struct State {
    main: Tag,
    announcer: Tag,
    engine: Engine,
    /// Files from outside, for the next time that the first screen is shown.
    given: RefCell<Vec<Picked>>,
    /// Chosen files stay chosen from one task to the next.
    files: RefCell<Pair>,
    /// So do many, to be looked at together.
    many: RefCell<Vec<Picked>>,
    /// So do lines of trust, as long as the page is open.
    trust: RefCell<trust::Lines>,
    /// And whether they are remembered longer.
    remembers: Cell<bool>,
    /// Whether something would be lost by leaving.
    busy: Cell<bool>,
    /// What the screen offers of the browser's storage.
    offered: RefCell<Option<Stored>>,
    /// How long the job took that has just ended, for its answer: a sentence, if it took long.
    took: RefCell<Option<String>>,
    /// The way back to the table that a job was begun from.
    table: RefCell<Option<Rc<dyn Fn()>>>,
    /// What is done when the screen is left.
    on_leave: RefCell<Option<Box<dyn FnOnce()>>>,
    /// What the screen does with files that are dropped anywhere on the page.
    on_drop: RefCell<Option<OnDrop>>,
}

type OnDrop = Rc<dyn Fn(Vec<Picked>)>;

/// Who does the jobs.
enum Engine {
    /// A worker of the browser.
    Worker(Bridge),
    /// The desktop app.
    App(Rc<App>),
}

impl Engine {
    fn stop(&self) {
        match self {
            Self::Worker(bridge) => bridge.stop(),
            Self::App(app) => drop(app.stop()),
        }
    }

    /// Tells the job, which waits for it, that the person has said yes.
    fn agree(&self, consent: &Consent) {
        match self {
            Self::Worker(bridge) => bridge.agree(consent),
            Self::App(app) => app.agree(consent),
        }
    }

    /// Ends the job, as the page is left. Whether there was one.
    fn leave(&self) -> bool {
        match self {
            Self::Worker(bridge) => bridge.leave(),
            Self::App(app) => app.stop(),
        }
    }
}

impl Page {
    fn new() -> Self {
        let main = Tag::of_page("main");
        let engine = App::find().map_or_else(
            || {
                let main = main.clone();
                Engine::Worker(Bridge::start(move |threads, backend| note_ready(&main, threads, backend)))
            },
            Engine::App,
        );
        let remembered = trust::remembered();
        let state = State {
            main,
            announcer: Tag::of_page("announcer"),
            engine,
            given: RefCell::default(),
            files: RefCell::default(),
            many: RefCell::default(),
            remembers: Cell::new(!remembered.is_empty()),
            trust: RefCell::new(trust::Lines::Known(remembered)),
            busy: Cell::default(),
            offered: RefCell::default(),
            took: RefCell::default(),
            table: RefCell::default(),
            on_leave: RefCell::default(),
            on_drop: RefCell::default(),
        };
        Self(Rc::new(state))
    }

    /// Leaves a screen; to be called before the elements of the next are made.
    fn leave_screen(&self) {
        elements::next_screen();
        self.announce("");
        self.0.on_drop.take();
        self.0.busy.set(false);
        if let Some(stored) = self.0.offered.take() {
            stored.let_go();
        }
        if let Some(last) = self.0.on_leave.take() {
            last();
        }
    }

    fn on_leave(&self, last: impl FnOnce() + 'static) {
        self.0.on_leave.replace(Some(Box::new(last)));
    }

    /// Shows a screen, and moves the focus to its title, so that it is read aloud and the next key press begins there.
    fn show(&self, name: &str, title: &Tag, elements: impl IntoIterator<Item = Tag>) {
        let first = document().body().is_none_or(|body| !body.has_attribute("data-screen"));
        if let Some(body) = document().body() {
            let _ = body.set_attribute("data-screen", name);
        }
        let took = self.0.took.take().map(|took| paragraph("hint", &took).id("took"));
        self.0.main.replace(elements.into_iter().chain(took));
        set_title(&title.words());
        window().scroll_to_with_x_and_y(0.0, 0.0);
        if !first {
            title.focus();
        }
    }

    /// Says something to those who do not see it, when they are not being told something else.
    fn announce(&self, text: &str) {
        self.0.announcer.set_text(text);
    }

    /// The desktop app, if it does the jobs.
    fn app(&self) -> Option<Rc<App>> {
        if let Engine::App(app) = &self.0.engine { Some(Rc::clone(app)) } else { None }
    }

    /// Asks the app what it is, and takes the files that it is given from outside.
    fn meet_app(&self) {
        let Some(app) = self.app() else { return };
        app.on_given({
            let page = self.clone();
            move |files| page.take_given(&files::in_app(files))
        });
        let main = self.0.main.clone();
        spawn_local(async move {
            if let Some(about) = native::about().await {
                note_ready(&main, about.threads, &about.backend);
            }
        });
    }

    /// Takes files on the form that is shown, or for the next one.
    fn take_given(&self, files: &[Picked]) {
        let take = self.0.on_drop.borrow().clone();
        if let Some(take) = take {
            take(files.to_vec());
            return;
        }
        // Not in the middle of a job, or under an answer about another backup.
        self.0.given.replace(files.to_vec());
        self.show_start_again();
    }

    /// Shows the first screen as it is now, if it is shown.
    fn show_start_again(&self) {
        if document().body().and_then(|body| body.get_attribute("data-screen")).as_deref() == Some("start") {
            start::show(self);
        }
    }

    fn on_drop(&self, take: impl Fn(Vec<Picked>) + 'static) {
        self.0.on_drop.replace(Some(Rc::new(take)));
    }

    fn ask_before_leaving(&self) {
        let page = self.clone();
        always_on(&window(), "beforeunload", move |event| {
            if page.0.busy.get() {
                event.prevent_default();
                // Browsers that follow an older standard ask only if this is set; its text they never show.
                event.unchecked_ref::<BeforeUnloadEvent>().set_return_value("busy");
            }
        });
    }

    /// Ends what runs when the page goes. One that the browser brings back would show work that has ended, or offer what is not there any
    /// more: it starts anew.
    fn end_when_leaving(&self) {
        let was_at_work = Rc::new(Cell::new(false));
        always_on(&window(), "pagehide", {
            let (page, was_at_work) = (self.clone(), Rc::clone(&was_at_work));
            move |_| was_at_work.set(page.0.engine.leave())
        });
        let page = self.clone();
        always_on(&window(), "pageshow", move |event| {
            let comes_back = Reflect::get(&event, &"persisted".into()).is_ok_and(|is| is.is_truthy());
            if comes_back && (was_at_work.get() || stored::holds_any()) {
                // Nothing is lost that is not lost already: nobody is asked.
                page.0.busy.set(false);
                let _ = window().location().reload();
            }
        });
    }

    /// A file that is dropped beside everything must not be opened by the browser in place of this page.
    fn take_drops(&self) {
        always_on(&window(), "dragover", |event| {
            event.prevent_default();
            show_dragging(true);
        });
        always_on(&window(), "dragleave", |event| {
            // Moving from one element to another is no leaving.
            if event.unchecked_ref::<DragEvent>().related_target().is_none() {
                show_dragging(false);
            }
        });
        let page = self.clone();
        always_on(&window(), "drop", move |event| {
            event.prevent_default();
            show_dragging(false);
            let take = page.0.on_drop.borrow().clone();
            let dropped = files::dropped(&event);
            if let Some(take) = take.filter(|_| !dropped.is_empty()) {
                take(files::here(dropped));
            }
        });
    }
}

/// Notes that jobs can be done, for who looks at the page from outside.
fn note_ready(main: &Tag, threads: usize, backend: &str) {
    main.set("data-worker", "ready");
    main.set("data-threads", &threads.to_string());
    main.set("data-backend", backend);
}

/// Removes plaintext from the browser's storage: what other tabs left there, and what this one has when it goes.
fn keep_no_plaintext() {
    // It fails where there is no storage.
    spawn_local(async { drop(stored::sweep().await) });
    stored::remove_when_leaving();
}

/// Names the page: who waits for it has another window before it.
fn set_title(words: &str) {
    document().set_title(&texts::page_title(words));
}

/// Shows that what is dragged over the page may be dropped there.
fn show_dragging(is: bool) {
    if let Some(body) = document().body() {
        let _ = if is { body.set_attribute("data-dragging", "") } else { body.remove_attribute("data-dragging") };
    }
}
