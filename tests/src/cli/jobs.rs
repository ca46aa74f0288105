//! Jobs that several test programs give to dbseal, in a folder made by [`Folder::with_key`].

use std::fs;
use std::time::Duration;

use dbseal_core::CHUNK_LEN;

use super::{Ended, Folder, Run, lives, wait_until};

/// Nothing, one byte, exactly one chunk, and more than the batches of the pipeline hold.
pub const DUMPED_LENS: [usize; 4] = [0, 1, CHUNK_LEN, 3 << 20];
/// Consumers that commit what they got when their input ends: alone, as the last command of a pipe, in a session of
/// their own, and as an orphan whose parent has gone. Each notes its process before it reads.
pub const COMMITTERS: [&str; 4] = [
    "sh -c 'echo $$ >pid; cat >part && mv part final'",
    "sh -c 'cat | (sh -c \"echo \\$PPID\" >pid; cat >part && mv part final)'",
    "setsid sh -c 'echo $$ >pid; cat >part && mv part final'",
    "sh -c 'exec 3<&0; (echo | setsid sh -c \"echo \\$\\$ >pid; cat <&3 >part && mv part final\" & ) ; exec 3<&- sleep 10'",
];

/// `dbseal encrypt` to the recipient of the folder.
pub fn encrypt(folder: &Folder, args: &[&str]) -> Run {
    folder.dbseal(["encrypt", "-R", "backup.pub"]).args(args.iter().copied())
}

/// `dbseal decrypt` with the identity of the folder.
pub fn decrypt(folder: &Folder, args: &[&str]) -> Run {
    folder.dbseal(["decrypt", "-i", "backup.key"]).args(args.iter().copied())
}

/// A dump that writes `len` bytes and then does `then`.
#[must_use]
pub fn dump(len: usize, then: &str) -> [String; 4] {
    ["--".into(), "sh".into(), "-c".into(), format!("head -c {len} /dev/urandom; {then}")]
}

/// Runs what must fail, and shows that it left nothing new in the folder.
///
/// # Panics
/// If it succeeded, said something else, or left something.
#[track_caller]
pub fn fails_cleanly(folder: &Folder, run: Run, words: &str) -> Ended {
    let before = folder.names();
    let ended = run.run().fails_with(words);
    assert_eq!(folder.names(), before, "something was left: {}", ended.words());
    ended
}

/// Asserts that a consumer that noted its process in `pid` is dead and has committed nothing, and clears up after it.
///
/// # Panics
/// If it lives on, or has committed.
#[track_caller]
pub fn assert_not_committed(folder: &Folder) {
    if folder.has("pid") {
        let pid = folder.read_text("pid").trim().parse().unwrap_or(0);
        // Who was killed is not gone at once on a busy machine; who was spared would commit first.
        wait_until("the consumer is dead", || pid == 0 || !lives(pid));
        fs::remove_file(folder.path("pid")).expect("it is there");
    }
    // A moment for whoever was left behind to do its worst.
    std::thread::sleep(Duration::from_millis(30));
    assert!(!folder.has("final"), "half a backup was committed");
    let _ = fs::remove_file(folder.path("part"));
}
