//! Where the plaintext goes: to a file that the person picked, to the browser's own storage, or to memory. Whatever happens, no file
//! that looks whole is there before all of it is.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, IteratorNext, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, DomException, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions, FileSystemReadWriteOptions,
    FileSystemSyncAccessHandle, FileSystemWritableFileStream,
};

use super::scope;
use crate::engine::{Sink, WriteError};
use crate::messages::{Failure, MEMORY_LIMIT, OutputKind};
use crate::objects::{number, words_of};

/// An output, and the file that it becomes where the page has to offer one.
pub(super) struct Output {
    place: Place,
    done: Rc<RefCell<Option<Blob>>>,
}

enum Place {
    /// The browser writes beside the file and puts it in place when the stream is closed.
    Picked {
        stream: FileSystemWritableFileStream,
        is_closed: bool,
    },
    /// A file in storage that only this page sees.
    Stored(Stored),
    Memory {
        parts: Array,
        len: u64,
    },
}

struct Stored {
    folder: FileSystemDirectoryHandle,
    file: FileSystemFileHandle,
    access: FileSystemSyncAccessHandle,
    len: u64,
    keep: bool,
}

/// What all files in the browser's storage are called, with a number.
const STORED_NAME: &str = "dbseal-output";

impl Output {
    pub(super) async fn create(kind: OutputKind, picked: Option<FileSystemFileHandle>) -> Result<Self, Failure> {
        let failed = |error: JsValue| Failure {
            what: format!("the browser did not let the output be written: {}", reason(&error)),
            next: "choose another place for it, or open it with the command: dbseal decrypt -i KEY -o OUTPUT BACKUP".into(),
            only_seal: false,
        };
        let place = match (kind, picked) {
            (OutputKind::Picker, Some(file)) => {
                let stream = JsFuture::from(file.create_writable()).await.map_err(failed)?.unchecked_into();
                Place::Picked { stream, is_closed: false }
            }
            (OutputKind::Storage, _) => Place::Stored(Stored::create().await.map_err(failed)?),
            (OutputKind::Picker, None) | (OutputKind::Memory, _) => Place::Memory { parts: Array::new(), len: 0 },
        };
        Ok(Self { place, done: Rc::default() })
    }

    /// Where the file is found that the page has to offer, once it was committed.
    pub(super) fn made(&self) -> Rc<RefCell<Option<Blob>>> {
        Rc::clone(&self.done)
    }
}

impl Sink for Output {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        match &mut self.place {
            Place::Picked { stream, .. } => {
                // A copy, as memory that is shared between threads is not taken.
                let written = stream.write_with_js_u8_array(&Uint8Array::from(bytes)).map_err(|error| write_error(&error))?;
                JsFuture::from(written).await.map(|_| ()).map_err(|error| write_error(&error))
            }
            Place::Stored(stored) => stored.write(bytes),
            Place::Memory { parts, len } => {
                *len += bytes.len() as u64;
                if *len > MEMORY_LIMIT {
                    return Err(WriteError::TooLong(MEMORY_LIMIT));
                }
                parts.push(&Uint8Array::from(bytes));
                Ok(())
            }
        }
    }

    async fn commit(mut self) -> Result<(), WriteError> {
        let file = match &mut self.place {
            Place::Picked { stream, is_closed } => {
                let closed = JsFuture::from(stream.close()).await;
                *is_closed = closed.is_ok();
                closed.map_err(|error| write_error(&error))?;
                None
            }
            Place::Stored(stored) => Some(stored.commit().await.map_err(|error| write_error(&error))?),
            Place::Memory { parts, .. } => Some(Blob::new_with_u8_array_sequence(parts).map_err(|error| write_error(&error))?),
        };
        *self.done.borrow_mut() = file;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        match &mut self.place {
            Place::Picked { stream, is_closed: false } => drop(stream.abort()),
            Place::Stored(stored) if !stored.keep => stored.remove(),
            Place::Picked { .. } | Place::Stored(_) | Place::Memory { .. } => {}
        }
    }
}

impl Stored {
    async fn create() -> Result<Self, JsValue> {
        let folder: FileSystemDirectoryHandle = JsFuture::from(scope().navigator().storage().get_directory()).await?.unchecked_into();
        remove_leftovers(&folder).await?;
        let name = format!("{STORED_NAME}-{}", js_sys::Date::now());
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        let file: FileSystemFileHandle = JsFuture::from(folder.get_file_handle_with_options(&name, &options)).await?.unchecked_into();
        let access: FileSystemSyncAccessHandle = JsFuture::from(file.create_sync_access_handle()).await?.unchecked_into();
        Ok(Self { folder, file, access, len: 0, keep: false })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let options = FileSystemReadWriteOptions::new();
        options.set_at(number(self.len));
        let written = self.access.write_with_js_u8_array_and_options(&Uint8Array::from(bytes), &options);
        let written = written.map_err(|error| write_error(&error))?;
        if written < number(bytes.len() as u64) {
            return Err(WriteError::Full);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    async fn commit(&mut self) -> Result<Blob, JsValue> {
        self.access.flush()?;
        self.access.close();
        let file = JsFuture::from(self.file.get_file()).await?.unchecked_into();
        self.keep = true;
        Ok(file)
    }

    fn remove(&self) {
        self.access.close();
        let _ = self.folder.remove_entry(&self.file.name());
    }
}

/// Outputs of jobs before this one, stopped or saved: nobody else would ever remove the plaintext. One that is still being written is
/// locked by its writer; one that another tab still saves goes, and saving it fails there.
async fn remove_leftovers(folder: &FileSystemDirectoryHandle) -> Result<(), JsValue> {
    let names = folder.keys();
    loop {
        let next: IteratorNext = JsFuture::from(names.next_iterator()?).await?.unchecked_into();
        if next.done() {
            return Ok(());
        }
        let name = next.value().as_string().unwrap_or_default();
        if name.starts_with(STORED_NAME) {
            let _ = JsFuture::from(folder.remove_entry(&name)).await;
        }
    }
}

fn write_error(error: &JsValue) -> WriteError {
    match error.dyn_ref::<DomException>().map(DomException::name).as_deref() {
        Some("QuotaExceededError") => WriteError::Full,
        _ => WriteError::Other(reason(error)),
    }
}

/// Why something failed, in the browser's words.
pub(super) fn reason(error: &JsValue) -> String {
    let words = words_of(error);
    if words.is_empty() { "it gave no reason".into() } else { words }
}
