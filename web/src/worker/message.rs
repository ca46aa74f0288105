//! The one message that a page sends: a request and, beside it, what only the browser can make.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, File, FileSystemFileHandle};
use zeroize::Zeroizing;

use crate::messages::{Chosen, Failure, Request};

pub(super) struct Message {
    pub(super) request: Request,
    /// The backup's name.
    pub(super) name: String,
    /// The backup, or what the request of another machine is in, which is not there where that was pasted.
    pub(super) backup: Option<Blob>,
    pub(super) seal: Option<Blob>,
    /// The text of an identity, or a passphrase.
    pub(super) secret: Zeroizing<Vec<u8>>,
    /// An identity file.
    pub(super) identity: Option<Blob>,
    /// The file that was picked for the output.
    pub(super) picked: Option<FileSystemFileHandle>,
}

impl Message {
    /// Takes it apart, and overwrites the secret where it lay.
    pub(super) fn take(data: &JsValue) -> Result<Self, Failure> {
        let request = Reflect::get(data, &"request".into()).ok().and_then(|text| serde_json::from_str(&text.as_string()?).ok());
        let backup: Option<File> = field(data, Chosen::Backup.field());
        let Some(request) = request else { return Err(strange_request()) };
        let secret = field::<Uint8Array>(data, "secret").map(|array| {
            let secret = Zeroizing::new(array.to_vec());
            array.fill(0, 0, array.length());
            secret
        });
        Ok(Self {
            request,
            name: backup.as_ref().map(File::name).unwrap_or_default(),
            backup: backup.map(JsCast::unchecked_into),
            seal: field(data, Chosen::Seal.field()),
            secret: secret.unwrap_or_default(),
            identity: field(data, Chosen::Identity.field()),
            picked: field(data, "output"),
        })
    }
}

/// The page says what this worker does not understand.
pub(super) fn strange_request() -> Failure {
    Failure::new("the page sent a request that this version does not know", "load the page again, so that all its parts are of one version")
}

/// A property of an object, where it is there and of this type.
fn field<T: JsCast>(data: &JsValue, name: &str) -> Option<T> {
    Reflect::get(data, &name.into()).ok()?.dyn_into().ok()
}
