//! Where what is opened goes, which the person is told before anything starts.

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::elements::window;
use super::{Page, native, stored, texts};
use crate::messages::{Failure, MEMORY_LIMIT, Part, Zstd};
use crate::objects::words_of;

const PICKER: &str = "showSaveFilePicker";

/// The best place that this browser has for an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlet {
    /// A file that the person chooses.
    Picker,
    /// The browser's own storage on the disk, and a download from there.
    Storage {
        /// Bytes that fit in; `None` where the browser does not say.
        room: Option<u64>,
    },
    /// The memory, and a download from there.
    Memory {
        /// Whether the page is in the desktop app, which saves downloads.
        in_app: bool,
    },
    /// A file that the person chooses, or a program, in the desktop app.
    App,
}

impl Outlet {
    /// Finds out what there is by trying: a browser may have the functions and refuse to work, as in a private window.
    pub(super) async fn find(page: &Page) -> Self {
        if page.app().is_some() {
            return Self::App;
        }
        if picker().is_some() {
            return Self::Picker;
        }
        // What is left over takes room.
        if stored::sweep().await.is_err() {
            return Self::Memory { in_app: native::is_around() };
        }
        let estimate = call(&window().navigator().storage(), "estimate").await.unwrap_or_default();
        let number = |name: &str| Reflect::get(&estimate, &name.into()).ok().and_then(|number| number.as_f64());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of bytes")]
        let room = number("quota").map(|quota| (quota - number("usage").unwrap_or_default()).max(0.0) as u64);
        Self::Storage { room }
    }

    /// What the person is told beforehand.
    pub(super) fn note(self) -> String {
        match self {
            Self::Picker => texts::goes_to_picked_file(),
            Self::Storage { room } => texts::goes_to_storage(room),
            Self::Memory { in_app } => texts::goes_to_memory(MEMORY_LIMIT, in_app),
            Self::App => texts::GOES_TO_APP.into(),
        }
    }

    /// Why an output of up to so many bytes is refused before anything starts.
    pub(super) fn refusal(self, len: u64) -> Option<Failure> {
        match self {
            Self::Storage { room: Some(room) } if len > room => Some(texts::no_room(len, room)),
            Self::Memory { in_app } if len > MEMORY_LIMIT => Some(texts::too_long_for_memory(len, MEMORY_LIMIT, in_app)),
            Self::Picker | Self::Storage { .. } | Self::Memory { .. } | Self::App => None,
        }
    }

    /// In a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Picker => "picker",
            Self::Storage { .. } => "storage",
            Self::Memory { .. } => "memory",
            Self::App => "app",
        }
    }
}

/// How many bytes can come out at most: less than the file has.
pub(super) fn longest(file_len: u64, part: &Part) -> u64 {
    match part {
        Part::Whole | Part::Salvage => file_len,
        Part::Bytes(start, end) => end.unwrap_or(file_len).min(file_len).saturating_sub(*start),
    }
}

/// What an output is called if nobody says otherwise.
pub(super) fn name(backup: &str, part: &Part, zstd: Zstd) -> String {
    let stem = backup.strip_suffix(".age").filter(|stem| !stem.is_empty());
    let stem = stem.map(|stem| match zstd {
        Zstd::Kept => stem,
        Zstd::Decompressed => stem.strip_suffix(".zst").filter(|stem| !stem.is_empty()).unwrap_or(stem),
    });
    let stem = stem.map_or_else(|| format!("{backup}.opened"), ToOwned::to_owned);
    match part {
        Part::Whole => stem,
        Part::Bytes(start, Some(end)) => format!("{stem}.bytes-{start}-to-{end}"),
        Part::Bytes(start, None) => format!("{stem}.bytes-from-{start}"),
        Part::Salvage => format!("{stem}.salvaged"),
    }
}

/// The same with the ending that `zstd -d` asks for.
pub(super) fn with_ending(name: &str, is_zstd: bool) -> String {
    if is_zstd && !name.ends_with(".zst") { format!("{name}.zst") } else { name.to_owned() }
}

/// Lets the person choose a file.
pub(super) async fn pick(name: &str) -> Result<JsValue, Failure> {
    let Some(picker) = picker() else { return Err(texts::no_place_chosen()) };
    let options = Object::new();
    let _ = Reflect::set(&options, &"suggestedName".into(), &name.into());
    let picked = match picker.call1(&window(), &options) {
        Ok(promise) => JsFuture::from(js_sys::Promise::resolve(&promise)).await,
        Err(error) => Err(error),
    };
    picked.map_err(|error| {
        let name = Reflect::get(&error, &"name".into()).ok().and_then(|name| name.as_string());
        if name.as_deref() == Some("AbortError") { texts::no_place_chosen() } else { texts::place_refused(&words_of(&error)) }
    })
}

/// Removes the empty file that choosing has left, after a job that wrote nothing into it.
pub(super) async fn discard(handle: &JsValue) {
    let Ok(file) = call(handle, "getFile").await else { return };
    let len = Reflect::get(&file, &"size".into()).ok().and_then(|len| len.as_f64());
    if len == Some(0.0) {
        let _ = call(handle, "remove").await;
    }
}

fn picker() -> Option<Function> {
    Reflect::get(&window(), &PICKER.into()).ok()?.dyn_into().ok()
}

/// Calls a method that promises something.
async fn call(object: &JsValue, method: &str) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    JsFuture::from(js_sys::Promise::resolve(&method.apply(object, &Array::new())?)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_names_of_their_own() {
        assert_eq!(name("shop.sql.age", &Part::Whole, Zstd::Kept), "shop.sql");
        assert_eq!(name("shop", &Part::Whole, Zstd::Kept), "shop.opened");
        assert_eq!(name(".age", &Part::Whole, Zstd::Kept), ".age.opened");
        assert_eq!(name("shop.sql.age", &Part::Salvage, Zstd::Kept), "shop.sql.salvaged");
        assert_eq!(name("shop.sql.age", &Part::Bytes(4, None), Zstd::Kept), "shop.sql.bytes-from-4");
        assert_eq!(name("shop.sql.age", &Part::Bytes(4, Some(9)), Zstd::Kept), "shop.sql.bytes-4-to-9");
        for backup in ["shop.sql.zst.age", "shop.sql.age"] {
            assert_eq!(name(backup, &Part::Whole, Zstd::Decompressed), "shop.sql");
        }
        assert_eq!(with_ending("shop.sql", true), "shop.sql.zst");
        assert_eq!(with_ending("shop.sql.zst", true), "shop.sql.zst");
        assert_eq!(with_ending("shop.sql", false), "shop.sql");
    }

    #[test]
    fn what_does_not_fit_is_refused_beforehand() {
        for in_app in [true, false] {
            let outlet = Outlet::Memory { in_app };
            assert_eq!(outlet.refusal(MEMORY_LIMIT), None);
            let failure = outlet.refusal(MEMORY_LIMIT + 1).expect("a byte too many");
            assert!(failure.what.contains("256.0 MiB") && failure.next.contains("the app do the work") == in_app, "{failure:?}");
        }
        assert!(Outlet::Storage { room: Some(99) }.refusal(100).is_some());
        assert_eq!(Outlet::Storage { room: None }.refusal(u64::MAX), None);
        assert_eq!(Outlet::Picker.refusal(u64::MAX), None);
        assert_eq!(longest(100, &Part::Whole), 100);
        assert_eq!(longest(100, &Part::Bytes(90, Some(1 << 40))), 10);
        assert_eq!(longest(100, &Part::Bytes(500, None)), 0);
    }
}
