//! Outputs in the browser's own storage: plaintext, which nobody but this page would ever remove. Each is held by the tab that writes or
//! offers it, from before it is there, and goes when that tab is done with it. What no tab holds is left over, and goes when a page starts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Date, Function, IteratorNext, Math, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DomException, FileSystemDirectoryHandle};

use super::elements::{always_on, sleep, window};
use super::save::HELD_FOR;

/// How all of them are called, before a number.
const NAME: &str = "dbseal-output-";
/// Milliseconds between two attempts to remove one: a worker that was ended lets go of it a moment later, a download when it is done.
const PAUSES: std::ops::RangeInclusive<i32> = 100..=60_000;

/// A file in storage that this tab holds; perhaps not made yet.
#[derive(Clone)]
pub(super) struct Stored(Rc<Held>);

struct Held {
    folder: FileSystemDirectoryHandle,
    name: String,
    /// Ends the hold.
    release: Function,
    is_done: Cell<bool>,
    /// By this computer's clock, in milliseconds.
    saved_at: Cell<Option<f64>>,
}

thread_local! {
    /// All that this tab holds.
    static HELD: RefCell<Vec<Rc<Held>>> = RefCell::default();
}

impl Stored {
    /// Holds a name that no file has.
    pub(super) async fn hold() -> Result<Self, JsValue> {
        let (folder, name) = (folder().await?, format!("{NAME}{}-{}", Date::now(), Math::random()));
        let ((held, release), (granted, grant)) = (promise(), promise());
        let on_granted = Closure::once_into_js(move |_: JsValue| {
            let _ = grant.call0(&JsValue::UNDEFINED);
            held
        });
        // That it was requested is settled only at the end, or where it is refused.
        let requested = request_lock(&name, &Object::new(), &on_granted)?;
        JsFuture::from(Promise::race(&Array::of2(&requested, &granted))).await?;
        let held = Rc::new(Held { folder, name, release, is_done: Cell::default(), saved_at: Cell::default() });
        HELD.with_borrow_mut(|all| all.push(Rc::clone(&held)));
        Ok(Self(held))
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Notes that the browser begins to copy it to its downloads.
    pub(super) fn note_save(&self) {
        self.0.saved_at.set(Some(Date::now()));
    }

    /// Removes it, and lets go of it when it is gone. One that is being saved stays for a while, so that the browser has taken hold of it.
    pub(super) fn let_go(&self) {
        let held = Rc::clone(&self.0);
        if held.is_done.replace(true) {
            return;
        }
        spawn_local(async move {
            if let Some(saved_at) = held.saved_at.get() {
                #[expect(clippy::cast_possible_truncation, reason = "within a minute")]
                sleep((saved_at + f64::from(HELD_FOR) - Date::now()).clamp(0.0, f64::from(HELD_FOR)) as i32).await;
            }
            let mut pause = *PAUSES.start();
            while !held.is_removed().await {
                sleep(pause).await;
                pause = (2 * pause).min(*PAUSES.end());
            }
            let _ = held.release.call0(&JsValue::UNDEFINED);
            HELD.with_borrow_mut(|all| all.retain(|other| !Rc::ptr_eq(other, &held)));
        });
    }
}

impl Held {
    /// Whether it is not there, or not any more.
    async fn is_removed(&self) -> bool {
        match JsFuture::from(self.folder.remove_entry(&self.name)).await {
            Ok(_) => true,
            Err(error) => error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "NotFoundError"),
        }
    }
}

/// Removes what is left over: of jobs that were stopped with their tab, and of tabs that were closed.
pub(super) async fn sweep() -> Result<(), JsValue> {
    let folder = folder().await?;
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
    for name in names(&folder).await?.into_iter().filter(|name| name.starts_with(NAME)) {
        let remove = {
            let (folder, name) = (folder.clone(), name.clone());
            move |lock: JsValue| if lock.is_null() { JsValue::UNDEFINED } else { folder.remove_entry(&name).into() }
        };
        // One that is still being written, or is gone already, is refused; the others go all the same.
        let _ = JsFuture::from(request_lock(&name, &options, &Closure::once_into_js(remove))?).await;
    }
    Ok(())
}

/// Removes what this tab holds when its page goes.
pub(super) fn remove_when_leaving() {
    always_on(&window(), "pagehide", |_| {
        // Asked now: of a page that goes nothing is awaited. Firefox does not do it for a tab that is closed: the next page that starts
        // does, and also removes what is being saved now.
        let gone = |held: &&Rc<Held>| held.saved_at.get().is_none_or(|saved_at| Date::now() - saved_at > f64::from(HELD_FOR));
        HELD.with_borrow(|all| all.iter().filter(gone).for_each(|held| drop(held.folder.remove_entry(&held.name))));
    });
}

/// Whether this tab holds anything.
pub(super) fn holds_any() -> bool {
    HELD.with_borrow(|all| !all.is_empty())
}

async fn folder() -> Result<FileSystemDirectoryHandle, JsValue> {
    let storage = window().navigator().storage();
    if storage.is_undefined() {
        return Err(JsValue::UNDEFINED);
    }
    Ok(JsFuture::from(storage.get_directory()).await?.unchecked_into())
}

async fn names(folder: &FileSystemDirectoryHandle) -> Result<Vec<String>, JsValue> {
    let (keys, mut names) = (folder.keys(), Vec::new());
    loop {
        let next: IteratorNext = JsFuture::from(keys.next_iterator()?).await?.unchecked_into();
        if next.done() {
            return Ok(names);
        }
        names.extend(next.value().as_string());
    }
}

/// Asks for a lock of this name, which all tabs of this page share and a tab that is closed loses. It is held for as long as what
/// `granted` promises is not kept.
fn request_lock(name: &str, options: &Object, granted: &JsValue) -> Result<Promise, JsValue> {
    let locks = Reflect::get(&window().navigator(), &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    request.call3(&locks, &name.into(), options, granted)?.dyn_into()
}

/// A promise, and what keeps it.
fn promise() -> (Promise, Function) {
    let mut keep = None;
    let promise = Promise::new(&mut |resolve, _| keep = Some(resolve));
    (promise, keep.expect("a promise says at once how it is kept"))
}
