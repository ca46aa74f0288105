//! The jobs of `dbseal` on a real machine: files, processes and the cores of a database host around [`dbseal_core`].
//!
//! A job takes a request in which everything was decided beforehand, reports to an [`Observer`] while it runs, and
//! returns what it did or a [`JobError`] that says in one sentence what went wrong. Output appears under its final name
//! only when it is complete and on disk; a failure leaves nothing. What a job started is found and ended through the whole
//! process, so a program runs one job with commands at a time. Linux is what is tested.

mod adopt;
mod against_seal;
mod age_file;
mod apart;
#[cfg(feature = "cli")]
mod below;
mod catalogue;
mod chain;
mod checked_payload;
mod child;
mod decrypt;
mod descendants;
mod destination;
mod encrypt;
mod ending_signals;
mod entry;
mod error;
mod handoff;
mod held;
mod identity_command;
mod in_order;
mod input;
mod inspect;
mod install;
mod journal;
mod keygen;
mod keys;
mod lateness;
mod locked;
mod metrics;
mod opens;
mod output;
mod pace;
mod parallel;
mod picture;
mod pipeline;
mod place;
mod pool;
mod process;
mod ranges;
mod reason;
mod reencrypt;
mod replaced;
mod report;
mod rewrap;
mod salvage;
mod sample;
mod sealing;
mod section;
mod seen;
mod series;
mod shared_tree;
mod shares;
mod sink;
mod standing;
mod state_file;
mod successor;
mod target;
mod together;
mod trusted;
mod unfinished;
mod verify;
mod working;
mod write_back;

#[cfg(feature = "cli")]
pub mod cli;

pub use adopt::{AdoptRequest, Adopted, adopt};
pub use against_seal::{Names, SealCheck, SealPolicy};
pub use apart::lies_among;
pub use catalogue::{Backup, Catalogue, Event, ListRequest, RestoreTest, SealState, SortBy, Statement, Warning, backups_in, list};
pub use chain::{Link, Missing, MissingCause, place_all};
pub use child::Command;
pub use decrypt::{DecryptRequest, Decrypted, Part, decrypt};
pub use descendants::kill_descendants;
pub use destination::{Destination, Overwrite, Privacy, Streams};
pub use encrypt::{Compression, Encoding, EncryptRequest, Encrypted, encrypt};
pub use ending_signals::on_ending_signal;
pub use error::JobError;
pub use handoff::{HandoffRequest, Wanted, forget_request_key, read_new_headers, read_request, request, request_key_path};
pub use input::{Fifos, Source, open_regular};
pub use inspect::{InspectRequest, InspectedSeal, Inspection, Payload, inspect};
pub use install::{Answers, InstallRequest, install};
pub use keygen::{
    Generated, IdentityKind, KeygenRequest, check_key_paths, check_succession_path, keygen, public_halves_of, recipient_path,
    succession_path,
};
pub use keys::{AskPassphrase, IdentitySource, PassphraseSource, Unlock, load_identities, load_recipients, load_signing_key, load_trust};
pub use lateness::{Late, is_future, late};
pub use locked::keep_in_memory;
pub use metrics::Metrics;
pub use opens::opens;
pub use pace::Pace;
pub use place::{Place, Places};
pub use process::{forbid_core_dumps, run_idle};
pub use report::{Observer, Silent};
pub use rewrap::{Act, Resealing, RewrapRequest, Rewrapped, Way, rewrap};
pub use salvage::{Keep, SalvageReport, SalvageRequest, salvage};
pub use sample::{Depth, Sample, Share};
pub use sealing::{Sign, now, seal_path};
pub use seen::{LastCheck, Seen};
pub use series::Series;
pub use shares::{ShareCounts, share_path};
pub use successor::{Endings, LastBackup, endings, load_succession};
pub use trusted::{default_trust, default_trust_files};
pub use unfinished::abandon_unfinished;
pub use verify::{Claims, HeaderBy, Verification, VerifyRequest, verify};

pub use dbseal_core as core;
