//! The jobs over any file and any output: nothing here knows a browser, so all of it is tested without one.

mod against_seal;
mod age_file;
mod check;
mod failures;
mod grant;
mod inspect;
mod keys;
mod open;
mod payload;
mod pictures;
mod qr;
mod ranges;
mod reading;
mod salvage;
mod source;
mod writing;

pub use against_seal::{first_claims, source_word, trust_of, trusted};
pub use age_file::is_age;
pub use check::{check, has_possible_len};
pub use failures::{after_handoff, no_picture};
pub use grant::{Person, grant, pasted_request, read_request};
pub use inspect::inspect;
pub use keys::{Keys, PROTECTED_START_LEN, has_private_key, is_protected, read_identity};
pub use open::{OpenRequest, open};
pub use pictures::{Luma, Pictures, luma};
pub use qr::{Code, codes_of};
pub use reading::read_seal;
pub use source::{Observer, Piece, ReadError, Sink, Source, WriteError};
