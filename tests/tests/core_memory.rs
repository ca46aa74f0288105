//! Secrets are wiped: after a private key was used, nothing that this process can write to holds it any more.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use dbseal_core::{FileKey, Header, HeaderPadding, Identity};
use dbseal_tests::inputs::Replay;

/// Two identities and the raw keys in them. Constants stand in memory that cannot be written to, which is not searched.
static TEXTS: [&str; 2] = [
    "AGE-SECRET-KEY-1TZ7JDLE5G87P89L8ZVSJEE9AQEHVE222VLK9ZYC9YFP0KUVXCXDSCY9H0Z",
    "AGE-SECRET-KEY-PQ-12CU4UT0QCGPJQH5P8V2V8LYQMLAW762NCTNX5GSS5YP3TKY8ZH5S0CMAE7",
];
static RAW: [[u8; 32]; 2] = [
    [
        88, 189, 38, 255, 52, 65, 252, 19, 151, 231, 19, 33, 44, 228, 189, 6, 110, 204, 169, 74, 103, 236, 81, 19, 5, 34, 66, 251, 113,
        134, 193, 155,
    ],
    [
        86, 57, 94, 45, 224, 194, 3, 32, 94, 129, 59, 20, 195, 252, 128, 223, 250, 239, 105, 83, 194, 230, 106, 34, 16, 161, 3, 21, 216,
        135, 21, 233,
    ],
];

/// How many of `needles` stand somewhere in memory that can be written to: stacks, heaps, buffers.
fn found(needles: &[&[u8]]) -> Vec<bool> {
    let memory = File::open("/proc/self/mem").expect("our own memory");
    let maps = fs::read_to_string("/proc/self/maps").expect("our own memory");
    let mut found = vec![false; needles.len()];
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|access| access.starts_with("rw"))) {
        let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("START-END");
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).expect("hexadecimal"));
        let mut bytes = vec![0; usize::try_from(end - start).expect("a length in memory")];
        // A page that cannot be read, such as one that was never touched beyond a file's end, holds no secret of ours.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        for (needle, found) in needles.iter().zip(&mut found) {
            *found |= bytes.windows(needle.len()).any(|window| window == *needle);
        }
        // What was found here must not be found again in this copy of it.
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
    found
}

#[test]
fn a_private_key_leaves_nothing_behind() {
    // Neither the ends, which clamping changes, nor the texts' prefixes, which are no secret.
    let needles: Vec<&[u8]> = TEXTS.iter().map(|text| &text.as_bytes()[24..]).chain(RAW.iter().map(|raw| &raw[1..31])).collect();
    let mut rng = Replay(1);
    for text in TEXTS {
        // Searched after every step, before the next one uses the same stack.
        let recipient = text.parse::<Identity>().unwrap().recipient().unwrap();
        assert_eq!(found(&needles), [false; 4], "parsed");
        let exposed = text.parse::<Identity>().unwrap().expose_text().unwrap();
        assert!(*exposed == text);
        drop(exposed);
        assert_eq!(found(&needles), [false; 4], "printed");
        let header = Header::wrap(&FileKey::generate(&mut rng), &[recipient], HeaderPadding::Fixed, &mut rng).unwrap();
        assert!(header.unwrap(&[text.parse().unwrap()]).is_ok());
        assert_eq!(found(&needles), [false; 4], "used");
    }

    let copies: Vec<Vec<u8>> = needles.iter().map(|needle| needle.to_vec()).collect();
    assert_eq!(found(&needles), [true; 4], "or the search finds nothing at all");
    drop(copies);
}
