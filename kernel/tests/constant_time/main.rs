//! No branch and no address depends on a secret: memcheck shows it of the code as built, with secrets marked as undefined. It does not
//! know AVX-512: of that, statistics of time speak, in the long tier. Nor does it see that tags are compared in constant time, as there is
//! a branch on the verdict in any case: the statistics ask that too.
//!
//! Of a release build, as it ships. Others have a branch after each sum, in case it overflowed.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(debug_assertions)))]

mod statistics;
mod valgrind;
#[path = "../compared/xorshift.rs"]
mod xorshift;

use std::hint::black_box;
use std::io::Write as _;
use std::process::Command;

use dbseal_kernel::{Backend, InOutBuf, Key};

/// Lengths in bytes without a block, a stride or a rest, and with each.
const LENS: [usize; 9] = [0, 1, 16, 100, 512, 600, 4096, 5000, 12_288];

#[test]
fn memcheck_finds_no_branch_or_address_that_depends_on_a_secret() {
    if valgrind::is_running() {
        valgrind_sees_branches_and_addresses();
        Backend::all().for_each(check);
        return;
    }
    // This program again, for this test alone.
    let output = Command::new("valgrind")
        .args(["--quiet", "--error-limit=no"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "memcheck_finds_no_branch_or_address_that_depends_on_a_secret", "--nocapture"])
        .output()
        .expect("valgrind starts");
    let (said, reports) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "under valgrind:\n{reports}\n{said}");
    for line in reports.lines().filter(|line| line.starts_with("memcheck: ")) {
        writeln!(std::io::stderr(), "{line}").expect("stderr");
    }
}

/// What must be found is: the tool, and the marks, work.
fn valgrind_sees_branches_and_addresses() {
    let mut secret = [1_u8];
    valgrind::hide(&mut secret);
    let errors = valgrind::count_errors();
    if black_box(secret)[0] & 1 == 1 {
        black_box(());
    }
    assert_eq!(valgrind::count_errors(), errors + 1, "a branch");
    black_box(black_box([0_u8; 256])[usize::from(secret[0])]);
    assert_eq!(valgrind::count_errors(), errors + 2, "an address");
}

/// Key and plaintext are secret, and so is all that comes of them. What leaves is public: the sealed text and its tag; and of a text that is
/// opened, whether it is authentic.
fn check(backend: Backend) {
    let errors = valgrind::count_errors();
    for len in LENS {
        let mut bytes = [0x3f; 32];
        valgrind::hide(&mut bytes);
        let key = Key::new(&bytes, backend);
        for in_place in [true, false] {
            let mut buffers = [vec![0xa7; len], vec![0; len]];
            valgrind::hide(&mut buffers[0]);
            let before = valgrind::count_errors();
            let mut tag = key.seal(&[1; 12], text(&mut buffers, in_place));
            assert_eq!(valgrind::count_errors(), before, "{}: sealing {len} bytes", backend.name());

            let [first, second] = &mut buffers;
            let sealed = if in_place { first } else { second };
            valgrind::show(sealed);
            valgrind::show(&mut tag);
            let mut buffers = [sealed.clone(), vec![0; len]];
            check_open(backend, &key, text(&mut buffers, in_place), &tag, true);
            let mut buffers = [sealed.clone(), vec![0; len]];
            tag[15] ^= 0x80;
            check_open(backend, &key, text(&mut buffers, in_place), &tag, false);
        }
    }
    let verdicts = valgrind::count_errors() - errors;
    eprintln!("memcheck: {}: nothing but {verdicts} verdicts of {verdicts} texts", backend.name());
}

/// One branch there is, on whether the text is authentic.
fn check_open(backend: Backend, key: &Key, text: InOutBuf<'_, '_, u8>, tag: &[u8; 16], is_authentic: bool) {
    let len = text.len();
    let before = valgrind::count_errors();
    let mut opened = [u8::from(key.open(&[1; 12], text, tag).is_ok())];
    assert_eq!(valgrind::count_errors(), before + 1, "{}: opening {len} bytes, authentic: {is_authentic}", backend.name());
    valgrind::show(&mut opened);
    assert_eq!(opened, [u8::from(is_authentic)]);
}

/// The first buffer in place, or on its way to the second.
fn text([first, second]: &mut [Vec<u8>; 2], in_place: bool) -> InOutBuf<'_, '_, u8> {
    if in_place { first.as_mut_slice().into() } else { InOutBuf::new(first, second).expect("two of one length") }
}
