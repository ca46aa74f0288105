//! Promise 3: nothing unauthenticated reaches the output, ever. A damaged file ends in exit 1, with no file under the
//! final name, and with nothing on a pipe but a true beginning of the plaintext, in whole chunks.
//!
//! The core is tested at every byte. Here the command is, at a sample that has all the edges.

use std::collections::BTreeSet;

use dbseal_core::{CHUNK_LEN, PAYLOAD_NONCE_LEN, SLOT_LEN};
use dbseal_tests::cli::{Ended, Folder};
use dbseal_tests::inputs::{Replay, paint};

/// Length in bytes of the padded header with one classical recipient.
const HEADER_LEN: usize = 4096;
/// Positions besides the edges.
const SAMPLE_COUNT: usize = 150;

/// An encrypted file in a folder with its key, and its plaintext.
struct Backup {
    folder: Folder,
    plaintext: Vec<u8>,
    file: Vec<u8>,
}

impl Backup {
    fn new(plaintext_len: usize, options: &[&str]) -> Self {
        let folder = Folder::with_key();
        let plaintext = paint(plaintext_len);
        folder.write("plain", &plaintext);
        folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "plain"]).args(options.iter().copied()).run().succeeds_in_silence();
        let file = folder.read("shop.age");
        Self { folder, plaintext, file }
    }

    /// A file of a single, short chunk.
    fn of_one_chunk() -> Self {
        Self::new(1000, &[])
    }

    /// Two full chunks and a short one.
    fn of_three_chunks() -> Self {
        Self::new(2 * CHUNK_LEN + 100, &[])
    }

    /// Positions in the file: around the start and the end of each of its parts, all of the stanza that matters, and some
    /// of each stretch in between.
    fn positions(&self) -> BTreeSet<usize> {
        let len = self.file.len();
        let slots = (0..=len / SLOT_LEN).map(|index| HEADER_LEN + PAYLOAD_NONCE_LEN + index * SLOT_LEN);
        let edges = [0, 1, HEADER_LEN, len].into_iter().chain(slots);
        let mut rng = Replay(len as u64);
        let spread = (0..SAMPLE_COUNT).map(|index| index * len / SAMPLE_COUNT + rng.below(len / SAMPLE_COUNT));
        let around_edges = edges.flat_map(|edge| edge.saturating_sub(2)..edge + 2);
        around_edges.chain((0..200).step_by(7)).chain(spread).filter(|&position| position < len).collect()
    }

    /// Decrypts `damaged` to a file, to a pipe and through pipes; all of them must refuse it.
    fn is_refused(&self, damaged: &[u8], how: &str) {
        let folder = &self.folder;
        folder.write("damaged.age", damaged);
        let before = folder.names();
        let decrypt = |args: &[&str]| folder.dbseal(["decrypt", "-i", "backup.key"]).args(args.iter().copied());
        let refused = |ended: Ended| {
            assert!(ended.stderr.starts_with("dbseal: error: "), "{how}: {}", ended.stderr);
            ended.fails_with("dbseal: error: ")
        };
        refused(decrypt(&["-o", "out", "damaged.age"]).run());
        refused(decrypt(&["-o", "out"]).stdin(damaged).run());
        assert_eq!(folder.names(), before, "{how}: something was left");
        for ended in [decrypt(&["damaged.age"]).run(), decrypt(&[]).stdin(damaged).run()] {
            let ended = refused(ended);
            assert!(self.plaintext.starts_with(&ended.stdout), "{how}: what was written is not what was sealed");
            assert_eq!(ended.stdout.len() % CHUNK_LEN, 0, "{how}: a part of a chunk was written");
        }
    }

    fn truncated(&self) {
        for len in self.positions() {
            self.is_refused(&self.file[..len], &format!("cut off at {len}"));
        }
    }

    fn flipped(&self) {
        let mut rng = Replay(7);
        for position in self.positions() {
            let mut damaged = self.file.clone();
            damaged[position] ^= 1 << rng.below(8);
            self.is_refused(&damaged, &format!("flipped at {position}"));
        }
    }
}

/// A small file that was cut off, anywhere.
#[test]
fn one_chunk_truncated() {
    Backup::of_one_chunk().truncated();
}

/// A small file in which a bit was flipped, anywhere.
#[test]
fn one_chunk_flipped() {
    Backup::of_one_chunk().flipped();
}

/// A file of several chunks that was cut off, between its chunks too.
#[test]
fn three_chunks_truncated() {
    Backup::of_three_chunks().truncated();
}

/// A file of several chunks in which a bit was flipped.
#[test]
fn three_chunks_flipped() {
    Backup::of_three_chunks().flipped();
}

/// Data after the end, one byte or a chunk, and chunks out of order.
#[test]
fn chunks_added_and_moved() {
    let backup = Backup::of_three_chunks();
    let file = &backup.file;
    let slot = |index: usize| &file[HEADER_LEN + PAYLOAD_NONCE_LEN..][index * SLOT_LEN..][..SLOT_LEN];
    let start = &file[..HEADER_LEN + PAYLOAD_NONCE_LEN];
    let end = &file[start.len() + 2 * SLOT_LEN..];
    backup.is_refused(&[file, &[0][..]].concat(), "a byte added");
    backup.is_refused(&[file, slot(0)].concat(), "a chunk added");
    backup.is_refused(&[file, end].concat(), "the end twice");
    backup.is_refused(&[start, slot(1), slot(0), end].concat(), "chunks swapped");
    backup.is_refused(&[start, slot(0), end].concat(), "a chunk left out");
    backup.is_refused(&[start, slot(0), slot(0), end].concat(), "a chunk twice");
    backup.is_refused(&[start, end].concat(), "only the end");
}

/// Of several damaged chunks the error names the first, whichever thread meets which: where it ends is how much is whole.
#[test]
fn the_first_of_damaged_chunks_is_named() {
    let backup = Backup::new(100 * CHUNK_LEN, &[]);
    let mut damaged = backup.file.clone();
    for index in [17, 25, 40, 98] {
        damaged[HEADER_LEN + PAYLOAD_NONCE_LEN + index * SLOT_LEN] ^= 1;
    }
    backup.folder.write("damaged.age", &damaged);
    for _ in 0..20 {
        let decrypt = backup.folder.dbseal(["decrypt", "-i", "backup.key", "--threads", "4", "-o", "out", "damaged.age"]);
        decrypt.run().fails_with("damaged.age: the payload is damaged or was altered in chunk 17");
    }
    assert!(!backup.folder.has("out"));
}

/// Armor that was cut off or altered. Its last line end is not part of it.
#[test]
fn armor_truncated_and_flipped() {
    let backup = Backup::new(1000, &["--armor"]);
    let len = backup.file.len() - 1;
    let mut rng = Replay(9);
    for index in 0..SAMPLE_COUNT {
        let position = index * len / SAMPLE_COUNT;
        backup.is_refused(&backup.file[..position], &format!("cut off at {position}"));
        let mut damaged = backup.file.clone();
        damaged[position] ^= 1 << rng.below(8);
        backup.is_refused(&damaged, &format!("flipped at {position}"));
    }
    backup.is_refused(&[&backup.file, &b"more"[..]].concat(), "data after the armor");
}

/// A range of a file that was cut off, or whose end is not authentic, is refused before a byte of it is written, though
/// the chunks it lies in are whole.
#[test]
fn ranges_of_what_is_not_whole() {
    let backup = Backup::of_three_chunks();
    let file = &backup.file;
    let section = HEADER_LEN + PAYLOAD_NONCE_LEN;
    let mut flipped = file.clone();
    *flipped.last_mut().expect("not empty") ^= 1;
    let damaged = [
        file[..file.len() - 1].to_vec(),
        file[..section + 2 * SLOT_LEN].to_vec(),
        file[..section + SLOT_LEN].to_vec(),
        file[..section + 2 * SLOT_LEN + 1].to_vec(),
        flipped,
        [file, &[0][..]].concat(),
    ];
    for damaged in damaged {
        backup.folder.write("damaged.age", &damaged);
        for range in ["0..10", "0..", "65530..65540", "131000..131010", "5..5"] {
            let decrypt = backup.folder.dbseal(["decrypt", "-i", "backup.key", "--range", range, "damaged.age"]);
            let ended = decrypt.run().fails_with("dbseal: error: damaged.age: ");
            assert!(ended.stdout.is_empty(), "{range}");
        }
    }
    // Damage elsewhere than in the range and at the end is none of its business; in the range it is.
    let mut flipped = file.clone();
    flipped[section + 100] ^= 1;
    backup.folder.write("damaged.age", &flipped);
    let range = |range: &str| backup.folder.dbseal(["decrypt", "-i", "backup.key", "--range", range, "damaged.age"]).run();
    assert!(range("70000..80000").succeeds_in_silence().stdout == backup.plaintext[70_000..80_000]);
    let ended = range("60000..80000").fails_with("dbseal: error: damaged.age: ");
    assert!(ended.stdout.is_empty());
}

/// A compressed backup whose encryption is whole but whose zstd frame is not: the end of the frame is what counts.
#[test]
fn a_truncated_zstd_frame() {
    let folder = Folder::with_key();
    folder.write("plain", paint(500_000));
    folder.shell("zstd -q --check plain -o plain.zst").run().succeeds();
    let whole = folder.read("plain.zst");
    for len in [whole.len() - 1, whole.len() - 4, whole.len() / 2, 5, 1] {
        folder.write("cut.zst", &whole[..len]);
        folder.dbseal(["encrypt", "-R", "backup.pub", "-f", "-o", "cut.age", "cut.zst"]).run().succeeds_in_silence();
        let before = folder.names();
        let decrypt = folder.dbseal(["decrypt", "-i", "backup.key", "--decompress", "-o", "out", "cut.age"]);
        decrypt.run().fails_with("dbseal: error: cannot decompress cut.age: ");
        assert_eq!(folder.names(), before);
    }
    let mut flipped = whole;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    folder.write("flipped.zst", &flipped);
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "flipped.age", "flipped.zst"]).run().succeeds_in_silence();
    folder
        .dbseal(["decrypt", "-i", "backup.key", "--decompress", "-o", "out", "flipped.age"])
        .run()
        .fails_with("cannot decompress flipped.age");
    assert!(!folder.has("out"));
}
