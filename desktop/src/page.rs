//! The page, which is part of the program: nobody can change it on the disk beside it.

use std::borrow::Cow;

use tauri::utils::assets::{AssetKey, AssetsIter, CspHash};
use tauri::{Assets, Runtime};

/// Its files, by address.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// The page as the window asks for it.
pub(crate) struct Page;

/// Whether this program was built with the page.
pub(crate) fn is_built_in() -> bool {
    !FILES.is_empty()
}

impl<R: Runtime> Assets<R> for Page {
    fn get(&self, key: &AssetKey) -> Option<Cow<'_, [u8]>> {
        FILES.iter().find(|(address, _)| *address == key.as_ref()).map(|(_, bytes)| Cow::Borrowed(*bytes))
    }

    fn iter(&self) -> Box<AssetsIter<'_>> {
        Box::new(FILES.iter().map(|(address, bytes)| (Cow::Borrowed(*address), Cow::Borrowed(*bytes))))
    }

    /// The page has no script but its own files.
    fn csp_hashes(&self, _: &AssetKey) -> Box<dyn Iterator<Item = CspHash<'_>> + '_> {
        Box::new(std::iter::empty())
    }
}
