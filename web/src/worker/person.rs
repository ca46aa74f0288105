//! The person at the page, who is asked before anything is granted.

use std::cell::RefCell;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::message::strange_request;
use super::post;
use crate::engine::Person;
use crate::messages::grant::{Asked, CONSENT, Consent};
use crate::messages::{Failure, Report};

/// The page, with somebody before it.
#[derive(Default)]
pub(super) struct Page {
    /// What takes the answer, once there was a question.
    takes: RefCell<Option<Function>>,
}

impl Page {
    /// Takes the answer of the person; whether it is one.
    pub(super) fn take(&self, data: &JsValue) -> bool {
        let Some(text) = Reflect::get(data, &CONSENT.into()).ok().filter(JsValue::is_string) else { return false };
        // Before there was a question nobody can have answered it.
        if let Some(take) = self.takes.take() {
            let _ = take.call1(&JsValue::UNDEFINED, &text);
        }
        true
    }
}

impl Person for Page {
    async fn ask(&self, asked: Asked) -> Result<Consent, Failure> {
        let answered = Promise::new(&mut |take, _| {
            self.takes.replace(Some(take));
        });
        post(&Report::Asked(Box::new(asked)), None);
        let text = JsFuture::from(answered).await.ok().and_then(|text| text.as_string());
        text.and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(strange_request)
    }
}
