//! Where the plaintext goes: to a file that the person picked, to the browser's own storage, or to memory. Whatever happens, no file
//! that looks whole is there before all of it is.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, DomException, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions, FileSystemReadWriteOptions,
    FileSystemSyncAccessHandle, FileSystemWritableFileStream,
};

use super::message::strange_request;
use super::scope;
use crate::engine::{Sink, WriteError};
use crate::messages::{Failure, MEMORY_LIMIT, OutputKind};
use crate::objects::{number, words_of};

/// An output, and the file that it becomes where the page has to offer one.
pub(super) struct Output {
    place: Place,
    joined: Joined,
    done: Rc<RefCell<Option<Blob>>>,
}

/// Memory that is the browser's own, from which it writes: it takes none that threads share. Used again for each write, as a new one would
/// be filled with zeros first.
struct Joined(Uint8Array);

enum Place {
    /// The browser writes beside the file and puts it in place when the stream is closed.
    Picked {
        stream: FileSystemWritableFileStream,
        /// The write before, while the next bytes are opened.
        writing: Option<JsFuture>,
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

impl Output {
    pub(super) async fn create(kind: OutputKind, picked: Option<FileSystemFileHandle>) -> Result<Self, Failure> {
        let failed = |error: JsValue| {
            Failure::new(
                format!("the browser did not let the output be written: {}", reason(&error)),
                "choose another place for it, or open it with the command: dbseal decrypt -i KEY -o OUTPUT BACKUP",
            )
        };
        let place = match (kind, picked) {
            (OutputKind::Picker, Some(file)) => {
                let stream = JsFuture::from(file.create_writable()).await.map_err(failed)?.unchecked_into();
                Place::Picked { stream, writing: None, is_closed: false }
            }
            (OutputKind::Storage(name), _) => Place::Stored(Stored::create(&name).await.map_err(failed)?),
            (OutputKind::Picker, None) | (OutputKind::App(..), _) => return Err(strange_request()),
            (OutputKind::Memory, _) => Place::Memory { parts: Array::new(), len: 0 },
        };
        Ok(Self { place, joined: Joined::default(), done: Rc::default() })
    }

    /// Where the file is found that the page has to offer, once it was committed.
    pub(super) fn made(&self) -> Rc<RefCell<Option<Blob>>> {
        Rc::clone(&self.done)
    }
}

impl Default for Joined {
    fn default() -> Self {
        Self(Uint8Array::new_with_length(0))
    }
}

impl Joined {
    /// These parts, one after the other.
    fn join(&mut self, parts: &[&[u8]]) -> Uint8Array {
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).expect("WASM has 4 GiB at most");
        let total_len = parts.iter().map(|part| len(part)).sum();
        if self.0.length() < total_len {
            self.0 = Uint8Array::new_with_length(total_len);
        }
        let mut at = 0;
        for part in parts {
            self.0.subarray(at, at + len(part)).copy_from(part);
            at += len(part);
        }
        self.0.subarray(0, total_len)
    }
}

impl Sink for Output {
    async fn write(&mut self, parts: &[&[u8]]) -> Result<(), WriteError> {
        match &mut self.place {
            Place::Picked { stream, writing, .. } => {
                // It has what it wrote from until then.
                written(writing).await?;
                let bytes = self.joined.join(parts);
                *writing = Some(stream.write_with_js_u8_array(&bytes).map_err(|error| write_error(&error))?.into());
                Ok(())
            }
            Place::Stored(stored) => stored.write(&self.joined.join(parts)),
            Place::Memory { parts: all, len } => {
                *len += parts.iter().map(|part| part.len() as u64).sum::<u64>();
                if *len > MEMORY_LIMIT {
                    return Err(WriteError::TooLong(MEMORY_LIMIT));
                }
                all.push(&Joined::default().join(parts));
                Ok(())
            }
        }
    }

    async fn commit(mut self) -> Result<(), WriteError> {
        let file = match &mut self.place {
            Place::Picked { stream, writing, is_closed } => {
                written(writing).await?;
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
        self.joined.0.fill(0, 0, self.joined.0.length());
        match &mut self.place {
            Place::Picked { stream, is_closed: false, .. } => drop(stream.abort()),
            Place::Stored(stored) if !stored.keep => stored.remove(),
            Place::Picked { .. } | Place::Stored(_) | Place::Memory { .. } => {}
        }
    }
}

impl Stored {
    /// The page holds the name, and removes the file when it has offered it, or where this worker does not come to do so.
    async fn create(name: &str) -> Result<Self, JsValue> {
        let folder: FileSystemDirectoryHandle = JsFuture::from(scope().navigator().storage().get_directory()).await?.unchecked_into();
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        let file: FileSystemFileHandle = JsFuture::from(folder.get_file_handle_with_options(name, &options)).await?.unchecked_into();
        let access: FileSystemSyncAccessHandle = JsFuture::from(file.create_sync_access_handle()).await?.unchecked_into();
        Ok(Self { folder, file, access, len: 0, keep: false })
    }

    fn write(&mut self, bytes: &Uint8Array) -> Result<(), WriteError> {
        let options = FileSystemReadWriteOptions::new();
        options.set_at(number(self.len));
        let written = self.access.write_with_js_u8_array_and_options(bytes, &options);
        let written = written.map_err(|error| write_error(&error))?;
        let len = u64::from(bytes.length());
        if written < number(len) {
            return Err(WriteError::Full);
        }
        self.len += len;
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

/// Waits for a write, if there is one on its way.
async fn written(writing: &mut Option<JsFuture>) -> Result<(), WriteError> {
    match writing.take() {
        Some(writing) => writing.await.map(|_| ()).map_err(|error| write_error(&error)),
        None => Ok(()),
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
