//! Paths on their way from one process of the app to the other: what is on a disk need not be called by a text.

use std::ffi::OsStr;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A path, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OnDisk(Vec<u8>);

impl From<&Path> for OnDisk {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().into())
    }
}

impl Deref for OnDisk {
    type Target = Path;

    fn deref(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_no_text_comes_through() {
        let path = Path::new(OsStr::from_bytes(b"/media/alt/\xfcbung.age"));
        let text = serde_json::to_string(&OnDisk::from(path)).expect("numbers");
        assert_eq!(&*serde_json::from_str::<OnDisk>(&text).expect("the same"), path);
    }
}
