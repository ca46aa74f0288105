//! A journal that parses prints back, and says of a file's start only what is so.
#![no_main]

use dbseal_core::{Found, Journal};
use libfuzzer_sys::fuzz_target;

// Two bytes that say how long the journal is, the journal, and the start of a file.
fuzz_target!(|bytes: &[u8]| {
    let [high, low, rest @ ..] = bytes else { return };
    let (text, start) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
    let Some(journal) = Journal::parse(text) else { return };
    assert_eq!(journal.to_bytes(), text);
    let [before, after] = [journal.before().to_bytes(), journal.after().to_bytes()];
    for own in [&before, &after] {
        assert!(journal.found_in(own).is_some());
    }
    match journal.found_in(start) {
        Some(Found::Before) => assert!(start.starts_with(&before)),
        Some(Found::After) => assert!(start.starts_with(&after)),
        Some(Found::Both) => assert!(before.len() == after.len() && start.len() >= before.len()),
        None => assert!(!start.starts_with(&before) && !start.starts_with(&after)),
    }
});
