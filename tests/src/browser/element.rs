//! An element of a page.

use std::path::Path;

use serde_json::{Value, json};

use super::Browser;
use super::driver::ELEMENT_KEY;

/// An element of the page that a browser shows.
pub struct Element<'a> {
    pub(super) browser: &'a Browser,
    pub(super) id: String,
}

impl Element<'_> {
    /// Clicks it.
    ///
    /// # Panics
    /// If it cannot be clicked.
    pub fn click(&self) {
        self.call("POST", "/click", &json!({}));
    }

    /// Types into it.
    ///
    /// # Panics
    /// If it takes no text.
    pub fn type_in(&self, text: &str) {
        self.call("POST", "/value", &json!({ "text": text }));
    }

    /// Empties it.
    ///
    /// # Panics
    /// If it cannot be edited.
    pub fn clear(&self) {
        self.call("POST", "/clear", &json!({}));
    }

    /// Chooses files, where it is a field for files.
    ///
    /// # Panics
    /// If it is not, or one is not there.
    pub fn choose(&self, files: &[&Path]) {
        let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        self.type_in(&files.join("\n"));
    }

    /// The text that it shows.
    #[must_use]
    pub fn text(&self) -> String {
        self.call("GET", "/text", &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// A property of its object.
    #[must_use]
    pub fn property(&self, name: &str) -> Value {
        self.call("GET", &format!("/property/{name}"), &Value::Null)
    }

    /// An attribute, if it has it.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.call("GET", &format!("/attribute/{name}"), &Value::Null).as_str().map(Into::into)
    }

    /// Whether a person can see it. An element that is gone cannot be seen.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.try_call("/displayed") == Some(Value::Bool(true))
    }

    /// Whether it can be used.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.try_call("/enabled") == Some(Value::Bool(true))
    }

    /// Itself, as an argument of a script.
    #[must_use]
    pub fn value(&self) -> Value {
        json!({ ELEMENT_KEY: self.id })
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.browser.call(method, &format!("/element/{}{path}", self.id), body)
    }

    fn try_call(&self, path: &str) -> Option<Value> {
        self.browser.try_call("GET", &format!("/element/{}{path}", self.id), &Value::Null).ok()
    }
}
