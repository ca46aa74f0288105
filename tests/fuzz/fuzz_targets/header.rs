//! Any bytes as a header: what parses prints back byte for byte, and nothing that it says makes unwrapping panic.
#![no_main]

use std::sync::LazyLock;

use dbseal_core::{Header, HeaderError, Identity, MAX_HEADER_LEN};
use dbseal_tests::inputs::Replay;
use dbseal_tests::reference;
use libfuzzer_sys::fuzz_target;

/// No passphrase: a header may ask for a quarter of a minute of its work.
static IDENTITIES: LazyLock<[Identity; 2]> =
    LazyLock::new(|| [reference::IDENTITY.parse().expect("an identity"), Identity::generate_hybrid(&mut Replay(1))]);

fuzz_target!(|bytes: &[u8]| {
    match Header::parse(bytes) {
        Ok((header, header_len)) => {
            let printed = header.to_bytes();
            assert_eq!(printed, bytes[..header_len]);
            assert_eq!(header.len(), header_len);
            assert_eq!(Header::parse(&printed), Ok((header.clone(), header_len)));
            // What is complete needs every byte.
            assert_eq!(Header::parse(&printed[..header_len - 1]), Err(HeaderError::Incomplete));
            // A MAC cannot be guessed, so only a seed's own header is unwrapped here.
            let _ = header.unwrap(&*IDENTITIES);
        }
        Err(HeaderError::Incomplete) => assert!(bytes.len() < MAX_HEADER_LEN),
        Err(_) => {}
    }
});
