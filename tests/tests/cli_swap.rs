//! Private keys and passphrases stay out of swap space, as far as the system allows, and out of memory once they have done their work.
//! Only root may look into the memory of `dbseal`; for all others the kernel's own count of what is locked has to do.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::Write;

use dbseal_tests::cli::{Folder, Run, Running, is_root, wait_until};
use dbseal_tests::inputs::paint;
use dbseal_tests::memory::{is_locked, locked_len, places_of};
use dbseal_tests::tools::tool;
use rustix::fs::{CWD, Mode};
use rustix::process::Signal;

/// No other text in the memory of a program is this one.
const PASSPHRASE: &str = "Zwölf Boxkämpfer jagen Viktor";
/// What an ordinary user may lock where nobody has said otherwise, in bytes: 8 MiB, as Linux 5.16 and newer have it.
const ORDINARY_LIMIT: u64 = 8 << 20;

fn pid(running: &Running) -> u32 {
    running.pid().as_raw_nonzero().get().unsigned_abs()
}

/// The same command with the rights of somebody who is not root, as far as memory is concerned, and this limit.
fn limited(run: Run, limit: u64) -> Run {
    let run = run.under(tool("prlimit"), [format!("--memlock={limit}:{limit}")]);
    if is_root() { run.under(tool("setpriv"), ["--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock"]) } else { run }
}

/// That a secret is there, and in each of its places kept out of swap space.
fn assert_kept(pid: u32, secret: &[u8]) {
    assert!(locked_len(pid) > 0, "the kernel counts nothing that is locked");
    if is_root() {
        let places = places_of(pid, secret);
        assert!(!places.is_empty(), "the secret is not there yet");
        let open: Vec<_> = places.iter().filter(|place| !is_locked(pid, **place)).collect();
        assert!(open.is_empty(), "of {places:x?} these may be written to swap space: {open:x?}");
    }
}

/// The key is held in the middle of being read: all that came so far.
#[test]
fn a_key_that_is_read_is_never_in_swap() {
    let folder = Folder::with_key();
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age"]).stdin("a dump").run().succeeds();
    rustix::fs::mkfifoat(CWD, folder.path("fifo"), Mode::RUSR | Mode::WUSR).expect("a pipe with a name");
    let key = folder.read_text("backup.key");
    let secret = key.lines().last().expect("a key");
    let decrypt = || folder.dbseal(["decrypt", "-i", "fifo", "shop.age"]);
    for run in [decrypt(), limited(decrypt(), ORDINARY_LIMIT)] {
        // Not for writing alone, which would wait for somebody who reads.
        let mut fifo = File::options().read(true).write(true).open(folder.path("fifo")).expect("it is there");
        let running = run.start();
        fifo.write_all(key.as_bytes()).expect("it is read");
        let pid = pid(&running);
        wait_until("it has read the key", || if is_root() { !places_of(pid, secret.as_bytes()).is_empty() } else { locked_len(pid) > 0 });
        assert_kept(pid, secret.as_bytes());
        drop(fifo);
        assert_eq!(running.end().succeeds().stdout, b"a dump");
    }
}

#[test]
fn a_passphrase_at_work_is_never_in_swap() {
    let folder = Folder::new();
    folder.write_secret("phrase", PASSPHRASE);
    folder.dbseal(["encrypt", "--passphrase-file", "phrase", "-o", "shop.age"]).stdin("a dump").run().succeeds();
    let running = folder.dbseal(["decrypt", "--passphrase-file", "phrase", "shop.age"]).start();
    let pid = pid(&running);
    // scrypt takes its 256 MiB while it works, which is for half a second and more.
    wait_until("it works", || resident_len(pid) > 64 << 20);
    running.signal(Signal::STOP);
    assert_kept(pid, PASSPHRASE.as_bytes());
    running.signal(Signal::CONT);
    assert_eq!(running.end().succeeds().stdout, b"a dump");
}

/// While a restore runs, for hours perhaps, the private key is not in its memory at all, wherever it came from; nor was it ever in what all
/// can read of a process.
#[test]
fn a_restore_has_no_private_key() {
    let folder = Folder::with_key();
    folder.write("plain", paint(40 << 20));
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "plain"]).run().succeeds();
    let key = folder.read_text("backup.key");
    let text = key.lines().last().expect("a key");
    let secrets = [text.as_bytes().to_vec(), secret_of(text)];
    for given in [["-i", "backup.key"], ["--identity-command", "cat backup.key"]] {
        restore_without(&folder, "shop.age", &given, &secrets);
    }
    folder.dbseal(["keygen", "--shares", "2/3", "-o", "shared.key"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "shared.pub", "-o", "shared.age", "plain"]).run().succeeds();
    let shares = ["shared.1.share", "shared.3.share"];
    // A line of words, which no other text has.
    let words = shares.map(|name| folder.read_text(name).lines().last().expect("words").as_bytes().to_vec());
    restore_without(&folder, "shared.age", &["-i", shares[0], "-i", shares[1]], &words);
}

fn restore_without(folder: &Folder, backup: &str, given: &[&str], secrets: &[Vec<u8>]) {
    let _ = fs::remove_file(folder.path("pid"));
    let run = folder.dbseal(["decrypt", backup]).args(given.iter().copied());
    let running = run.args(["--", "sh", "-c", "echo $$ >pid; sleep 1000"]).start();
    wait_until("the program runs", || folder.has("pid"));
    let pid = pid(&running);
    assert!(locked_len(pid) > 0, "where the key was is not given back before the end");
    if is_root() {
        // Then the key has done its work.
        wait_until("something was opened", || !places_of(pid, &paint(64)).is_empty());
        for secret in secrets {
            assert!(places_of(pid, secret).is_empty(), "{given:?}: a part of the key is still there");
        }
    }
    for process in fs::read_dir("/proc").expect("processes").flatten() {
        for name in ["cmdline", "environ"] {
            // Not all of it is a process, and others end meanwhile.
            let text = fs::read(process.path().join(name)).unwrap_or_default();
            for secret in secrets {
                assert!(!text.windows(secret.len()).any(|window| window == secret), "{given:?}: {:?} {name}", process.path());
            }
        }
    }
    running.signal(Signal::TERM);
    running.end().fails_with("interrupted");
}

/// A restore must not fail where nothing may be locked.
#[test]
fn where_the_system_refuses_it_goes_on() {
    let folder = Folder::with_key();
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age"]).stdin("a dump").run().succeeds();
    let hangs = ["decrypt", "-i", "backup.key", "shop.age", "--", "sh", "-c", "cat >restored; echo $$ >pid; sleep 1000"];
    let running = limited(folder.dbseal(hangs), 0).start();
    wait_until("the program runs", || folder.has("pid"));
    assert_eq!(locked_len(pid(&running)), 0);
    assert_eq!(folder.read("restored"), b"a dump");
    running.signal(Signal::TERM);
    running.end().fails_with("interrupted");
}

fn resident_len(pid: u32) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).ok();
    pages.and_then(|pages| pages.split(' ').nth(1)?.parse::<u64>().ok()).map_or(0, |pages| pages * 4096)
}

/// The bytes of a private key in Bech32 (BIP 173): five bits a letter, the last six letters are a checksum.
fn secret_of(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    let (_, data) = text.rsplit_once('1').expect("a separator");
    let (mut bits, mut bit_count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in data[..data.len() - 6].bytes() {
        let value = LETTERS.iter().position(|&known| known == letter).expect("a letter of Bech32");
        bits = bits << 5 | u32::try_from(value).expect("five bits");
        bit_count += 5;
        if bit_count >= 8 {
            bit_count -= 8;
            bytes.push((bits >> bit_count & 0xff) as u8);
        }
    }
    assert_eq!(bytes.len(), 32);
    bytes
}
