//! The jobs over any file and any output: nothing here knows a browser, so all of it is tested without one.

mod source;

pub use source::{Observer, Piece, ReadError, Sink, Source, WriteError};
