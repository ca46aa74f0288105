//! What crosses the air gap prints back as it was, as bytes and as text, in one piece and in parts, and is only one thing of three.
#![no_main]

use dbseal_core::{Grant, HandoffError, NewHeaders, Request, join_parts, split_parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let parsed = [
        Request::parse(bytes).map(|request| (request.to_bytes(), request.to_text())),
        Grant::parse(bytes).map(|grant| (grant.to_bytes(), grant.to_text())),
        NewHeaders::parse(bytes).map(|headers| (headers.to_bytes(), headers.to_text())),
    ];
    assert!(parsed.iter().flatten().count() < 2);
    for (own, text) in parsed.iter().flatten() {
        // Text, or the bytes themselves, which are no text.
        assert!(own == bytes || !bytes.starts_with(b"dbseal/v"));
        let again = [Request::parse(text.as_bytes()).is_ok(), Grant::parse(text.as_bytes()).is_ok(), NewHeaders::parse(text.as_bytes()).is_ok()];
        assert_eq!(again, [parsed[0].is_ok(), parsed[1].is_ok(), parsed[2].is_ok()]);
    }
    match split_parts(bytes, 100) {
        Ok(parts) if !bytes.starts_with(b"dbseal/v1 part ") => assert_eq!(join_parts(&parts).as_deref(), Ok(bytes)),
        Ok(_) | Err(HandoffError::ManyParts) => {}
        Err(error) => panic!("{error}"),
    }
    // What lies between zeros is a piece each: some of them may be parts.
    let _ = join_parts(&bytes.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect::<Vec<_>>());
});
