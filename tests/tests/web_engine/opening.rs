//! An opening, to be changed in what a test is about.

use dbseal_core::{SLOT_LEN, Spread};
use dbseal_web::engine::{self, Keys, OpenRequest};
use dbseal_web::messages::{Failure, Opened, Part, SealPolicy};

use crate::NAME;
use crate::backup::Backup;
use crate::memory::{Memory, Output, Watcher, block_on};

/// Opens with everything as it should be, but for what is said.
pub(crate) struct Opening<'a> {
    pub(crate) file: Vec<u8>,
    pub(crate) name: &'a str,
    pub(crate) seal: Option<&'a [u8]>,
    pub(crate) trust: String,
    pub(crate) policy: SealPolicy,
    pub(crate) part: &'a Part,
    pub(crate) keys: Keys,
    /// Bytes that fit on the disk.
    pub(crate) room: Option<usize>,
    /// Reads that succeed.
    pub(crate) reads_left: usize,
}

impl<'a> Opening<'a> {
    pub(crate) fn of(backup: &'a Backup, part: &'a Part) -> Self {
        Self {
            file: backup.file(),
            name: NAME,
            seal: Some(&backup.seal),
            trust: backup.trust(),
            policy: SealPolicy::Trusted,
            part,
            keys: backup.keys(),
            room: None,
            reads_left: usize::MAX,
        }
    }

    pub(crate) fn without_seal(backup: &'a Backup, part: &'a Part) -> Self {
        Self { seal: None, trust: String::new(), ..Self::of(backup, part) }
    }

    /// What was done, and what came out. What fails commits nothing.
    pub(crate) fn open(self) -> Result<(Opened, Vec<u8>), (Failure, Vec<u8>)> {
        let Self { file, name, seal, trust, policy, part, keys, room, reads_left } = self;
        let (file, output) = (Memory::new(file), Output::default());
        file.reads_left.set(reads_left);
        output.0.room.set(room);
        let request = OpenRequest { name, seal, trust: &trust, policy: &policy, part, spread: Spread::Rayon };
        let opened = block_on(engine::open(&request, &file, keys, output.clone(), &Watcher::default()));
        assert!(file.longest_read.get() <= 64 * SLOT_LEN as u64, "no more is read at a time");
        assert_eq!(output.0.is_committed.get(), opened.is_ok(), "an output is there if all of it is");
        let bytes = output.0.bytes.take();
        match opened {
            Ok(opened) => Ok((opened, bytes)),
            Err(failure) => Err((failure, bytes)),
        }
    }

    pub(crate) fn fails(self, words: &str) -> Vec<u8> {
        let (failure, bytes) = self.open().expect_err(words);
        assert!(failure.what.contains(words) && !failure.next.is_empty(), "{words}: {failure:?}");
        bytes
    }
}
