//! Elements, made one by one. No markup is ever parsed, so no file's name can become any.

use std::cell::RefCell;

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Event, EventTarget, HtmlDocument, HtmlElement, HtmlInputElement, HtmlTextAreaElement, Window};

use super::texts::visible;

type Listener = Closure<dyn FnMut(Event)>;

/// The functions that the elements on the screen call, and those of the screen before.
#[derive(Default)]
struct Listeners {
    now: Vec<Listener>,
    /// One of these may be running: it is what changed the screen.
    before: Vec<Listener>,
}

thread_local! {
    static LISTENERS: RefCell<Listeners> = RefCell::default();
}

/// An element, and what is made with it step by step.
#[derive(Clone)]
pub(super) struct Tag(HtmlElement);

impl Tag {
    pub(super) fn new(name: &str) -> Self {
        Self(document().create_element(name).expect("these names are valid").unchecked_into())
    }

    /// An element of a drawing, which has no class that [`Tag::class`] could set.
    pub(super) fn of_drawing(name: &str) -> Self {
        Self(document().create_element_ns(Some("http://www.w3.org/2000/svg"), name).expect("these names are valid").unchecked_into())
    }

    /// The element of the page's own file that has this identifier.
    pub(super) fn of_page(id: &str) -> Self {
        Self::find(id).expect("it is in the page's file")
    }

    /// The element on the screen that has this identifier.
    pub(super) fn find(id: &str) -> Option<Self> {
        document().get_element_by_id(id).map(|element| Self(element.unchecked_into()))
    }

    /// The part of a form that it is in.
    pub(super) fn section(&self) -> Option<Self> {
        self.0.closest("section").ok().flatten().map(|element| Self(element.unchecked_into()))
    }

    pub(super) fn id(self, id: &str) -> Self {
        self.0.set_id(id);
        self
    }

    pub(super) fn class(self, class: &str) -> Self {
        self.0.set_class_name(class);
        self
    }

    pub(super) fn attr(self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a text, with what would not be seen made visible.
    pub(super) fn text(self, text: &str) -> Self {
        let _ = self.0.append_child(&document().create_text_node(&visible(text)));
        self
    }

    pub(super) fn child(self, child: impl Into<Option<Self>>) -> Self {
        if let Some(child) = child.into() {
            let _ = self.0.append_child(&child.0);
        }
        self
    }

    pub(super) fn children(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Calls this at each such event, as long as the screen is shown.
    pub(super) fn on(self, event: &str, listener: impl FnMut(Event) + 'static) -> Self {
        let listener = Listener::new(listener);
        let _ = self.0.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
        LISTENERS.with_borrow_mut(|listeners| listeners.now.push(listener));
        self
    }

    pub(super) fn set(&self, name: &str, value: &str) {
        let _ = self.0.set_attribute(name, value);
    }

    pub(super) fn set_text(&self, text: &str) {
        self.0.set_text_content(Some(&visible(text)));
    }

    pub(super) fn set_class(&self, class: &str) {
        self.0.set_class_name(class);
    }

    pub(super) fn show(&self, shown: bool) {
        self.0.set_hidden(!shown);
    }

    /// Takes these in place of all that is in it.
    pub(super) fn replace(&self, children: impl IntoIterator<Item = Self>) {
        self.0.set_text_content(None);
        for child in children {
            let _ = self.0.append_child(&child.0);
        }
    }

    /// All text in it.
    pub(super) fn words(&self) -> String {
        self.0.text_content().unwrap_or_default()
    }

    /// Scrolls to the end of what is in it.
    pub(super) fn show_end(&self) {
        self.0.set_scroll_top(self.0.scroll_height());
    }

    /// Whether it is part of the page.
    pub(super) fn is_shown(&self) -> bool {
        self.0.is_connected()
    }

    pub(super) fn focus(&self) {
        let _ = self.0.focus();
    }

    pub(super) fn click(&self) {
        self.0.click();
    }

    pub(super) fn input(&self) -> &HtmlInputElement {
        self.0.unchecked_ref()
    }

    pub(super) fn text_area(&self) -> &HtmlTextAreaElement {
        self.0.unchecked_ref()
    }
}

/// Forgets the functions of the screen that was left, but for those which may be running.
pub(super) fn next_screen() {
    let forgotten = LISTENERS.with_borrow_mut(|listeners| {
        let before = std::mem::take(&mut listeners.now);
        std::mem::replace(&mut listeners.before, before)
    });
    drop(forgotten);
}

/// Calls this at each such event as long as the page is there.
pub(super) fn always_on(target: &EventTarget, event: &str, listener: impl FnMut(Event) + 'static) {
    let listener = Listener::new(listener);
    let _ = target.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
    listener.forget();
}

pub(super) fn window() -> Window {
    web_sys::window().expect("the page has a window")
}

pub(super) fn document() -> Document {
    window().document().expect("a window has a document")
}

/// Copies what is selected. Whether the browser did so.
pub(super) fn copy_selection() -> bool {
    document().unchecked_into::<HtmlDocument>().exec_command("copy").is_ok_and(|copied| copied)
}

/// Waits for so many milliseconds.
pub(super) async fn sleep(milliseconds: i32) {
    let waited = Promise::new(&mut |resolve, _| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    let _ = JsFuture::from(waited).await;
}

pub(super) fn div(class: &str) -> Tag {
    Tag::new("div").class(class)
}

pub(super) fn paragraph(class: &str, text: &str) -> Tag {
    Tag::new("p").class(class).text(text)
}

pub(super) fn button(id: &str, class: &str, text: &str, pressed: impl FnMut(Event) + 'static) -> Tag {
    Tag::new("button").id(id).class(class).attr("type", "button").text(text).on("click", pressed)
}

/// A heading that the focus can be moved to.
pub(super) fn title(id: &str, text: &str) -> Tag {
    Tag::new("h1").id(id).attr("tabindex", "-1").text(text)
}

/// Names and what they are for; values of several lines stand below each other.
pub(super) fn facts(facts: impl IntoIterator<Item = (&'static str, String)>) -> Tag {
    facts.into_iter().fold(Tag::new("dl").class("facts"), |list, (name, value)| {
        list.child(div("fact").child(Tag::new("dt").text(name)).child(Tag::new("dd").text(&value)))
    })
}

/// One of several radio buttons or a box to tick, with what it means.
pub(super) fn choice(kind: &str, group: &str, id: &str, label: &str, hint: &str) -> (Tag, Tag) {
    let input = Tag::new("input").id(id).attr("type", kind).attr("name", group);
    let words = Tag::new("span").class("choice-words").child(Tag::new("span").class("choice-label").text(label));
    let words = if hint.is_empty() { words } else { words.child(Tag::new("span").class("hint").text(hint)) };
    (Tag::new("label").class("choice").child(input.clone()).child(words), input)
}
