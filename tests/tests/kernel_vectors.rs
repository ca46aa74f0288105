//! The age test vectors by every backend of the kernel, at the batch size of production. A program of its own, and a single test: what is
//! forced is forced for the whole process.

use std::io::Write as _;

use dbseal_core::{CHUNK_LEN, Spread};
use dbseal_kernel::{Backend, NoBackend};
use dbseal_tests::inputs::{PRODUCTION_BATCH_CHUNKS, paint};
use dbseal_tests::vectors::Vector;
use dbseal_tests::{published, reference};

#[test]
fn age_vectors_hold_by_every_backend() {
    // And one of two batches and a chunk, so that all lanes of all backends are full.
    let ours = reference::vector(&paint(2 * PRODUCTION_BATCH_CHUNKS * CHUNK_LEN + 1000));
    let mut vectors = published::vectors();
    vectors.push((String::from("two batches and a chunk"), ours));
    let open = |(name, bytes): &(String, Vec<u8>)| Vector::open(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let opened: Vec<Vector> = vectors.iter().map(open).collect();

    let fastest = Backend::detect().name();
    let names: Vec<&str> = Backend::all().map(Backend::name).collect();
    assert_eq!(names.first(), Some(&fastest));
    for backend in &names {
        Backend::force(backend).expect("one that is here");
        assert_eq!(Backend::detect().name(), *backend);
        for (vector, (name, _)) in opened.iter().zip(&vectors) {
            for spread in [Spread::Serial, Spread::Rayon] {
                vector.check(PRODUCTION_BATCH_CHUNKS, spread).unwrap_or_else(|error| panic!("{name}, {backend}, {spread:?}: {error}"));
            }
        }
        assert_eq!(Backend::force("none"), Err(NoBackend), "and the one that was forced stays");
        assert_eq!(Backend::detect().name(), *backend);
    }
    writeln!(std::io::stderr(), "{} vectors by each of: {}", vectors.len(), names.join(", ")).expect("stderr");
}
